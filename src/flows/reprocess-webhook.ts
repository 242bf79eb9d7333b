import { Fault } from '../core/errors.ts'
import { findInbound } from '../db/inbound-webhooks.ts'
import { enqueueJob } from '../db/jobs.ts'
import type { Deps } from './deps.ts'

/** Has a stored event applied once more, say after its payment was found: applying twice changes nothing. */
export async function reprocessWebhook(
  deps: Pick<Deps, 'db' | 'clock'>,
  operatorId: string,
  id: string,
): Promise<void> {
  await deps.db.tx(operatorId, async (tx) => {
    if ((await findInbound(tx, operatorId, id)) === undefined)
      throw new Fault('not_found', 'There is no such resource.')
    await enqueueJob(tx, { kind: 'apply_webhook', operatorId, subject: id, runAtMs: deps.clock.nowMs() })
  })
}
