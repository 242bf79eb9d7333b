import { ASSETS } from '../core/currencies.ts'
import { readMoney } from './compile.ts'
import { FIELDS } from './fields.ts'
import type { Condition, Value } from './rules.ts'
import {
  ABSENT,
  allBut,
  intersect,
  isEmpty,
  type Numbers,
  numbers,
  only,
  type Span,
  type ValueSet,
  without,
} from './sets.ts'

/**
 * Conditions as unions of boxes: a box gives each dimension the set of values it allows, and a dimension that it doesn't
 * name allows all. With them it is decided, not guessed, whether a condition can hold at all and whether earlier rules
 * leave anything to a later one. Amount and currency are one dimension: each asset has its own stretch of one line.
 */
export type Box = ReadonlyMap<string, ValueSet>

/** More boxes than any sane rule makes; past it the analyser says that it can't see through, instead of running long. */
const MAX_BOXES = 512

/** Longer than the largest amount of an asset (1e38 minor units), so that stretches don't meet. */
const STRETCH = 10n ** 40n
/** Shares of players are told apart down to a millionth of a percent. */
const PERCENT_STEPS = 1_000_000
/** Numbers that aren't known stand below all that are. */
const ABSENT_NUMBER = -1n

const assetIndex = new Map(ASSETS.map(({ code }, index) => [code, BigInt(index)]))

/** The stretch of the amount line that belongs to an asset. */
export const stretchOf = (asset: string): Span => {
  const start = (assetIndex.get(asset) ?? 0n) * STRETCH
  return [start, start + STRETCH - 1n]
}

/** Facts that only one method has: a rule can't ask for a brand and a bank at once. */
const OF_METHOD: Readonly<Record<string, string>> = {
  brand: 'card',
  funding: 'card',
  bin_country: 'card',
  wallet: 'wallet',
  crypto_asset: 'crypto',
  network: 'crypto',
}

/** All values that a dimension can have. */
export function allOf(dimension: string): ValueSet {
  if (dimension === 'amount') return numbers([0n, BigInt(ASSETS.length) * STRETCH - 1n])
  if (dimension === 'minute') return numbers([0n, 1_439n])
  if (dimension.startsWith('percent:')) return numbers([0n, BigInt(100 * PERCENT_STEPS) - 1n])
  const field = FIELDS[dimension]
  if (field?.range) return numbers([ABSENT_NUMBER, BigInt(field.range[1])])
  if (field?.type === 'boolean') return only('true', 'false', ABSENT)
  if (field?.domain) return only(...field.domain, ...(field.always ? [] : [ABSENT]))
  return allBut()
}

/** The values of one dimension in a box. */
export const valuesOf = (box: Box, dimension: string): ValueSet => box.get(dimension) ?? allOf(dimension)

/** Both at once, or undefined when nothing is in both. */
export function meet(a: Box, b: Box): Box | undefined {
  const both = new Map(a)
  for (const [dimension, values] of b) {
    const met = intersect(valuesOf(both, dimension), values)
    if (isEmpty(met)) return undefined
    both.set(dimension, met)
  }
  return withMethod(both)
}

/** Draws what follows from the method, and for the method from what only one has. */
function withMethod(box: Map<string, ValueSet>): Box | undefined {
  for (const [dimension, method] of Object.entries(OF_METHOD)) {
    const values = box.get(dimension)
    if (!values || !isEmpty(intersect(values, only(ABSENT)))) continue
    const methods = intersect(valuesOf(box, 'method'), only(method))
    if (isEmpty(methods)) return undefined
    box.set('method', methods)
  }
  return box
}

/** What of `a` is not in `b`, as disjoint boxes. */
export function subtract(a: Box, b: Box): Box[] {
  if (!meet(a, b)) return [a]
  const rest: Box[] = []
  let core: Map<string, ValueSet> = new Map(a)
  for (const [dimension, values] of b) {
    const outside = without(valuesOf(core, dimension), values)
    if (!isEmpty(outside)) {
      const piece = withMethod(new Map(core).set(dimension, outside))
      if (piece) rest.push(piece)
    }
    core = new Map(core).set(dimension, intersect(valuesOf(core, dimension), values))
  }
  return rest
}

/** What of `boxes` is left after `taken`, or undefined when that gets too many to say. */
export function remainder(boxes: readonly Box[], taken: readonly Box[]): readonly Box[] | undefined {
  let left = boxes
  for (const box of taken) {
    left = left.flatMap((one) => subtract(one, box))
    if (left.length > MAX_BOXES) return undefined
  }
  return left
}

/** The boxes of a condition (none: it never holds), or undefined when they get too many. Takes conditions whose values were found sound. */
export function boxesOf(condition: Condition, wanted = true): readonly Box[] | undefined {
  switch (condition.op) {
    case 'always':
      return wanted ? [new Map()] : []
    case 'not':
      return boxesOf(condition.of, !wanted)
    case 'and':
    case 'or':
      return (condition.op === 'and') === wanted ? product(condition.of, wanted) : union(condition.of, wanted)
    default: {
      const [dimension, holds] = atom(condition)
      const all = allOf(dimension)
      const values = wanted ? intersect(all, holds) : without(all, holds)
      return isEmpty(values) ? [] : [new Map([[dimension, values]])].flatMap((box) => withMethod(box) ?? [])
    }
  }
}

function union(parts: readonly Condition[], wanted: boolean): readonly Box[] | undefined {
  const boxes: Box[] = []
  for (const part of parts) {
    const more = boxesOf(part, wanted)
    if (!more || boxes.length + more.length > MAX_BOXES) return undefined
    boxes.push(...more)
  }
  return boxes
}

