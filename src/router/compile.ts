import { assetByCode } from '../core/currencies.ts'
import { assert } from '../core/errors.ts'
import { type Money, parseAmount } from '../core/money.ts'
import { FIELDS, type LocalTime, type RouteFacts } from './fields.ts'
import { point } from './hash.ts'
import { clockOf } from './local-time.ts'
import type { Action, Condition, Ruleset, Value } from './rules.ts'

/** A condition made to run: takes the facts and the operator's time (worked out once, when a rule asks). */
type Test = (facts: RouteFacts, time: () => LocalTime) => boolean

/** A rule made to run. */
export type CompiledRule = { readonly id: string; readonly use: CompiledAction }

/** An action with its look-up table. A connection that the rule doesn't name has no place in it; with `*` all have. */
export type CompiledAction = Action & {
  readonly places: ReadonlyMap<string, number>
  readonly percents: ReadonlyMap<string, number>
  /** `margin_percent` as a share: 0.125 for `12.5`. */
  readonly margin: number
}

/** A ruleset made to run, with the version that decisions are marked with. */
export type CompiledRuleset = {
  readonly version: number
  readonly rules: readonly CompiledRule[]
  readonly fallback: CompiledAction
  /** The first rule that fits a payment. */
  ruleFor(facts: RouteFacts): CompiledRule | undefined
}

/** The id under which the default row stands in decisions. */
export const DEFAULT_RULE = 'default'

/** Makes a ruleset run: every field, value and list is looked up now, never while a payment waits. Takes a ruleset that passed the analyser; throws on another. */
export function compile(ruleset: Ruleset, version: number): CompiledRuleset {
  const rules = ruleset.rules.map(({ id, use }) => ({ id, use: compileAction(use) }))
  const { tests, forget } = sharedTests(ruleset.rules.map(({ when }) => when))
  const clock = clockOf(ruleset.time_zone ?? 'UTC')
  return {
    version,
    rules,
    // Nothing stands behind the default, whatever a draft that nobody checked says.
    fallback: compileAction({ ...ruleset.default, then_default: false }),
    ruleFor(facts) {
      let told: LocalTime | undefined
      const time = () => {
        told ??= clock(facts.atMs)
        return told
      }
      forget()
      return rules[tests.findIndex((test) => test(facts, time))]
    },
  }
}

const UNSEEN = 0
const HOLDS = 1
const FAILS = 2

/**
 * Makes the conditions of all rules run. Rules have many tests in common (`method == "card"`): such a test is looked at
 * once for a payment, and its answer serves the other rules until `forget`. Nothing awaits while a rule is sought, so
 * one table serves all payments.
 */
function sharedTests(conditions: readonly Condition[]): { tests: readonly Test[]; forget(): void } {
  const rules = conditions.map((condition) => partsOf(condition).map((part) => ({ part, key: JSON.stringify(part) })))
  const uses = new Map<string, number>()
  for (const { key } of rules.flat()) uses.set(key, (uses.get(key) ?? 0) + 1)
  const shared = [...uses].filter(([, count]) => count > 1).map(([key]) => key)
  const places = new Map(shared.map((key, place) => [key, place]))
  const seen = new Uint8Array(shared.length)

  const remembered = (test: Test, place: number): Test => {
    return (facts, time) => {
      const known = seen[place]
      if (known !== UNSEEN) return known === HOLDS
      const holds = test(facts, time)
      seen[place] = holds ? HOLDS : FAILS
      return holds
    }
  }
  const made = new Map<string, Test>()
  const testFor = ({ part, key }: { part: Condition; key: string }): Test => {
    const place = places.get(key)
    const test = made.get(key) ?? (place === undefined ? testOf(part) : remembered(testOf(part), place))
    made.set(key, test)
    return test
  }
  return { tests: rules.map((parts) => every(parts.map(testFor))), forget: () => void seen.fill(UNSEEN) }
}

/** What must all hold: the members of an `and`, however nested, or the condition itself. */
const partsOf = (condition: Condition): readonly Condition[] =>
  condition.op === 'and' ? condition.of.flatMap(partsOf) : [condition]

function compileAction(use: Action): CompiledAction {
  const named =
    use.strategy === 'weighted'
      ? use.split.map(({ connection }) => connection)
      : use.connections === '*'
        ? []
        : use.connections
  const shares = use.strategy === 'weighted' ? use.split : []
  return {
    ...use,
    places: new Map(named.map((name, place) => [name, place])),
    percents: new Map(shares.map(({ connection, percent }) => [connection, percent])),
    margin: use.strategy === 'value' ? Number(use.margin_percent) / 100 : 0,
  }
}

