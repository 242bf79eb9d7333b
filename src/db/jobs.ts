import type { Tx } from './client.ts'

/** A job as its handler sees it. `lease` and `revision` fence its end: a worker that lost its lease changes nothing. */
export type Job = {
  readonly id: bigint
  readonly kind: string
  readonly operatorId: string
  readonly subject: string
  readonly payload: unknown
  readonly runAt: Date
  readonly failures: number
  readonly lease: string
  readonly revision: number
}

/** Work to be done at `runAtMs`. `single` (the default) keeps one row per operator, kind and subject; the earlier time and the newer payload win; with `ifAbsent` the row that is there stays as it is. */
export type NewJob = {
  readonly kind: string
  readonly operatorId: string
  readonly subject: string
  readonly runAtMs: number
  readonly payload?: Readonly<Record<string, string | number | boolean | null>>
  readonly single?: boolean
  readonly ifAbsent?: boolean
}

/** Enough of an error to find its kind; the rest is in the log. */
const MAX_ERROR_LENGTH = 500

/** Writes a job in the caller's transaction: the work is promised if and only if that commits. */
export async function enqueueJob(tx: Tx, job: NewJob): Promise<void> {
  const { kind, operatorId, subject, runAtMs, payload = {}, single = true, ifAbsent = false } = job
  // A row that is being worked on keeps its lease: it runs again at the new time, after the present run has ended.
  await tx`
    insert into job (kind, operator, subject, payload, single, run_at)
    values (${kind}, ${operatorId}, ${subject}, ${tx.json(payload)}, ${single}, ${new Date(runAtMs)})
    on conflict (operator, kind, subject) where single ${
      ifAbsent
        ? tx`do nothing`
        : tx`do update set
          payload = excluded.payload,
          run_at = case when job.lease is null then least(job.run_at, excluded.run_at) else excluded.run_at end,
          revision = job.revision + 1`
    }`
}

/** Takes a job off the list, worked on or not; used when its subject is settled by other means. */
export async function cancelJob(tx: Tx, job: Pick<NewJob, 'kind' | 'operatorId' | 'subject'>): Promise<void> {
  await tx`delete from job where kind = ${job.kind} and operator = ${job.operatorId} and subject = ${job.subject}`
}

/** The same for jobs of several kinds about one subject. */
export async function cancelJobs(
  tx: Tx,
  { kinds, operatorId, subject }: Pick<NewJob, 'operatorId' | 'subject'> & { kinds: readonly string[] },
): Promise<void> {
  if (kinds.length === 0) return
  await tx`
    delete from job where operator = ${operatorId} and kind = any(${`{${kinds.join(',')}}`}::text[]) and subject = ${subject}`
}

/** Leases due jobs of these kinds, oldest first. Two workers never get the same one; a lease that ran out is taken over. */
export async function claimJobs(
  tx: Tx,
  { kinds, limit, leaseMs, nowMs }: { kinds: readonly string[]; limit: number; leaseMs: number; nowMs: number },
): Promise<Job[]> {
  if (kinds.length === 0) return []
  const now = new Date(nowMs)
  const rows = await tx<Job[]>`
    with due as materialized (
      select id from job
      where run_at <= ${now} and kind in ${tx([...kinds])} and (leased_until is null or leased_until <= ${now})
      order by run_at, id limit ${limit} for update skip locked)
    update job set lease = gen_random_uuid(), leased_until = ${new Date(nowMs + leaseMs)}
    from due where job.id = due.id
    returning job.id, kind, operator as operator_id, subject, payload, run_at, failures, lease, revision`
  return [...rows].sort((a, b) => a.runAt.getTime() - b.runAt.getTime())
}

/** Keeps the leases of long work. A lease that someone else took over stays theirs. */
export async function renewJobs(tx: Tx, jobs: readonly Job[], untilMs: number): Promise<void> {
  if (jobs.length === 0) return
  await tx`
    update job set leased_until = ${new Date(untilMs)}
    where lease in ${tx(jobs.map((job) => job.lease))}`
}

/** The work is done: the row goes, unless it was enqueued again meanwhile; then it is free to run once more. */
export async function finishJob(
  tx: Tx,
  { id, lease, revision }: Pick<Job, 'id' | 'lease' | 'revision'>,
): Promise<void> {
  await tx`
    with gone as (delete from job where id = ${id.toString()} and lease = ${lease} and revision = ${revision})
    update job set lease = null, leased_until = null, failures = 0, last_error = null
    where id = ${id.toString()} and lease = ${lease} and revision <> ${revision}`
}

/** Runs it again at `runAtMs`, or earlier if it was enqueued for an earlier time meanwhile. With `error` it counts as a failure. */
export async function rescheduleJob(
  tx: Tx,
  { id, lease, revision }: Pick<Job, 'id' | 'lease' | 'revision'>,
  runAtMs: number,
  error?: string,
): Promise<void> {
  const runAt = new Date(runAtMs)
  await tx`
    update job set
      lease = null, leased_until = null,
      run_at = case when revision = ${revision} then ${runAt} else least(run_at, ${runAt}) end,
      failures = ${error === undefined ? tx`0` : tx`failures + 1`},
      last_error = ${error?.slice(0, MAX_ERROR_LENGTH) ?? null}
    where id = ${id.toString()} and lease = ${lease}`
}

/** How many jobs of each kind are due and how late the oldest is, for metrics and alerts. */
export async function dueJobs(
  tx: Tx,
  nowMs: number,
): Promise<{ kind: string; due: number; oldestMs: number; failing: number }[]> {
  const now = new Date(nowMs)
  return tx<{ kind: string; due: number; oldestMs: number; failing: number }[]>`
    select kind, count(*) filter (where run_at <= ${now})::int as due,
      coalesce(extract(epoch from ${now}::timestamptz - min(run_at) filter (where run_at <= ${now})) * 1000, 0)::float8 as oldest_ms,
      count(*) filter (where failures > 0)::int as failing
    from job group by kind`
}
