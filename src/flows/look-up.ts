import type { Find } from '../adapters/contract.ts'
import type { Outcome } from '../core/outcome.ts'
import { nextLookUpMs, OPEN } from '../core/payment.ts'
import { type AttemptRow, capturedAttemptOf, countLookup, findAttempt } from '../db/attempts.ts'
import { getConnection } from '../db/connections.ts'
import { findPayment, type PaymentRow } from '../db/payments.ts'
import { findPlayer } from '../db/players.ts'
import { findRefund } from '../db/refunds.ts'
import { openReview } from '../db/reviews.ts'
import type { ConnectionRef, Deps } from './deps.ts'
import { chargeOf, payOutOf, refundOf } from './requests.ts'
import { settle } from './settle.ts'

/** When to look again, ms since 1970; absent: the attempt has its last word, or people have it. */
export type LookedUp = { readonly againAtMs?: number }

/**
 * Asks the processor what became of an attempt that has no last word: by our own reference, or, where it has no
 * look-up, by the same request under the same idempotency key inside its window. An error of the look-up changes
 * nothing; the ladder ends with people, never with a guess.
 */
export async function lookUp(deps: Deps, operatorId: string, attemptId: string): Promise<LookedUp> {
  const open = await deps.db.tx(operatorId, async (tx) => {
    const attempt = await findAttempt(tx, operatorId, attemptId)
    if (attempt === undefined || !OPEN.has(attempt.status)) return undefined
    return { attempt, connection: await getConnection(tx, operatorId, attempt.connectionId) }
  })
  if (open === undefined) return {}
  const { attempt, connection } = open
  if (attempt.status === 'sending') {
    // Whoever sent it is gone: the lost answer is what we know.
    const outcome: Outcome = { kind: 'unknown', reason: 'interrupted' }
    await settle(deps, { operatorId, attempt, outcome, source: 'answer' })
  }

  const { outcome, notFoundIsFinal } = await ask(deps, attempt, connection)
  const settled = await settle(deps, { operatorId, attempt, outcome, source: 'find', notFoundIsFinal })
  deps.metrics.count('paycage_look_ups_total', { processor: attempt.processor, outcome: outcome.kind })
  if (!OPEN.has(settled.status)) return {}
  return deps.db.tx(operatorId, async (tx) => {
    const waitMs = nextLookUpMs(await countLookup(tx, operatorId, attemptId))
    if (waitMs !== undefined) return { againAtMs: deps.clock.nowMs() + waitMs }
    await openReview(tx, operatorId, {
      id: deps.newId('review'),
      subjectId: attempt.subjectId,
      kind: 'unknown_outcome',
      reasons: [{ check: 'outcome', code: settled.status }],
      approvalsNeeded: 2,
      requestedBy: 'system',
      editedBy: null,
    })
    return {}
  })
}

async function ask(
  deps: Deps,
  attempt: AttemptRow,
  connection: ConnectionRef | undefined,
): Promise<{ outcome: Outcome; notFoundIsFinal: boolean }> {
  const facts = deps.processors.facts(attempt.processor)
  const resolvedBy = facts?.unknownResolvedByFlow?.[attempt.flow] ?? facts?.unknownResolvedBy
  if (connection === undefined || facts === undefined || resolvedBy === 'review') {
    return { outcome: { kind: 'unknown', reason: 'interrupted' }, notFoundIsFinal: false }
  }
  // Its age counts from the end of the call: until its deadline the request may still have been on its way.
  const ageMs = deps.clock.nowMs() - attempt.startedAt.getTime() - facts.timeoutMs
  const windowMs = facts.idempotency.windowHours * 3_600_000
  if (resolvedBy === 'replay' && ageMs > windowMs) {
    // Past its window the processor would take the replay for a new order.
    return { outcome: { kind: 'unknown', reason: 'interrupted' }, notFoundIsFinal: false }
  }
  // A payout in two steps is finished by its look-up, which must then know what was asked.
  const needsOriginal = resolvedBy === 'replay' || attempt.flow === 'withdrawal'
  const original = needsOriginal ? await originalOf(deps, attempt) : undefined
  const outcome = await deps.processors.find(connection, {
    attempt: attempt.id,
    flow: attempt.flow,
    amount: { asset: attempt.asset, minor: attempt.amount },
    ...(attempt.processorReference !== null && { reference: attempt.processorReference }),
    ...(original && { original }),
  })
  const { notFoundIsFinalAfterMs } = facts
  return { outcome, notFoundIsFinal: notFoundIsFinalAfterMs !== null && ageMs >= notFoundIsFinalAfterMs }
}

/** The first request again, made of the same rows. */
async function originalOf(deps: Deps, attempt: AttemptRow): Promise<Find['original']> {
  const { operatorId, subjectId, flow } = attempt
  if (flow === 'refund') {
    return deps.db.tx(operatorId, async (tx) => {
      const refund = await findRefund(tx, operatorId, subjectId)
      const duplicate = refund?.duplicateOf ?? null
      const original =
        duplicate === null
          ? refund && (await capturedAttemptOf(tx, operatorId, refund.depositId))
          : await findAttempt(tx, operatorId, duplicate)
      return refund && original && refundOf(deps, refund, attempt, original)
    })
  }
  const rows = await deps.db.tx(operatorId, async (tx) => {
    const payment = await findPayment(tx, operatorId, subjectId)
    return { payment, player: payment && (await findPlayer(tx, operatorId, payment.playerId)) }
  })
  return rows.payment && rows.player && requestOf(deps, rows.payment, attempt, rows.player)
}

const requestOf = async (
  deps: Deps,
  payment: PaymentRow,
  attempt: AttemptRow,
  player: Parameters<typeof chargeOf>[3],
): Promise<Find['original']> =>
  payment.direction === 'deposit' ? chargeOf(deps, payment, attempt, player) : payOutOf(deps, payment, attempt, player)
