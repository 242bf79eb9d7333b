import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { formatAmount } from '../../src/core/money.ts'
import { analyse, isSound } from '../../src/router/analyse.ts'
import { boxesOf, meet } from '../../src/router/boxes.ts'
import { testOf } from '../../src/router/compile.ts'
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
const card = eq('method', 'card')
const when = (condition: unknown, use: unknown = { ...anywhere }) => ({
  language: 1,
  rules: [{ id: 'r', when: condition, use }],
  default: anywhere,
})
const use = (action: unknown) => ({ language: 1, rules: [], default: action })
const rules = (...list: unknown[]) => ({ language: 1, rules: list, default: anywhere })
const rule = (id: string, condition: unknown, action: unknown = anywhere) => ({ id, when: condition, use: action })
const golden = (facts: unknown, expected: unknown = {}) => ({
  ...rules(rule('cards', card, ordered('Syd', 'Nord'))),
  golden: [{ name: 'a Finn', facts, expect: expected }],
})
const finn = { direction: 'deposit', method: 'card', amount: '10.00 EUR', player_country: 'FI' }

const Bad = z.strictObject({
  name: z.string(),
  code: z.string(),
  message: z.string(),
  fix: z.string(),
  ruleset: z.unknown(),
})

/** Each bad ruleset, one a line, with the code and the words that refuse it, and what the advice says. */
const CORPUS = readFileSync(new URL('bad-rulesets.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => Bad.parse(JSON.parse(line)))

describe('the corpus of bad rulesets', () => {
  it.each(CORPUS)('refuses $name', ({ ruleset, code, message, fix }) => {
    const { findings } = analyse(ruleset, { candidates: [...all, twin] })
    const found = findings.find((finding) => finding.code === code && finding.message.includes(message))
    expect(found ?? findings).toMatchObject({ severity: 'error', code })
    expect(found?.fix).toContain(fix)
    expect(isSound(findings)).toBe(false)
  })

  it('has at least forty, no two refused in the same words', () => {
    expect(CORPUS.length).toBeGreaterThanOrEqual(40)
    const said = CORPUS.map(({ ruleset, code }) => {
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
