import { assert } from '../core/errors.ts'
import { typeId, uuidV7 } from '../core/ids.ts'
import type { MethodType } from '../core/method.ts'
import type { Tx } from '../db/client.ts'
import { type DecisionRow, insertDecisions } from '../db/decisions.ts'
import { BUCKET_MS, insertRates, type RateRow, type RateSegment } from '../db/rates.ts'
import { compile } from '../router/compile.ts'
import { point } from '../router/hash.ts'
import { ALL_HEALTHY, type Candidate, NO_RATES, plan, type RouteFacts } from '../router/plan.ts'
import { decisionOf } from '../router/recorded.ts'
import { BUILT_IN } from '../router/rules.ts'
import type { Deps } from './deps.ts'

/** What a made history is like. The same seed, time and connections give the same history. */
export type HistoryOptions = {
  readonly candidates: readonly Candidate[]
  readonly nowMs: number
  readonly count?: number
  readonly hours?: number
  readonly seed?: number
  /** Share of payments that went to another connection first, so that each has been seen: 0–1. */
  readonly explored?: number
}

/** Rows of one statement: some megabytes of JSON. */
const BATCH = 2_500
/** Tries for one payment that some connection takes. */
const MAX_TRIES = 20

// A Nordic operator: shares out of 100, and what a player of each country pays with.
const COUNTRIES = [
  { country: 'SE', currency: 'SEK', share: 30, scale: 10n },
  { country: 'FI', currency: 'EUR', share: 25, scale: 1n },
  { country: 'NO', currency: 'NOK', share: 15, scale: 10n },
  { country: 'DE', currency: 'EUR', share: 15, scale: 1n },
  { country: 'MT', currency: 'EUR', share: 10, scale: 1n },
  { country: 'CA', currency: 'CAD', share: 5, scale: 1n },
] as const
const METHODS = [
  { method: 'card', share: 66 },
  { method: 'bank', share: 18 },
  { method: 'wallet', share: 12 },
  { method: 'crypto', share: 4 },
] as const
const BRANDS = [
  { brand: 'visa', share: 62 },
  { brand: 'mastercard', share: 35 },
  { brand: 'amex', share: 3 },
] as const
const SEGMENTS = [
  { segment: undefined, share: 70 },
  { segment: 'new', share: 20 },
  { segment: 'vip', share: 10 },
] as const
/** Amounts in cents of the euro; other currencies by their scale. */
const AMOUNTS = [1_000n, 2_000n, 2_500n, 5_000n, 10_000n, 10_000n, 20_000n, 50_000n, 100_000n] as const
/** Share of payouts, in percent. */
const PAYOUTS = 14
/** What of each method succeeds at a connection that is neither good nor bad. */
const BASE_RATE: Readonly<Record<MethodType, number>> = { card: 0.81, bank: 0.9, wallet: 0.93, crypto: 0.97 }

/**
 * Records payments that never were, for the sandbox: planned by the built-in rule on the given connections, with success
 * rates that differ by connection, country and method, so that a simulation has something to find in the first minute.
 * Gives how many were recorded: payments that no connection takes are left out.
 */
export async function seedRecordedPayments(tx: Tx, operatorId: string, options: HistoryOptions): Promise<number> {
  const rows = makeHistory(options)
  for (let start = 0; start < rows.length; start += BATCH) {
    await insertDecisions(tx, operatorId, rows.slice(start, start + BATCH))
  }
  await insertRates(tx, operatorId, options.nowMs - BUCKET_MS, ratesFrom(rows))
  return rows.length
}

/** `seedRecordedPayments` on the operator's own connections, up to now. */
export async function seedHistory(
  deps: Pick<Deps, 'db' | 'clock' | 'routing'>,
  operatorId: string,
  count: number,
): Promise<number> {
  const { candidates } = await deps.routing.stateOf(operatorId)
  const nowMs = deps.clock.nowMs()
  // Another seed each time: the same payments twice would be refused as the same.
  const options = { candidates, nowMs, count, seed: nowMs % 2 ** 31 }
  return deps.db.tx(operatorId, (tx) => seedRecordedPayments(tx, operatorId, options))
}

/** The history itself, newest last. */
export function makeHistory({
  candidates,
  nowMs,
  count = 10_000,
  hours = 24,
  seed = 1,
  explored = 0.3,
}: HistoryOptions): DecisionRow[] {
  const random = randomOf(seed)
  const ruleset = compile(BUILT_IN, 0)
  const spanMs = hours * 3_600_000
  const rows: DecisionRow[] = []
  for (let index = 0; index < count; index += 1) {
    const atMs = nowMs - spanMs + Math.floor(((index + random()) / count) * spanMs)
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const facts = paymentAt(atMs, random)
      const made = plan({ ruleset, facts, candidates, health: ALL_HEALTHY, rates: NO_RATES })
      if (made.route.length === 0) continue
      const paymentId = idOf(facts.direction, atMs, random)
      const decision = decisionOf(idOf('decision', atMs, random), paymentId, facts, made)
      const route = random() < explored ? turned(decision.route, random) : decision.route
      rows.push(outcomeOf(facts, { ...decision, route }, random))
      break
    }
  }
  return rows
}

