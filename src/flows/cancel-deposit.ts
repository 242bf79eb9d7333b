import { Fault } from '../core/errors.ts'
import { liveAttemptOf } from '../db/attempts.ts'
import { findPayment, type PaymentRow } from '../db/payments.ts'
import type { Deps } from './deps.ts'
import { settle } from './settle.ts'

/**
 * Gives up a deposit that waits for the player. Should the player finish at the processor's page all the same, that
 * is a late success: the money is accepted and people are told.
 */
export async function cancelDeposit(deps: Deps, operatorId: string, depositId: string): Promise<PaymentRow> {
  const { payment, attempt } = await deps.db.tx(operatorId, async (tx) => ({
    payment: await findPayment(tx, operatorId, depositId),
    attempt: await liveAttemptOf(tx, operatorId, depositId),
  }))
  if (payment === undefined || payment.direction !== 'deposit')
    throw new Fault('not_found', 'There is no such deposit.')
  if (payment.status === 'cancelled') return payment
  if (attempt?.status !== 'requires_action') {
    throw new Fault('illegal_state', `A deposit that is ${payment.status} can not be cancelled.`)
  }
  const settled = await settle(deps, {
    operatorId,
    attemptId: attempt.id,
    outcome: { kind: 'voided', why: 'cancelled' },
    source: 'review',
  })
  if (settled.kind === 'moved' && settled.subject.flow !== 'refund') return settled.subject.row
  throw new Fault('illegal_state', 'The deposit moved on while it was cancelled; read it again.')
}
