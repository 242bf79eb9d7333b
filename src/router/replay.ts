import type { CompiledRuleset } from './compile.ts'
import { type Candidate, type Health, ineligible, plan, type Rates, type RouteFacts } from './plan.ts'

/** A recorded payment: what was known of it, where it went first, and what came of that. */
export type Recorded = {
  readonly paymentId: string
  readonly facts: RouteFacts
  readonly route: readonly string[]
  readonly firstSucceeded: boolean | null
}

/** What two rulesets are compared on. */
export type ReplayInput = {
  readonly before: CompiledRuleset
  readonly after: CompiledRuleset
  readonly payments: readonly Recorded[]
  readonly candidates: readonly Candidate[]
  readonly health: Health
  readonly rates: Rates
}

/** Attempts of a kind that make its rate worth believing: the usual thirty. */
const ENOUGH = 30
/** Payments listed one by one. */
const MAX_LISTED = 100
/** Two-sided 95 %. */
const Z = 1.96

/** A share with the bounds of what is not known about it. */
export type Estimate = { readonly point: number; readonly low: number; readonly high: number }

/** A payment that would go elsewhere. */
export type Change = {
  readonly paymentId: string
  readonly from: { readonly rule: string; readonly connectionId: string | null }
  readonly to: { readonly rule: string; readonly connectionId: string | null }
}

/** What a draft would do with recorded traffic. */
export type ReplayReport = {
  readonly payments: number
  readonly changed: number
  readonly changes: readonly Change[]
  /** Payments that had a route, that a connection could still take, and that the draft leaves without one. */
  readonly unroutable: { readonly count: number; readonly payments: readonly string[] }
  /** Payments that no connection could take today, whatever the rules: a connection was switched off since. */
  readonly beyondRules: number
  /** First choices by connection. */
  readonly shares: readonly { connectionId: string; label: string; processor: string; before: number; after: number }[]
  readonly rules: readonly { rule: string; hits: number }[]
  readonly success: {
    /** What was seen, where it is known. */
    readonly recorded: number | null
    readonly expected: Estimate
    /** Share of payments whose outcome under the draft was seen, or rests on enough attempts of their kind. */
    readonly coverage: number
  }
  /** Fees in minor units by asset, over the payments that both sides have a fee schedule for. */
  readonly cost: {
    readonly byAsset: readonly { asset: string; before: bigint; after: bigint }[]
    readonly coverage: number
  }
}

/** Runs recorded payments through two rulesets on the same ground and says what differs. Pure. */
export function replay(input: ReplayInput): ReplayReport {
  const { before, after, payments, candidates } = input
  const seen = outcomesByKind(payments)
  const count = counters(candidates)
  const changes: Change[] = []
  const stranded: string[] = []
  let changed = 0
  let beyondRules = 0
  for (const payment of payments) {
    const { facts } = payment
    const old = firstOf(before, facts, input)
    const made = firstOf(after, facts, input)
    count.share(old.connectionId, made.connectionId)
    count.rule(made.rule)
    if (made.connectionId === null) {
      const able = candidates.some((candidate) => ineligible(candidate, facts) === undefined)
      if (!able) beyondRules += 1
      else if (payment.route.length > 0) stranded.push(payment.paymentId)
    }
    if (made.connectionId !== old.connectionId) {
      changed += 1
      if (changes.length < MAX_LISTED) changes.push({ paymentId: payment.paymentId, from: old, to: made })
    }
    count.cost(facts, old.connectionId, made.connectionId, input.rates)
    count.success(payment, made.connectionId, seen, input.rates)
  }
  return {
    payments: payments.length,
    changed,
    changes,
    unroutable: { count: stranded.length, payments: stranded.slice(0, MAX_LISTED) },
    beyondRules,
    ...count.report(payments),
  }
}

function firstOf(ruleset: CompiledRuleset, facts: RouteFacts, { candidates, health, rates }: ReplayInput) {
  const { ruleId, route } = plan({ ruleset, facts, candidates, health, rates })
  return { rule: ruleId, connectionId: route[0]?.connectionId ?? null }
}

type Tally = { attempts: number; succeeded: number }

const kindOf = (connectionId: string, { direction, method, amount }: RouteFacts): string =>
  `${connectionId}/${direction}/${method}/${amount.asset}`

function outcomesByKind(payments: readonly Recorded[]): ReadonlyMap<string, Tally> {
  const tallies = new Map<string, Tally>()
  for (const { route, facts, firstSucceeded } of payments) {
    const [first] = route
    if (first === undefined || firstSucceeded === null) continue
    const key = kindOf(first, facts)
    const tally = tallies.get(key) ?? { attempts: 0, succeeded: 0 }
    tally.attempts += 1
    tally.succeeded += firstSucceeded ? 1 : 0
    tallies.set(key, tally)
  }
  return tallies
}

