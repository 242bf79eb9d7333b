import { liveAttemptOf } from '../db/attempts.ts'
import { getConnection } from '../db/connections.ts'
import { findPayment, type PaymentRow } from '../db/payments.ts'
import type { Deps } from './deps.ts'
import { settle } from './settle.ts'

/**
 * Carries a deposit on when the player comes back from a processor's page. What the page hands back is shown to the
 * processor and believed by nobody: the state moves only by what the processor then says.
 */
export async function resumeDeposit(
  deps: Deps,
  operatorId: string,
  depositId: string,
  params: Readonly<Record<string, string>>,
): Promise<PaymentRow | undefined> {
  const seen = await deps.db.tx(operatorId, async (tx) => {
    const payment = await findPayment(tx, operatorId, depositId)
    const attempt = payment && (await liveAttemptOf(tx, operatorId, depositId))
    return { payment, attempt, connection: attempt && (await getConnection(tx, operatorId, attempt.connectionId)) }
  })
  const { payment, attempt, connection } = seen
  if (payment?.direction !== 'deposit' || !attempt || !connection) return payment
  if (attempt.status !== 'requires_action') return payment

  const outcome = await deps.processors.resume(connection, payment.methodType, {
    attempt: attempt.id,
    reference: attempt.processorReference ?? '',
    amount: { asset: attempt.asset, minor: attempt.amount },
    params,
  })
  // Told as a look-up: a lost answer of a resume leaves the deposit where it is, and the webhook or the ladder finishes it.
  const settled = await settle(deps, { operatorId, attempt, outcome, source: 'find' })
  return settled.subject.flow === 'refund' ? payment : settled.subject.row
}
