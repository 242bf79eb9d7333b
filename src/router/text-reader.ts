import { Fault } from '../core/errors.ts'
import type { Action, Condition, GoldenCase, Rule, Ruleset, Share, Value } from './rules.ts'
import { MAX_DEPTH } from './rules.ts'
import { SYMBOLS } from './text.ts'

/** A word, sign or value of the text and where it stands. */
type Token = { readonly kind: 'word' | 'sign' | 'text' | 'number' | 'end'; readonly text: string; readonly at: number }

/** Longer than any ruleset of `MAX_RULES` rules that people write. */
const MAX_CHARS = 2_000_000

// One alternative a kind, in this order; blanks and comments first. Sticky, so it reads from where it stands.
const TOKEN =
  /(\s+|\/\/[^\n]*)|([A-Za-z_][A-Za-z0-9_]*)|("(?:[^"\\\n]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(==|!=|<=|>=|&&|\|\||[<>!()[\]{},:.*])/y

function tokensOf(source: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < source.length) {
    const at = TOKEN.lastIndex
    const [, blank, word, text, number, sign] = TOKEN.exec(source) ?? []
    if (word !== undefined) tokens.push({ kind: 'word', text: word, at })
    else if (text !== undefined) tokens.push({ kind: 'text', text, at })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number, at })
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, at })
    else if (blank === undefined) throw wrong(source, at, `${JSON.stringify(source[at])} does not belong here`)
  }
  tokens.push({ kind: 'end', text: 'the end', at: source.length })
  return tokens
}

function wrong(source: string, at: number, what: string): Fault {
  const before = source.slice(0, at).split('\n')
  return new Fault('ruleset_invalid', `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: ${what}`)
}

type Reader = ReturnType<typeof readerOf>

function readerOf(source: string) {
  const tokens = tokensOf(source)
  let index = 0
  const end: Token = { kind: 'end', text: 'the end', at: source.length }
  const peek = (ahead = 0): Token => tokens[index + ahead] ?? end
  const next = (): Token => {
    const token = peek()
    index += 1
    return token
  }
  const fail = (what: string): Fault => wrong(source, peek().at, `${what}, but there is ${peek().text}`)
  const is = (text: string): boolean => (peek().kind === 'word' || peek().kind === 'sign') && peek().text === text
  const take = (text: string): boolean => {
    if (!is(text)) return false
    index += 1
    return true
  }
  const expect = (text: string): void => {
    if (!take(text)) throw fail(`${text} is expected`)
  }
  const text = (what: string): string => {
    if (peek().kind !== 'text') throw fail(`${what} in quotes is expected`)
    return String(JSON.parse(next().text))
  }
  const number = (what: string): number => {
    if (peek().kind !== 'number') throw fail(`${what}, a number, is expected`)
    return Number(next().text)
  }
  return { peek, next, fail, is, take, expect, text, number }
}

/** Reads a ruleset from its text. Throws `ruleset_invalid` with line and column; what the values mean is the analyser's affair. */
export function readRuleset(source: string): Ruleset {
  if (source.length > MAX_CHARS) throw new Fault('ruleset_invalid', `a ruleset has at most ${MAX_CHARS} characters`)
  const reader = readerOf(source)
  reader.expect('language')
  if (reader.peek().text !== '1') throw reader.fail('language 1 is the only one')
  reader.next()
  const zone = reader.take('time_zone') ? reader.text('a time zone') : undefined
  const rules: Rule[] = []
  while (reader.is('rule')) rules.push(readRule(reader))
  reader.expect('default')
  reader.expect('{')
  reader.expect('use')
  const fallback = readAction(reader)
  reader.expect('}')
  const golden = reader.take('golden') ? readGolden(reader) : undefined
  if (reader.peek().kind !== 'end') throw reader.fail('the end is expected')
  return {
    language: 1,
    ...(zone !== undefined && { time_zone: zone }),
    rules,
    default: fallback,
    ...(golden !== undefined && { golden }),
  }
}

function readRule(reader: Reader): Rule {
  reader.expect('rule')
  const id = reader.text("the rule's id")
  reader.expect('{')
  const title = reader.take('title') ? reader.text('a title') : undefined
  reader.expect('when')
  const when = readAny(reader, 0)
  reader.expect('use')
  const use = readAction(reader)
  reader.expect('}')
  return { id, ...(title !== undefined && { title }), when, use }
}

/** `a || b`, whose parts may be `&&`: the weaker sign outside. */
function readAny(reader: Reader, depth: number): Condition {
  const parts = [readAll(reader, depth)]
  while (reader.take('||')) parts.push(readAll(reader, depth))
  const [first] = parts
  return parts.length > 1 || !first ? { op: 'or', of: parts } : first
}

function readAll(reader: Reader, depth: number): Condition {
  const parts = [readOne(reader, depth)]
  while (reader.take('&&')) parts.push(readOne(reader, depth))
  const [first] = parts
  return parts.length > 1 || !first ? { op: 'and', of: parts } : first
}

function readOne(reader: Reader, depth: number): Condition {
  // Twice the depth of conditions, since a bracket may stand where none is needed.
  if (depth > MAX_DEPTH * 2) throw reader.fail(`brackets nest at most ${MAX_DEPTH * 2} deep`)
  if (reader.take('!')) {
    reader.expect('(')
    const of = readAny(reader, depth + 1)
    reader.expect(')')
    return { op: 'not', of }
  }
  if (reader.take('(')) {
    const inner = readAny(reader, depth + 1)
    reader.expect(')')
    return inner
  }
  if (reader.peek(1).text === '(' && reader.peek(1).kind === 'sign') {
    const called = reader.peek().text
    const read = CALLS[called]
    if (read) {
      reader.next()
      reader.expect('(')
      const condition = read(reader)
      reader.expect(')')
      return condition
    }
  }
  if (reader.take('true')) return { op: 'always' }
  return readComparison(reader)
}

