import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatAmount } from '../../src/core/money.ts'
import { analyse, isSound } from '../../src/router/analyse.ts'
import { boxesOf, meet } from '../../src/router/boxes.ts'
import { testOf } from '../../src/router/compile.ts'
import { WEEKDAYS } from '../../src/router/fields.ts'
import type { Condition } from '../../src/router/rules.ts'
import { ANYTHING, candidate, deposit } from '../support/routing.ts'

const nord = candidate('Nord', { methods: { card: { ...ANYTHING, currencies: ['EUR', 'SEK'] } } })
const syd = candidate('Syd', {
  methods: { card: ANYTHING, bank: { ...ANYTHING, currencies: ['EUR'], countries: ['FI', 'SE'] } },
})
const chain = candidate('Chain', { methods: { crypto: { ...ANYTHING, currencies: ['BTC', 'USDT'] } } })
const off = candidate('Off', { enabled: false })
const bounded = candidate('Bounded', {
  methods: { wallet: ANYTHING },
  limits: { amounts: [{ direction: 'deposit', asset: 'EUR', max: 50_000n }] },
})
const unbounded = candidate('Unbounded', { methods: { wallet: ANYTHING } })
const twin = { ...candidate('Nord 2'), connection: { ...candidate('Nord 2').connection, processor: 'p_Nord' } }
const all = [nord, syd, chain, off, bounded, unbounded]

const ordered = (...connections: string[]) => ({ strategy: 'ordered', connections })
const anywhere = { strategy: 'ordered', connections: '*' }
const eq = (field: string, value: unknown) => ({ op: 'eq', field, value })
const and = (...of: unknown[]) => ({ op: 'and', of })
const or = (...of: unknown[]) => ({ op: 'or', of })
const card = eq('method', 'card')
const when = (condition: unknown, use: unknown = { ...anywhere }) => ({
  language: 1,
  rules: [{ id: 'r', when: condition, use }],
  default: anywhere,
})
const use = (action: unknown) => ({ language: 1, rules: [], default: action })
const rules = (...list: unknown[]) => ({ language: 1, rules: list, default: anywhere })
const rule = (id: string, condition: unknown, action: unknown = anywhere) => ({ id, when: condition, use: action })
const deep = (levels: number): unknown => (levels === 0 ? card : { op: 'not', of: deep(levels - 1) })
const golden = (facts: unknown, expected: unknown = {}) => ({
  ...rules(rule('cards', card, ordered('Syd', 'Nord'))),
  golden: [{ name: 'a Finn', facts, expect: expected }],
})
const finn = { direction: 'deposit', method: 'card', amount: '10.00 EUR', player_country: 'FI' }

