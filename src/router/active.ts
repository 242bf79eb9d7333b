import type { Facts } from '../adapters/contract.ts'
import { assert } from '../core/errors.ts'
import type { Db } from '../db/client.ts'
import { listConnections, listFloats } from '../db/connections.ts'
import { listFees, sumRates } from '../db/rates.ts'
import { type ActiveRow, readActive, readVersionText } from '../db/rulesets.ts'
import type { Breakers } from './breaker.ts'
import { type CompiledRuleset, compile } from './compile.ts'
import { point } from './hash.ts'
import { type Candidate, type Health, type Plan, plan, type Rates, type RouteFacts } from './plan.ts'
import { ratesOf } from './rates.ts'
import { BUILT_IN, parseRuleset } from './rules.ts'

/** How old what plans are made from may be: with the query it stays well under the second that is promised. */
const REFRESH_MS = 500
/** Rates move slowly, and summing them reads some thousand rows. */
const RATES_REFRESH_MS = 10_000
/** The sliding window of success rates. */
export const RATE_WINDOW_MS = 60 * 60_000
/** Operators whose tables are kept at once, some 100 kB each. */
const MAX_OPERATORS = 500
/** Compiled versions kept at once: the active one and the staged one of each operator. */
const MAX_COMPILED = 1_000

/** All that a plan of one operator is made from, at one moment. */
export type RoutingState = {
  readonly active: ActiveRow
  readonly candidates: readonly Candidate[]
  readonly health: Health
  readonly rates: Rates
}

/** Plans payments by what is published now. One per process; every instance sees a publication within a second. */
export type RoutingTable = {
  /** Plans a payment under the version that its player is on. The plan is to be stored with the payment, which ends under it. */
  planFor(operatorId: string, facts: RouteFacts): Promise<Plan>
  /** What plans are made from now. */
  stateOf(operatorId: string): Promise<RoutingState>
  /** A version ready to run: 0 is the built-in rule. Throws when the operator has no such version. */
  compiled(operatorId: string, version: number): Promise<CompiledRuleset>
  /** Forgets what was read of an operator, so that a change of one's own is seen at once. */
  refresh(operatorId: string): void
}

/** What the routing table needs. */
export type RoutingTableDeps = {
  readonly db: Db
  readonly clock: { nowMs(): number }
  readonly processors: { facts(processor: string): Facts | undefined }
  readonly breakers: Pick<Breakers, 'health'> & Partial<Pick<Breakers, 'refresh'>>
}

/** Opens the routing table: a cache by operator over the published versions, the connections and their health. */
export function createRoutingTable({ db, clock, processors, breakers }: RoutingTableDeps): RoutingTable {
  const kept = new Map<string, { readAtMs: number; value: Promise<RoutingState> }>()
  const rates = new Map<string, { readAtMs: number; value: Promise<Rates> }>()
  const versions = new Map<string, Promise<CompiledRuleset>>()

  async function read(operatorId: string): Promise<RoutingState> {
    const [health, known, [active, connections]] = await Promise.all([
      breakers.health(operatorId),
      ratesFor(operatorId),
      db.tx(operatorId, (tx) => Promise.all([readActive(tx, operatorId), listConnections(tx, operatorId)])),
    ])
    const candidates = connections.flatMap((connection) => {
      const facts = processors.facts(connection.processor)
      return facts ? [{ connection, facts }] : []
    })
    return { active, candidates, health, rates: known }
  }

  const ratesFor = (operatorId: string): Promise<Rates> => {
    const nowMs = clock.nowMs()
    const known = rates.get(operatorId)
    if (known && nowMs - known.readAtMs < RATES_REFRESH_MS) return known.value
    const value = db.tx(operatorId, async (tx) =>
      ratesOf(
        ...(await Promise.all([
          sumRates(tx, operatorId, nowMs - RATE_WINDOW_MS),
          listFees(tx, operatorId),
          listFloats(tx, operatorId),
        ])),
      ),
    )
    keep(rates, operatorId, { readAtMs: nowMs, value }, MAX_OPERATORS)
    value.then(undefined, () => rates.get(operatorId)?.value === value && rates.delete(operatorId))
    return value
  }

  const stateOf = (operatorId: string): Promise<RoutingState> => {
    const nowMs = clock.nowMs()
    const known = kept.get(operatorId)
    if (known && nowMs - known.readAtMs < REFRESH_MS) return known.value
    const value = read(operatorId)
    keep(kept, operatorId, { readAtMs: nowMs, value }, MAX_OPERATORS)
    value.then(undefined, () => kept.get(operatorId)?.value === value && kept.delete(operatorId))
    return value
  }

  const compiled = (operatorId: string, version: number): Promise<CompiledRuleset> => {
    const key = `${operatorId}/${version}`
    const known = versions.get(key)
    if (known) return known
    const value = version === 0 ? Promise.resolve(compile(BUILT_IN, 0)) : load(operatorId, version)
    keep(versions, key, value, MAX_COMPILED)
    value.then(undefined, () => versions.delete(key))
    return value
  }

  async function load(operatorId: string, version: number): Promise<CompiledRuleset> {
    const text = await db.tx(operatorId, (tx) => readVersionText(tx, operatorId, version))
    assert(text !== undefined, `no ruleset version ${version}`)
    const read = parseRuleset(JSON.parse(text))
    assert(read.ok, `ruleset version ${version} can't be read`)
    return compile(read.ruleset, version)
  }

  return {
    stateOf,
    compiled,
    refresh(operatorId) {
      kept.delete(operatorId)
      rates.delete(operatorId)
      breakers.refresh?.(operatorId)
    },
    async planFor(operatorId, facts) {
      const { active, candidates, health, rates } = await stateOf(operatorId)
      const ruleset = await compiled(operatorId, versionFor(active, facts.playerId, clock.nowMs()))
      return plan({ ruleset, facts, candidates, health, rates })
    },
  }
}

/**
 * The version that a player's payments run on at a time. While a candidate is staged, a fixed share of players is on it;
 * what was scheduled begins, and what was for an emergency ends, at its very time and not when a job gets to it.
 */
export function versionFor(active: ActiveRow, playerId: string, nowMs: number): number {
  const { candidate, percent, scheduledAt, scheduledVersion, revertAt, previousVersion } = active
  if (revertAt !== null && revertAt.getTime() <= nowMs) return previousVersion ?? 0
  if (scheduledVersion !== null && scheduledAt !== null && scheduledAt.getTime() <= nowMs) return scheduledVersion
  if (candidate === null) return active.version
  return point(`stage/${candidate}/${playerId}`) * 100 < percent ? candidate : active.version
}

/** Puts a value into a map in the order of writing, and drops the oldest over `max`. */
function keep<V>(map: Map<string, V>, key: string, value: V, max: number): void {
  map.delete(key)
  map.set(key, value)
  const [oldest] = map.keys()
  if (map.size > max && oldest !== undefined) map.delete(oldest)
}