/** Conditions that are written like calls. */
const CALLS: Readonly<Record<string, (reader: Reader) => Condition>> = {
  has: (reader) => ({ op: 'exists', field: readFact(reader) }),
  between(reader) {
    const field = readFact(reader)
    reader.expect(',')
    const low = readValue(reader)
    reader.expect(',')
    return { op: 'between', field, low, high: readValue(reader) }
  },
  time(reader) {
    const from = reader.text('a time')
    reader.expect(',')
    return { op: 'time', from, to: reader.text('a time') }
  },
  percent(reader) {
    const salt = reader.text('a name for the share')
    reader.expect(',')
    const from = reader.number('the lower end')
    reader.expect(',')
    return { op: 'percent', salt, from, to: reader.number('the upper end') }
  },
}

function readFact(reader: Reader): string {
  if (reader.peek().kind !== 'word') throw reader.fail("a fact's name is expected")
  const name = reader.next().text
  if (name !== 'fact' || !reader.take('(')) return name
  const quoted = reader.text("a fact's name")
  reader.expect(')')
  return quoted
}

const OPERATORS = new Map(
  (['eq', 'ne', 'lt', 'lte', 'gt', 'gte'] as const).map((op): [string, typeof op] => [SYMBOLS[op], op]),
)

function readComparison(reader: Reader): Condition {
  const field = readFact(reader)
  if (reader.take('in')) return { op: 'in', field, values: readList(reader) }
  if (reader.take('not')) {
    reader.expect('in')
    return { op: 'not_in', field, values: readList(reader) }
  }
  if (reader.take('.')) {
    reader.expect('startsWith')
    reader.expect('(')
    const value = readValue(reader)
    reader.expect(')')
    return { op: 'prefix', field, value }
  }
  const op = OPERATORS.get(reader.peek().text)
  if (!op) throw reader.fail('==, !=, <, <=, >, >=, in, not in or .startsWith is expected')
  reader.next()
  return { op, field, value: readValue(reader) }
}

function readValue(reader: Reader): Value {
  if (reader.take('true')) return true
  if (reader.take('false')) return false
  if (reader.peek().kind === 'number') return reader.number('a value')
  return reader.text('a value')
}

function readList(reader: Reader): Value[] {
  reader.expect('[')
  const values: Value[] = []
  while (!reader.take(']')) {
    if (values.length > 0) reader.expect(',')
    values.push(readValue(reader))
  }
  return values
}

function readAction(reader: Reader): Action {
  const strategy = reader.next().text
  reader.expect('(')
  const use = readStrategy(reader, strategy)
  reader.expect(')')
  if (!reader.take('then')) return use
  const thenDefault = reader.take('default')
  if (!thenDefault) reader.expect('nothing')
  return { ...use, then_default: thenDefault }
}

function readStrategy(reader: Reader, strategy: string): Action {
  switch (strategy) {
    case 'ordered':
    case 'cheapest':
    case 'closest_float':
    case 'closed_loop':
      return { strategy, connections: readConnections(reader) }
    case 'weighted':
      return { strategy, split: readSplit(reader) }
    case 'best_rate': {
      const explore = readOption(reader, 'explore', () => reader.number('the share of exploration'))
      return { strategy, connections: readConnections(reader), explore_percent: explore }
    }
    case 'value': {
      const margin = readOption(reader, 'margin', () => reader.text('the margin'))
      return { strategy, connections: readConnections(reader), margin_percent: margin }
    }
    default:
      throw reader.fail(
        `${strategy} is no strategy: ordered, weighted, cheapest, best_rate, value, closest_float and closed_loop are`,
      )
  }
}

function readOption<T>(reader: Reader, name: string, read: () => T): T {
  reader.expect(name)
  reader.expect(':')
  const value = read()
  if (!reader.is(')')) reader.expect(',')
  return value
}

function readConnections(reader: Reader): readonly string[] | '*' {
  if (reader.take('*')) return '*'
  const connections: string[] = []
  while (!reader.is(')')) {
    if (connections.length > 0) reader.expect(',')
    connections.push(reader.text("a connection's label"))
  }
  return connections
}

function readSplit(reader: Reader): Share[] {
  const split: Share[] = []
  while (!reader.is(')')) {
    if (split.length > 0) reader.expect(',')
    const connection = reader.text("a connection's label")
    reader.expect(':')
    split.push({ connection, percent: reader.number('its share') })
  }
  return split
}

function readGolden(reader: Reader): GoldenCase[] {
  const cases: GoldenCase[] = []
  reader.expect('{')
  while (!reader.take('}')) {
    reader.expect('case')
    const name = reader.text('a name')
    reader.expect('{')
    reader.expect('payment')
    const facts = readPairs(reader, () => reader.text("a fact's name"), readValue)
    reader.expect('expect')
    const wanted = readPairs(
      reader,
      () => reader.next().text,
      () => reader.text('what is expected'),
    )
    reader.expect('}')
    cases.push({ name, facts, expect: wanted })
  }
  return cases
}

function readPairs<V>(reader: Reader, key: () => string, value: (reader: Reader) => V): Record<string, V> {
  const pairs: [string, V][] = []
  reader.expect('{')
  while (!reader.take('}')) {
    if (pairs.length > 0) reader.expect(',')
    const name = key()
    reader.expect(':')
    pairs.push([name, value(reader)])
  }
  return Object.fromEntries(pairs)
}
