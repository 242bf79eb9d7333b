import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compile, testOf } from '../../src/router/compile.ts'
import { type Health, NO_RATES } from '../../src/router/plan.ts'
import { type Action, BUILT_IN, type Condition, type Ruleset } from '../../src/router/rules.ts'
import { ANYTHING, by, candidate, deposit, health, planned } from '../support/routing.ts'

const a = candidate('a')
const b = candidate('b')
const c = candidate('c')

describe('which rule', () => {
  const ruleset: Ruleset = {
    language: 1,
    rules: [
      {
        id: 'big',
        when: { op: 'gte', field: 'amount', value: '500.00 EUR' },
        use: { strategy: 'ordered', connections: ['c'] },
      },
      {
        id: 'cards',
        when: { op: 'eq', field: 'method', value: 'card' },
        use: { strategy: 'ordered', connections: ['b', 'a'] },
      },
      { id: 'too_late', when: { op: 'always' }, use: { strategy: 'ordered', connections: ['a'] } },
    ],
    default: { strategy: 'ordered', connections: '*' },
  }

  it('takes the first rule that fits and marks the plan with it and the version', () => {
    const { rule, route, made } = planned(ruleset)
    expect({ rule, route, version: made.rulesetVersion }).toEqual({ rule: 'cards', route: ['b', 'a'], version: 7 })
  })

  it('is the same whether rules have tests in common or not, payment after payment', () => {
    const test = fc.constantFrom<Condition>(
      { op: 'eq', field: 'method', value: 'card' },
      { op: 'in', field: 'player_country', values: ['FI', 'SE'] },
      { op: 'gte', field: 'amount', value: '50.00 EUR' },
      { op: 'time', from: '08:00', to: '18:00' },
      { op: 'not', of: { op: 'eq', field: 'method', value: 'card' } },
    )
    const when = fc.oneof(
      test,
      fc.array(test, { minLength: 1 }).map((of): Condition => ({ op: 'and', of })),
    )
    const payment = fc.record({
      method: fc.constantFrom('card' as const, 'bank' as const),
      playerCountry: fc.constantFrom('FI', 'DE'),
      amount: fc.constantFrom({ asset: 'EUR', minor: 4_999n }, { asset: 'EUR', minor: 5_000n }),
      atMs: fc.constantFrom(0, 12 * 3_600_000),
    })
    fc.assert(
      fc.property(fc.array(when, { maxLength: 8 }), fc.array(payment, { maxLength: 6 }), (conditions, payments) => {
        const use = { strategy: 'ordered', connections: '*' } as const
        const rules = conditions.map((condition, index) => ({ id: `r${index}`, when: condition, use }))
        const compiled = compile({ language: 1, rules, default: use }, 1)
        for (const made of payments) {
          const facts = deposit(made)
          const time = () => ({ hour: made.atMs / 3_600_000, minute: 0, weekday: 3 })
          const first = rules.find((rule) => testOf(rule.when)(facts, time))
          expect(compiled.ruleFor(facts)?.id).toBe(first?.id)
        }
      }),
    )
  })

  it('looks at the amount exactly, within its own currency', () => {
    expect(planned(ruleset, { facts: deposit({ amount: { asset: 'EUR', minor: 50_000n } }) }).rule).toBe('big')
    expect(planned(ruleset, { facts: deposit({ amount: { asset: 'EUR', minor: 49_999n } }) }).rule).toBe('cards')
    expect(planned(ruleset, { facts: deposit({ amount: { asset: 'SEK', minor: 999_999n } }) }).rule).toBe('cards')
  })

  it('comes to the default when no rule fits', () => {
    expect(planned({ ...ruleset, rules: [] })).toMatchObject({ rule: 'default', route: ['a', 'b', 'c'] })
  })

  it('puts the default behind the rule where the rule says so, each account once', () => {
    const behind: Ruleset = {
      ...by({ strategy: 'ordered', connections: ['a', 'b'] }),
      rules: [
        { id: 'r', when: { op: 'always' }, use: { strategy: 'ordered', connections: ['b'], then_default: true } },
      ],
    }
    expect(planned(behind)).toMatchObject({ rule: 'r', route: ['b', 'a'], out: { c: 'not_in_rule' } })
  })

  it('names accounts by label or by id', () => {
    expect(planned(by({ strategy: 'ordered', connections: ['con_c', 'a'] })).route).toEqual(['c', 'a'])
  })

  it('says of each account behind the rule that the default put it there, and leaves out there what the default does', () => {
    const behind: Ruleset = {
      ...by({ strategy: 'ordered', connections: ['a', 'd'] }),
      rules: [
        { id: 'r', when: { op: 'always' }, use: { strategy: 'ordered', connections: ['b'], then_default: true } },
      ],
    }
    const { made, route, out } = planned(behind, {
      candidates: [a, b, c, candidate('d', { enabled: false }), candidate('e', { enabled: false })],
    })
    expect([made.rulesetVersion, route, out]).toEqual([
      7,
      ['b', 'a'],
      { c: 'not_in_rule', d: 'disabled', e: 'not_in_rule' },
    ])
    expect(made.route.map(({ reason }) => reason.startsWith('behind the rule'))).toEqual([false, true])
    const off = planned(behind, { candidates: [a, candidate('b', { enabled: false })] })
    expect([off.route, off.out]).toEqual([['a'], { b: 'disabled' }])
  })

  it('has a built-in rule: all accounts in the order of their making', () => {
    expect(planned(BUILT_IN).route).toEqual(['a', 'b', 'c'])
  })
})

