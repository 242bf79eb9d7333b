import { Fault } from '../core/errors.ts'
import { withdrawalReleased } from '../core/ledger/withdrawals.ts'
import type { Outcome } from '../core/outcome.ts'
import type { AttemptStatus } from '../core/payment.ts'
import { presentWithdrawal } from '../core/present.ts'
import { type AttemptRow, liveAttemptOf } from '../db/attempts.ts'
import { audit } from '../db/audit.ts'
import type { Tx } from '../db/client.ts'
import { findDispute } from '../db/disputes.ts'
import { announce } from '../db/events.ts'
import { enqueueJob } from '../db/jobs.ts'
import { postIn } from '../db/ledger.ts'
import { findPayment, lockPayment, type PaymentRow, updatePayment } from '../db/payments.ts'
import { lockPlayer } from '../db/players.ts'
import { lockRefund } from '../db/refunds.ts'
import {
  decisionsOf,
  findReview,
  insertDecision,
  lockReview,
  openReview,
  type ReviewDecisionRow,
  type ReviewRow,
  updateReview,
} from '../db/reviews.ts'
import type { Deps } from './deps.ts'
import { bearLoss } from './dispute.ts'
import { beginRefund, type RefundBegun, sendRefund } from './refund.ts'
import { beginDuplicateRefunds } from './refund-duplicate.ts'
import { report, type Settled, settleIn, type Told } from './settle.ts'

/** One person's word on a review. */
export type ReviewOrder = {
  readonly operatorId: string
  readonly reviewId: string
  readonly actor: string
  readonly decision: ReviewDecisionRow['decision']
  readonly reason: string
}

/** What the people's word came to: about an attempt it enters by the one door, in their own transaction; `refunds` are to be sent after it. */
type Decided = {
  readonly word?: { readonly told: Told; readonly settled: Settled }
  readonly refunds?: readonly RefundBegun[]
}

/**
 * Records what one person decides of a held withdrawal, an unknown outcome, a mismatch or a late success, and carries it out when
 * enough different people agree, all in one transaction. Who asked for it, or last changed what it rests on, can't approve it.
 */
export async function decideReview(deps: Deps, order: ReviewOrder): Promise<ReviewRow> {
  const { operatorId, reviewId } = order
  const { review, decided } = await deps.db.tx(operatorId, async (tx) => {
    const decided = await decide(tx, deps, order)
    const review = await findReview(tx, operatorId, reviewId)
    if (review === undefined) throw new Fault('not_found', 'There is no such review.')
    await audit(tx, operatorId, {
      actor: order.actor,
      action: PAST[order.decision],
      subject: reviewId,
      after: { about: review.subjectId, kind: review.kind, status: review.status },
      reason: order.reason,
      at: new Date(deps.clock.nowMs()),
    })
    return { decided, review }
  })
  if (decided.word) report(deps, decided.word.told, decided.word.settled)
  for (const begun of decided.refunds ?? []) await sendRefund(deps, begun)
  return review
}

const PAST = {
  approve: 'review.approved',
  reject: 'review.rejected',
  escalate: 'review.escalated',
} as const satisfies Record<ReviewDecisionRow['decision'], string>

async function decide(
  tx: Tx,
  deps: Deps,
  { operatorId, reviewId, actor, decision, reason }: ReviewOrder,
): Promise<Decided> {
  // The subject before the review, as everywhere: settle locks in this order too.
  const seen = await findReview(tx, operatorId, reviewId)
  if (seen === undefined) throw new Fault('not_found', 'There is no such review.')
  if (seen.reasons.some(({ code }) => code === LATE)) await lockPlayerOf(tx, operatorId, seen.subjectId)
  const dispute = await findDispute(tx, operatorId, seen.subjectId)
  const payment = await lockPayment(tx, operatorId, dispute?.depositId ?? seen.subjectId)
  if (payment === undefined) await lockRefund(tx, operatorId, seen.subjectId)
  const review = await lockReview(tx, operatorId, reviewId)
  if (review === undefined) throw new Fault('not_found', 'There is no such review.')
  if (review.status !== 'open' && review.status !== 'escalated') {
    throw new Fault('illegal_state', `This review is ${review.status} already.`)
  }
  if (decision === 'approve' && (actor === review.requestedBy || actor === review.editedBy)) {
    throw new Fault('four_eyes_required', 'Who asked for it, or last changed it, can not approve it.')
  }
  if (!(await insertDecision(tx, operatorId, { reviewId, actor, decision, reason }))) {
    throw new Fault('four_eyes_required', 'You have decided on this review already; it needs another person.')
  }

  // From here it must succeed.
  const now = new Date(deps.clock.nowMs())
  if (decision === 'escalate') {
    await updateReview(tx, operatorId, reviewId, { status: 'escalated', decidedAt: null })
    return {}
  }
  const said = (await decisionsOf(tx, operatorId, reviewId)).filter((row) => row.decision === decision)
  // Keeping a player's money in place is safe by one person's word; saying what a processor did takes as many as approving it.
  const needed = decision === 'approve' || review.kind !== 'withdrawal' ? review.approvalsNeeded : 1
  if (said.length < needed) return {}
  const status = decision === 'approve' ? 'approved' : 'rejected'
  await updateReview(tx, operatorId, reviewId, { status, decidedAt: now })
  if (review.kind === 'withdrawal' && payment?.status === 'held') {
    await (status === 'approved' ? approve(tx, deps, payment, now) : reject(tx, deps, payment, now))
  }
  // What one subject is asked about at once is one review: the kind is that of the first question.
  const asks = (about: ReviewRow['kind']) =>
    review.kind === about || review.reasons.some(({ check }) => check === about)
  if (asks('unknown_outcome') || asks('integrity')) {
    const attempt = await liveAttemptOf(tx, operatorId, review.subjectId)
    if (attempt && (asks('unknown_outcome') ? UNFINISHED : UNCLEAR).has(attempt.status)) {
      const told = wordOn(attempt, reviewId, status === 'approved')
      const settled = await settleIn(tx, deps, told)
      await askAgain(tx, deps, review)
      return { word: { told, settled } }
    }
  }
  if (status === 'approved' && dispute) await bearLoss(tx, deps, operatorId, dispute.id)
  if (status === 'approved' && asks('late_success') && payment) {
    return { refunds: await sendBack(tx, deps, review, { payment, actor }) }
  }
  return {}
}

