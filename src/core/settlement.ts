import { depositReversed, depositSettled, duplicateCaptured, duplicateRefunded } from './ledger/deposits.ts'
import type { Posting } from './ledger/posting.ts'
import { refundedLate, refundReleased, refundReturned, refundSettled } from './ledger/refunds.ts'
import {
  withdrawalPaid,
  withdrawalPaidFromHeld,
  withdrawalPaidLate,
  withdrawalReleased,
  withdrawalReturned,
  withdrawalSent,
  withdrawalUnsent,
} from './ledger/withdrawals.ts'
import type { Money } from './money.ts'
import { type AttemptStatus, OPEN } from './payment.ts'

/**
 * What follows for a payment or refund when one of its attempts moves: the status it shows, the postings, the notice,
 * and what people must look at. Pure: `flows/settle.ts` writes it down in the transaction that moved the attempt.
 */
export type Effects = {
  /** The new status of the payment or refund; absent: it stays. */
  readonly status?: string
  readonly notice?: string
  readonly postings?: readonly Posting[]
  /** What becomes of the responsible-gambling reservation. */
  readonly reservation?: 'committed' | 'released'
  readonly review?: {
    readonly kind: 'unknown_outcome' | 'integrity' | 'late_success'
    readonly code: string
    readonly approvals: number
  }
  /** A refund that failed gives its share of the deposit back; one that went through after that takes it again. */
  readonly refundShare?: 'freed' | 'taken'
}

/** What the effects depend on besides the move itself. */
export type Settling = {
  readonly id: string
  readonly attempt: string
  readonly player: string
  readonly connection: string
  readonly amount: Money
  /** The status of the payment or refund before. */
  readonly status: string
  readonly from: AttemptStatus
  readonly to: AttemptStatus
  /** True when another attempt follows in the same transaction. */
  readonly goesOn: boolean
  /** True when an earlier attempt ended with a definitive decline. */
  readonly declinedBefore: boolean
  /** The player's cash in the asset, minor units: looked at for `TAKES_BACK` only. */
  readonly cash: bigint
  /** Withdrawals: this attempt's money stands in the connection's payable, no longer on hold. */
  readonly sent: boolean
  /** Withdrawals: another attempt is live, and what is on hold is for that one. */
  readonly otherLive: boolean
  /** Deposits: this attempt's money was the second for the same deposit, and waits in suspense. Looked at for `TAKES_BACK` only. */
  readonly inSuspense: boolean
  /** Refunds: the second capture of this deposit by this attempt is what goes back. */
  readonly duplicateOf?: { readonly deposit: string; readonly attempt: string }
  readonly why?: string
  readonly processorFee?: Money
}

/** Moves that may take from the player what was given before. Only they ask what the player has and where the money went. */
export const TAKES_BACK: ReadonlySet<AttemptStatus> = new Set(['returned', 'late_success'])

type Rules = Record<AttemptStatus, (settling: Settling) => Effects>

const integrity = ({ why = 'mismatch' }: Settling, notice: string): Effects => ({
  status: 'unknown',
  notice,
  review: { kind: 'integrity', code: why, approvals: 2 },
})

/** A deposit that is credited stays so, whatever becomes of its other attempts. */
const unlessCredited =
  (rule: (settling: Settling) => Effects) =>
  (settling: Settling): Effects => {
    if (settling.status !== 'succeeded') return rule(settling)
    const { review } = rule(settling)
    return review ? { review } : {}
  }

const failed: Effects = { status: 'failed', notice: 'deposit.failed', reservation: 'released' }
const declined: Effects = { status: 'declined', notice: 'deposit.declined', reservation: 'released' }

const DEPOSIT: Rules = {
  sending: unlessCredited(() => ({ status: 'processing' })),
  requires_action: unlessCredited(() => ({ status: 'requires_action', notice: 'deposit.requires_action' })),
  pending: unlessCredited(() => ({ status: 'processing', notice: 'deposit.processing' })),
  authorized: unlessCredited(() => ({ status: 'processing', notice: 'deposit.processing' })),
  unknown: unlessCredited(() => ({ status: 'unknown', notice: 'deposit.unknown' })),
  integrity_hold: unlessCredited((settling) => integrity(settling, 'deposit.unknown')),
  succeeded: (settling) =>
    settling.status === 'succeeded' ? capturedTwice(settling) : credited(settling, 'deposit.succeeded'),
  late_success: (settling) =>
    settling.status === 'succeeded'
      ? capturedTwice(settling)
      : {
          ...credited(settling, 'deposit.late_success'),
          review: { kind: 'late_success', code: 'late_success', approvals: 1 },
        },
  declined: unlessCredited(({ goesOn }) => (goesOn ? {} : declined)),
  not_sent: unlessCredited(({ goesOn, declinedBefore }) => (goesOn ? {} : declinedBefore ? declined : failed)),
  voided: unlessCredited(({ why }) => ({
    status: why === 'expired' ? 'expired' : 'cancelled',
    notice: why === 'expired' ? 'deposit.expired' : 'deposit.cancelled',
    reservation: 'released',
  })),
  returned: (settling) => (OPEN.has(settling.from) ? unlessCredited(() => failed)(settling) : reversed(settling)),
}

