import type { Tx } from './client.ts'

/**
 * Counts one request against a bucket that all instances share, in one statement, so that two requests at once can't both
 * take the last place. `intervalMs` is the time that one request takes up, `windowMs` what the bucket holds. The time is
 * the database's: instances needn't agree on theirs. Gives when the bucket will be empty again, or would have been.
 */
export async function takeFromBucket(
  tx: Tx,
  key: string,
  intervalMs: number,
  windowMs: number,
): Promise<{ readonly allowed: boolean; readonly levelMs: number }> {
  const [row] = await tx<{ allowed: boolean; levelMs: number }[]>`
    with now as (select extract(epoch from clock_timestamp()) * 1000 as ms),
    taken as (
      insert into rate_bucket as b (key, empty_at_ms)
      select ${key}, now.ms::float8 + ${intervalMs}::float8 from now
      on conflict (key) do update set empty_at_ms = greatest(b.empty_at_ms, excluded.empty_at_ms - ${intervalMs}::float8) + ${intervalMs}::float8
      where greatest(b.empty_at_ms, excluded.empty_at_ms - ${intervalMs}::float8) + ${intervalMs}::float8
        <= excluded.empty_at_ms - ${intervalMs}::float8 + ${windowMs}::float8 + 0.001
      returning b.empty_at_ms
    )
    select exists (select from taken) as allowed,
      (coalesce((select empty_at_ms from taken), (select empty_at_ms from rate_bucket where key = ${key}), now.ms::float8)
        - now.ms::float8) as level_ms
    from now`
  return row ?? { allowed: false, levelMs: windowMs }
}
