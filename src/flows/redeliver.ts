import { Fault } from '../core/errors.ts'
import { typeId, uuidV7 } from '../core/ids.ts'
import { wants } from '../core/notice.ts'
import { audit } from '../db/audit.ts'
import { findEvent, insertEvent } from '../db/events.ts'
import { enqueueJob } from '../db/jobs.ts'
import { addDeliveries, eventsSince, findEndpoint, listEndpoints, restartDeliveries } from '../db/webhooks.ts'
import type { Deps } from './deps.ts'

type Redeliver = Pick<Deps, 'db' | 'clock' | 'newId'>

/** Sends a notice again, from the first try: to one endpoint, or to all that want it. Gives the deliveries' ids. */
export async function redeliver(
  deps: Redeliver,
  { operatorId, eventId, endpointId }: { operatorId: string; eventId: string; endpointId: string | undefined },
): Promise<string[]> {
  return deps.db.tx(operatorId, async (tx) => {
    const event = await findEvent(tx, operatorId, eventId)
    if (event === undefined) throw new Fault('not_found', 'There is no such resource.')
    const all = (await listEndpoints(tx, operatorId)).filter(({ status }) => status === 'enabled')
    const chosen =
      endpointId === undefined
        ? all.filter(({ events }) => wants(events.split(' '), event.type))
        : all.filter(({ id }) => id === endpointId)
    if (chosen.length === 0) {
      throw new Fault('illegal_state', 'No enabled endpoint takes this notice.')
    }
    const rows = chosen.map(({ id }) => ({ id: deps.newId('webhookDelivery'), endpointId: id, eventId }))
    return restartDeliveries(tx, operatorId, rows, new Date(deps.clock.nowMs()))
  })
}

/** If the process dies in the middle of a test, the ordinary ladder goes on from here. */
const TEST_BACKSTOP_MS = 60_000

/** Makes a notice for one endpoint alone, ready to be delivered at once by the caller. Gives the delivery's id. */
export async function beginTest(
  deps: Redeliver,
  { operatorId, endpointId, by }: { operatorId: string; endpointId: string; by: string },
): Promise<string> {
  const id = deps.newId('webhookDelivery')
  const eventId = deps.newId('event')
  const now = new Date(deps.clock.nowMs())
  await deps.db.tx(operatorId, async (tx) => {
    const endpoint = await findEndpoint(tx, operatorId, endpointId)
    if (endpoint === undefined) throw new Fault('not_found', 'There is no such resource.')
    if (endpoint.status === 'disabled') throw new Fault('illegal_state', 'The endpoint is switched off.')
    await insertEvent(tx, operatorId, {
      id: eventId,
      type: 'webhook_endpoint.test',
      resourceId: endpointId,
      data: { id: endpointId, requested_by: by },
      at: now,
    })
    await addDeliveries(tx, operatorId, [{ id, endpointId, eventId }], now, now.getTime() + TEST_BACKSTOP_MS)
  })
  return id
}

/** What shall be sent again to an endpoint. `undelivered`: only what it has not confirmed. */
export type RecoverOrder = {
  readonly operatorId: string
  readonly endpointId: string
  readonly by: string
  readonly since: Date
  readonly undelivered: boolean
}

/** Promises to send everything since a time again. The work is done in the background, in the order that it happened. */
export async function recoverNotices(deps: Redeliver, order: RecoverOrder): Promise<void> {
  const { operatorId, endpointId, by, since, undelivered } = order
  const now = new Date(deps.clock.nowMs())
  if (since > now) throw new Fault('validation_failed', 'There is nothing to recover in the future.')
  await deps.db.tx(operatorId, async (tx) => {
    const endpoint = await findEndpoint(tx, operatorId, endpointId)
    if (endpoint === undefined) throw new Fault('not_found', 'There is no such resource.')
    if (endpoint.status === 'disabled') throw new Fault('illegal_state', 'The endpoint is switched off.')
    await enqueueJob(tx, {
      kind: 'recover_notices',
      operatorId,
      subject: endpointId,
      runAtMs: now.getTime(),
      payload: { sinceMs: since.getTime(), untilMs: now.getTime(), after: '', undelivered },
    })
    await audit(tx, operatorId, {
      actor: by,
      action: 'webhook_endpoint.recovery_asked',
      subject: endpointId,
      after: { since: since.toISOString(), undelivered },
      at: now,
    })
  })
}

/** One step of a recovery, as its job carries it. */
export type RecoverStep = {
  readonly sinceMs: number
  readonly untilMs: number
  readonly after: string
  readonly undelivered: boolean
}

/** Narrows what a job carries. */
export const isRecoverStep = (payload: unknown): payload is RecoverStep =>
  typeof payload === 'object' &&
  payload !== null &&
  'sinceMs' in payload &&
  typeof payload.sinceMs === 'number' &&
  'untilMs' in payload &&
  typeof payload.untilMs === 'number' &&
  'after' in payload &&
  typeof payload.after === 'string' &&
  'undelivered' in payload &&
  typeof payload.undelivered === 'boolean'

/** Few enough for one short transaction. */
const BATCH = 200
/** An id's time is when it was made, a little before its row's. */
const MARGIN_MS = 60_000

/** Puts the next batch of a recovery on its way and, in the same transaction, promises the one after it. */
export async function recoverStep(
  deps: Redeliver,
  operatorId: string,
  endpointId: string,
  { sinceMs, untilMs, after, undelivered }: RecoverStep,
): Promise<void> {
  const floor = typeId('event', uuidV7(Math.max(0, sinceMs - MARGIN_MS), new Uint8Array(10)))
  await deps.db.tx(operatorId, async (tx) => {
    const endpoint = await findEndpoint(tx, operatorId, endpointId)
    if (endpoint === undefined || endpoint.status === 'disabled') return
    const events = await eventsSince(tx, operatorId, {
      endpointId,
      since: new Date(sinceMs),
      until: new Date(untilMs),
      after: after === '' ? floor : after,
      undelivered,
      limit: BATCH,
    })
    const rows = events
      .filter(({ type }) => wants(endpoint.events.split(' '), type))
      .map(({ id }) => ({ id: deps.newId('webhookDelivery'), endpointId, eventId: id }))
    await restartDeliveries(tx, operatorId, rows, new Date(deps.clock.nowMs()))
    const last = events.at(-1)
    if (last === undefined || events.length < BATCH) return
    const runAtMs = deps.clock.nowMs()
    const payload = { sinceMs, untilMs, after: last.id, undelivered }
    await enqueueJob(tx, { kind: 'recover_notices', operatorId, subject: endpointId, runAtMs, payload })
  })
}