/** What was taken is gone again: out of the player's cash, or out of suspense where it never was the player's. */
function reversed({ id, attempt, player, connection, amount, cash, inSuspense }: Settling): Effects {
  const availableCash = { asset: amount.asset, minor: cash }
  return {
    notice: 'deposit.reversed',
    postings: [
      inSuspense
        ? duplicateRefunded({ deposit: id, attempt, connection, amount })
        : depositReversed({ deposit: id, attempt, player, connection, amount, availableCash }),
    ],
    review: { kind: 'integrity', code: 'deposit_reversed', approvals: 1 },
  }
}

function credited({ id, player, connection, amount, processorFee }: Settling, notice: string): Effects {
  return {
    status: 'succeeded',
    notice,
    postings: [depositSettled({ deposit: id, player, connection, amount, ...(processorFee && { processorFee }) })],
    reservation: 'committed',
  }
}

/** Two processors took the money of one deposit: the second sum waits in suspense until people send it back. Never the player's, never dropped. */
function capturedTwice({ id, attempt, connection, amount }: Settling): Effects {
  return {
    notice: 'deposit.late_success',
    postings: [duplicateCaptured({ deposit: id, attempt, connection, amount })],
    review: { kind: 'late_success', code: 'captured_twice', approvals: 1 },
  }
}

/** A withdrawal that was paid stays so, whatever becomes of another attempt: only what that one holds is given back. */
const unlessPaid =
  (rule: (settling: Settling) => Effects) =>
  (settling: Settling): Effects => {
    const effects = rule(settling)
    if (settling.status !== 'paid') return effects
    const { postings, review } = effects
    return { ...(postings && { postings }), ...(review && { review }) }
  }

/** Nothing is on hold for it any more. */
const RELEASED: ReadonlySet<string> = new Set(['failed', 'rejected', 'cancelled', 'returned', 'paid'])

const WITHDRAWAL: Rules = {
  sending: unlessPaid(() => ({ status: 'processing' })),
  requires_action: unlessPaid(() => ({ status: 'processing' })),
  pending: unlessPaid((settling) => ({
    status: 'processing',
    notice: 'withdrawal.processing',
    postings: sentOf(settling),
  })),
  authorized: unlessPaid((settling) => ({ status: 'processing', postings: sentOf(settling) })),
  unknown: unlessPaid(() => ({ status: 'unknown', notice: 'withdrawal.unknown' })),
  integrity_hold: unlessPaid((settling) => integrity(settling, 'withdrawal.unknown')),
  succeeded: (settling) => ({
    status: 'paid',
    notice: 'withdrawal.paid',
    postings: [...sentOf(settling), withdrawalPaid(paidOf(settling))],
    ...(settling.status === 'paid' && { review: { kind: 'late_success', code: 'paid_twice', approvals: 2 } }),
  }),
  late_success: (settling) => ({
    status: 'paid',
    notice: 'withdrawal.late_success',
    postings: [paidLateOf(settling)],
    review: { kind: 'late_success', code: 'paid_after_release', approvals: 2 },
  }),
  declined: unlessPaid((settling) =>
    settling.goesOn
      ? { postings: unsentOf(settling) }
      : { status: 'failed', notice: 'withdrawal.failed', postings: [...unsentOf(settling), releasedOf(settling)] },
  ),
  // Nothing left the house, so the money stays on hold and the payout is tried again.
  not_sent: (settling) =>
    settling.status === 'paid'
      ? { postings: [...unsentOf(settling), releasedOf(settling)] }
      : { ...(settling.goesOn ? {} : { status: 'approved' }), postings: unsentOf(settling) },
  voided: unlessPaid((settling) => ({
    status: 'failed',
    notice: 'withdrawal.failed',
    postings: [...unsentOf(settling), releasedOf(settling)],
  })),
  returned: unlessPaidTwice((settling) => ({
    status: 'returned',
    notice: 'withdrawal.returned',
    postings: OPEN.has(settling.from)
      ? [...unsentOf(settling), releasedOf(settling)]
      : [withdrawalReturned({ ...moveOf(settling), paid: true })],
  })),
}

/** A bounce of an attempt that was never confirmed says nothing of the one that paid. */
function unlessPaidTwice(rule: (settling: Settling) => Effects): (settling: Settling) => Effects {
  return (settling) => (OPEN.has(settling.from) ? unlessPaid(rule)(settling) : rule(settling))
}