/** The same connections, beginning with another of them. */
function turned(route: readonly string[], random: () => number): readonly string[] {
  const by = Math.floor(random() * route.length)
  return [...route.slice(by), ...route.slice(0, by)]
}

function paymentAt(atMs: number, random: () => number): RouteFacts {
  const { country, currency, scale } = pick(COUNTRIES, random)
  const { method } = pick(METHODS, random)
  const { segment } = pick(SEGMENTS, random)
  const cents = AMOUNTS[Math.floor(random() * AMOUNTS.length)] ?? 1_000n
  const deposits = Math.floor(random() * 40)
  const coin = method === 'crypto'
  return {
    direction: random() * 100 < PAYOUTS ? 'withdrawal' : 'deposit',
    method,
    // A coin's amounts: one satoshi-sized unit for a cent is near enough to life.
    amount: coin ? { asset: 'BTC', minor: cents * 12n } : { asset: currency, minor: cents * scale },
    playerId: `player-${Math.floor(random() * 2_000)}`,
    playerCountry: country,
    atMs,
    firstDeposit: deposits === 0,
    depositsSoFar: deposits,
    ...(segment !== undefined && { segment }),
    ...(method === 'card' && { brand: pick(BRANDS, random).brand, binCountry: random() < 0.93 ? country : 'GB' }),
    ...(coin && { cryptoAsset: 'BTC', network: 'bitcoin' }),
  }
}

type Planned = ReturnType<typeof decisionOf>

function outcomeOf(facts: RouteFacts, made: Planned, random: () => number): DecisionRow {
  const [first = ''] = made.route
  const firstSucceeded = random() < rateOf(first, facts)
  const second = made.route[1]
  // A third of the refusals are soft and saved by the next connection.
  const saved = !firstSucceeded && second !== undefined && facts.direction === 'deposit' && random() < 0.33
  return {
    ...made,
    firstSucceeded,
    succeeded: firstSucceeded || saved,
    connectionId: firstSucceeded ? first : saved ? (second ?? null) : null,
  }
}

/** A connection is up to 8 points better or worse by nature, and up to 6 by country; foreign cards lose 15. */
function rateOf(connectionId: string, { method, playerCountry, binCountry }: RouteFacts): number {
  const leaning = (text: string, points: number) => (point(text) - 0.5) * 2 * points
  const foreign = binCountry !== undefined && binCountry !== playerCountry ? 0.15 : 0
  const rate =
    BASE_RATE[method] +
    leaning(connectionId.slice(-6), 0.08) +
    leaning(`${connectionId.slice(-6)}/${playerCountry}`, 0.06) -
    foreign
  return Math.min(0.99, Math.max(0.05, rate))
}

function ratesFrom(rows: readonly DecisionRow[]): RateRow[] {
  const sums = new Map<string, RateRow>()
  for (const row of rows) {
    const [connectionId] = row.route
    if (connectionId === undefined || row.firstSucceeded === null) continue
    const { method, playerCountry, binCountry, direction } = row.facts
    if (direction !== 'deposit' && direction !== 'withdrawal') continue
    const segment = {
      connectionId,
      direction,
      method: String(method),
      asset: row.asset,
      country: String(playerCountry),
      binCountry: typeof binCountry === 'string' ? binCountry : '',
    } satisfies RateSegment
    const key = JSON.stringify(segment)
    const sum = sums.get(key) ?? { ...segment, attempts: 0, succeeded: 0 }
    sums.set(key, { ...sum, attempts: sum.attempts + 1, succeeded: sum.succeeded + (row.firstSucceeded ? 1 : 0) })
  }
  return [...sums.values()]
}

const idOf = (kind: 'decision' | 'deposit' | 'withdrawal', atMs: number, random: () => number): string =>
  typeId(
    kind,
    uuidV7(
      atMs,
      Uint8Array.from({ length: 10 }, () => Math.floor(random() * 256)),
    ),
  )

function pick<T extends { readonly share: number }>(list: readonly T[], random: () => number): T {
  let left = random() * 100
  const chosen = list.find(({ share }) => {
    left -= share
    return left < 0
  })
  assert(chosen, 'shares add up to 100')
  return chosen
}

/** Mulberry32: small, quick, and the same everywhere. Not for secrets. Source: https://github.com/bryc/code (read 2026-11-22). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}
