import type { KeptAnswer, SavedKey } from '../core/idempotency.ts'
import { DEFAULT_SETTINGS } from '../core/settings.ts'
import type { Tx } from './client.ts'

/** Takes a key that nobody holds, for as many hours as the operator keeps answers, and gives its fence; or what is saved under it. */
export async function claimKey(
  tx: Tx,
  operatorId: string,
  claim: { key: string; fingerprint: string; leaseUntil: Date; now: Date },
): Promise<{ readonly fence: bigint } | { readonly saved: SavedKey | undefined }> {
  // An expired key is free again: the business reference is what stays unique for ever.
  const [row] = await tx<[{ claimed: bigint | null } & { [name in keyof SavedKey]: SavedKey[name] | null }]>`
    with claimed as (insert into idempotency_key (operator_id, key, fingerprint, lease_until, expires_at, created_at)
    select o.id, ${claim.key}::text, ${claim.fingerprint}::text, ${claim.leaseUntil}::timestamptz, ${claim.now}::timestamptz
      + coalesce((o.settings ->> 'idempotencyHours')::float8, ${DEFAULT_SETTINGS.idempotencyHours}) * interval '1 hour', ${claim.now}
    from operator o where o.id = ${operatorId}
    on conflict (operator_id, key) do update
      set fingerprint = excluded.fingerprint, state = 'running', fence = idempotency_key.fence + 1,
        lease_until = excluded.lease_until, status = null, body = null, headers = null,
        created_at = excluded.created_at, expires_at = excluded.expires_at
      where idempotency_key.state = 'free'
        or (idempotency_key.expires_at < ${claim.now} and idempotency_key.state = 'done')
    returning fence)
    select claimed.fence as claimed, k.fingerprint, k.state, k.fence, k.lease_until, k.created_at, k.status, k.body, k.headers
    from (select) one left join claimed on true
    left join idempotency_key k on claimed.fence is null and k.operator_id = ${operatorId} and k.key = ${claim.key}`
  if (row.claimed !== null) return { fence: row.claimed }
  // One that was committed while this statement waited for it is seen by the next.
  return { saved: isSaved(row) ? row : await findKey(tx, operatorId, claim.key) }
}

const isSaved = (row: { fence: bigint | null }): row is SavedKey => row.fence !== null

/** What is saved under a key, or undefined. */
export async function findKey(tx: Tx, operatorId: string, key: string): Promise<SavedKey | undefined> {
  const [row] = await tx<SavedKey[]>`
    select fingerprint, state, fence, lease_until, created_at, status, body, headers from idempotency_key
    where operator_id = ${operatorId} and key = ${key}`
  return row
}

/** Takes over a key whose lease has run out; false when somebody else was quicker. */
export async function takeOverKey(
  tx: Tx,
  operatorId: string,
  row: { key: string; fence: bigint; leaseUntil: Date },
): Promise<boolean> {
  const rows = await tx`
    update idempotency_key set fence = fence + 1, lease_until = ${row.leaseUntil}
    where operator_id = ${operatorId} and key = ${row.key} and fence = ${row.fence} and state = 'running'
    returning 1`
  return rows.length === 1
}

/** Saves the answer to be replayed. False when the lease was lost: a writer with an old fence changes nothing. */
export async function finishKey(
  tx: Tx,
  operatorId: string,
  row: { key: string; fence: bigint } & KeptAnswer,
): Promise<boolean> {
  const rows = await tx`
    update idempotency_key set state = 'done', status = ${row.status}, body = ${row.body},
      headers = ${JSON.stringify(row.headers)}::text::jsonb
    where operator_id = ${operatorId} and key = ${row.key} and fence = ${row.fence} and state = 'running'
    returning 1`
  return rows.length === 1
}

/** Gives a key back whose run has done nothing, so that any request may take it. Its row stays: a fence must never be given out twice. */
export async function freeKey(tx: Tx, operatorId: string, row: { key: string; fence: bigint }): Promise<void> {
  await tx`
    update idempotency_key set state = 'free'
    where operator_id = ${operatorId} and key = ${row.key} and fence = ${row.fence} and state = 'running'`
}

/** Ends a lease before its time: the same request may go on at once with what this run has begun. */
export async function leaveKey(
  tx: Tx,
  operatorId: string,
  row: { key: string; fence: bigint; now: Date },
): Promise<void> {
  await tx`
    update idempotency_key set lease_until = ${row.now}
    where operator_id = ${operatorId} and key = ${row.key} and fence = ${row.fence} and state = 'running'`
}

/** Forgets answers that are past their window, at most `limit` at a time; says how many. */
export async function deleteExpiredKeys(tx: Tx, operatorId: string, now: Date, limit: number): Promise<number> {
  const rows = await tx`
    delete from idempotency_key where (operator_id, key) in (
      select operator_id, key from idempotency_key
      where operator_id = ${operatorId} and expires_at < ${now} and state <> 'running' limit ${limit})
    returning 1`
  return rows.length
}