describe('who may take it', () => {
  const only = (made: Parameters<typeof candidate>[1], facts = deposit()) =>
    planned(BUILT_IN, { candidates: [candidate('x', made), a], facts }).out.x

  it.each([
    ['disabled', { enabled: false }, {}],
    ['method_unsupported', { methods: { bank: ANYTHING } }, {}],
    ['direction_unsupported', { methods: { card: { ...ANYTHING, deposit: false } } }, {}],
    [
      'direction_unsupported',
      { methods: { card: { ...ANYTHING, withdraw: false } } },
      { direction: 'withdrawal' as const },
    ],
    ['currency_unsupported', { methods: { card: { ...ANYTHING, currencies: ['SEK'] } } }, {}],
    ['country_unsupported', { methods: { card: { ...ANYTHING, countries: ['SE'] } } }, {}],
    ['brand_unsupported', { methods: { card: { ...ANYTHING, brands: ['visa'] } } }, { brand: 'amex' }],
    ['method_not_allowed', { limits: { methods: ['bank'] } }, {}],
    ['country_not_allowed', { limits: { countries: ['SE'] } }, {}],
    ['licence_not_allowed', { limits: { licences: ['mga'] } }, {}],
    ['licence_not_allowed', { limits: { licences: ['mga'] } }, { licence: 'sga' }],
    ['below_minimum', { limits: { amounts: [{ direction: 'deposit' as const, asset: 'EUR', min: 10_001n }] } }, {}],
    ['above_maximum', { limits: { amounts: [{ direction: 'deposit' as const, asset: 'EUR', max: 9_999n }] } }, {}],
    [
      'brand_unsupported',
      { methods: { wallet: { ...ANYTHING, brands: ['skrill'] } } },
      { method: 'wallet' as const, wallet: 'neteller', brand: 'skrill' },
    ],
    ['closed_loop', { limits: { closedLoop: true } }, { direction: 'withdrawal' as const }],
    [
      'closed_loop',
      { limits: { closedLoop: true } },
      { direction: 'withdrawal' as const, depositedThrough: ['con_a'] },
    ],
    [
      'below_minimum',
      {
        limits: {
          amounts: [
            { direction: 'deposit' as const, asset: 'SEK', min: 1n },
            { direction: 'deposit' as const, asset: 'EUR', min: 10_001n },
          ],
        },
      },
      {},
    ],
    ['scheme_retry_blocked', {}, { brand: 'visa', cardDeclines: { sameAmount30Days: 20, today: 1 } }],
    ['scheme_retry_blocked', {}, { brand: 'mastercard', cardDeclines: { sameAmount30Days: 10, today: 10 } }],
    [
      'scheme_retry_blocked',
      {},
      { brand: 'visa', cardDeclines: { sameAmount30Days: 1, today: 1, banned: true as const } },
    ],
  ])('leaves an account out: %s', (why, made, facts) => {
    expect(only(made, deposit(facts))).toBe(why)
  })

  it.each([
    [
      'the bounds themselves',
      { limits: { amounts: [{ direction: 'deposit' as const, asset: 'EUR', min: 10_000n, max: 10_000n }] } },
      {},
    ],
    [
      'bounds of another direction',
      { limits: { amounts: [{ direction: 'withdrawal' as const, asset: 'EUR', max: 1n }] } },
      {},
    ],
    [
      'a coin by its currency',
      { methods: { card: { ...ANYTHING, currencies: ['USDT'] } } },
      { amount: { asset: 'USDT-tron', minor: 5n } },
    ],
    [
      'bounds in another currency',
      { limits: { amounts: [{ direction: 'deposit' as const, asset: 'SEK', min: 10_001n }] } },
      {},
    ],
    ['a country that it serves', { methods: { card: { ...ANYTHING, countries: ['SE', 'FI'] } } }, {}],
    ['a country that it is set up for', { limits: { countries: ['FI'] } }, {}],
    ['a method that it is set up for', { limits: { methods: ['card'] } }, {}],
    ['a brand that nobody told', { methods: { card: { ...ANYTHING, brands: ['visa'] } } }, {}],
    ['a brand that it takes', { methods: { card: { ...ANYTHING, brands: ['visa'] } } }, { brand: 'visa' }],
    [
      'a wallet that it takes',
      { methods: { wallet: { ...ANYTHING, brands: ['skrill'] } } },
      { method: 'wallet' as const, wallet: 'skrill', brand: 'x' },
    ],
    ['a deposit through a closed loop', { limits: { closedLoop: true } }, {}],
    [
      "a payout, which is no try with the player's card",
      {},
      { direction: 'withdrawal' as const, brand: 'visa', cardDeclines: { sameAmount30Days: 20, today: 1 } },
    ],
    [
      'a method that has no scheme',
      {},
      { method: 'bank' as const, brand: 'visa', cardDeclines: { sameAmount30Days: 20, today: 1 } },
    ],
    ['its own licence', { limits: { licences: ['mga'] } }, { licence: 'mga' }],
    ['a card one decline below the limit', {}, { brand: 'visa', cardDeclines: { sameAmount30Days: 19, today: 19 } }],
    [
      'a closed loop that began here',
      { limits: { closedLoop: true } },
      { direction: 'withdrawal' as const, depositedThrough: ['con_x'] },
    ],
  ])('lets %s pass', (_, made, facts) => {
    expect(only(made, deposit(facts))).toBeUndefined()
  })

  it('explains every account exactly once', () => {
    const { made } = planned(by({ strategy: 'ordered', connections: ['b', 'a'] }), {
      candidates: [a, b, c, candidate('off', { enabled: false })],
      health: health({ b: 'forced_open' }),
    })
    const all = [...made.route, ...made.leftOut]
    expect(all.map(({ label }) => label).sort()).toEqual(['a', 'b', 'c', 'off'])
    expect(all.every(({ code, reason }) => code.length > 0 && reason.length > 5)).toBe(true)
  })
})

