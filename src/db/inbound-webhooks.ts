import { toStoredJson } from '../core/stored-json.ts'
import type { Statement, Tx } from './client.ts'
import { enqueueJob } from './jobs.ts'
import type { inboundWebhook } from './schema/notices.ts'

/** A stored inbound event. */
export type InboundRow = typeof inboundWebhook.$inferSelect

/** An event to be stored. */
export type NewInbound = Pick<InboundRow, 'id' | 'connectionId' | 'eventId' | 'processor' | 'content'> & {
  readonly processorAtMs: number | null
}

/**
 * Stores verified events, each with a job that applies it at `runAtMs`, in one statement that may stand alone: it says itself whose rows it
 * writes. Gives the ids of those that their connection had not sent before.
 */
export async function storeInbound(
  sql: Statement,
  operatorId: string,
  events: readonly NewInbound[],
  runAtMs: number,
): Promise<string[]> {
  // Row-level security looks at the operator after the row was made, and the row is made of what set_config gives.
  const rows = await sql<{ id: string }[]>`
    with operator as materialized (select set_config('app.operator', ${operatorId}, true) as id),
    fresh as (
      insert into inbound_webhook (operator_id, connection_id, event_id, id, processor, content, processor_at_ms)
      select operator.id, "connectionId", "eventId", event.id, processor, content, "processorAtMs"
      from operator, jsonb_to_recordset(${toStoredJson(events)}::text::jsonb)
        as event("connectionId" text, "eventId" text, id text, processor text, content jsonb, "processorAtMs" bigint)
      on conflict do nothing returning id, operator_id),
    promised as (
      insert into job (kind, operator, subject, payload, single, run_at)
      select 'apply_webhook', operator_id, id, '{}', true, ${new Date(runAtMs)} from fresh)
    select id from fresh`
  return rows.map(({ id }) => id)
}

/** Which of these ids are stored. */
export async function storedInbound(tx: Tx, operatorId: string, ids: readonly string[]): Promise<string[]> {
  const rows = await tx<{ id: string }[]>`
    select id from inbound_webhook where operator_id = ${operatorId} and id in ${tx([...ids])}`
  return rows.map(({ id }) => id)
}

/** The event by our own id, or undefined. */
export async function findInbound(tx: Tx, operatorId: string, id: string): Promise<InboundRow | undefined> {
  const [row] = await tx<InboundRow[]>`select * from inbound_webhook where operator_id = ${operatorId} and id = ${id}`
  return row
}

/** Records what became of an event. */
export async function updateInbound(
  tx: Tx,
  operatorId: string,
  id: string,
  change: { status: InboundRow['status']; detail?: string; subjectId?: string; attemptId?: string; awaits?: string },
): Promise<void> {
  await tx`
    update inbound_webhook set status = ${change.status}, detail = ${change.detail ?? null}, tries = tries + 1,
      subject_id = coalesce(${change.subjectId ?? null}, subject_id),
      attempt_id = coalesce(${change.attemptId ?? null}, attempt_id),
      awaits = ${change.awaits ?? null},
      applied_at = case when ${change.status} in ('applied', 'ignored') then now() else applied_at end
    where operator_id = ${operatorId} and id = ${id}`
}

/** More events than a processor tells of one attempt; what is left comes at its own time. */
const MAX_WOKEN = 50

/** Makes due what is parked for this attempt, by its id or by the processor's reference to it. What is being applied now is left alone. */
export async function wakeParked(
  tx: Tx,
  attempt: { operatorId: string; connectionId: string; id: string; processorReference: string | null },
  nowMs: number,
): Promise<void> {
  const { operatorId, connectionId, id, processorReference } = attempt
  const rows = await tx<{ id: string }[]>`
    select id from inbound_webhook i
    where operator_id = ${operatorId} and connection_id = ${connectionId} and status = 'parked'
      and awaits in (${id}, ${processorReference ?? id})
      and not exists (select from job j
        where j.operator = ${operatorId} and j.kind = 'apply_webhook' and j.subject = i.id and j.lease is not null)
    order by id limit ${MAX_WOKEN}`
  for (const row of rows) await enqueueJob(tx, { kind: 'apply_webhook', operatorId, subject: row.id, runAtMs: nowMs })
}

/** A page of inbound events, newest first. */
export async function listInbound(
  tx: Tx,
  operatorId: string,
  filter: {
    status?: string | undefined
    connectionId?: string | undefined
    subjectId?: string | undefined
    before?: string | undefined
    limit: number
  },
): Promise<InboundRow[]> {
  return tx<InboundRow[]>`
    select * from inbound_webhook
    where operator_id = ${operatorId}
      ${filter.status === undefined ? tx`` : tx`and status = ${filter.status}`}
      ${filter.connectionId === undefined ? tx`` : tx`and connection_id = ${filter.connectionId}`}
      ${filter.subjectId === undefined ? tx`` : tx`and subject_id = ${filter.subjectId}`}
      ${filter.before === undefined ? tx`` : tx`and id < ${filter.before}`}
    order by id desc limit ${filter.limit}`
}
