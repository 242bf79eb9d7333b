import { depositReversed, depositSettled, duplicateCaptured, duplicateRefunded } from './ledger/deposits.ts'
import type { Posting } from './ledger/posting.ts'
import { refundedLate, refundReleased, refundReturned, refundSettled } from './ledger/refunds.ts'
import {
  withdrawalPaid,
  withdrawalPaidLate,
  withdrawalReleased,
  withdrawalReturned,
  withdrawalSent,
  withdrawalUnsent,
} from './ledger/withdrawals.ts'
import type { Money } from './money.ts'
import type { AttemptStatus } from './payment.ts'

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
  /** A refund that failed gives its share of the deposit back. */
  readonly refundFreed?: boolean
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
  /** The player's cash in the asset, minor units, for what is taken back. */
  readonly cash: bigint
  /** Deposits: the attempt's money was a second capture, and waits in suspense. */
  readonly inSuspense: boolean
  /** Refunds: the second capture of this deposit by this attempt is what goes back. */
  readonly duplicate?: { readonly deposit: string; readonly attempt: string }
  readonly why?: string
  readonly processorFee?: Money
}

type Rules = Record<AttemptStatus, (settling: Settling) => Effects>

const integrity = ({ why = 'mismatch' }: Settling, notice: string): Effects => ({
  status: 'unknown',
  notice,
  review: { kind: 'integrity', code: why, approvals: 2 },
})

const DEPOSIT: Rules = {
  sending: () => ({ status: 'processing' }),
  requires_action: () => ({ status: 'requires_action', notice: 'deposit.requires_action' }),
  pending: () => ({ status: 'processing', notice: 'deposit.processing' }),
  authorized: () => ({ status: 'processing', notice: 'deposit.processing' }),
  unknown: () => ({ status: 'unknown', notice: 'deposit.unknown' }),
  integrity_hold: (settling) => integrity(settling, 'deposit.unknown'),
  succeeded: (settling) =>
    settling.status === 'succeeded' ? capturedTwice(settling) : credited(settling, 'deposit.succeeded'),
  late_success: (settling) =>
    settling.status === 'succeeded'
      ? capturedTwice(settling)
      : {
          ...credited(settling, 'deposit.late_success'),
          review: { kind: 'late_success', code: 'late_success', approvals: 1 },
        },
  declined: ({ goesOn }) => (goesOn ? {} : { status: 'declined', notice: 'deposit.declined', reservation: 'released' }),
  not_sent: ({ goesOn, declinedBefore }) => {
    if (goesOn) return {}
    return declinedBefore
      ? { status: 'declined', notice: 'deposit.declined', reservation: 'released' }
      : { status: 'failed', notice: 'deposit.failed', reservation: 'released' }
  },
  voided: ({ why }) => ({
    status: why === 'expired' ? 'expired' : 'cancelled',
    notice: why === 'expired' ? 'deposit.expired' : 'deposit.cancelled',
    reservation: 'released',
  }),
  returned,
}

