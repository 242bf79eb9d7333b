import type { Facts } from '../adapters/contract.ts'
import type { ConnectionLimits } from '../core/connection.ts'
import { assetByCode } from '../core/currencies.ts'
import { schemeAllows } from '../core/scheme.ts'
import { type CompiledAction, type CompiledRuleset, DEFAULT_RULE } from './compile.ts'
import type { RouteFacts } from './fields.ts'
import { rank } from './strategies.ts'

export type { RouteFacts } from './fields.ts'

/** An account that a payment might go to: the operator's row and the processor's facts. */
export type Candidate = {
  readonly connection: {
    readonly id: string
    readonly processor: string
    readonly label: string
    readonly enabled: boolean
    readonly limits: ConnectionLimits
  }
  readonly facts: Facts
}

/** How an account is doing. `open` still gets the payment when nothing else is left; the last two never do. */
export type HealthState = 'closed' | 'half_open' | 'open' | 'forced_open' | 'maintenance'

/** The breakers' view of accounts, and announced maintenance. */
export type Health = {
  state(connectionId: string, operation: string, method: string): HealthState
}

/** What is known of success, cost and money at hand. `undefined`: not known. */
export type Rates = {
  /** Expected share of attempts that succeed, 0–1, for payments like this one. */
  success(connectionId: string, facts: RouteFacts): number
  /** The processor's fee, minor units of the payment's asset. */
  cost(connectionId: string, facts: RouteFacts): bigint | undefined
  /** Prefunded balance for payouts, minor units. */
  float(connectionId: string, asset: string): bigint | undefined
}

/** One account in a plan, and why it stands where it stands. `code` is for programs, `reason` for people. */
export type Planned = {
  readonly connectionId: string
  readonly processor: string
  readonly label: string
  readonly code: string
  readonly reason: string
}

/** The accounts to try, in order, and those left out: every account of the operator is in one of the two. */
export type Plan = {
  readonly rulesetVersion: number
  readonly ruleId: string
  readonly route: readonly Planned[]
  readonly leftOut: readonly Planned[]
}

/** Health that has nothing to say. */
export const ALL_HEALTHY: Health = { state: () => 'closed' }
/** Rates that know nothing: even odds, no costs, no balances. */
export const NO_RATES: Rates = { success: () => 0.5, cost: () => undefined, float: () => undefined }

/** An account that may take the payment, with its place in the rule. */
export type Eligible = { readonly candidate: Candidate; readonly place: number }

/** What the planner reads. */
export type PlanInput = {
  readonly ruleset: CompiledRuleset
  readonly facts: RouteFacts
  readonly candidates: readonly Candidate[]
  readonly health: Health
  readonly rates: Rates
}

/** Plans a payment: the first rule that fits, the accounts that may take it, in the strategy's order, those with open breakers last. Pure: the same input gives the same plan. */
export function plan(input: PlanInput): Plan {
  const { ruleset, facts } = input
  const { id, use } = ruleset.ruleFor(facts) ?? { id: DEFAULT_RULE, use: ruleset.fallback }
  const sorted = sortOut(input, use)
  const route = healthiestFirst(input, rank(use, id, sorted.eligible, input))
  const leftOut = sorted.leftOut.concat(route.leftOut)
  if (!use.then_default) return { rulesetVersion: ruleset.version, ruleId: id, route: route.route, leftOut }
  const unnamed = new Set(sorted.leftOut.filter(({ code }) => code === 'not_in_rule').map((out) => out.connectionId))
  const behind = input.candidates.filter(({ connection }) => unnamed.has(connection.id))
  const more = plan({ ...input, ruleset: { ...ruleset, ruleFor: () => undefined }, candidates: behind })
  return {
    rulesetVersion: ruleset.version,
    ruleId: id,
    route: [...route.route, ...more.route.map(asFallback)],
    leftOut: [...leftOut.filter(({ connectionId }) => !unnamed.has(connectionId)), ...more.leftOut],
  }
}

const asFallback = (planned: Planned): Planned => ({
  ...planned,
  reason: `behind the rule, by the default: ${planned.reason}`,
})

/** An account of the plan with its code and reason. */
export const planned = ({ connection }: Candidate, code: string, reason: string): Planned => ({
  connectionId: connection.id,
  processor: connection.processor,
  label: connection.label,
  code,
  reason,
})

function sortOut({ candidates, facts }: PlanInput, use: CompiledAction): { eligible: Eligible[]; leftOut: Planned[] } {
  const eligible: Eligible[] = []
  const leftOut: Planned[] = []
  const all = use.strategy !== 'weighted' && use.connections === '*'
  for (const [index, candidate] of candidates.entries()) {
    const { id, label } = candidate.connection
    const place = all ? index : (use.places.get(id) ?? use.places.get(label))
    const why = place === undefined ? 'not_in_rule' : ineligible(candidate, facts)
    if (why !== undefined) leftOut.push(planned(candidate, why, LEFT_OUT[why]))
    else if (place !== undefined) eligible.push({ candidate, place })
  }
  return { eligible, leftOut }
}

