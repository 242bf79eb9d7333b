import { Fault } from '../core/errors.ts'
import { refundHeld } from '../core/ledger/refunds.ts'
import type { Money } from '../core/money.ts'
import { type AttemptRow, capturedAttemptOf, startAttempt } from '../db/attempts.ts'
import type { Tx } from '../db/client.ts'
import { getConnection } from '../db/connections.ts'
import { postIn } from '../db/ledger.ts'
import { addRefunded, findPayment, lockPayment } from '../db/payments.ts'
import { lockPlayer } from '../db/players.ts'
import { findRefundByRun, insertRefund, type RefundRow } from '../db/refunds.ts'
import type { Deps } from './deps.ts'
import { refundOf } from './requests.ts'
import { settle } from './settle.ts'

/** A refund as an operator asks for it; without an amount it is of all that is left. */
export type RefundOrder = {
  readonly operatorId: string
  readonly requestedBy: string
  readonly runId: string
  readonly depositId: string
  readonly amount: Money | null
  readonly reason: string | null
  readonly reference: string | null
}

/** A refund whose attempt is committed and not yet sent, with the capture that it sends back. */
export type RefundBegun = {
  readonly kind: 'goes'
  readonly refund: RefundRow
  readonly attempt: AttemptRow
  readonly original: AttemptRow
}

type Begun = { readonly kind: 'stands'; readonly refund: RefundRow } | RefundBegun

/**
 * Sends a deposit back, whole or in part, by the processor that took it. The player's cash goes on hold first, so that
 * it can't be played or withdrawn while the refund is under way; all refunds together never pass what was captured.
 */
export async function refund(deps: Deps, order: RefundOrder): Promise<RefundRow> {
  const { operatorId } = order
  const begun = await deps.db.tx(operatorId, (tx) => beginRefund(tx, deps, order))
  return begun.kind === 'stands' ? begun.refund : sendRefund(deps, begun)
}

/** Calls the processor for a refund that was begun, and settles what it says. */
export async function sendRefund(deps: Deps, begun: RefundBegun): Promise<RefundRow> {
  const { attempt, original } = begun
  const { operatorId, depositId } = begun.refund
  const seen = await deps.db.tx(operatorId, async (tx) => ({
    connection: await getConnection(tx, operatorId, attempt.connectionId),
    deposit: await findPayment(tx, operatorId, depositId),
  }))
  const outcome =
    seen.connection === undefined || seen.deposit === undefined
      ? ({ kind: 'not_sent', reason: 'connect_failed' } as const)
      : await deps.processors.refund(
          seen.connection,
          seen.deposit.methodType,
          refundOf(deps, begun.refund, attempt, original),
        )
  const settled = await settle(deps, { operatorId, attempt, outcome, source: 'answer' })
  return settled.subject.flow === 'refund' ? settled.subject.row : begun.refund
}

/** Puts the cash of a refund on hold and commits its attempt, in the caller's transaction; `sendRefund` it afterwards. */
export async function beginRefund(tx: Tx, deps: Deps, order: RefundOrder): Promise<Begun> {
  const { operatorId, depositId } = order
  const before = await findRefundByRun(tx, operatorId, order.runId)
  if (before !== undefined) return { kind: 'stands', refund: before }
  // The player before the payment, as everywhere: the refund takes from the player's cash.
  const seen = await findPayment(tx, operatorId, depositId)
  if (seen !== undefined) await lockPlayer(tx, operatorId, seen.playerId)
  const deposit = await lockPayment(tx, operatorId, depositId)
  if (deposit === undefined || deposit.direction !== 'deposit')
    throw new Fault('not_found', 'There is no such deposit.')
  const original = await capturedAttemptOf(tx, operatorId, depositId)
  if (deposit.status !== 'succeeded' || original === undefined) {
    throw new Fault('illegal_state', `A deposit that is ${deposit.status} has nothing to refund.`)
  }
  if (order.amount !== null && order.amount.asset !== deposit.asset) {
    throw new Fault('currency_mismatch', 'A refund is in the currency of its deposit.')
  }
  const left = deposit.amount - deposit.refunded - deposit.chargedBack
  const minor = order.amount?.minor ?? left
  if (minor > left || minor === 0n) {
    throw new Fault('refund_exceeds_captured', 'Refunds and chargebacks together can not pass what was captured.')
  }
  const amount = { asset: deposit.asset, minor }

  // From here it must succeed; only cash that the player has spent meanwhile can still refuse it, in the ledger.
  const stored = await insertRefund(tx, operatorId, {
    id: deps.newId('refund'),
    depositId,
    playerId: deposit.playerId,
    asset: amount.asset,
    amount: minor,
    reason: order.reason,
    reference: order.reference,
    runId: order.runId,
    requestedBy: order.requestedBy,
  })
  if (stored.kind === 'reference_taken') {
    throw new Fault('duplicate_reference', 'This reference belongs to another refund of yours.', {
      members: { resource_id: stored.id },
    })
  }
  await addRefunded(tx, operatorId, depositId, minor)
  await postIn(tx, operatorId, refundHeld({ refund: stored.row.id, player: deposit.playerId, amount }), deps)
  return startRefund(tx, deps, stored.row, original)
}

/** Commits the attempt of a stored refund, at the connection that captured the money. */
export async function startRefund(
  tx: Tx,
  deps: Pick<Deps, 'newId' | 'clock' | 'processors'>,
  refund: RefundRow,
  original: AttemptRow,
): Promise<RefundBegun> {
  const { connectionId, processor } = original
  const attempt = await startAttempt(tx, refund.operatorId, {
    id: deps.newId('attempt'),
    flow: 'refund',
    subjectId: refund.id,
    ...{ connectionId, processor, asset: refund.asset, amount: refund.amount },
    startedAt: new Date(deps.clock.nowMs()),
    timeoutMs: deps.processors.facts(processor)?.timeoutMs ?? 0,
  })
  return { kind: 'goes', refund, attempt, original }
}
