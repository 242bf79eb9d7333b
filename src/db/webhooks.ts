import type { DeliveryTry } from '../core/notice.ts'
import type { Tx } from './client.ts'
import type { EventRow } from './events.ts'
import { enqueueJob } from './jobs.ts'
import type { webhookDelivery, webhookEndpoint } from './schema/webhooks.ts'

/** Where an operator receives notices. */
export type EndpointRow = typeof webhookEndpoint.$inferSelect

/** One notice on its way to one endpoint. */
export type DeliveryRow = typeof webhookDelivery.$inferSelect

/** Enough for every system of an operator; more would be somebody's mistake, and each event is sent to all of them. */
export const MAX_ENDPOINTS = 20
/** Tries that are remembered of one delivery: two whole ladders. */
const MAX_HISTORY = 20

/** The endpoints that weren't deleted, oldest first. */
export async function listEndpoints(tx: Tx, operatorId: string): Promise<EndpointRow[]> {
  return tx<EndpointRow[]>`
    select * from webhook_endpoint where operator_id = ${operatorId} and deleted_at is null
    order by id limit ${MAX_ENDPOINTS}`
}

/** The endpoint, unless it was deleted. */
export async function findEndpoint(tx: Tx, operatorId: string, id: string): Promise<EndpointRow | undefined> {
  const [row] = await tx<EndpointRow[]>`
    select * from webhook_endpoint where operator_id = ${operatorId} and id = ${id} and deleted_at is null`
  return row
}

/** The endpoint with its row locked, unless it was deleted. */
export async function lockEndpoint(tx: Tx, operatorId: string, id: string): Promise<EndpointRow | undefined> {
  const [row] = await tx<EndpointRow[]>`
    select * from webhook_endpoint where operator_id = ${operatorId} and id = ${id} and deleted_at is null for update`
  return row
}

/** Enters an endpoint; false when the operator has as many as it may have. */
export async function insertEndpoint(
  tx: Tx,
  operatorId: string,
  row: Pick<EndpointRow, 'id' | 'url' | 'description' | 'events' | 'apiVersion' | 'secretSealed' | 'createdBy'>,
): Promise<EndpointRow | undefined> {
  const [stored] = await tx<EndpointRow[]>`
    insert into webhook_endpoint (operator_id, id, url, description, events, api_version, secret_sealed, created_by)
    select ${operatorId}, ${row.id}, ${row.url}, ${row.description}, ${row.events}, ${row.apiVersion},
      ${row.secretSealed}, ${row.createdBy}
    where (select count(*) from webhook_endpoint where operator_id = ${operatorId} and deleted_at is null)
      < ${MAX_ENDPOINTS}
    returning *`
  return stored
}

/** What may change of an endpoint; an absent member stays. */
export type EndpointChange = Partial<
  Pick<
    EndpointRow,
    | 'url'
    | 'description'
    | 'events'
    | 'status'
    | 'disabledReason'
    | 'secretSealed'
    | 'secretN'
    | 'previousSealed'
    | 'previousUntil'
    | 'pausedUntil'
    | 'deletedAt'
  >
>

/** Changes an endpoint and gives the row as it is then. Call with the row locked. */
export async function updateEndpoint(
  tx: Tx,
  operatorId: string,
  id: string,
  change: EndpointChange,
): Promise<EndpointRow> {
  const [row] = await tx<EndpointRow[]>`
    update webhook_endpoint set ${tx(change)}, updated_at = now()
    where operator_id = ${operatorId} and id = ${id} returning *`
  if (row === undefined) throw new Error('an endpoint vanished while it was changed')
  return row
}

/** Puts a notice on its way to endpoints that don't have it yet, each delivery with its job, due at `jobAtMs`. Says how many there were. */
export async function addDeliveries(
  tx: Tx,
  operatorId: string,
  rows: readonly Pick<DeliveryRow, 'id' | 'endpointId' | 'eventId'>[],
  now: Date,
  jobAtMs = now.getTime(),
): Promise<number> {
  let added = 0
  for (const { id, endpointId, eventId } of rows) {
    const stored = await tx`
      insert into webhook_delivery (operator_id, id, endpoint_id, event_id, next_try_at, created_at)
      values (${operatorId}, ${id}, ${endpointId}, ${eventId}, ${now}, ${now})
      on conflict (operator_id, endpoint_id, event_id) do nothing returning 1`
    if (stored.length === 0) continue
    added += 1
    await enqueueJob(tx, { kind: 'deliver_notice', operatorId, subject: id, runAtMs: jobAtMs })
  }
  return added
}