describe('every plan', () => {
  const names = fc.subarray(['a', 'con_b', 'c', 'd', 'nobody'], { minLength: 1 })
  const connections = fc.oneof(fc.constant('*' as const), names)
  const percent = fc.constantFrom(0, 10, 50)
  const use: fc.Arbitrary<Action> = fc.oneof(
    fc.record({
      strategy: fc.constantFrom('ordered' as const, 'cheapest' as const),
      connections,
      then_default: fc.boolean(),
    }),
    fc.record({
      strategy: fc.constantFrom('closest_float' as const, 'closed_loop' as const),
      connections,
      then_default: fc.boolean(),
    }),
    fc.record({
      strategy: fc.constant('best_rate' as const),
      connections,
      explore_percent: fc.constant(20),
      then_default: fc.boolean(),
    }),
    fc.record({
      strategy: fc.constant('value' as const),
      connections,
      margin_percent: fc.constant('5'),
      then_default: fc.boolean(),
    }),
    names.chain((split) =>
      fc.record({
        strategy: fc.constant('weighted' as const),
        split: fc.tuple(...split.map((connection) => percent.map((share) => ({ connection, percent: share })))),
        then_default: fc.boolean(),
      }),
    ),
  )
  const state = fc.constantFrom<ReturnType<Health['state']>[]>(
    'closed',
    'half_open',
    'open',
    'forced_open',
    'maintenance',
  )

  it('has each account once, with a code and a reason in words, and tries no account that may not take it', () => {
    fc.assert(
      fc.property(
        use,
        use,
        fc.record({ a: state, b: state, c: state, d: state }),
        fc.option(fc.bigInt({ min: 0n, max: 20_000n }), { nil: undefined }),
        fc.constantFrom('deposit' as const, 'withdrawal' as const),
        (rule, fallback, states, float, direction) => {
          const { made } = planned(
            { language: 1, rules: [{ id: 'r', when: { op: 'always' }, use: rule }], default: fallback },
            {
              candidates: [a, b, c, candidate('d', { enabled: false })],
              health: health(states),
              rates: { ...NO_RATES, float: () => float },
              facts: deposit({ direction }),
            },
          )
          const all = [...made.route, ...made.leftOut]
          expect(all.map(({ connectionId, label }) => `${connectionId} ${label}`).sort()).toEqual(
            ['a', 'b', 'c', 'd'].map((label) => `con_${label} ${label}`),
          )
          for (const { code, reason, processor, label } of all)
            expect([code, reason, processor]).toEqual([
              expect.stringMatching(/^[a-z_]{4,}$/),
              expect.stringMatching(/[a-z]{3}.*[a-z]{2}/),
              `p_${label}`,
            ])
          const tried = made.route.map(({ label }) => label)
          expect(tried).not.toContain('d')
          for (const [label, is] of Object.entries(states))
            if (is === 'forced_open' || is === 'maintenance') expect(tried).not.toContain(label)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('health', () => {
  it('is asked of the very operation and method', () => {
    const asked: string[] = []
    const seen: Health = {
      state: (...of) => {
        asked.push(of.join(' '))
        return 'closed'
      },
    }
    planned(BUILT_IN, { health: seen, candidates: [a] })
    planned(BUILT_IN, { health: seen, candidates: [a], facts: deposit({ direction: 'withdrawal', method: 'bank' }) })
    expect(asked).toEqual(['con_a charge card', 'con_a payOut bank'])
  })

  it('gives what it found to an account that is tried last, and its code', () => {
    const { made } = planned(BUILT_IN, { health: health({ a: 'open' }) })
    expect(made.route.map(({ label, code }) => [label, code])).toEqual([
      ['b', 'ordered'],
      ['c', 'ordered'],
      ['a', 'breaker_open'],
    ])
    expect(planned(BUILT_IN, { health: health({ a: 'maintenance', b: 'forced_open' }) }).out).toEqual({
      ...{ a: 'maintenance', b: 'breaker_forced_open' },
    })
  })

  it('tries an open breaker last and leaves out what people or maintenance took out', () => {
    const seen = planned(BUILT_IN, { health: health({ a: 'open', b: 'half_open', c: 'forced_open' }) })
    expect(seen).toMatchObject({ route: ['b', 'a'], out: { c: 'breaker_forced_open' } })
    expect(planned(BUILT_IN, { health: health({ a: 'maintenance' }) }).out).toEqual({ a: 'maintenance' })
  })
})
