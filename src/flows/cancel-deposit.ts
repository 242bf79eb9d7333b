import { Fault } from '../core/errors.ts'
import { type AttemptRow, liveAttemptOf } from '../db/attempts.ts'
import { cancelJob, enqueueJob } from '../db/jobs.ts'
import { findPayment, lockPayment, type PaymentRow } from '../db/payments.ts'
import { type Asked, orderEnd } from './capture-deposit.ts'
import type { Deps } from './deps.ts'
import { settle } from './settle.ts'

/** A cancellation whose caller died is taken up by its job; longer than the slowest processor's deadline. */
const TAKEN_UP_MS = 60_000

/**
 * Gives up a deposit that waits for the player, or whose authorization waits for its capture. The first is cancelled
 * by our own word; should the player finish at the processor's page all the same, that is a late success. The second
 * is cancelled by the processor's word only: until that comes the deposit stays as it is, and a capture that was
 * faster wins.
 */
export async function cancelDeposit(deps: Deps, operatorId: string, depositId: string): Promise<PaymentRow> {
  const { payment, attempt } = await deps.db.tx(operatorId, async (tx) => ({
    payment: await findPayment(tx, operatorId, depositId),
    attempt: await liveAttemptOf(tx, operatorId, depositId),
  }))
  if (payment === undefined || payment.direction !== 'deposit')
    throw new Fault('not_found', 'There is no such deposit.')
  if (payment.status === 'cancelled') return payment
  if (attempt?.status === 'authorized' && deps.processors.can(attempt.processor, 'cancel')) {
    return cancelAuthorized(deps, payment, attempt)
  }
  if (attempt?.status !== 'requires_action') {
    throw new Fault('illegal_state', `A deposit that is ${payment.status} can not be cancelled.`)
  }
  const settled = await settle(deps, {
    operatorId,
    attempt,
    outcome: { kind: 'voided', why: 'cancelled' },
    source: 'review',
  })
  if (settled.kind === 'moved' && settled.subject.flow !== 'refund') return settled.subject.row
  throw new Fault('illegal_state', 'The deposit moved on while it was cancelled; read it again.')
}

/** The order of a cancellation again: its caller had died, or the processor may not have heard it. */
export const retryCancel = (deps: Deps, operatorId: string, attemptId: string): Promise<Asked> =>
  orderEnd(deps, operatorId, attemptId, 'cancel')

/** No capture is ordered any more, and the cancellation is promised, before it is ordered. */
async function cancelAuthorized(deps: Deps, payment: PaymentRow, attempt: AttemptRow): Promise<PaymentRow> {
  const { operatorId, id: subject } = attempt
  const job = { kind: 'cancel', operatorId, subject }
  await deps.db.tx(operatorId, async (tx) => {
    // Behind the payment's lock as settle is: what it has moved on meanwhile is seen by the order itself.
    await lockPayment(tx, operatorId, payment.id)
    await cancelJob(tx, { ...job, kind: 'capture' })
    await enqueueJob(tx, { ...job, runAtMs: deps.clock.nowMs() + TAKEN_UP_MS, ifAbsent: true })
  })
  const { againAtMs } = await retryCancel(deps, operatorId, subject)
  return deps.db.tx(operatorId, async (tx) => {
    if (againAtMs === undefined) await cancelJob(tx, job)
    return (await findPayment(tx, operatorId, payment.id)) ?? payment
  })
}
