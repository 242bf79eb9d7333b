import type { NewId } from '../core/ids.ts'
import type { Tx } from './client.ts'
import { enqueueJob } from './jobs.ts'
import type { event } from './schema/notices.ts'

/** A notice as stored. */
export type EventRow = typeof event.$inferSelect

/** Where a resource keeps the number of its last notice. */
const SEQUENCED = { dep: 'payment', wdr: 'payment', rfd: 'refund', dsp: 'dispute' } as const

/** A notice to be stored. */
export type NewEvent = {
  readonly id: string
  readonly type: string
  readonly resourceId: string
  readonly data: Readonly<Record<string, unknown>>
  readonly at: Date
}

/**
 * Stores a notice under the next number of its resource; who gets it is for the caller to say. The resource's row is locked
 * by whoever changes it, so numbers have no gap and no twin. Says whether any endpoint of the operator listens.
 */
export async function insertEvent(
  tx: Tx,
  operatorId: string,
  { id, type, resourceId, data, at }: NewEvent,
): Promise<boolean> {
  const table = Object.entries(SEQUENCED).find(([prefix]) => resourceId.startsWith(`${prefix}_`))?.[1]
  const numbered =
    table === undefined
      ? tx`select max(sequence) + 1 as sequence from event where operator_id = ${operatorId} and resource_id = ${resourceId}`
      : tx`update ${tx(table)} set sequence = sequence + 1
          where operator_id = ${operatorId} and id = ${resourceId} returning sequence`
  const [row] = await tx<{ heard: boolean }[]>`
    with numbered as (${numbered})
    insert into event (operator_id, id, type, resource_id, sequence, data, created_at)
    values (${operatorId}, ${id}, ${type}, ${resourceId}, coalesce((select sequence from numbered), 1),
      ${JSON.stringify(data)}::text::jsonb, ${at})
    returning exists (select from webhook_endpoint
      where operator_id = ${operatorId} and status = 'enabled' and deleted_at is null) as heard`
  return row?.heard ?? false
}

/** Writes a notice into the outbox, in the transaction that makes it true, and has it delivered. */
export async function announce(
  tx: Tx,
  operatorId: string,
  { newId, ...notice }: Omit<NewEvent, 'id'> & { readonly newId: NewId },
): Promise<void> {
  const id = newId('event')
  const heard = await insertEvent(tx, operatorId, { id, ...notice })
  if (heard) await enqueueJob(tx, { kind: 'fan_out', operatorId, subject: id, runAtMs: notice.at.getTime() })
}

/** The notice, or undefined. */
export async function findEvent(tx: Tx, operatorId: string, id: string): Promise<EventRow | undefined> {
  const [row] = await tx<EventRow[]>`select * from event where operator_id = ${operatorId} and id = ${id}`
  return row
}

/** A page of notices, newest first. */
export async function listEvents(
  tx: Tx,
  operatorId: string,
  filter: { type?: string | undefined; resourceId?: string | undefined; before?: string | undefined; limit: number },
): Promise<EventRow[]> {
  return tx<EventRow[]>`
    select * from event
    where operator_id = ${operatorId}
      ${filter.type === undefined ? tx`` : tx`and type = ${filter.type}`}
      ${filter.resourceId === undefined ? tx`` : tx`and resource_id = ${filter.resourceId}`}
      ${filter.before === undefined ? tx`` : tx`and id < ${filter.before}`}
    order by id desc limit ${filter.limit}`
}
