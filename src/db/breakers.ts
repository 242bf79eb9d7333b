import type { Tx } from './client.ts'

/** Which breaker: an account, what is asked of it, and the rail. */
export type BreakerRowKey = {
  readonly connectionId: string
  readonly operation: string
  readonly method: string
}

/** A breaker as all instances share it. Times are ms since 1970. */
export type BreakerRow = BreakerRowKey & {
  readonly state: 'open' | 'closed'
  readonly openedAtMs: number | null
  readonly changedAtMs: number
  readonly trialUntilMs: number | null
  /** When it opened lately, newest first. */
  readonly trips: readonly number[]
  readonly forced: 'open' | 'closed' | null
  readonly forcedReason: string | null
  readonly forcedUntilMs: number | null
  readonly forcedBy: string | null
}

type Raw = BreakerRowKey & {
  state: 'open' | 'closed'
  openedAt: Date | null
  changedAt: Date
  trialUntil: Date | null
  trips: readonly string[]
  forced: 'open' | 'closed' | null
  forcedReason: string | null
  forcedUntil: Date | null
  forcedBy: string | null
}

/** Trips shown to operations; older ones are in the audit log. */
const MAX_TRIPS = 10

const toRow = (raw: Raw): BreakerRow => ({
  connectionId: raw.connectionId,
  operation: raw.operation,
  method: raw.method,
  state: raw.state,
  openedAtMs: raw.openedAt?.getTime() ?? null,
  changedAtMs: raw.changedAt.getTime(),
  trialUntilMs: raw.trialUntil?.getTime() ?? null,
  trips: raw.trips.map((at) => Date.parse(at)),
  forced: raw.forced,
  forcedReason: raw.forcedReason,
  forcedUntilMs: raw.forcedUntil?.getTime() ?? null,
  forcedBy: raw.forcedBy,
})

/** All breakers of an operator that were ever moved. */
export async function listBreakers(tx: Tx, operatorId: string): Promise<BreakerRow[]> {
  const rows = await tx<Raw[]>`select * from breaker_state where operator_id = ${operatorId}`
  return rows.map(toRow)
}

/** Opens a breaker for every instance. True when it was this call that opened it. */
export async function openBreaker(tx: Tx, operatorId: string, key: BreakerRowKey, nowMs: number): Promise<boolean> {
  const now = new Date(nowMs)
  const trip = JSON.stringify([now.toISOString()])
  const rows = await tx`
    insert into breaker_state (operator_id, connection_id, operation, method, state, opened_at, changed_at, trips)
    values (${operatorId}, ${key.connectionId}, ${key.operation}, ${key.method}, 'open', ${now}, ${now}, ${trip}::text::jsonb)
    on conflict (operator_id, connection_id, operation, method) do update set
      state = 'open', opened_at = excluded.opened_at, changed_at = excluded.changed_at, trial_until = null,
      trips = (select jsonb_agg(t) from (
        select t from jsonb_array_elements(excluded.trips || breaker_state.trips) with ordinality as x(t, n)
        order by n limit ${MAX_TRIPS}) newest)
      where breaker_state.state = 'closed'
    returning 1`
  return rows.length > 0
}

/** Takes the one trial that an open breaker allows. False when it is too early or another instance has it. */
export async function claimTrial(
  tx: Tx,
  operatorId: string,
  key: BreakerRowKey,
  { nowMs, resetMs, trialMs }: { nowMs: number; resetMs: number; trialMs: number },
): Promise<boolean> {
  const now = new Date(nowMs)
  const rows = await tx`
    update breaker_state set trial_until = ${new Date(nowMs + trialMs)}
    where operator_id = ${operatorId} and connection_id = ${key.connectionId}
      and operation = ${key.operation} and method = ${key.method}
      and state = 'open' and opened_at <= ${new Date(nowMs - resetMs)}
      and (trial_until is null or trial_until <= ${now})
    returning 1`
  return rows.length > 0
}

/** Ends a trial: the breaker closes, or stays open for another wait. */
export async function endTrial(
  tx: Tx,
  operatorId: string,
  key: BreakerRowKey,
  { nowMs, healthy }: { nowMs: number; healthy: boolean },
): Promise<void> {
  const now = new Date(nowMs)
  await tx`
    update breaker_state set
      state = ${healthy ? 'closed' : 'open'}, opened_at = ${healthy ? null : now}, trial_until = null,
      changed_at = ${healthy ? now : tx`changed_at`}
    where operator_id = ${operatorId} and connection_id = ${key.connectionId}
      and operation = ${key.operation} and method = ${key.method} and state = 'open'`
}

/** Puts a person's word over a breaker until `untilMs`; null takes it back and closes the breaker. */
export async function forceBreaker(
  tx: Tx,
  operatorId: string,
  key: BreakerRowKey,
  force: { to: 'open' | 'closed'; reason: string; untilMs: number; by: string } | null,
  nowMs: number,
): Promise<void> {
  const now = new Date(nowMs)
  const until = force ? new Date(force.untilMs) : null
  await tx`
    insert into breaker_state (operator_id, connection_id, operation, method, state, changed_at,
      forced, forced_reason, forced_until, forced_by)
    values (${operatorId}, ${key.connectionId}, ${key.operation}, ${key.method}, 'closed', ${now},
      ${force?.to ?? null}, ${force?.reason ?? null}, ${until}, ${force?.by ?? null})
    on conflict (operator_id, connection_id, operation, method) do update set
      forced = excluded.forced, forced_reason = excluded.forced_reason, forced_until = excluded.forced_until,
      forced_by = excluded.forced_by, changed_at = excluded.changed_at,
      state = case when excluded.forced is distinct from 'open' then 'closed' else breaker_state.state end,
      opened_at = case when excluded.forced is distinct from 'open' then null else breaker_state.opened_at end,
      trial_until = null`
}
