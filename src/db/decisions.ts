import { fromStored, toStoredJson } from '../core/stored-json.ts'
import { textArray } from './array-literals.ts'
import type { Tx } from './client.ts'

/** A plan as it is recorded. `facts` are the route facts without the amount. */
export type NewDecision = {
  readonly id: string
  readonly paymentId: string
  readonly atMs: number
  readonly facts: Readonly<Record<string, unknown>>
  readonly asset: string
  readonly amount: bigint
  readonly rulesetVersion: number
  readonly ruleId: string
  /** Connections in the order planned. */
  readonly route: readonly string[]
}

/** A recorded decision with what came of it, as far as it is known. */
export type DecisionRow = NewDecision & {
  readonly firstSucceeded: boolean | null
  readonly succeeded: boolean | null
  readonly connectionId: string | null
}

/** Records a plan, in the transaction that stores the payment. A payment is recorded once. */
export async function insertDecision(tx: Tx, operatorId: string, made: NewDecision): Promise<void> {
  await tx`
    insert into route_decision (operator_id, id, payment_id, at, facts, asset, amount, ruleset_version, rule_id, route)
    values (${operatorId}, ${made.id}, ${made.paymentId}, ${new Date(made.atMs)}, ${toStoredJson(made.facts)}::text::jsonb,
      ${made.asset}, ${made.amount.toString()}::numeric, ${made.rulesetVersion}, ${made.ruleId},
      ${textArray(made.route)}::text::text[])
    on conflict (operator_id, payment_id) do nothing`
}

/** The kind of a recorded payment, as far as success rates tell kinds apart. */
export type RecordedKind = { method: string; asset: string; country: string; binCountry: string }

/** Records what an attempt of a payment came to: the first one tells of the connection, a success of the payment. Gives the payment's kind, or undefined when it was never recorded. */
export async function recordOutcome(
  tx: Tx,
  operatorId: string,
  outcome: { paymentId: string; connectionId: string; first: boolean; succeeded: boolean },
): Promise<RecordedKind | undefined> {
  const [kind] = await tx<RecordedKind[]>`
    update route_decision set
      first_succeeded = case when ${outcome.first}::boolean then ${outcome.succeeded}::boolean else first_succeeded end,
      succeeded = coalesce(succeeded, false) or ${outcome.succeeded}::boolean,
      connection_id = case when ${outcome.succeeded}::boolean then ${outcome.connectionId} else connection_id end
    where operator_id = ${operatorId} and payment_id = ${outcome.paymentId}
    returning facts ->> 'method' as method, asset, facts ->> 'playerCountry' as country,
      coalesce(facts ->> 'binCountry', '') as bin_country`
  return kind
}

type Raw = Omit<DecisionRow, 'atMs' | 'route'> & { at: Date; route: string }

/** The newest decisions since `sinceMs`, at most `limit`, newest first. */
export async function listDecisions(
  tx: Tx,
  operatorId: string,
  { sinceMs, limit }: { sinceMs: number; limit: number },
): Promise<DecisionRow[]> {
  const rows = await tx<Raw[]>`
    select id, payment_id, at, facts, asset, amount, ruleset_version, rule_id, to_jsonb(route)::text as route,
      first_succeeded, succeeded, connection_id
    from route_decision where operator_id = ${operatorId} and at >= ${new Date(sinceMs)}
    order by at desc limit ${limit}`
  return rows.map(({ at, route, facts, ...row }) => ({
    ...row,
    facts: recordOf(fromStored(facts)),
    atMs: at.getTime(),
    route: wordsOf(JSON.parse(route)),
  }))
}

const recordOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}

const wordsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []

/** Writes many decisions with their outcomes in one statement: for histories that are made, not lived. */
export async function insertDecisions(tx: Tx, operatorId: string, rows: readonly DecisionRow[]): Promise<void> {
  const json = toStoredJson(
    rows.map((row) => ({
      id: row.id,
      payment_id: row.paymentId,
      at: new Date(row.atMs).toISOString(),
      facts: row.facts,
      asset: row.asset,
      amount: row.amount.toString(),
      ruleset_version: row.rulesetVersion,
      rule_id: row.ruleId,
      route: textArray(row.route),
      first_succeeded: row.firstSucceeded,
      succeeded: row.succeeded,
      connection_id: row.connectionId,
    })),
  )
  await tx`
    insert into route_decision (operator_id, id, payment_id, at, facts, asset, amount, ruleset_version, rule_id, route,
      first_succeeded, succeeded, connection_id)
    select ${operatorId}, id, payment_id, at, facts, asset, amount, ruleset_version, rule_id, route::text[],
      first_succeeded, succeeded, connection_id
    from jsonb_to_recordset(${json}::text::jsonb) as r(id text, payment_id text, at timestamptz, facts jsonb, asset text,
      amount numeric, ruleset_version integer, rule_id text, route text, first_succeeded boolean, succeeded boolean,
      connection_id text)
    on conflict do nothing`
}

/** How the payments of a version fared since a time: what decides whether a staged one goes on. */
export async function versionFigures(
  tx: Tx,
  operatorId: string,
  version: number,
  sinceMs: number,
): Promise<{ known: number; succeeded: number }> {
  const [row] = await tx<{ known: bigint; succeeded: bigint }[]>`
    select count(*) as known, count(*) filter (where succeeded) as succeeded from route_decision
    where operator_id = ${operatorId} and at >= ${new Date(sinceMs)} and ruleset_version = ${version}
      and succeeded is not null`
  return { known: Number(row?.known ?? 0n), succeeded: Number(row?.succeeded ?? 0n) }
}

/** Hits by rule since a time, of one version. */
export async function ruleHits(
  tx: Tx,
  operatorId: string,
  version: number,
  sinceMs: number,
): Promise<{ ruleId: string; hits: number; known: number; succeeded: number }[]> {
  const rows = await tx<{ ruleId: string; hits: bigint; known: bigint; succeeded: bigint }[]>`
    select rule_id, count(*) as hits, count(succeeded) as known, count(*) filter (where succeeded) as succeeded
    from route_decision
    where operator_id = ${operatorId} and at >= ${new Date(sinceMs)} and ruleset_version = ${version}
    group by rule_id`
  return rows.map(({ ruleId, hits, known, succeeded }) => ({
    ruleId,
    hits: Number(hits),
    known: Number(known),
    succeeded: Number(succeeded),
  }))
}

/** Drops decisions older than `beforeMs`, at most `limit` at a time; gives how many. */
export async function pruneDecisions(tx: Tx, operatorId: string, beforeMs: number, limit: number): Promise<number> {
  const rows = await tx`
    delete from route_decision where operator_id = ${operatorId} and id in (
      select id from route_decision where operator_id = ${operatorId} and at < ${new Date(beforeMs)} limit ${limit})
    returning 1`
  return rows.length
}
