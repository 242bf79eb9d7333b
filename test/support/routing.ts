import type { Facts, MethodFacts, MethodType } from '../../src/adapters/contract.ts'
import type { ConnectionLimits } from '../../src/core/connection.ts'
import { compile } from '../../src/router/compile.ts'
import {
  ALL_HEALTHY,
  type Candidate,
  type Health,
  NO_RATES,
  type PlanInput,
  plan,
  type RouteFacts,
} from '../../src/router/plan.ts'
import type { Action, Ruleset } from '../../src/router/rules.ts'

/** Everything that a processor can do with a method. */
export const ANYTHING: MethodFacts = {
  deposit: true,
  withdraw: true,
  refund: true,
  currencies: 'all',
  countries: 'all',
}

/** The facts of a made-up processor; by default it takes every method everywhere. */
export function processorFacts(
  id: string,
  methods: Partial<Record<MethodType, MethodFacts>> = {
    card: ANYTHING,
    wallet: ANYTHING,
    bank: ANYTHING,
    crypto: ANYTHING,
  },
): Facts {
  return {
    id,
    title: id,
    source: 'made up for tests',
    methods,
    idempotency: { by: 'header', header: 'Idempotency-Key', windowHours: 24 },
    unknownResolvedBy: 'find',
    notFoundIsFinalAfterMs: null,
    vouchedRejections: {},
    timeoutMs: 10_000,
  }
}

/** An account named after its label. */
export function candidate(
  label: string,
  {
    enabled = true,
    limits = {},
    methods,
  }: { enabled?: boolean; limits?: ConnectionLimits; methods?: Partial<Record<MethodType, MethodFacts>> } = {},
): Candidate {
  return {
    connection: { id: `con_${label}`, processor: `p_${label}`, label, enabled, limits },
    facts: processorFacts(`p_${label}`, methods),
  }
}

/** A card deposit of 100.00 EUR from Finland, with what the test changes. */
export const deposit = (changes: Partial<RouteFacts> = {}): RouteFacts => ({
  direction: 'deposit',
  method: 'card',
  amount: { asset: 'EUR', minor: 10_000n },
  playerId: 'p1',
  playerCountry: 'FI',
  atMs: Date.UTC(2026, 10, 23, 12, 0),
  ...changes,
})

/** A ruleset that does the same with every payment. */
export const by = (use: Action): Ruleset => ({ language: 1, rules: [], default: use })

/** Health by label; an account that isn't named is well. */
export const health = (states: Record<string, ReturnType<Health['state']>>): Health => ({
  state: (id) => states[id.slice(4)] ?? 'closed',
})

/** The plan of a deposit over the accounts a, b and c under version 7 of a ruleset, in short: labels in order, and why the rest is out. */
export function planned(ruleset: Ruleset, changes: Partial<PlanInput> = {}) {
  const made = plan({
    ruleset: compile(ruleset, 7),
    facts: deposit(),
    candidates: ['a', 'b', 'c'].map((label) => candidate(label)),
    health: ALL_HEALTHY,
    rates: NO_RATES,
    ...changes,
  })
  return {
    rule: made.ruleId,
    route: made.route.map(({ label }) => label),
    out: Object.fromEntries(made.leftOut.map(({ label, code }) => [label, code])),
    made,
  }
}