/** Taken back: from whom depends on who had it. */
function returned({ id, attempt, player, connection, amount, cash, from, inSuspense }: Settling): Effects {
  // Taken back before it was ours: the player never had it.
  if (from !== 'succeeded' && from !== 'late_success') {
    return { status: 'failed', notice: 'deposit.failed', reservation: 'released' }
  }
  if (inSuspense) return { postings: [duplicateRefunded({ deposit: id, attempt, connection, amount })] }
  const availableCash = { asset: amount.asset, minor: cash }
  return {
    notice: 'deposit.reversed',
    postings: [depositReversed({ deposit: id, player, connection, amount, availableCash })],
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

/** The processor had taken the payout in: its money stands in the connection's payable, no longer on hold. */
const wasSent = (from: AttemptStatus): boolean => from === 'pending' || from === 'authorized'

const WITHDRAWAL: Rules = {
  sending: () => ({ status: 'processing' }),
  requires_action: () => ({ status: 'processing' }),
  pending: (settling) => ({ status: 'processing', notice: 'withdrawal.processing', postings: sentOf(settling) }),
  authorized: (settling) => ({ status: 'processing', postings: sentOf(settling) }),
  unknown: () => ({ status: 'unknown', notice: 'withdrawal.unknown' }),
  integrity_hold: (settling) => integrity(settling, 'withdrawal.unknown'),
  succeeded: (settling) => ({
    status: 'paid',
    notice: 'withdrawal.paid',
    postings: [...sentOf(settling), withdrawalPaid(paidOf(settling))],
  }),
  late_success: (settling) => ({
    status: 'paid',
    notice: 'withdrawal.late_success',
    postings: [
      withdrawalPaidLate({
        withdrawal: settling.id,
        player: settling.player,
        connection: settling.connection,
        amount: settling.amount,
        availableCash: { asset: settling.amount.asset, minor: settling.cash },
      }),
    ],
    review: { kind: 'late_success', code: 'paid_after_release', approvals: 2 },
  }),
  declined: (settling) =>
    settling.goesOn
      ? { postings: unsentOf(settling) }
      : { status: 'failed', notice: 'withdrawal.failed', postings: [...unsentOf(settling), releasedOf(settling)] },
  // Nothing left the house, so the money stays on hold and the payout is tried again.
  not_sent: (settling) => ({ ...(settling.goesOn ? {} : { status: 'approved' }), postings: unsentOf(settling) }),
  voided: (settling) => ({
    status: 'failed',
    notice: 'withdrawal.failed',
    postings: [...unsentOf(settling), releasedOf(settling)],
  }),
  returned: ({ id, player, connection, amount, from }) => ({
    status: 'returned',
    notice: 'withdrawal.returned',
    postings: [withdrawalReturned({ withdrawal: id, player, connection, amount, paid: !wasSent(from) })],
  }),
}

const moveOf = ({ id, attempt, player, connection, amount }: Settling) => ({
  withdrawal: id,
  attempt,
  player,
  connection,
  amount,
})
const sentOf = (settling: Settling): Posting[] => (wasSent(settling.from) ? [] : [withdrawalSent(moveOf(settling))])
const unsentOf = (settling: Settling): Posting[] => (wasSent(settling.from) ? [withdrawalUnsent(moveOf(settling))] : [])
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
  refundFreed: true,
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
  // Its share of the deposit had been given back when it was declined: people sort out what stands.
  late_success: ({ id, player, connection, amount, cash }) => ({
    notice: 'refund.late_success',
    postings: [
      refundedLate({ refund: id, player, connection, amount, availableCash: { asset: amount.asset, minor: cash } }),
    ],
    review: { kind: 'late_success', code: 'refunded_after_release', approvals: 2 },
  }),
  declined: (settling) => freed(settling, 'declined', 'refund.declined'),
  not_sent: (settling) => freed(settling, 'failed', 'refund.failed'),
  voided: (settling) => freed(settling, 'failed', 'refund.failed'),
  returned: (settling) => {
    if (settling.from === 'late_success') return integrity({ ...settling, why: 'refund_returned' }, 'refund.unknown')
    if (settling.from !== 'succeeded') return freed(settling, 'failed', 'refund.failed')
    const { id, player, connection, amount } = settling
    return {
      status: 'failed',
      notice: 'refund.failed',
      postings: [refundReturned({ refund: id, player, connection, amount })],
      refundFreed: true,
    }
  },
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

const sentBack = ({ duplicate, connection, amount }: Settling): Posting[] =>
  duplicate ? [duplicateRefunded({ ...duplicate, connection, amount })] : []

const notSentBack = (status: 'declined' | 'failed'): Effects => ({
  status,
  notice: `refund.${status}`,
  review: { kind: 'late_success', code: 'captured_twice', approvals: 1 },
})

const RULES = { deposit: DEPOSIT, withdrawal: WITHDRAWAL, refund: REFUND } as const

/** What follows when an attempt of this flow moves. */
export const effectsOf = (flow: keyof typeof RULES, settling: Settling): Effects =>
  (settling.duplicate ? DUPLICATE_REFUND : RULES[flow])[settling.to](settling)