/** Each bad ruleset with the code and the words that refuse it, and what the advice says. */
const CORPUS: [name: string, ruleset: unknown, code: string, message: string, fix: string][] = [
  ['no object', 'rules', 'malformed', 'the ruleset: Invalid input', 'see the guide'],
  ['another language', { ...use(anywhere), language: 2 }, 'malformed', 'expected 1', 'see the guide'],
  ['no default', { language: 1, rules: [] }, 'malformed', 'Invalid input', 'see the guide'],
  ['a member that nobody knows', { ...use(anywhere), salt: 1 }, 'malformed', '"salt"', 'see the guide'],
  ['an id with blanks', rules(rule('my rule', card)), 'malformed', 'rule "my rule": is 1–64 of a–z', 'see the guide'],
  [
    'an operator that nobody knows',
    when({ op: 'matches', field: 'brand', value: '.*' }),
    'malformed',
    'rule "r": Invalid',
    'see the guide',
  ],
  ['an "and" of one', when(and(card)), 'malformed', 'Too small', 'see the guide'],
  [
    'a time of 25 hours',
    when({ op: 'time', from: '25:00', to: '06:00' }),
    'malformed',
    'is a time such as 22:00',
    'see the guide',
  ],
  [
    'a strategy that nobody knows',
    use({ strategy: 'fastest', connections: '*' }),
    'malformed',
    'Invalid',
    'see the guide',
  ],
  ['nesting without end', when(deep(500)), 'malformed', 'nests deeper than 8', 'see the guide'],
  ['nesting too deep', when(deep(9)), 'too_deep', 'conditions nest 10 deep', 'split the rule'],
  [
    'too many tests',
    when(or(...Array.from({ length: 8 }, () => or(...Array.from({ length: 9 }, (_, n) => eq('segment', `s${n}`)))))),
    'too_many_tests',
    'it has 72 tests',
    'split the rule',
  ],
  ['a fact that nobody knows', when(eq('metod', 'card')), 'unknown_field', 'there is no fact "metod"', 'write method'],
  [
    'a fact from a browser',
    when(eq('user_agent', 'x')),
    'unknown_field',
    'there is no fact "user_agent"',
    'use one of direction',
  ],
  [
    'a word compared by size',
    when({ op: 'gt', field: 'brand', value: 'visa' }),
    'operator_unfit',
    'gt does not fit brand, which is a word',
    'use one of eq, ne, in',
  ],
  [
    'a prefix of a number',
    when({ op: 'prefix', field: 'deposits_so_far', value: '1' }),
    'operator_unfit',
    'prefix does not fit deposits_so_far',
    'use one of eq',
  ],
  [
    'a list of amounts',
    when({ op: 'in', field: 'amount', values: ['1.00 EUR'] }),
    'operator_unfit',
    'in does not fit amount',
    'between',
  ],
  [
    'a number as a word',
    when({ op: 'gt', field: 'deposits_so_far', value: '3' }),
    'value_type',
    'deposits_so_far is a number, and "3" is none',
    'without quotes',
  ],
  ['a word as a number', when(eq('segment', 7)), 'value_type', 'segment is a word, and 7 is none', 'in quotes'],
  [
    'a yes as a word',
    when(eq('first_deposit', 'true')),
    'value_type',
    'first_deposit is a boolean',
    'write true or false',
  ],
  ['a currency that is none', when(eq('currency', 'EURO')), 'value_unknown', '"EURO" is not a currency', 'write "EUR"'],
  ['a method misspelt', when(eq('method', 'carrd')), 'value_unknown', '"carrd" is not a method', 'write "card"'],
  [
    'a country that is called otherwise',
    when(eq('player_country', 'UK')),
    'value_unknown',
    '"UK" is not an ISO 3166-1',
    'write "GB"',
  ],
  [
    'a country in small letters',
    when({ op: 'in', field: 'bin_country', values: ['SE', 'fi'] }),
    'value_unknown',
    '"fi" is not',
    'write "FI"',
  ],
  [
    'an amount without a currency',
    when({ op: 'gt', field: 'amount', value: '100.00' }),
    'amount_unreadable',
    '"100.00" is no amount',
    'such as "100.00 EUR"',
  ],
  [
    'an amount as a number',
    when({ op: 'gt', field: 'amount', value: 100 }),
    'amount_unreadable',
    '100 is no amount',
    'such as "100.00 EUR"',
  ],
  [
    'an amount with three decimals',
    when({ op: 'gt', field: 'amount', value: '1.005 EUR' }),
    'amount_unreadable',
    '"1.005 EUR" is no amount',
    'no more decimals',
  ],
  [
    'a negative amount',
    when({ op: 'gt', field: 'amount', value: '-5.00 EUR' }),
    'amount_unreadable',
    '"-5.00 EUR" is no amount',
    'such as',
  ],
  [
    'an hour that no clock has',
    when({ op: 'gte', field: 'hour', value: 24 }),
    'number_out_of_range',
    'hour is never 24',
    'from 0 to 23',
  ],
  [
    'half a deposit',
    when(eq('deposits_so_far', 1.5)),
    'number_out_of_range',
    'deposits_so_far is never 1.5',
    'a whole number',
  ],
  [
    'an empty list',
    when({ op: 'in', field: 'brand', values: [] }),
    'list_empty',
    'the list for brand is empty',
    'name at least one',
  ],
  [
    'a value twice',
    when({ op: 'in', field: 'brand', values: ['visa', 'visa'] }),
    'value_repeated',
    '"visa" stands twice',
    'name it once',
  ],
  [
    'an empty prefix',
    when({ op: 'prefix', field: 'segment', value: '' }),
    'prefix_empty',
    'segment must begin',
    'give the letters',
  ],
  [
    'a prefix that nothing has',
    when({ op: 'prefix', field: 'bin_country', value: 'QX' }),
    'prefix_unmatched',
    'no bin_country begins with "QX"',
    'give the beginning',
  ],
  [
    'a range backwards',
    when({ op: 'between', field: 'amount', low: '9.00 EUR', high: '1.00 EUR' }),
    'range_reversed',
    "can't lie between 9.00 EUR and 1.00 EUR",
    'lower end first',
  ],
  [
    'a range of two currencies',
    when({ op: 'between', field: 'amount', low: '1.00 EUR', high: '9.00 SEK' }),
    'currencies_differ',
    'between 1.00 EUR and 9.00 SEK',
    'one currency',
  ],
  [
    'a share past all',
    when({ op: 'percent', salt: 'x', from: 0, to: 101 }),
    'percent_out_of_range',
    'from 0 to 101',
    'between 0 and 100',
  ],
  [
    'a share of nobody',
    when({ op: 'percent', salt: 'x', from: 10, to: 10 }),
    'percent_empty',
    'no player in it',
    'lower end first',
  ],
  [
    'a time of no length',
    when({ op: 'time', from: '10:00', to: '10:00' }),
    'time_empty',
    'from 10:00 to 10:00 is empty',
    'two times',
  ],
  [
    'a zone that no clock has',
    { ...use(anywhere), time_zone: 'Europe/Atlantis' },
    'time_zone_unknown',
    '"Europe/Atlantis" is no time zone',
    'Europe/Malta',
  ],
  [
    'two methods at once',
    when(and(card, eq('method', 'bank'))),
    'contradiction',
    'method == "card" and method == "bank" exclude each other',
    'take out one',
  ],
  [
    'an amount in another currency',
    when(and(eq('currency', 'SEK'), { op: 'gt', field: 'amount', value: '5.00 EUR' })),
    'contradiction',
    'exclude each other',
    'take out one',
  ],
  [
    'an amount between nothing',
    when(and({ op: 'gt', field: 'amount', value: '5.00 EUR' }, { op: 'lt', field: 'amount', value: '5.01 EUR' })),
    'contradiction',
    'amount > "5.00 EUR" and amount < "5.01 EUR"',
    'take out one',
  ],
  [
    'a brand of a bank',
    when(and(eq('method', 'bank'), eq('brand', 'visa'))),
    'contradiction',
    'method == "bank" and brand == "visa"',
    'take out one',
  ],
  [
    'an hour outside the time',
    when(and({ op: 'time', from: '22:00', to: '06:00' }, eq('hour', 12))),
    'contradiction',
    'exclude each other',
    'take out one',
  ],
  [
    'a test and its contrary, inside out',
    when(and(card, { op: 'not', of: or(card, eq('segment', 'vip')) })),
    'contradiction',
    'exclude each other',
    'take out one',
  ],
  [
    'an alternative that is dead',
    when(or(card, and(eq('method', 'bank'), eq('funding', 'debit')))),
    'branch_dead',
    "one of its alternatives can't hold",
    'correct the alternative',
  ],
  [
    'a rule behind its like',
    rules(rule('a', eq('method', 'bank')), rule('b', eq('method', 'bank'))),
    'shadowed',
    'rule "a" takes every payment with',
    'move it up',
  ],
  [
    'a narrower rule behind a wider',
    rules(
      rule('a', { op: 'in', field: 'player_country', values: ['SE', 'FI'] }),
      rule('b', and(card, eq('player_country', 'FI'))),
    ),
    'shadowed',
    'rule "a" takes',
    'move it up',
  ],
  [
    'a rule behind one that takes all',
    rules(rule('a', { op: 'always' }), rule('b', card)),
    'shadowed',
    'rule "a" takes',
    'move it up',
  ],
  [
    'a rule that two others use up',
    rules(
      rule('a', { op: 'lt', field: 'amount', value: '50.00 EUR' }),
      rule('b', { op: 'gte', field: 'amount', value: '50.00 EUR' }),
      rule('c', eq('currency', 'EUR')),
    ),
    'shadowed',
    'the rules before it together take',
    'move it up',
  ],
  [
    'weekdays used up one by one',
    rules(...WEEKDAYS.map((day) => rule(day, eq('weekday', day))), rule('late', card)),
    'shadowed',
    'the rules before it together',
    'move it up',
  ],
  [
    'an id twice',
    rules(rule('a', card), rule('a', eq('method', 'bank'))),
    'rule_id_repeated',
    'an earlier rule has this id',
    'an id of its own',
  ],
  [
    "the default's id",
    rules(rule('default', card)),
    'rule_id_reserved',
    'decisions call the last row by this id',
    'another id',
  ],
  ['a cascade of nothing', when(card, ordered()), 'no_connections', 'it names no connection', 'name at least one'],
  [
    'a connection that is not there',
    when(card, ordered('Nrod')),
    'connection_unknown',
    'there is no connection "Nrod"',
    'write "Nord"',
  ],
  [
    'a connection twice',
    when(card, ordered('Syd', 'Syd')),
    'connection_repeated',
    'are the same connection',
    'name it once',
  ],
  [
    'a connection twice, by label and id',
    when(card, ordered('Syd', 'con_Syd')),
    'connection_repeated',
    'are the same connection',
    'name it once',
  ],
  [
    'a processor twice',
    when(card, ordered('Syd', 'Nord', 'Nord 2')),
    'processor_repeated',
    '"Nord" and "Nord 2" are both at p_Nord',
    'keep one',
  ],
  [
    'shares of 99',
    when(card, {
      strategy: 'weighted',
      split: [
        { connection: 'Nord', percent: 60 },
        { connection: 'Syd', percent: 39 },
      ],
    }),
    'split_not_100',
    'the shares add up to 99',
    'add up to 100',
  ],
  [
    'a negative share',
    when(card, {
      strategy: 'weighted',
      split: [
        { connection: 'Nord', percent: -20 },
        { connection: 'Syd', percent: 120 },
      ],
    }),
    'share_out_of_range',
    '"Nord" has a share of -20',
    'whole percents',
  ],
  [
    'half a percent',
    when(card, {
      strategy: 'weighted',
      split: [
        { connection: 'Nord', percent: 0.5 },
        { connection: 'Syd', percent: 99.5 },
      ],
    }),
    'share_out_of_range',
    '"Nord" has a share of 0.5',
    'whole percents',
  ],
  [
    'too much exploration',
    when(card, { strategy: 'best_rate', connections: ['Syd'], explore_percent: 50 }),
    'explore_out_of_range',
    'exploring with 50 %',
    'from 0 to 20',
  ],
  [
    'a margin in words',
    when(card, { strategy: 'value', connections: ['Syd'], margin_percent: 'ten' }),
    'margin_unreadable',
    '"ten" is no margin',
    'such as "12.5"',
  ],
  [
    'a float for deposits',
    when(card, { strategy: 'closest_float', connections: ['Syd'] }),
    'strategy_for_payouts',
    'deposits come here too',
    'direction == "withdrawal"',
  ],
  [
    'a closed loop for all',
    use({ strategy: 'closed_loop', connections: '*' }),
    'strategy_for_payouts',
    'closed_loop orders payouts',
    'direction == "withdrawal"',
  ],
  [
    'a default behind the default',
    use({ ...anywhere, then_default: true }),
    'default_behind_itself',
    'nothing stands behind the default',
    'leave "then default" out',
  ],
  [
    'cards to where only coins go',
    when(card, ordered('Chain')),
    'no_capable_connection',
    "can't take any payment",
    'name one that can: "Syd", "Nord 2"',
  ],
  [
    'cards to what is switched off',
    when(card, ordered('Off')),
    'no_capable_connection',
    "can't take any payment",
    'name one that can',
  ],
  [
    'a currency that the only one lacks',
    when(card, ordered('Nord')),
    'left_without_route',
    'a card deposit of',
    'add "Syd"',
  ],
  [
    'an amount over the only bound',
    when(eq('method', 'wallet'), ordered('Bounded')),
    'left_without_route',
    'would be left without a route',
    'add "Unbounded"',
  ],
  [
    'a default that leaves coins out',
    use(ordered('Syd', 'Nord')),
    'left_without_route',
    'a crypto deposit of',
    'add "Chain"',
  ],
  [
    'a case of another fact',
    golden({ ...finn, colour: 'red' }),
    'golden_case_unclear',
    'an unknown fact "colour"',
    'leave it out',
  ],
  [
    'a case without an amount',
    golden({ direction: 'deposit', method: 'card', player_country: 'FI' }),
    'golden_case_unclear',
    'lacks amount',
    'give direction',
  ],
  [
    'a case of no country',
    golden({ ...finn, player_country: 'Finland' }),
    'value_unknown',
    '"Finland" is not an ISO',
    'give an ISO',
  ],
  [
    'a case that comes to another rule',
    golden(finn, { rule: 'default' }),
    'golden_case_fails',
    'it comes to "cards" and not to "default"',
    'correct the rules',
  ],
  [
    'a case that goes elsewhere first',
    golden(finn, { first: 'Nord' }),
    'golden_case_fails',
    'goes to "Syd" first and not to "Nord"',
    'correct the rules',
  ],
  [
    'a case that goes where it must not',
    golden(finn, { not: 'Nord' }),
    'golden_case_fails',
    'it may go to "Nord"',
    'correct the rules',
  ],
]

