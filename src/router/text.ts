import type { Action, Condition, Connections, GoldenCase, Rule, Ruleset, Value } from './rules.ts'

/**
 * The ruleset as text, for reading, diffs and version control: conditions in the manner of CEL, one rule a block.
 * `printRuleset` and `readRuleset` (text-reader.ts) are each other's inverse.
 */

/** Width up to which a condition stays on one line. */
const LINE = 100

/** Names that a fact can bear without quotes. */
export const PLAIN_NAME = /^[a-z_][a-z0-9_]*$/
/** Words of the language, which a fact's name must not look like. */
export const RESERVED: ReadonlySet<string> = new Set([
  'true',
  'false',
  'not',
  'in',
  'has',
  'between',
  'time',
  'percent',
  'fact',
])

/** How the operators that stand between a fact and a value are written. */
export const SYMBOLS = { eq: '==', ne: '!=', lt: '<', lte: '<=', gt: '>', gte: '>=' } as const

/** Prints a ruleset. The same ruleset always gives the same bytes. */
export function printRuleset(ruleset: Ruleset): string {
  const head = ['language 1', ...(ruleset.time_zone === undefined ? [] : [`time_zone ${quote(ruleset.time_zone)}`])]
  const blocks = [
    head.join('\n'),
    ...ruleset.rules.map(printRule),
    `default {\n  use ${printAction(ruleset.default)}\n}`,
    ...(ruleset.golden === undefined ? [] : [printGolden(ruleset.golden)]),
  ]
  return `${blocks.join('\n\n')}\n`
}

/** Prints one rule: what diffs and reviews show. */
export function printRule({ id, title, when, use }: Rule): string {
  const lines = [
    `rule ${quote(id)} {`,
    ...(title === undefined ? [] : [`  title ${quote(title)}`]),
    `  when ${printCondition(when)}`,
    `  use ${printAction(use)}`,
    '}',
  ]
  return lines.join('\n')
}

const quote = (text: string): string => JSON.stringify(text)
const literal = (value: Value): string => (typeof value === 'string' ? quote(value) : String(value))
const list = (values: readonly Value[]): string => `[${values.map(literal).join(', ')}]`
const fact = (field: string): string =>
  PLAIN_NAME.test(field) && !RESERVED.has(field) ? field : `fact(${quote(field)})`

/** Prints a condition, `depth` levels deep: parts of `&&` and `||` stand on lines of their own when the line gets long. */
export function printCondition(condition: Condition, depth = 0): string {
  switch (condition.op) {
    case 'always':
      return 'true'
    case 'and':
    case 'or':
      return joined(condition.of, condition.op === 'and' ? '&&' : '||', depth)
    case 'not':
      return `!(${printCondition(condition.of, depth + 1)})`
    case 'in':
      return `${fact(condition.field)} in ${list(condition.values)}`
    case 'not_in':
      return `${fact(condition.field)} not in ${list(condition.values)}`
    case 'between':
      return `between(${fact(condition.field)}, ${literal(condition.low)}, ${literal(condition.high)})`
    case 'prefix':
      return `${fact(condition.field)}.startsWith(${literal(condition.value)})`
    case 'exists':
      return `has(${fact(condition.field)})`
    case 'time':
      return `time(${quote(condition.from)}, ${quote(condition.to)})`
    case 'percent':
      return `percent(${quote(condition.salt)}, ${condition.from}, ${condition.to})`
    default:
      return `${fact(condition.field)} ${SYMBOLS[condition.op]} ${literal(condition.value)}`
  }
}

function joined(parts: readonly Condition[], sign: string, depth: number): string {
  const texts = parts.map((part) =>
    part.op === 'and' || part.op === 'or' ? `(${printCondition(part, depth + 1)})` : printCondition(part, depth + 1),
  )
  const line = texts.join(` ${sign} `)
  if (line.length <= LINE && !line.includes('\n')) return line
  return texts.join(`\n${'  '.repeat(depth + 2)}${sign} `)
}

const connectionList = (connections: Connections): string[] => (connections === '*' ? ['*'] : connections.map(quote))

/** Prints what a rule does. */
export function printAction(use: Action): string {
  const behind = use.then_default === undefined ? '' : use.then_default ? ' then default' : ' then nothing'
  return `${use.strategy}(${argumentsOf(use).join(', ')})${behind}`
}

function argumentsOf(use: Action): string[] {
  switch (use.strategy) {
    case 'weighted':
      return use.split.map(({ connection, percent }) => `${quote(connection)}: ${percent}`)
    case 'best_rate':
      return [`explore: ${use.explore_percent}`, ...connectionList(use.connections)]
    case 'value':
      return [`margin: ${quote(use.margin_percent)}`, ...connectionList(use.connections)]
    default:
      return connectionList(use.connections)
  }
}

function printGolden(cases: readonly GoldenCase[]): string {
  return ['golden {', ...cases.map(printCase), '}'].join('\n')
}

function printCase({ name, facts, expect }: GoldenCase): string {
  const payment = Object.entries(facts).map(([field, value]) => `${quote(field)}: ${literal(value)}`)
  const wanted = Object.entries(expect).map(([what, value]) => `${what}: ${quote(value)}`)
  return `  case ${quote(name)} {\n    payment { ${payment.join(', ')} }\n    expect { ${wanted.join(', ')} }\n  }`
}
