import { readMoney } from './compile.ts'
import { FIELDS, type Field } from './fields.ts'
import { nearest, type Reporter } from './finding.ts'
import { type Condition, MAX_CONDITIONS, MAX_DEPTH, type Value } from './rules.ts'

/** Which operators fit which kind of fact. */
const OPERATORS = {
  word: new Set(['eq', 'ne', 'in', 'not_in', 'prefix', 'exists']),
  number: new Set(['eq', 'ne', 'in', 'not_in', 'lt', 'lte', 'gt', 'gte', 'between', 'exists']),
  boolean: new Set(['eq', 'ne', 'exists']),
  money: new Set(['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'between', 'exists']),
} as const

/** What people write and mean something else by. */
const MEANT: Readonly<Record<string, string>> = {
  UK: 'GB',
  EL: 'GR',
  RMB: 'CNY',
  YEN: 'JPY',
  EURO: 'EUR',
  cards: 'card',
}

/** Checks names, types and values of a condition. True when nothing is wrong, so that its meaning can be worked out. */
export function checkCondition(condition: Condition, report: Reporter): boolean {
  const size = measure(condition)
  if (size.depth > MAX_DEPTH) {
    report.error('too_deep', `conditions nest ${size.depth} deep`, `nest at most ${MAX_DEPTH} deep; split the rule`)
    return false
  }
  if (size.tests > MAX_CONDITIONS) {
    report.error('too_many_tests', `it has ${size.tests} tests`, `use at most ${MAX_CONDITIONS}; split the rule`)
    return false
  }
  return checkPart(condition, report)
}

function measure(condition: Condition): { depth: number; tests: number } {
  const parts =
    condition.op === 'and' || condition.op === 'or' ? condition.of : condition.op === 'not' ? [condition.of] : []
  if (parts.length === 0) return { depth: 1, tests: 1 }
  const sizes = parts.map(measure)
  return {
    depth: 1 + Math.max(...sizes.map(({ depth }) => depth)),
    tests: sizes.reduce((sum, { tests }) => sum + tests, 0),
  }
}

function checkPart(condition: Condition, report: Reporter): boolean {
  switch (condition.op) {
    case 'always':
      return true
    case 'and':
    case 'or':
      return condition.of.map((part, index) => checkPart(part, report.at('of', index))).every(Boolean)
    case 'not':
      return checkPart(condition.of, report.at('of'))
    case 'time':
      if (condition.from !== condition.to) return true
      report.error(
        'time_empty',
        `the time from ${condition.from} to ${condition.to} is empty`,
        'give two times, or leave the test out',
      )
      return false
    case 'percent':
      return checkPercent(condition, report)
    default:
      return checkTest(condition, report)
  }
}

function checkPercent({ from, to }: { from: number; to: number }, report: Reporter): boolean {
  if (from < 0 || to > 100) {
    report.error(
      'percent_out_of_range',
      `the share from ${from} to ${to} is not within 0–100`,
      'give ends between 0 and 100',
    )
    return false
  }
  if (from < to) return true
  report.error('percent_empty', `the share from ${from} to ${to} has no player in it`, 'put the lower end first')
  return false
}

type Test = Extract<Condition, { field: string }>

function checkTest(test: Test, report: Reporter): boolean {
  const field = FIELDS[test.field]
  if (!field) {
    const meant = nearest(test.field, Object.keys(FIELDS))
    report
      .at('field')
      .error(
        'unknown_field',
        `there is no fact "${test.field}"`,
        meant ? `write ${meant}` : `use one of ${Object.keys(FIELDS).join(', ')}`,
      )
    return false
  }
  if (!OPERATORS[field.type].has(test.op)) {
    report
      .at('op')
      .error(
        'operator_unfit',
        `${test.op} does not fit ${test.field}, which is a ${field.type}`,
        `use one of ${[...OPERATORS[field.type]].join(', ')}`,
      )
    return false
  }
  if (test.op === 'exists') return checkExists(test.field, field, report)
  if ('values' in test) return checkList(test.field, field, test.values, report.at('values'))
  if (test.op === 'between') return checkBetween(test.field, field, test, report)
  if (test.op === 'prefix') return checkPrefix(test.field, field, test.value, report.at('value'))
  return checkValue(test.field, field, test.value, report.at('value'))
}

function checkExists(name: string, field: Field, report: Reporter): boolean {
  if (field.always) report.warning('always_known', `${name} is known of every payment`, 'leave the test out')
  return true
}

function checkList(name: string, field: Field, values: readonly Value[], report: Reporter): boolean {
  if (values.length === 0) {
    report.error('list_empty', `the list for ${name} is empty`, 'name at least one value, or leave the test out')
    return false
  }
  const twice = values.find((value, index) => values.indexOf(value) !== index)
  if (twice !== undefined) {
    report.error('value_repeated', `${JSON.stringify(twice)} stands twice in the list for ${name}`, 'name it once')
    return false
  }
  return values.map((value, index) => checkValue(name, field, value, report.at(index))).every(Boolean)
}

function checkPrefix(name: string, field: Field, value: Value, report: Reporter): boolean {
  if (typeof value !== 'string' || value === '') {
    report.error('prefix_empty', `${name} must begin with some letters`, 'give the letters that it begins with')
    return false
  }
  if (!field.domain || [...field.domain].some((word) => word.startsWith(value))) return true
  report.error('prefix_unmatched', `no ${name} begins with "${value}"`, `give the beginning of ${field.domainName}`)
  return false
}

function checkBetween(
  name: string,
  field: Field,
  { low, high }: { low: Value; high: Value },
  report: Reporter,
): boolean {
  const sound = [checkValue(name, field, low, report.at('low')), checkValue(name, field, high, report.at('high'))]
  if (!sound.every(Boolean)) return false
  const from = readMoney(low)
  const to = readMoney(high)
  if (from && to && from.asset !== to.asset) {
    report.error('currencies_differ', `${name} can't lie between ${low} and ${high}`, 'give both ends in one currency')
    return false
  }
  const reversed = from && to ? from.minor > to.minor : Number(low) > Number(high)
  if (!reversed) return true
  report.error('range_reversed', `${name} can't lie between ${low} and ${high}`, 'put the lower end first')
  return false
}

/** Checks one value against its fact's type and domain. */
export function checkValue(name: string, field: Field, value: Value, report: Reporter): boolean {
  if (field.type === 'money') return checkMoney(name, value, report)
  const type = field.type === 'word' ? 'string' : field.type
  if (typeof value !== type) {
    report.error('value_type', `${name} is a ${field.type}, and ${JSON.stringify(value)} is none`, EXAMPLES[field.type])
    return false
  }
  if (typeof value === 'number') return checkNumber(name, field, value, report)
  if (typeof value !== 'string' || !field.domain || field.domain.has(value)) return true
  const meant = [MEANT[value], value.toLowerCase(), value.toUpperCase()].find(
    (word) => word !== undefined && field.domain?.has(word),
  )
  const near = meant ?? nearest(value, field.domain)
  report.error(
    'value_unknown',
    `"${value}" is not ${field.domainName}`,
    near ? `write "${near}"` : `give ${field.domainName}`,
  )
  return false
}

const EXAMPLES = {
  word: 'give a word in quotes, such as "vip"',
  number: 'give a whole number without quotes, such as 3',
  boolean: 'write true or false without quotes',
} as const

function checkNumber(name: string, { range }: Field, value: number, report: Reporter): boolean {
  const [least, most] = range ?? [0, Number.MAX_SAFE_INTEGER]
  if (Number.isInteger(value) && value >= least && value <= most) return true
  report.error('number_out_of_range', `${name} is never ${value}`, `give a whole number from ${least} to ${most}`)
  return false
}

function checkMoney(name: string, value: Value, report: Reporter): boolean {
  if (readMoney(value)) return true
  report.error(
    'amount_unreadable',
    `${JSON.stringify(value)} is no amount to compare ${name} with`,
    'write a decimal and its currency, such as "100.00 EUR", with no more decimals than the currency has',
  )
  return false
}
