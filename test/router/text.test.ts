import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Action, type Condition, parseRuleset, type Ruleset, type Value } from '../../src/router/rules.ts'
import { printRuleset } from '../../src/router/text.ts'
import { readRuleset } from '../../src/router/text-reader.ts'

const word = fc.string({ maxLength: 12 })
const value: fc.Arbitrary<Value> = fc.oneof(
  word,
  fc.integer(),
  fc.boolean(),
  fc.double({ min: 0.01, max: 1e30, noNaN: true }),
)
const field = fc.oneof(fc.constantFrom('method', 'amount', 'true', 'has', 'not', 'time'), word)

const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constant<Condition>({ op: 'always' }),
    fc.record({
      op: fc.constantFrom<('eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte' | 'prefix')[]>(
        'eq',
        'ne',
        'lt',
        'lte',
        'gt',
        'gte',
        'prefix',
      ),
      field,
      value,
    }),
    fc.record({
      op: fc.constantFrom<('in' | 'not_in')[]>('in', 'not_in'),
      field,
      values: fc.array(value, { maxLength: 4 }),
    }),
    fc.record({ op: fc.constant('between' as const), field, low: value, high: value }),
    fc.record({ op: fc.constant('exists' as const), field }),
    fc.constant<Condition>({ op: 'time', from: '22:00', to: '06:30' }),
    fc.record({
      op: fc.constant('percent' as const),
      salt: fc.string({ minLength: 1, maxLength: 5 }),
      from: fc.nat(100),
      to: fc.nat(100),
    }),
    fc.record({
      op: fc.constantFrom<('and' | 'or')[]>('and', 'or'),
      of: fc.array(tie('condition'), { minLength: 2, maxLength: 3 }),
    }),
    fc.record({ op: fc.constant('not' as const), of: tie('condition') }),
  ),
}))

const label = fc.string({ minLength: 1, maxLength: 10 })
const connections = fc.oneof(fc.constant('*' as const), fc.array(label, { maxLength: 4 }))
const use: fc.Arbitrary<Action> = fc.oneof(
  fc.record(
    {
      strategy: fc.constantFrom<('ordered' | 'cheapest' | 'closest_float' | 'closed_loop')[]>(
        'ordered',
        'cheapest',
        'closest_float',
        'closed_loop',
      ),
      connections,
      then_default: fc.boolean(),
    },
    { requiredKeys: ['strategy', 'connections'] },
  ),
  fc.record({
    strategy: fc.constant('weighted' as const),
    split: fc.array(fc.record({ connection: label, percent: fc.nat(100) }), { maxLength: 4 }),
  }),
  fc.record({ strategy: fc.constant('best_rate' as const), connections, explore_percent: fc.nat(20) }),
  fc.record({ strategy: fc.constant('value' as const), connections, margin_percent: word }),
)
const rule = fc.record(
  {
    id: fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,10}$/),
    title: fc.string({ minLength: 1, maxLength: 20 }),
    when: condition,
    use,
  },
  { requiredKeys: ['id', 'when', 'use'] },
)
const facts = fc.dictionary(word, value, { maxKeys: 3, noNullPrototype: true })
const golden = fc.record({
  name: fc.string({ minLength: 1, maxLength: 20 }),
  facts,
  expect: fc.record({ rule: word, first: word, not: word }, { requiredKeys: [] }),
})
const ruleset: fc.Arbitrary<Ruleset> = fc.record(
  {
    language: fc.constant(1 as const),
    time_zone: fc.string({ minLength: 1, maxLength: 10 }),
    rules: fc.array(rule, { maxLength: 4 }),
    default: use,
    golden: fc.array(golden, { maxLength: 2 }),
  },
  { requiredKeys: ['language', 'rules', 'default'] },
)

describe('the text form', () => {
  it('loses nothing on the way to text and back, for any ruleset', () => {
    fc.assert(
      fc.property(ruleset, (made) => {
        expect(parseRuleset(made)).toMatchObject({ ok: true })
        const text = printRuleset(made)
        expect(readRuleset(text)).toEqual(made)
        expect(printRuleset(readRuleset(text))).toBe(text)
      }),
      { numRuns: 1_000 },
    )
  })

  it('reads as people write it, comments and needless brackets too', () => {
    const read = readRuleset(`
      language 1
      time_zone "Europe/Stockholm"
      // Swedish cards go to the local acquirer.
      rule "cards-se" {
        title "Swedish cards"
        when (method == "card") && player_country in ["SE", "AX"] && (amount < "500.00 EUR" || !(has(segment)))
        use weighted("Nord": 70, "Syd": 30) then default
      }
      default { use ordered(*) }
    `)
    expect(read).toEqual({
      language: 1,
      time_zone: 'Europe/Stockholm',
      rules: [
        {
          id: 'cards-se',
          title: 'Swedish cards',
          when: {
            op: 'and',
            of: [
              { op: 'eq', field: 'method', value: 'card' },
              { op: 'in', field: 'player_country', values: ['SE', 'AX'] },
              {
                op: 'or',
                of: [
                  { op: 'lt', field: 'amount', value: '500.00 EUR' },
                  { op: 'not', of: { op: 'exists', field: 'segment' } },
                ],
              },
            ],
          },
          use: {
            strategy: 'weighted',
            split: [
              { connection: 'Nord', percent: 70 },
              { connection: 'Syd', percent: 30 },
            ],
            then_default: true,
          },
        },
      ],
      default: { strategy: 'ordered', connections: '*' },
    })
  })

  it.each([
    ['language 2 default { use ordered(*) }', 'line 1, column 10: language 1 is the only one, but there is 2'],
    ['language 1\nrule "r" {\n  when method = "card"', 'line 3, column 15: "=" does not belong here'],
    ['language 1\nrule "r" { when method == use', 'line 2, column 27: a value in quotes is expected, but there is use'],
    ['language 1 default { use fastest(*) }', 'fastest is no strategy'],
    ['language 1 default { use ordered(*) } rule', 'the end is expected, but there is rule'],
    ['language 1', 'default is expected, but there is the end'],
    [`language 1 rule "r" { when ${'('.repeat(5_000)}`, 'brackets nest at most'],
  ])('says where it does not understand: %s', (text, message) => {
    expect(() => readRuleset(text)).toThrow(message)
  })
})
