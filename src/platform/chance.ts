/** Bytes of chance that one id needs. */
const CHANCE_BYTES = 10
/** Ids whose chance is drawn at once: a call of the system for each took as long as verifying a webhook. */
const IDS_AT_ONCE = 512

/** A source of the ten random bytes of a UUIDv7, each to be used before the next is drawn. */
export function chance(): () => Uint8Array {
  const pool = new Uint8Array(CHANCE_BYTES * IDS_AT_ONCE)
  let used = pool.length
  return () => {
    if (used === pool.length) {
      crypto.getRandomValues(pool)
      used = 0
    }
    used += CHANCE_BYTES
    return pool.subarray(used - CHANCE_BYTES, used)
  }
}