function product(parts: readonly Condition[], wanted: boolean): readonly Box[] | undefined {
  let boxes: readonly Box[] = [new Map()]
  for (const part of parts) {
    const more = boxesOf(part, wanted)
    if (!more) return undefined
    boxes = boxes.flatMap((box) => more.flatMap((other) => meet(box, other) ?? []))
    if (boxes.length > MAX_BOXES) return undefined
  }
  return boxes
}

type Atom = Exclude<Condition, { of: unknown } | { op: 'always' }>

/** The dimension that a test looks at, and the values for which it holds. */
function atom(condition: Atom): readonly [string, ValueSet] {
  if (condition.op === 'time') return ['minute', withinDay(minutes(condition.from), minutes(condition.to))]
  if (condition.op === 'percent') {
    const steps = (percent: number) => BigInt(Math.round(percent * PERCENT_STEPS))
    return [`percent:${condition.salt}`, numbers([steps(condition.from), steps(condition.to) - 1n])]
  }
  const { field } = condition
  if (field === 'amount') return ['amount', amountSet(condition)]
  if (field === 'currency') return ['amount', currencySet(condition)]
  if (field === 'hour') return ['minute', hourSet(condition)]
  if (FIELDS[field]?.type === 'number') return [field, numberSet(condition, allOf(field))]
  if (condition.op === 'prefix') return prefixSet(field, String(condition.value))
  return [field, wordSet(condition)]
}

const minutes = (clock: string): bigint => BigInt(clock.slice(0, 2)) * 60n + BigInt(clock.slice(3))
const withinDay = (from: bigint, to: bigint): Numbers =>
  from <= to ? numbers([from, to - 1n]) : numbers([0n, to - 1n], [from, 1_439n])

type FieldAtom = Extract<Atom, { field: string }>

function wordSet(condition: FieldAtom): ValueSet {
  switch (condition.op) {
    case 'eq':
      return only(String(condition.value))
    case 'ne':
      return allBut(String(condition.value))
    case 'in':
      return only(...condition.values.map(String))
    case 'not_in':
      return allBut(...condition.values.map(String))
    default:
      return allBut(ABSENT)
  }
}

/** With a domain, the words that begin so; without one, a dimension of its own, which only the same prefix touches. */
function prefixSet(field: string, start: string): readonly [string, ValueSet] {
  const domain = FIELDS[field]?.domain
  if (domain) return [field, only(...[...domain].filter((word) => word.startsWith(start)))]
  return [`prefix:${field}:${start}`, only('yes')]
}

function numberSet(condition: FieldAtom, all: ValueSet): ValueSet {
  const known = without(all, numbers([ABSENT_NUMBER, ABSENT_NUMBER]))
  const span = (low: Value, high: Value) => intersect(known, numbers([BigInt(low), BigInt(high)]))
  const top = 10n ** 18n
  switch (condition.op) {
    case 'eq':
      return span(condition.value, condition.value)
    case 'ne':
      return without(all, span(condition.value, condition.value))
    case 'in':
    case 'not_in': {
      const sorted = [...new Set(condition.values.map((value) => BigInt(value)))].sort((a, b) => (a < b ? -1 : 1))
      const listed = intersect(known, numbers(...sorted.map((value): Span => [value, value])))
      return condition.op === 'in' ? listed : without(all, listed)
    }
    case 'lt':
      return intersect(known, numbers([0n, BigInt(condition.value) - 1n]))
    case 'lte':
      return intersect(known, numbers([0n, BigInt(condition.value)]))
    case 'gt':
      return intersect(known, numbers([BigInt(condition.value) + 1n, top]))
    case 'gte':
      return intersect(known, numbers([BigInt(condition.value), top]))
    case 'between':
      return span(condition.low, condition.high)
    default:
      return known
  }
}

function hourSet(condition: FieldAtom): ValueSet {
  const hours = numberSet(condition, numbers([0n, 23n]))
  if (hours.kind !== 'numbers') return hours
  return numbers(...hours.spans.map(([from, to]): Span => [from * 60n, to * 60n + 59n]))
}

function currencySet(condition: FieldAtom): ValueSet {
  const words = wordSet(condition)
  const spans = ASSETS.filter(({ currency }) => !isEmpty(intersect(words, only(currency)))).map(({ code }) =>
    stretchOf(code),
  )
  if (condition.op !== 'prefix') return numbers(...spans)
  const start = String(condition.value)
  return numbers(...ASSETS.filter(({ currency }) => currency.startsWith(start)).map(({ code }) => stretchOf(code)))
}

function amountSet(condition: FieldAtom): ValueSet {
  const all = allOf('amount')
  if (condition.op === 'exists') return all
  if (condition.op === 'between') {
    const [low, start] = bound(condition.low)
    return numbers([start + low, start + bound(condition.high)[0]])
  }
  if (!('value' in condition)) return all
  const [minor, start] = bound(condition.value)
  const end = start + STRETCH - 1n
  const at = start + minor
  switch (condition.op) {
    case 'eq':
      return numbers([at, at])
    case 'ne':
      return without(all, numbers([at, at]))
    case 'lt':
      return numbers([start, at - 1n])
    case 'lte':
      return numbers([start, at])
    case 'gt':
      return numbers([at + 1n, end])
    default:
      return numbers([at, end])
  }
}

function bound(value: Value): readonly [bigint, bigint] {
  const money = readMoney(value)
  return money ? [money.minor, stretchOf(money.asset)[0]] : [0n, 0n]
}