describe('the corpus of bad rulesets', () => {
  it.each(CORPUS)('refuses %s', (_, ruleset, code, message, fix) => {
    const { findings } = analyse(ruleset, { candidates: [...all, twin] })
    const found = findings.find((finding) => finding.code === code && finding.message.includes(message))
    expect(found ?? findings).toMatchObject({ severity: 'error', code })
    expect(found?.fix).toContain(fix)
    expect(isSound(findings)).toBe(false)
  })

  it('has at least forty, no two refused in the same words', () => {
    expect(CORPUS.length).toBeGreaterThanOrEqual(40)
    const said = CORPUS.map(([, ruleset, code]) => {
      const found = analyse(ruleset, { candidates: [...all, twin] }).findings.find((finding) => finding.code === code)
      return `${found?.pointer} ${found?.message}`
    })
    expect(said.filter((words, index) => said.indexOf(words) !== index)).toEqual([])
  })

  it('names the rule and points to the place', () => {
    const { findings } = analyse(rules(rule('a', eq('method', 'bank')), rule('b', and(card, eq('currency', 'EURO')))), {
      candidates: all,
    })
    expect(findings).toEqual([
      {
        severity: 'error',
        code: 'value_unknown',
        rule: 'b',
        pointer: '/rules/1/when/of/1/value',
        message: 'rule "b": "EURO" is not a currency that the gateway counts',
        fix: 'write "EUR"',
      },
    ])
  })
})

