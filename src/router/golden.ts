import { checkValue } from './analyse-values.ts'
import { compile, readMoney } from './compile.ts'
import { FIELDS, type RouteFacts } from './fields.ts'
import { type Finding, nearest, type Reporter, reporterOf } from './finding.ts'
import { ALL_HEALTHY, type Candidate, NO_RATES, plan } from './plan.ts'
import type { GoldenCase, Ruleset, Value } from './rules.ts'

/** Facts of a golden case that no rule reads. */
const BESIDE = new Set(['player_id', 'at'])
/** Without these a payment can't be planned. */
const NEEDED = ['direction', 'method', 'amount', 'player_country'] as const

/** Checks a ruleset's golden cases: each must be a payment, and the rules must do with it what the case expects. Takes rules that were found sound. */
export function checkGolden(ruleset: Ruleset, candidates: readonly Candidate[], findings: Finding[]): void {
  const compiled = compile(ruleset, 0)
  for (const [index, golden] of (ruleset.golden ?? []).entries()) {
    const report = reporterOf(findings, null, ['golden', index])
    const facts = factsOf(golden, report.at('facts'))
    if (!facts) continue
    const { ruleId, route } = plan({ ruleset: compiled, facts, candidates, health: ALL_HEALTHY, rates: NO_RATES })
    const labels = route.map(({ label }) => label)
    const { rule, first, not } = golden.expect
    const fails = (what: string) =>
      report.error(
        'golden_case_fails',
        `the case "${golden.name}" fails: ${what}`,
        'correct the rules, or the case if it is out of date',
      )
    if (rule !== undefined && rule !== ruleId) fails(`it comes to "${ruleId}" and not to "${rule}"`)
    if (first !== undefined && first !== labels[0])
      fails(`it goes to "${labels[0] ?? 'nowhere'}" first and not to "${first}"`)
    if (not !== undefined && labels.includes(not)) fails(`it may go to "${not}"`)
  }
}

/** The payment that a golden case speaks of, or undefined with findings when it is none. */
function factsOf({ name, facts }: GoldenCase, report: Reporter): RouteFacts | undefined {
  let sound = true
  for (const [key, value] of Object.entries(facts)) {
    const field = FIELDS[key]
    if (field) sound = checkValue(key, field, value, report.at(key)) && sound
    else if (!BESIDE.has(key)) {
      const meant = nearest(key, Object.keys(FIELDS))
      report
        .at(key)
        .error(
          'golden_case_unclear',
          `the case "${name}" has an unknown fact "${key}"`,
          meant ? `write ${meant}` : 'leave it out',
        )
      sound = false
    }
  }
  const missing = NEEDED.find((key) => facts[key] === undefined)
  if (missing) {
    report.error('golden_case_unclear', `the case "${name}" lacks ${missing}`, `give ${NEEDED.join(', ')}`)
    sound = false
  }
  return sound ? payment(facts) : undefined
}

function payment(facts: Readonly<Record<string, Value>>): RouteFacts | undefined {
  const amount = readMoney(facts.amount ?? '')
  const text = (key: string) => (typeof facts[key] === 'string' ? facts[key] : undefined)
  const { method } = facts
  if (!amount || (method !== 'card' && method !== 'wallet' && method !== 'bank' && method !== 'crypto'))
    return undefined
  const optional = {
    segment: text('segment'),
    licence: text('licence'),
    brand: text('brand'),
    funding: text('funding'),
    binCountry: text('bin_country'),
    wallet: text('wallet'),
    cryptoAsset: text('crypto_asset'),
    network: text('network'),
    clientCountry: text('client_country'),
    firstDeposit: typeof facts.first_deposit === 'boolean' ? facts.first_deposit : undefined,
    depositsSoFar: typeof facts.deposits_so_far === 'number' ? facts.deposits_so_far : undefined,
  }
  return {
    direction: facts.direction === 'withdrawal' ? 'withdrawal' : 'deposit',
    method,
    amount,
    playerId: text('player_id') ?? 'golden',
    playerCountry: text('player_country') ?? '',
    atMs: Date.parse(text('at') ?? '') || 0,
    ...defined(optional),
  }
}

/** The members that are there. */
function defined<T extends Record<string, unknown>>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const out: { [K in keyof T]?: Exclude<T[K], undefined> } = {}
  return Object.assign(out, Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)))
}
