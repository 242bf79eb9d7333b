import type { Decline } from '../core/decline.ts'
import { duplicateKey } from '../core/ledger/deposits.ts'
import type { AttemptStatus } from '../core/payment.ts'
import type { Tx } from './client.ts'
import { enqueueJob } from './jobs.ts'
import type { attempt } from './schema/payments.ts'

/** An attempt as stored. */
export type AttemptRow = Omit<typeof attempt.$inferSelect, 'status'> & { status: AttemptStatus }

/** An attempt to be stored. `timeoutMs` is the deadline of its call. */
export type NewAttempt = Pick<
  AttemptRow,
  'id' | 'flow' | 'subjectId' | 'connectionId' | 'processor' | 'asset' | 'amount' | 'startedAt'
> & { readonly stepUp?: boolean; readonly timeoutMs: number }

/** After the call's own deadline an attempt whose process died is looked up; the margin covers settling an answer that came in time. */
const RECOVERY_MARGIN_MS = 10_000

/**
 * Stores an attempt as `sending`, before a byte is sent, and promises a look-up: after a crash it reads as "may have
 * been sent", which errs on the safe side. The database refuses a second live attempt.
 */
export async function startAttempt(tx: Tx, operatorId: string, row: NewAttempt): Promise<AttemptRow> {
  const [stored] = await tx<AttemptRow[]>`
    insert into attempt (operator_id, id, flow, subject_id, n, connection_id, processor, asset, amount, status, step_up,
      started_at)
    select ${operatorId}, ${row.id}, ${row.flow}, ${row.subjectId}, coalesce(max(n), 0) + 1, ${row.connectionId},
      ${row.processor}, ${row.asset}, ${row.amount}, 'sending', ${row.stepUp ?? false}, ${row.startedAt}
    from attempt where operator_id = ${operatorId} and subject_id = ${row.subjectId}
    returning *`
  if (stored === undefined) throw new Error('an attempt was not stored')
  const runAtMs = row.startedAt.getTime() + row.timeoutMs + RECOVERY_MARGIN_MS
  await enqueueJob(tx, { kind: 'look_up', operatorId, subject: row.id, runAtMs })
  return stored
}

/** The attempt, or undefined. */
export async function findAttempt(tx: Tx, operatorId: string, id: string): Promise<AttemptRow | undefined> {
  const [row] = await tx<AttemptRow[]>`select * from attempt where operator_id = ${operatorId} and id = ${id}`
  return row
}

/** The attempt of a connection by the processor's own reference, for events that don't carry ours. */
export async function findAttemptByReference(
  tx: Tx,
  operatorId: string,
  connectionId: string,
  reference: string,
): Promise<AttemptRow | undefined> {
  const [row] = await tx<AttemptRow[]>`
    select * from attempt
    where operator_id = ${operatorId} and connection_id = ${connectionId} and processor_reference = ${reference}
    order by started_at limit 1`
  return row
}

/** All attempts of a payment or refund, in order. */
export async function attemptsOf(tx: Tx, operatorId: string, subjectId: string): Promise<AttemptRow[]> {
  return tx<AttemptRow[]>`
    select * from attempt where operator_id = ${operatorId} and subject_id = ${subjectId} order by n`
}

/** The attempt of a payment or refund in which money is or may be moving: there is one at most. */
export async function liveAttemptOf(tx: Tx, operatorId: string, subjectId: string): Promise<AttemptRow | undefined> {
  const [row] = await tx<AttemptRow[]>`
    select * from attempt
    where operator_id = ${operatorId} and subject_id = ${subjectId}
      and status not in ('not_sent', 'declined', 'voided', 'returned', 'late_success')`
  return row
}

/** The attempt by which a deposit was credited, or undefined: one whose money waits in suspense is a second capture. */
export async function capturedAttemptOf(
  tx: Tx,
  operatorId: string,
  depositId: string,
): Promise<AttemptRow | undefined> {
  const [row] = await tx<AttemptRow[]>`
    select * from attempt a
    where operator_id = ${operatorId} and subject_id = ${depositId} and status in ('succeeded', 'late_success')
      and not exists (select from ledger.journal j
        where j.operator_id = ${operatorId} and j.key = ${duplicateKey(depositId, '')} || a.id)
    order by status desc, n limit 1`
  return row
}

/** What a fact changes of an attempt; an absent member stays. */
export type AttemptChange = {
  readonly status?: AttemptStatus
  readonly phase?: string
  readonly reason?: string
  readonly decline?: Decline
  readonly processorReference?: string
  readonly factAtMs?: number
  readonly ended?: boolean
}

/** Changes an attempt. Call with its payment locked. */
export async function updateAttempt(tx: Tx, operatorId: string, id: string, change: AttemptChange): Promise<void> {
  await tx`
    update attempt set
      status = coalesce(${change.status ?? null}, status),
      phase = coalesce(${change.phase ?? null}, phase),
      reason = coalesce(${change.reason ?? null}, reason),
      decline = coalesce(${change.decline === undefined ? null : JSON.stringify(change.decline)}::text::jsonb, decline),
      processor_reference = coalesce(processor_reference, ${change.processorReference ?? null}),
      fact_at_ms = greatest(fact_at_ms, ${change.factAtMs ?? null}::bigint),
      ended_at = case when ${change.ended ?? false} then coalesce(ended_at, now()) else ended_at end
    where operator_id = ${operatorId} and id = ${id}`
}

/** Counts a look-up that has been made; gives the number made so far. */
export async function countLookup(tx: Tx, operatorId: string, id: string): Promise<number> {
  const [row] = await tx<{ lookups: number }[]>`
    update attempt set lookups = lookups + 1 where operator_id = ${operatorId} and id = ${id} returning lookups`
  return row?.lookups ?? 0
}

/** How often a payment has been round its connections before now. */
export async function countRounds(tx: Tx, operatorId: string, subjectId: string): Promise<number> {
  const [row] = await tx<{ n: number }[]>`
    select coalesce(max(n), 0)::int - 1 as n from (
      select count(*) as n from attempt where operator_id = ${operatorId} and subject_id = ${subjectId} group by connection_id) t`
  return Math.max(0, row?.n ?? 0)
}

/** Attempts of which nobody knows whether money moved, by flow, and how old the oldest is. */
export async function unknownAttempts(
  tx: Tx,
  operatorId: string,
  nowMs: number,
): Promise<{ flow: string; n: number; oldestMs: number }[]> {
  return tx<{ flow: string; n: number; oldestMs: number }[]>`
    select flow, count(*)::int as n,
      (extract(epoch from ${new Date(nowMs)}::timestamptz - min(started_at)) * 1000)::float8 as oldest_ms
    from attempt where operator_id = ${operatorId} and status in ('unknown', 'integrity_hold') group by flow`
}