describe('what is sound', () => {
  it.each([
    ['nothing but a default', use(anywhere)],
    [
      'rules that only look alike',
      rules(
        rule('a', and(card, eq('player_country', 'FI')), ordered('Syd', 'Nord')),
        rule('b', and(card, { op: 'ne', field: 'player_country', value: 'FI' }), ordered('Syd')),
      ),
    ],
    [
      'amounts that meet without overlap',
      rules(
        rule('a', and(card, { op: 'lt', field: 'amount', value: '50.00 EUR' }), ordered('Nord')),
        rule('b', and(card, { op: 'gte', field: 'amount', value: '50.00 EUR' }), ordered('Nord', 'Syd')),
      ),
    ],
    ['a narrow cascade with the default behind', when(card, { ...ordered('Nord'), then_default: true })],
    [
      'shares by player',
      rules(
        rule('a', and(card, { op: 'percent', salt: 't', from: 0, to: 50 }), ordered('Syd', 'Nord')),
        rule('b', card, ordered('Syd')),
      ),
    ],
    [
      'a closed loop for payouts',
      when(and(eq('direction', 'withdrawal'), card), { strategy: 'closed_loop', connections: ['Syd', 'Nord'] }),
    ],
    ['a case that holds', golden(finn, { rule: 'cards', first: 'Syd', not: 'Chain' })],
    [
      'a segment that may be absent',
      rules(rule('a', { op: 'exists', field: 'segment' }), rule('b', { op: 'ne', field: 'segment', value: 'vip' })),
    ],
  ])('lets pass: %s', (_, ruleset) => {
    expect(analyse(ruleset, { candidates: all }).findings.filter(({ severity }) => severity === 'error')).toEqual([])
  })

  it('warns where there is something to know', () => {
    const codes = (ruleset: unknown, priced?: Set<string>) =>
      analyse(ruleset, { candidates: [...all, twin], ...(priced && { priced }) }).findings.map(
        ({ severity, code }) => `${severity} ${code}`,
      )
    expect(codes(when(card, ordered('Syd', 'Off')))).toEqual(['warning connection_disabled'])
    expect(codes(when(card, ordered('Syd', 'Chain')))).toEqual(['warning connection_useless'])
    expect(codes(when({ op: 'always' }))).toEqual(['warning default_unreached'])
    expect(codes(when({ op: 'exists', field: 'method' }))).toContain('warning always_known')
    expect(codes(when(card, { strategy: 'cheapest', connections: ['Syd', 'Nord'] }), new Set(['con_Syd']))).toEqual([
      'warning price_unknown',
    ])
    expect(
      codes(when(card, { strategy: 'best_rate', connections: ['Syd', 'Nord', 'Nord 2'], explore_percent: 5 })),
    ).toEqual(['warning processor_repeated'])
  })
})