/** Reads an amount as rules write it: `100.00 EUR`, `0.5 BTC`, `10 USDT-tron`. */
export function readMoney(value: Value): Money | undefined {
  if (typeof value !== 'string') return undefined
  const [amount = '', code = '', ...rest] = value.split(' ')
  const asset = assetByCode(code)
  if (!asset || rest.length > 0) return undefined
  // Zero is a bound that people write, and `parseAmount` refuses it, since no payment has it.
  if (/^0(\.0+)?$/.test(amount)) return { asset: asset.code, minor: 0n }
  const money = parseAmount(amount, asset)
  return typeof money === 'string' ? undefined : money
}

/** Makes a condition run. */
export function testOf(condition: Condition): Test {
  switch (condition.op) {
    case 'always':
      return () => true
    case 'and':
      return every(condition.of.map(testOf))
    case 'or':
      return some(condition.of.map(testOf))
    case 'not': {
      const test = testOf(condition.of)
      return (facts, time) => !test(facts, time)
    }
    case 'time':
      return withinDay(minutesOf(condition.from), minutesOf(condition.to))
    case 'percent': {
      const { salt, from, to } = condition
      return ({ playerId }) => {
        const at = point(`${salt}/${playerId}`) * 100
        return at >= from && at < to
      }
    }
    default:
      return fieldTest(condition)
  }
}

// Loops instead of `every`/`some`: this runs hundreds of times for a payment.
function every(tests: readonly Test[]): Test {
  return (facts, time) => {
    for (const test of tests) if (!test(facts, time)) return false
    return true
  }
}

function some(tests: readonly Test[]): Test {
  return (facts, time) => {
    for (const test of tests) if (test(facts, time)) return true
    return false
  }
}

const minutesOf = (clock: string): number => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3))

function withinDay(from: number, to: number): Test {
  return (_, time) => {
    const { hour, minute } = time()
    const now = hour * 60 + minute
    return from <= to ? now >= from && now < to : now >= from || now < to
  }
}

type FieldCondition = Extract<Condition, { field: string }>

function fieldTest(condition: FieldCondition): Test {
  const field = FIELDS[condition.field]
  assert(field, `unknown field ${condition.field}`)
  const { read } = field
  if (condition.op === 'exists') return (facts, time) => read(facts, time) !== undefined
  if (field.type === 'money') return moneyTest(condition)
  switch (condition.op) {
    case 'eq': {
      const { value } = condition
      return (facts, time) => read(facts, time) === value
    }
    case 'ne': {
      const { value } = condition
      return (facts, time) => read(facts, time) !== value
    }
    case 'in':
    case 'not_in': {
      const values = new Set<unknown>(condition.values)
      const wanted = condition.op === 'in'
      return (facts, time) => values.has(read(facts, time)) === wanted
    }
    case 'prefix': {
      const start = String(condition.value)
      return (facts, time) => {
        const seen = read(facts, time)
        return typeof seen === 'string' && seen.startsWith(start)
      }
    }
    case 'between':
      return numberTest(read, (seen) => seen >= Number(condition.low) && seen <= Number(condition.high))
    default: {
      const compares = ORDER[condition.op]
      const bound = Number(condition.value)
      return numberTest(read, (seen) => compares(seen < bound ? -1 : seen > bound ? 1 : 0))
    }
  }
}

type Read = (facts: RouteFacts, time: () => LocalTime) => unknown

function numberTest(read: Read, holds: (seen: number) => boolean): Test {
  return (facts, time) => {
    const seen = read(facts, time)
    return typeof seen === 'number' && holds(seen)
  }
}

/** How each operator reads the order of two values. */
const ORDER = {
  eq: (order: number) => order === 0,
  ne: (order: number) => order !== 0,
  lt: (order: number) => order < 0,
  lte: (order: number) => order <= 0,
  gt: (order: number) => order > 0,
  gte: (order: number) => order >= 0,
} as const

/** Amounts compare within one currency: `amount < 10.00 EUR` doesn't hold for 5.00 SEK, and neither does `>=`. */
function moneyTest(condition: FieldCondition): Test {
  if (condition.op === 'between') {
    const low = amountOf(condition.low)
    const high = amountOf(condition.high)
    return ({ amount }) => amount.asset === low.asset && amount.minor >= low.minor && amount.minor <= high.minor
  }
  assert('value' in condition && condition.op !== 'prefix', `${condition.op} does not fit an amount`)
  const bound = amountOf(condition.value)
  const compares = ORDER[condition.op]
  const otherwise = condition.op === 'ne'
  return ({ amount }) =>
    amount.asset === bound.asset
      ? compares(amount.minor < bound.minor ? -1 : amount.minor > bound.minor ? 1 : 0)
      : otherwise
}

function amountOf(value: Value): Money {
  const money = readMoney(value)
  assert(money, 'an amount in a rule such as 100.00 EUR')
  return money
}