function counters(candidates: readonly Candidate[]) {
  const shares = new Map(candidates.map(({ connection }) => [connection.id, { before: 0, after: 0 }]))
  const rules = new Map<string, number>()
  const costs = new Map<string, { before: bigint; after: bigint }>()
  /** Payments whose outcome is estimated, by the kind that the estimate rests on. */
  const guesses = new Map<string, { payments: number; rate: number; attempts: number }>()
  let priced = 0
  let certain = 0
  let certainSucceeded = 0
  let covered = 0

  return {
    share(old: string | null, made: string | null): void {
      const from = old === null ? undefined : shares.get(old)
      const to = made === null ? undefined : shares.get(made)
      if (from) from.before += 1
      if (to) to.after += 1
    },
    rule: (id: string): void => void rules.set(id, (rules.get(id) ?? 0) + 1),
    cost(facts: RouteFacts, old: string | null, made: string | null, rates: Rates): void {
      const before = old === null ? undefined : rates.cost(old, facts)
      const after = made === null ? undefined : rates.cost(made, facts)
      if (before === undefined || after === undefined) return
      priced += 1
      const sum = costs.get(facts.amount.asset) ?? { before: 0n, after: 0n }
      costs.set(facts.amount.asset, { before: sum.before + before, after: sum.after + after })
    },
    success(payment: Recorded, made: string | null, seen: ReadonlyMap<string, Tally>, rates: Rates): void {
      if (made === payment.route[0] && payment.firstSucceeded !== null) {
        certain += 1
        covered += 1
        certainSucceeded += payment.firstSucceeded ? 1 : 0
        return
      }
      if (made === null) {
        // No route is a certain no.
        certain += 1
        covered += 1
        return
      }
      const key = kindOf(made, payment.facts)
      const tally = seen.get(key) ?? { attempts: 0, succeeded: 0 }
      if (tally.attempts >= ENOUGH) covered += 1
      const prior = rates.success(made, payment.facts)
      const guess = guesses.get(key) ?? {
        payments: 0,
        // Leans on the long-run rate with the weight of two attempts, so that no run of luck looks certain.
        rate: (tally.succeeded + 2 * prior) / (tally.attempts + 2),
        attempts: tally.attempts + 2,
      }
      guess.payments += 1
      guesses.set(key, guess)
    },
    report(payments: readonly Recorded[]): Pick<ReplayReport, 'shares' | 'rules' | 'success' | 'cost'> {
      const total = Math.max(1, payments.length)
      const known = payments.filter(({ firstSucceeded }) => firstSucceeded !== null)
      return {
        shares: candidates.map(({ connection: { id, label, processor } }) => ({
          connectionId: id,
          label,
          processor,
          before: (shares.get(id)?.before ?? 0) / total,
          after: (shares.get(id)?.after ?? 0) / total,
        })),
        rules: [...rules].map(([rule, hits]) => ({ rule, hits })).sort((a, b) => b.hits - a.hits),
        success: {
          recorded:
            known.length === 0
              ? null
              : known.filter(({ firstSucceeded }) => firstSucceeded === true).length / known.length,
          expected: estimate(certain, certainSucceeded, [...guesses.values()]),
          coverage: payments.length === 0 ? 0 : covered / payments.length,
        },
        cost: {
          byAsset: [...costs].map(([asset, sum]) => ({ asset, ...sum })),
          coverage: payments.length === 0 ? 0 : priced / payments.length,
        },
      }
    },
  }
}

/** The expected share of successes. What was seen has no error; each estimated kind has that of its own sample. */
function estimate(
  certain: number,
  succeeded: number,
  guesses: readonly { payments: number; rate: number; attempts: number }[],
): Estimate {
  const total = certain + guesses.reduce((sum, { payments }) => sum + payments, 0)
  if (total === 0) return { point: 0, low: 0, high: 1 }
  const expected = succeeded + guesses.reduce((sum, { payments, rate }) => sum + payments * rate, 0)
  const variance = guesses.reduce(
    (sum, { payments, rate, attempts }) => sum + (payments ** 2 * rate * (1 - rate)) / attempts,
    0,
  )
  const point = expected / total
  const margin = (Z * Math.sqrt(variance)) / total
  return { point, low: Math.max(0, point - margin), high: Math.min(1, point + margin) }
}