/** The same for notices that may have been on their way before: those begin again at the first try. Gives their ids. */
export async function restartDeliveries(
  tx: Tx,
  operatorId: string,
  rows: readonly Pick<DeliveryRow, 'id' | 'endpointId' | 'eventId'>[],
  now: Date,
): Promise<string[]> {
  const ids: string[] = []
  for (const { id, endpointId, eventId } of rows) {
    const [stored] = await tx<{ id: string }[]>`
      insert into webhook_delivery (operator_id, id, endpoint_id, event_id, next_try_at, created_at)
      values (${operatorId}, ${id}, ${endpointId}, ${eventId}, ${now}, ${now})
      on conflict (operator_id, endpoint_id, event_id) do update
        set status = 'pending', tries = 0, next_try_at = excluded.next_try_at
      returning id`
    if (stored === undefined) throw new Error('a delivery was not stored')
    ids.push(stored.id)
    await enqueueJob(tx, { kind: 'deliver_notice', operatorId, subject: stored.id, runAtMs: now.getTime() })
  }
  return ids
}

/** A delivery with all that its try needs, or undefined. */
export async function findDelivery(
  tx: Tx,
  operatorId: string,
  id: string,
): Promise<{ delivery: DeliveryRow; endpoint: EndpointRow; event: EventRow } | undefined> {
  const [delivery] = await tx<DeliveryRow[]>`
    select * from webhook_delivery where operator_id = ${operatorId} and id = ${id}`
  if (delivery === undefined) return undefined
  const [endpoint] = await tx<EndpointRow[]>`
    select * from webhook_endpoint where operator_id = ${operatorId} and id = ${delivery.endpointId}`
  const [event] = await tx<EventRow[]>`
    select * from event where operator_id = ${operatorId} and id = ${delivery.eventId}`
  return endpoint && event && { delivery, endpoint, event }
}

/** Records a try, or without one the end of a delivery that can't be tried. What has been delivered stays delivered. */
export async function recordTry(
  tx: Tx,
  operatorId: string,
  id: string,
  said: {
    readonly status: DeliveryRow['status']
    readonly nextTryAt: Date | null
    readonly deliveredAt: Date | null
    readonly made?: DeliveryTry
  },
): Promise<DeliveryRow | undefined> {
  const [before] = await tx<DeliveryRow[]>`
    select * from webhook_delivery where operator_id = ${operatorId} and id = ${id} for update`
  if (before === undefined) return undefined
  const history = said.made === undefined ? before.history : [...before.history, said.made].slice(-MAX_HISTORY)
  const over = before.status !== 'pending' && said.status !== 'succeeded'
  const [row] = await tx<DeliveryRow[]>`
    update webhook_delivery set
      status = ${over ? before.status : said.status},
      next_try_at = ${over ? before.nextTryAt : said.nextTryAt},
      delivered_at = coalesce(delivered_at, ${said.deliveredAt}),
      tries = tries + ${said.made === undefined ? 0 : 1},
      history = ${JSON.stringify(history)}::text::jsonb
    where operator_id = ${operatorId} and id = ${id} returning *`
  return row
}

/** A page of deliveries, newest first. */
export async function listDeliveries(
  tx: Tx,
  operatorId: string,
  filter: {
    endpointId?: string | undefined
    eventId?: string | undefined
    status?: string | undefined
    before?: string | undefined
    limit: number
  },
): Promise<(DeliveryRow & { eventType: string })[]> {
  return tx<(DeliveryRow & { eventType: string })[]>`
    select d.*, e.type as event_type from webhook_delivery d
    join event e on e.operator_id = d.operator_id and e.id = d.event_id
    where d.operator_id = ${operatorId}
      ${filter.endpointId === undefined ? tx`` : tx`and d.endpoint_id = ${filter.endpointId}`}
      ${filter.eventId === undefined ? tx`` : tx`and d.event_id = ${filter.eventId}`}
      ${filter.status === undefined ? tx`` : tx`and d.status = ${filter.status}`}
      ${filter.before === undefined ? tx`` : tx`and d.id < ${filter.before}`}
    order by d.id desc limit ${filter.limit}`
}

/** The notices since a time, oldest first; `undelivered`: only those that this endpoint has not confirmed. */
export async function eventsSince(
  tx: Tx,
  operatorId: string,
  wanted: {
    endpointId: string
    since: Date
    until: Date
    after: string
    undelivered: boolean
    limit: number
  },
): Promise<Pick<EventRow, 'id' | 'type'>[]> {
  return tx<Pick<EventRow, 'id' | 'type'>[]>`
    select id, type from event e
    where operator_id = ${operatorId} and created_at >= ${wanted.since} and created_at <= ${wanted.until}
      and id > ${wanted.after}
      ${
        wanted.undelivered
          ? tx`and not exists (
              select from webhook_delivery d
              where d.operator_id = e.operator_id and d.event_id = e.id and d.endpoint_id = ${wanted.endpointId}
                and d.status = 'succeeded')`
          : tx``
      }
    order by id limit ${wanted.limit}`
}
