import type { Tx } from './client.ts'

/** The kind of payment that a success rate is kept for. `binCountry` is empty where there is none. */
export type RateSegment = {
  readonly connectionId: string
  readonly direction: 'deposit' | 'withdrawal'
  readonly method: string
  readonly asset: string
  readonly country: string
  readonly binCountry: string
}

/** Attempts and successes of one segment. */
export type RateRow = RateSegment & { readonly attempts: number; readonly succeeded: number }

/** Length of a bucket: the window moves on by it. */
export const BUCKET_MS = 5 * 60_000
/** Rows that writers of one segment spread over. */
const SLOTS = 8

/** Counts an attempt that came to a definite end. Call it in the transaction that settles it. */
export async function countAttempt(
  tx: Tx,
  operatorId: string,
  segment: RateSegment,
  { succeeded, atMs }: { succeeded: boolean; atMs: number },
): Promise<void> {
  const bucket = new Date(Math.floor(atMs / BUCKET_MS) * BUCKET_MS)
  await tx`
    insert into rate_window (operator_id, bucket, connection_id, direction, method, asset, country, bin_country, slot,
      attempts, succeeded)
    values (${operatorId}, ${bucket}, ${segment.connectionId}, ${segment.direction}, ${segment.method},
      ${segment.asset}, ${segment.country}, ${segment.binCountry}, pg_backend_pid() % ${SLOTS}, 1, ${succeeded ? 1 : 0})
    on conflict (operator_id, bucket, connection_id, direction, method, asset, country, bin_country, slot) do update set
      attempts = rate_window.attempts + 1, succeeded = rate_window.succeeded + excluded.succeeded`
}

/** Sums of all segments since a time. */
export async function sumRates(tx: Tx, operatorId: string, sinceMs: number): Promise<RateRow[]> {
  const rows = await tx<(RateSegment & { attempts: bigint; succeeded: bigint })[]>`
    select connection_id, direction, method, asset, country, bin_country,
      sum(attempts)::int8 as attempts, sum(succeeded)::int8 as succeeded
    from rate_window where operator_id = ${operatorId} and bucket >= ${new Date(sinceMs)}
    group by connection_id, direction, method, asset, country, bin_country`
  return rows.map((row) => ({ ...row, attempts: Number(row.attempts), succeeded: Number(row.succeeded) }))
}

/** Writes sums of many segments into one bucket: for histories that are made, not lived. */
export async function insertRates(tx: Tx, operatorId: string, atMs: number, rows: readonly RateRow[]): Promise<void> {
  const bucket = new Date(Math.floor(atMs / BUCKET_MS) * BUCKET_MS)
  const json = JSON.stringify(rows)
  await tx`
    insert into rate_window (operator_id, bucket, connection_id, direction, method, asset, country, bin_country, slot,
      attempts, succeeded)
    select ${operatorId}, ${bucket}, "connectionId", direction, method, asset, country, "binCountry", 0, attempts, succeeded
    from jsonb_to_recordset(${json}::text::jsonb) as r("connectionId" text, direction text, method text, asset text,
      country text, "binCountry" text, attempts integer, succeeded integer)
    on conflict (operator_id, bucket, connection_id, direction, method, asset, country, bin_country, slot) do update set
      attempts = rate_window.attempts + excluded.attempts, succeeded = rate_window.succeeded + excluded.succeeded`
}

/** Drops buckets that no window reaches. */
export async function pruneRates(tx: Tx, operatorId: string, beforeMs: number): Promise<void> {
  await tx`delete from rate_window where operator_id = ${operatorId} and bucket < ${new Date(beforeMs)}`
}

/** What a processor takes: `method` and `asset` may be `*`. */
export type FeeRow = {
  readonly connectionId: string
  readonly direction: 'deposit' | 'withdrawal'
  readonly method: string
  readonly asset: string
  readonly fixed: bigint
  /** Share of the amount, in millionths. */
  readonly millionths: number
}

/** All fee schedules of an operator. */
export async function listFees(tx: Tx, operatorId: string): Promise<FeeRow[]> {
  return await tx<FeeRow[]>`
    select connection_id, direction, method, asset, fixed, millionths from fee_schedule
    where operator_id = ${operatorId} order by connection_id, direction, method, asset`
}

/** Replaces the fee schedule of one connection. */
export async function replaceFees(
  tx: Tx,
  operatorId: string,
  connectionId: string,
  fees: readonly Omit<FeeRow, 'connectionId'>[],
): Promise<void> {
  await tx`delete from fee_schedule where operator_id = ${operatorId} and connection_id = ${connectionId}`
  for (const fee of fees) {
    await tx`
      insert into fee_schedule (operator_id, connection_id, direction, method, asset, fixed, millionths)
      values (${operatorId}, ${connectionId}, ${fee.direction}, ${fee.method}, ${fee.asset},
        ${fee.fixed.toString()}::numeric, ${fee.millionths})`
  }
}
