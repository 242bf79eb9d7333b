import type { Tx } from './client.ts'

/**
 * Counts one request against a bucket that all instances share, in one statement, so that two requests at once can't both
 * take the last place. `intervalMs` is the time that one request takes up, `windowMs` what the bucket holds. The time is
 * the database's: instances needn't agree on theirs. `levelMs` says in how long the bucket will be empty again.
 */
export async function takeFromBucket(
  tx: Tx,
  key: string,
  intervalMs: number,
  windowMs: number,
): Promise<{ readonly allowed: boolean; readonly levelMs: number }> {
  const [taken] = await tx<{ levelMs: number }[]>`
    insert into rate_bucket as bucket (key, empty_at_ms)
    values (${key}, ${nowMs(tx)} + ${intervalMs}::float8)
    on conflict (key) do update
      set empty_at_ms = greatest(bucket.empty_at_ms, excluded.empty_at_ms - ${intervalMs}::float8) + ${intervalMs}::float8
      where bucket.empty_at_ms + ${2 * intervalMs}::float8 <= excluded.empty_at_ms + ${windowMs + ROUNDING_MS}::float8
    returning bucket.empty_at_ms - ${nowMs(tx)} as level_ms`
  if (taken) return { allowed: true, levelMs: taken.levelMs }
  // A statement of its own: the one above saw the bucket as it was before it waited for the others.
  const [full] = await tx<{ levelMs: number }[]>`
    select empty_at_ms - ${nowMs(tx)} as level_ms from rate_bucket where key = ${key}`
  return { allowed: false, levelMs: full?.levelMs ?? windowMs }
}

/** Intervals are fractions of a millisecond. */
const ROUNDING_MS = 0.001

const nowMs = (tx: Tx) => tx`(extract(epoch from clock_timestamp()) * 1000)::float8`
