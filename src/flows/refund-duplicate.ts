import { duplicateKey } from '../core/ledger/deposits.ts'
import { attemptsOf } from '../db/attempts.ts'
import type { Tx } from '../db/client.ts'
import { postingByKey } from '../db/ledger.ts'
import type { PaymentRow } from '../db/payments.ts'
import { insertRefund, refundsOf } from '../db/refunds.ts'
import type { Deps } from './deps.ts'
import { type RefundBegun, startRefund } from './refund.ts'

/**
 * Begins the way back of every capture of a deposit beyond the one that was credited, at the connection that took it.
 * The money stands in suspense, so the player's cash and the deposit's own refunds have no part in it. A capture whose
 * refund may still succeed is left alone. Call with the deposit locked; `sendRefund` what it gives, afterwards.
 */
export async function beginDuplicateRefunds(
  tx: Tx,
  deps: Pick<Deps, 'newId' | 'clock' | 'processors'>,
  { operatorId, id: depositId, playerId }: PaymentRow,
  requestedBy: string,
): Promise<RefundBegun[]> {
  const standing = (await refundsOf(tx, operatorId, depositId)).filter(
    ({ status }) => status !== 'declined' && status !== 'failed',
  )
  const begun: RefundBegun[] = []
  for (const original of await attemptsOf(tx, operatorId, depositId)) {
    const { id: duplicateOf, asset, amount, status } = original
    // Returned by the processor itself: nothing is left to send.
    if (status === 'returned' || standing.some((refund) => refund.duplicateOf === duplicateOf)) continue
    if ((await postingByKey(tx, operatorId, duplicateKey(depositId, duplicateOf))) === null) continue
    const stored = await insertRefund(tx, operatorId, {
      id: deps.newId('refund'),
      ...{ depositId, playerId, asset, amount, duplicateOf, requestedBy },
      reason: 'captured twice',
      reference: null,
      runId: null,
    })
    if (stored.kind === 'stored') begun.push(await startRefund(tx, deps, stored.row, original))
  }
  return begun
}