/** What a late success proposed: the second capture goes back, or the whole deposit that nobody waited for any more. */
async function sendBack(
  tx: Tx,
  deps: Deps,
  review: ReviewRow,
  { payment, actor: requestedBy }: { payment: PaymentRow; actor: string },
): Promise<readonly RefundBegun[]> {
  const { id, operatorId, reasons } = review
  if (reasons.some(({ code }) => code === 'captured_twice')) {
    await askAgain(tx, deps, review)
    return beginDuplicateRefunds(tx, deps, payment, requestedBy)
  }
  if (!reasons.some(({ code }) => code === LATE)) return []
  const begun = await beginRefund(tx, deps, {
    ...{ operatorId, requestedBy, depositId: payment.id, runId: `review:${id}` },
    ...{ amount: null, reason: 'late success', reference: null },
  })
  return begun.kind === 'goes' ? [begun] : []
}

/** The reason under which a deposit that came late is proposed to be sent back. */
const LATE = 'late_success'

/** A late deposit that another question came before is asked about by itself, once that is answered. */
async function askAgain(tx: Tx, deps: Deps, { operatorId, subjectId, reasons }: ReviewRow): Promise<void> {
  const late = reasons.filter(({ code }) => code === LATE)
  if (late.length === 0) return
  await openReview(tx, operatorId, {
    id: deps.newId('review'),
    ...{ subjectId, kind: 'late_success', reasons: late, approvalsNeeded: 1 },
    ...{ requestedBy: 'system', editedBy: null },
  })
}

/** The player before the payment, as everywhere: what is sent back is taken from the player's cash. */
async function lockPlayerOf(tx: Tx, operatorId: string, paymentId: string): Promise<void> {
  const payment = await findPayment(tx, operatorId, paymentId)
  if (payment) await lockPlayer(tx, operatorId, payment.playerId)
}

/** Two people's word on what a processor did. */
function wordOn(attempt: AttemptRow, reviewId: string, moved: boolean): Told {
  const { operatorId, asset, amount, processorReference, status } = attempt
  const reference = processorReference ?? `review:${reviewId}`
  const outcome: Outcome = moved
    ? { kind: 'succeeded', reference, amount: { asset, minor: amount } }
    : // What the processor once had can't have stayed unsent.
      UNCLEAR.has(status)
      ? { kind: 'not_sent', reason: 'vouched_rejection' }
      : { kind: 'voided', why: 'cancelled' }
  return { operatorId, attempt, outcome, source: 'review' }
}

/** What people can say of an attempt: of one that isn't clear always; of one that waits for its end when the look-ups found none. */
const UNCLEAR: ReadonlySet<AttemptStatus> = new Set(['unknown', 'integrity_hold'])
const UNFINISHED: ReadonlySet<AttemptStatus> = new Set([...UNCLEAR, 'requires_action', 'pending', 'authorized'])

async function approve(tx: Tx, deps: Deps, { operatorId, id }: PaymentRow, now: Date): Promise<void> {
  const row = await updatePayment(tx, operatorId, id, { status: 'approved' })
  await enqueueJob(tx, { kind: 'pay_out', operatorId, subject: id, runAtMs: now.getTime() })
  await notice(tx, deps, 'withdrawal.approved', row, now)
}

async function reject(
  tx: Tx,
  deps: Deps,
  { operatorId, id, playerId, asset, amount }: PaymentRow,
  now: Date,
): Promise<void> {
  const released = withdrawalReleased({ withdrawal: id, player: playerId, amount: { asset, minor: amount } })
  await postIn(tx, operatorId, released, deps)
  const row = await updatePayment(tx, operatorId, id, { status: 'rejected' })
  await notice(tx, deps, 'withdrawal.rejected', row, now)
}

const notice = (tx: Tx, deps: Deps, type: string, row: PaymentRow, at: Date): Promise<void> =>
  announce(tx, row.operatorId, { type, resourceId: row.id, data: presentWithdrawal(row), at, newId: deps.newId })
