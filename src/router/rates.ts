import type { FloatRow } from '../db/connections.ts'
import type { FeeRow, RateRow } from '../db/rates.ts'
import type { RouteFacts } from './fields.ts'
import type { Rates } from './plan.ts'

/** What a rate is before anything is known: most attempts succeed. */
const PRIOR = 0.8
/** A wider segment's rate counts as much as this many attempts of the narrower one. */
const WEIGHT = 20
/** Estimates kept: segments × connections of one operator; past it they are worked out again. */
const MAX_KEPT = 10_000

type Tally = { attempts: number; succeeded: number }

/**
 * Success rates by connection, then method, currency, country and BIN country: each level leans on the wider one until it
 * has attempts of its own, so a connection with two lucky attempts in Malta doesn't win Malta. Costs from fee schedules,
 * balances as last told.
 */
export function ratesOf(rows: readonly RateRow[], fees: readonly FeeRow[], floats: readonly FloatRow[]): Rates {
  const tallies = new Map<string, Tally>()
  for (const row of rows) {
    for (const key of keysOf(row.connectionId, row)) {
      const tally = tallies.get(key) ?? { attempts: 0, succeeded: 0 }
      tally.attempts += row.attempts
      tally.succeeded += row.succeeded
      tallies.set(key, tally)
    }
  }
  const kept = new Map<string, number>()
  const feeBy = new Map(fees.map((fee) => [`${fee.connectionId}/${fee.direction}/${fee.method}/${fee.asset}`, fee]))
  const floatBy = new Map(floats.map(({ connectionId, asset, minor }) => [`${connectionId}/${asset}`, minor]))
  return {
    success(connectionId, facts) {
      const keys = keysOf(connectionId, segmentOf(facts))
      const narrowest = keys.at(-1) ?? ''
      const known = kept.get(narrowest)
      if (known !== undefined) return known
      const rate = keys.reduce((wider, key) => {
        const { attempts, succeeded } = tallies.get(key) ?? { attempts: 0, succeeded: 0 }
        return (succeeded + WEIGHT * wider) / (attempts + WEIGHT)
      }, PRIOR)
      if (kept.size < MAX_KEPT) kept.set(narrowest, rate)
      return rate
    },
    cost(connectionId, { direction, method, amount }) {
      const fee = [
        `${connectionId}/${direction}/${method}/${amount.asset}`,
        `${connectionId}/${direction}/${method}/*`,
        `${connectionId}/${direction}/*/${amount.asset}`,
        `${connectionId}/${direction}/*/*`,
      ]
        .map((key) => feeBy.get(key))
        .find((found) => found !== undefined)
      // Rounded up: what isn't certain is counted against the processor.
      return fee && fee.fixed + (amount.minor * BigInt(fee.millionths) + 999_999n) / 1_000_000n
    },
    float: (connectionId, asset) => floatBy.get(`${connectionId}/${asset}`),
  }
}

/** The segment that a payment belongs to. */
export const segmentOf = (facts: RouteFacts) => ({
  direction: facts.direction,
  method: facts.method,
  asset: facts.amount.asset,
  country: facts.playerCountry,
  binCountry: facts.binCountry ?? '',
})

type Segment = Omit<RateRow, 'connectionId' | 'attempts' | 'succeeded'>

/** The keys of a connection's levels, widest first. */
function keysOf(connectionId: string, { direction, method, asset, country, binCountry }: Segment): string[] {
  const base = `${connectionId}/${direction}`
  return [
    base,
    `${base}/${method}`,
    `${base}/${method}/${asset}`,
    `${base}/${method}/${asset}/${country}`,
    `${base}/${method}/${asset}/${country}/${binCountry}`,
  ]
}
