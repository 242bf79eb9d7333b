import { type AttemptRow, findAttempt } from '../db/attempts.ts'
import { getConnection } from '../db/connections.ts'
import { findPayment } from '../db/payments.ts'
import type { Deps } from './deps.ts'
import { modificationOf } from './requests.ts'
import { type Settled, settle } from './settle.ts'

/** When to ask again, ms since 1970; absent: the order is with the processor, or people have the deposit. */
export type Asked = { readonly againAtMs?: number; readonly settled?: Settled }

const FIRST_AGAIN_MS = 5_000
const LAST_AGAIN_MS = 2 * 3_600_000
/** After a day the look-up ladder and people have it. The shortest memory of a processor for our key is a day too. */
const GIVE_UP_AFTER_MS = 24 * 3_600_000

/** Takes the money of an authorized deposit. Does nothing for an attempt that has moved on meanwhile. */
export const captureDeposit = (deps: Deps, operatorId: string, attemptId: string): Promise<Asked> =>
  orderEnd(deps, operatorId, attemptId, 'capture')

/**
 * Orders the end of an authorization, under a key of the attempt, so that the same order twice is one. What the
 * processor says goes through `settle`; a "received" changes nothing, the word comes by webhook or look-up. An order
 * that may not have arrived is given again, waiting as long again as the attempt is old.
 */
export async function orderEnd(
  deps: Deps,
  operatorId: string,
  attemptId: string,
  verb: 'capture' | 'cancel',
): Promise<Asked> {
  const { attempt, method, connection } = await deps.db.tx(operatorId, async (tx) => {
    const attempt = await findAttempt(tx, operatorId, attemptId)
    return {
      attempt,
      method: attempt && (await findPayment(tx, operatorId, attempt.subjectId))?.methodType,
      connection: attempt && (await getConnection(tx, operatorId, attempt.connectionId)),
    }
  })
  if (attempt?.status !== 'authorized' || !method || !connection) return {}
  if (!deps.processors.can(attempt.processor, verb)) return {}
  const outcome = await deps.processors[verb](connection, method, modificationOf(attempt))
  deps.metrics.count('paycage_authorizations_ended_total', {
    processor: attempt.processor,
    verb,
    outcome: outcome.kind,
  })
  const settled = await settle(deps, { operatorId, attempt, outcome, source: 'answer' })
  const arrived = outcome.kind !== 'unknown' && outcome.kind !== 'not_sent'
  return { settled, ...(!arrived && again(deps.clock.nowMs(), attempt)) }
}

/** The attempt's own age is the back-off: it doubles by itself, and needs no counter. */
function again(nowMs: number, { startedAt }: AttemptRow): { againAtMs?: number } {
  const ageMs = nowMs - startedAt.getTime()
  if (ageMs > GIVE_UP_AFTER_MS) return {}
  return { againAtMs: nowMs + Math.min(LAST_AGAIN_MS, Math.max(FIRST_AGAIN_MS, ageMs)) }
}
