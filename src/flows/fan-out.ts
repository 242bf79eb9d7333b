import { wants } from '../core/notice.ts'
import { findEvent } from '../db/events.ts'
import { addDeliveries, listEndpoints } from '../db/webhooks.ts'
import type { Deps } from './deps.ts'

/** Puts one notice on its way to every endpoint that wants it. Doing it again adds nothing. */
export async function fanOut(deps: Deps, operatorId: string, eventId: string): Promise<Record<string, never>> {
  await deps.db.tx(operatorId, async (tx) => {
    const [event, all] = await Promise.all([findEvent(tx, operatorId, eventId), listEndpoints(tx, operatorId)])
    if (event === undefined) return
    const endpoints = all.filter(({ status, events }) => status === 'enabled' && wants(events.split(' '), event.type))
    const rows = endpoints.map(({ id }) => ({ id: deps.newId('webhookDelivery'), endpointId: id, eventId }))
    await addDeliveries(tx, operatorId, rows, new Date(deps.clock.nowMs()))
  })
  return {}
}