/** A payout that we had given up was paid: out of the hold where that still stands for it, else out of the player's cash. */
function paidLateOf(settling: Settling): Posting {
  const { status, otherLive, amount, cash } = settling
  if (!otherLive && !RELEASED.has(status)) return withdrawalPaidFromHeld(moveOf(settling))
  return withdrawalPaidLate({ ...moveOf(settling), availableCash: { asset: amount.asset, minor: cash } })
}

const moveOf = ({ id, attempt, player, connection, amount }: Settling) => ({
  withdrawal: id,
  attempt,
  player,
  connection,
  amount,
})
const sentOf = (settling: Settling): Posting[] => (settling.sent ? [] : [withdrawalSent(moveOf(settling))])
const unsentOf = (settling: Settling): Posting[] => (settling.sent ? [withdrawalUnsent(moveOf(settling))] : [])
const releasedOf = ({ id, player, amount }: Settling): Posting => withdrawalReleased({ withdrawal: id, player, amount })
const paidOf = ({ id, connection, amount, processorFee }: Settling) => ({
  withdrawal: id,
  connection,
  amount,
  ...(processorFee && { processorFee }),
})

const freed = ({ id, player, amount }: Settling, status: string, notice: string): Effects => ({
  status,
  notice,
  postings: [refundReleased({ refund: id, player, amount })],
  refundShare: 'freed',
})

/** The refund came back from where it was sent: the player has the money again. */
const bounced = ({ id, player, connection, amount }: Settling): Effects => ({
  status: 'failed',
  notice: 'refund.failed',
  postings: [refundReturned({ refund: id, player, connection, amount })],
  refundShare: 'freed',
})

const REFUND: Rules = {
  sending: () => ({ status: 'processing' }),
  requires_action: () => ({ status: 'processing' }),
  pending: () => ({ status: 'processing' }),
  authorized: () => ({ status: 'processing' }),
  unknown: () => ({ status: 'unknown', notice: 'refund.unknown' }),
  integrity_hold: (settling) => integrity(settling, 'refund.unknown'),
  succeeded: ({ id, player, connection, amount }) => ({
    status: 'succeeded',
    notice: 'refund.succeeded',
    postings: [refundSettled({ refund: id, player, connection, amount })],
  }),
  // Its share of the deposit had been given back when it was declined.
  late_success: ({ id, player, connection, amount, cash }) => ({
    status: 'succeeded',
    refundShare: 'taken',
    notice: 'refund.late_success',
    postings: [
      refundedLate({ refund: id, player, connection, amount, availableCash: { asset: amount.asset, minor: cash } }),
    ],
    review: { kind: 'late_success', code: 'refunded_after_release', approvals: 2 },
  }),
  declined: (settling) => freed(settling, 'declined', 'refund.declined'),
  not_sent: (settling) => freed(settling, 'failed', 'refund.failed'),
  voided: (settling) => freed(settling, 'failed', 'refund.failed'),
  returned: (settling) => (OPEN.has(settling.from) ? freed(settling, 'failed', 'refund.failed') : bounced(settling)),
}

/** A second capture on its way back: out of suspense when the processor confirms it; until then people have it. */
const DUPLICATE_REFUND: Rules = {
  ...REFUND,
  succeeded: (settling) => ({ status: 'succeeded', notice: 'refund.succeeded', postings: sentBack(settling) }),
  // Another refund of the same capture may stand or have succeeded meanwhile: people sort out what went twice.
  late_success: (settling) => ({
    notice: 'refund.late_success',
    postings: sentBack(settling),
    review: { kind: 'late_success', code: 'refunded_after_release', approvals: 2 },
  }),
  declined: () => notSentBack('declined'),
  not_sent: () => notSentBack('failed'),
  voided: () => notSentBack('failed'),
  returned: (settling) =>
    settling.from === 'succeeded' || settling.from === 'late_success'
      ? integrity({ ...settling, why: 'refund_returned' }, 'refund.unknown')
      : notSentBack('failed'),
}

const sentBack = ({ duplicateOf, connection, amount }: Settling): Posting[] =>
  duplicateOf ? [duplicateRefunded({ ...duplicateOf, connection, amount })] : []

const notSentBack = (status: 'declined' | 'failed'): Effects => ({
  status,
  notice: `refund.${status}`,
  review: { kind: 'late_success', code: 'captured_twice', approvals: 1 },
})

const RULES = { deposit: DEPOSIT, withdrawal: WITHDRAWAL, refund: REFUND } as const

/** What follows when an attempt of this flow moves. */
export const effectsOf = (flow: keyof typeof RULES, settling: Settling): Effects =>
  (settling.duplicateOf ? DUPLICATE_REFUND : RULES[flow])[settling.to](settling)
