import { Fault } from '../core/errors.ts'
import { withdrawalReleased } from '../core/ledger/withdrawals.ts'
import { presentWithdrawal } from '../core/present.ts'
import { announce } from '../db/events.ts'
import { cancelJob } from '../db/jobs.ts'
import { postIn } from '../db/ledger.ts'
import { lockPayment, type PaymentRow, updatePayment } from '../db/payments.ts'
import { closeReviews } from '../db/reviews.ts'
import type { Deps } from './deps.ts'

/** Takes a withdrawal back before it is sent, on the player's word; refused where the licence or an exclusion forbids the way back into play. */
export async function cancelWithdrawal(
  deps: Pick<Deps, 'db' | 'clock' | 'newId' | 'newUuid'>,
  operatorId: string,
  withdrawalId: string,
): Promise<PaymentRow> {
  return deps.db.tx(operatorId, async (tx) => {
    const payment = await lockPayment(tx, operatorId, withdrawalId)
    if (payment === undefined || payment.direction !== 'withdrawal') {
      throw new Fault('not_found', 'There is no such withdrawal.')
    }
    if (payment.status === 'cancelled') return payment
    if (payment.status !== 'held' && payment.status !== 'approved') {
      throw new Fault('illegal_state', `A withdrawal that is ${payment.status} can not be cancelled.`)
    }
    if (payment.checks?.some(({ code }) => code === 'cancel_disabled')) {
      throw new Fault('forbidden', "The player's licence forbids taking a requested withdrawal back.")
    }

    // From here it must succeed.
    const now = new Date(deps.clock.nowMs())
    const { asset, amount, playerId } = payment
    const released = withdrawalReleased({ withdrawal: payment.id, player: playerId, amount: { asset, minor: amount } })
    await postIn(tx, operatorId, released, deps)
    await closeReviews(tx, operatorId, payment.id, now)
    await cancelJob(tx, { kind: 'pay_out', operatorId, subject: payment.id })
    const row = await updatePayment(tx, operatorId, payment.id, { status: 'cancelled' })
    await announce(tx, operatorId, {
      type: 'withdrawal.cancelled',
      resourceId: row.id,
      data: presentWithdrawal(row),
      at: now,
      newId: deps.newId,
    })
    return row
  })
}
