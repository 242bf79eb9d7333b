import { presentWithdrawal } from '../core/present.ts'
import type { ChainResult } from '../core/withdrawal.ts'
import { countRounds } from '../db/attempts.ts'
import type { Tx } from '../db/client.ts'
import { announce } from '../db/events.ts'
import { enqueueJob } from '../db/jobs.ts'
import { type PaymentRow, updatePayment } from '../db/payments.ts'
import { openReview } from '../db/reviews.ts'
import type { Deps } from './deps.ts'

type Hold = Pick<Deps, 'clock' | 'newId'>

/** When a payout that could not leave (processors down) is tried again; after the last one people look. Closer together at first: most outages are short. */
const RETRY_MS = [30_000, 2 * 60_000, 10 * 60_000, 30 * 60_000, 3_600_000, 3 * 3_600_000, 6 * 3_600_000, 12 * 3_600_000]

/** Gives a withdrawal to people, its money still on hold. Call with the row locked. */
export async function holdForPeople(
  tx: Tx,
  deps: Hold,
  payment: PaymentRow,
  reasons: readonly { check: string; code: string }[],
  checks: ChainResult['checks'],
): Promise<PaymentRow> {
  const { operatorId, id, playerId } = payment
  const row = await updatePayment(tx, operatorId, id, { status: 'held', checks })
  await openReview(tx, operatorId, {
    id: deps.newId('review'),
    subjectId: id,
    kind: 'withdrawal',
    reasons: [...reasons],
    approvalsNeeded: 1,
    requestedBy: `player:${playerId}`,
    editedBy: null,
  })
  const at = new Date(deps.clock.nowMs())
  const data = presentWithdrawal(row)
  await announce(tx, operatorId, { type: 'withdrawal.held', resourceId: id, data, at, newId: deps.newId })
  return row
}

/**
 * An approved payout of which nothing left waits, on hold, for a processor to come back. The job is written in the
 * caller's transaction: whoever learned that nothing left may be gone the next moment.
 */
export async function payOutLater(tx: Tx, deps: Hold, payment: PaymentRow): Promise<PaymentRow> {
  const { operatorId, id } = payment
  const waitMs = RETRY_MS[await countRounds(tx, operatorId, id)]
  if (waitMs === undefined) {
    const reasons = [{ check: 'execute', code: 'processors_unavailable' }]
    return holdForPeople(tx, deps, payment, reasons, payment.checks ?? [])
  }
  const runAtMs = deps.clock.nowMs() + waitMs
  await enqueueJob(tx, { kind: 'pay_out', operatorId, subject: id, runAtMs })
  return payment
}
