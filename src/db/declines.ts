import type { Tx } from './client.ts'

/** An operator's word on a decline as stored; `processor` is `*` for all. */
export type DeclineOverrideRow = {
  readonly code: string
  readonly processor: string
  readonly next: 'next' | 'once' | 'same' | 'step_up' | 'player' | 'never'
  readonly reason: string
  readonly setBy: string
  readonly setAt: Date
}

/** All overrides of an operator. */
export async function listDeclineOverrides(tx: Tx, operatorId: string): Promise<DeclineOverrideRow[]> {
  return await tx<DeclineOverrideRow[]>`
    select code, processor, next, reason, set_by, set_at from decline_override
    where operator_id = ${operatorId} order by code, processor`
}

/** Sets an operator's word on a decline. */
export async function setDeclineOverride(
  tx: Tx,
  operatorId: string,
  row: Omit<DeclineOverrideRow, 'setAt'>,
): Promise<void> {
  await tx`
    insert into decline_override (operator_id, code, processor, next, reason, set_by)
    values (${operatorId}, ${row.code}, ${row.processor}, ${row.next}, ${row.reason}, ${row.setBy})
    on conflict (operator_id, code, processor) do update set
      next = excluded.next, reason = excluded.reason, set_by = excluded.set_by, set_at = now()`
}

/** Takes it back; false when there was none. */
export async function dropDeclineOverride(
  tx: Tx,
  operatorId: string,
  { code, processor }: { code: string; processor: string },
): Promise<boolean> {
  const rows = await tx`
    delete from decline_override
    where operator_id = ${operatorId} and code = ${code} and processor = ${processor} returning 1`
  return rows.length > 0
}

/** A processor's code that no table knows, with how often it was seen. */
export type UnmappedRow = {
  readonly processor: string
  readonly flow: string
  readonly processorCode: string
  readonly seen: number
  readonly firstAt: Date
  readonly lastAt: Date
}

/** Longer than any processor's code; what is longer is no code. */
const MAX_CODE = 64
/** Distinct codes shown. */
const MAX_SHOWN = 200

/** Counts a decline that came as `unmapped`. Call it in the transaction that settles the attempt. */
export async function countUnmapped(
  tx: Tx,
  operatorId: string,
  seen: { processor: string; flow: string; processorCode: string; at: Date },
): Promise<void> {
  await tx`
    insert into unmapped_decline (operator_id, processor, flow, processor_code, seen, first_at, last_at)
    values (${operatorId}, ${seen.processor}, ${seen.flow}, ${seen.processorCode.slice(0, MAX_CODE)}, 1, ${seen.at}, ${seen.at})
    on conflict (operator_id, processor, flow, processor_code) do update set
      seen = unmapped_decline.seen + 1, last_at = greatest(unmapped_decline.last_at, excluded.last_at)`
}

/** Codes that nobody mapped, the most frequent first. */
export async function listUnmapped(tx: Tx, operatorId: string): Promise<UnmappedRow[]> {
  return await tx<UnmappedRow[]>`
    select processor, flow, processor_code, seen, first_at, last_at from unmapped_decline
    where operator_id = ${operatorId} order by seen desc, last_at desc limit ${MAX_SHOWN}`
}