/** Why an account can't take a payment, in words. */
export const LEFT_OUT = {
  not_in_rule: 'the rule does not name it',
  disabled: 'it is switched off',
  method_unsupported: 'the processor does not offer this method',
  direction_unsupported: 'the processor does not offer this method in this direction',
  currency_unsupported: 'the processor does not take this currency',
  country_unsupported: "the processor does not serve the player's country",
  brand_unsupported: 'the processor does not take this brand',
  method_not_allowed: 'the account is not set up for this method',
  country_not_allowed: "the account is not set up for the player's country",
  licence_not_allowed: "the account does not serve the player's licence",
  below_minimum: "the amount is below the account's minimum",
  above_maximum: "the amount is above the account's maximum",
  closed_loop: "the player's money did not come in through it",
  scheme_retry_blocked: 'the card scheme allows no further try with this card now',
} as const

/** A code of `LEFT_OUT`. */
export type Ineligible = keyof typeof LEFT_OUT

/** Why this account can't take this payment, or undefined when it can: the processor's abilities first, then the operator's own bounds. */
export function ineligible({ connection, facts }: Candidate, payment: RouteFacts): Ineligible | undefined {
  if (!connection.enabled) return 'disabled'
  const method = facts.methods[payment.method]
  if (!method) return 'method_unsupported'
  if (!(payment.direction === 'deposit' ? method.deposit : method.withdraw)) return 'direction_unsupported'
  if (!takes(method.currencies, payment.amount.asset)) return 'currency_unsupported'
  if (method.countries !== 'all' && !method.countries.includes(payment.playerCountry)) return 'country_unsupported'
  const brand = payment.method === 'wallet' ? payment.wallet : payment.brand
  if (brand !== undefined && method.brands && !method.brands.includes(brand)) return 'brand_unsupported'
  return outOfBounds(connection, payment) ?? schemeBlocks(payment)
}

/** True when a list of currencies has the asset, by its own code or by its currency (`USDT-tron` or `USDT`). */
function takes(currencies: readonly string[] | 'all', asset: string): boolean {
  return (
    currencies === 'all' || currencies.includes(asset) || currencies.includes(assetByCode(asset)?.currency ?? asset)
  )
}

function outOfBounds({ id, limits }: Candidate['connection'], payment: RouteFacts): Ineligible | undefined {
  if (limits.methods && !limits.methods.includes(payment.method)) return 'method_not_allowed'
  if (limits.countries && !limits.countries.includes(payment.playerCountry)) return 'country_not_allowed'
  if (limits.licences && !(payment.licence !== undefined && limits.licences.includes(payment.licence))) {
    return 'licence_not_allowed'
  }
  if (limits.closedLoop && payment.direction === 'withdrawal' && !payment.depositedThrough?.includes(id)) {
    return 'closed_loop'
  }
  for (const { direction, asset, min, max } of limits.amounts ?? []) {
    if (direction !== payment.direction || asset !== payment.amount.asset) continue
    if (min !== undefined && payment.amount.minor < min) return 'below_minimum'
    if (max !== undefined && payment.amount.minor > max) return 'above_maximum'
  }
  return undefined
}

const schemeBlocks = ({ direction, method, brand, cardDeclines }: RouteFacts): Ineligible | undefined =>
  direction === 'deposit' && method === 'card' && cardDeclines && !schemeAllows(brand, cardDeclines)
    ? 'scheme_retry_blocked'
    : undefined

/** An account in the order of its strategy, or left out by it. */
export type Ranked = {
  readonly candidate: Candidate
  readonly code: string
  readonly reason: string
  readonly out?: true
}

function healthiestFirst(
  { health, facts }: PlanInput,
  ranked: readonly Ranked[],
): { route: Planned[]; leftOut: Planned[] } {
  const operation = facts.direction === 'deposit' ? 'charge' : 'payOut'
  const route: Planned[] = []
  const last: Planned[] = []
  const leftOut: Planned[] = []
  for (const { candidate, code, reason, out } of ranked) {
    const state = out ? 'closed' : health.state(candidate.connection.id, operation, facts.method)
    if (out) leftOut.push(planned(candidate, code, reason))
    else if (state === 'forced_open') leftOut.push(planned(candidate, 'breaker_forced_open', 'operations took it out'))
    else if (state === 'maintenance') leftOut.push(planned(candidate, 'maintenance', 'announced maintenance'))
    else if (state === 'open')
      last.push(planned(candidate, 'breaker_open', `its breaker is open, so it is tried last; ${reason}`))
    else route.push(planned(candidate, code, reason))
  }
  return { route: last.length === 0 ? route : route.concat(last), leftOut }
}