describe('what a condition means to the analyser', () => {
  const atom: fc.Arbitrary<Condition> = fc.oneof(
    fc.record({
      op: fc.constantFrom<('eq' | 'ne')[]>('eq', 'ne'),
      field: fc.constant('method'),
      value: fc.constantFrom('card', 'bank', 'wallet'),
    }),
    fc.record({
      op: fc.constantFrom<('eq' | 'ne')[]>('eq', 'ne'),
      field: fc.constant('brand'),
      value: fc.constantFrom('visa', 'amex'),
    }),
    fc.record({
      op: fc.constantFrom<('in' | 'not_in')[]>('in', 'not_in'),
      field: fc.constant('segment'),
      values: fc.subarray(['vip', 'new', 'old'], { minLength: 1 }),
    }),
    fc.record({
      op: fc.constant('prefix' as const),
      field: fc.constantFrom('segment', 'player_country'),
      value: fc.constantFrom('v', 'S', 'F'),
    }),
    fc.record({ op: fc.constant('exists' as const), field: fc.constantFrom('segment', 'brand', 'deposits_so_far') }),
    fc.record({
      op: fc.constantFrom<('eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte')[]>('eq', 'ne', 'lt', 'lte', 'gt', 'gte'),
      field: fc.constant('amount'),
      value: fc.constantFrom('1.00 EUR', '2.00 EUR', '2.00 SEK'),
    }),
    fc.record({
      op: fc.constantFrom<('eq' | 'ne')[]>('eq', 'ne'),
      field: fc.constant('currency'),
      value: fc.constantFrom('EUR', 'SEK'),
    }),
    fc.record({
      op: fc.constantFrom<('eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte')[]>('eq', 'ne', 'lt', 'lte', 'gt', 'gte'),
      field: fc.constantFrom('deposits_so_far', 'hour'),
      value: fc.integer({ min: 0, max: 4 }),
    }),
    fc.record({ op: fc.constant('eq' as const), field: fc.constant('first_deposit'), value: fc.boolean() }),
    fc.constantFrom<Condition[]>(
      { op: 'time', from: '02:00', to: '04:00' },
      { op: 'time', from: '03:30', to: '01:00' },
      { op: 'always' },
    ),
  )
  const { tree } = fc.letrec<{ tree: Condition }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      atom,
      fc.record({
        op: fc.constantFrom<('and' | 'or')[]>('and', 'or'),
        of: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
      }),
      fc.record({ op: fc.constant('not' as const), of: tie('tree') }),
    ),
  }))
  const payment = fc.record({
    method: fc.constantFrom('card' as const, 'bank' as const),
    brand: fc.constantFrom('visa', 'amex', undefined),
    segment: fc.constantFrom('vip', 'new', 'other', undefined),
    playerCountry: fc.constantFrom('SE', 'FI', 'DE'),
    asset: fc.constantFrom('EUR', 'SEK'),
    minor: fc.constantFrom(99n, 100n, 101n, 199n, 200n, 201n),
    depositsSoFar: fc.constantFrom(0, 1, 3, undefined),
    firstDeposit: fc.constantFrom(true, false, undefined),
    minute: fc.nat(5 * 60),
  })

  it('is what it means when it runs: a payment fits a condition if and only if it lies in one of its boxes', () => {
    let inside = 0
    fc.assert(
      fc.property(tree, payment, (condition, made) => {
        const boxes = boxesOf(condition)
        if (!boxes) return
        const { asset, minor, minute, brand, segment, depositsSoFar, firstDeposit, ...others } = made
        const facts = deposit({
          ...others,
          amount: { asset, minor },
          atMs: minute * 60_000,
          ...(others.method === 'card' && brand !== undefined && { brand }),
          ...(segment !== undefined && { segment }),
          ...(depositsSoFar !== undefined && { depositsSoFar }),
          ...(firstDeposit !== undefined && { firstDeposit }),
        })
        const point = pointOf(facts)
        const fits = testOf(condition)(facts, () => ({
          hour: Math.floor(minute / 60),
          minute: minute % 60,
          weekday: 3,
        }))
        expect(boxes.some((box) => meet(box, point) !== undefined)).toBe(fits)
        if (fits) inside += 1
      }),
      { numRuns: 4_000 },
    )
    expect(inside).toBeGreaterThan(500)
  })

  /** The one box that a payment is, built from single tests. */
  function pointOf(facts: ReturnType<typeof deposit>) {
    const known = (field: string, value: string | number | boolean | undefined): Condition =>
      value === undefined ? { op: 'not', of: { op: 'exists', field } } : { op: 'eq', field, value }
    const clock = (minute: number) =>
      `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
    const minute = facts.atMs / 60_000
    const [box = new Map()] =
      boxesOf({
        op: 'and',
        of: [
          known('method', facts.method),
          known('brand', facts.brand),
          known('segment', facts.segment),
          ...['v', 'S', 'F'].map((value): Condition => {
            const test: Condition = { op: 'prefix', field: 'segment', value }
            return facts.segment?.startsWith(value) ? test : { op: 'not', of: test }
          }),
          known('player_country', facts.playerCountry),
          known('amount', `${formatAmount(facts.amount)} ${facts.amount.asset}`),
          known('deposits_so_far', facts.depositsSoFar),
          known('first_deposit', facts.firstDeposit),
          { op: 'time', from: clock(minute), to: clock(minute + 1) },
        ],
      }) ?? []
    return box
  }
})
