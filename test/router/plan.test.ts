import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compile, testOf } from '../../src/router/compile.ts'
import { ALL_HEALTHY, type Health, NO_RATES, type PlanInput, plan, type Rates } from '../../src/router/plan.ts'
import { type Action, BUILT_IN, type Condition, type Ruleset } from '../../src/router/rules.ts'
import { ANYTHING, candidate, deposit } from '../support/routing.ts'

const a = candidate('a')
const b = candidate('b')
const c = candidate('c')

const by = (use: Action): Ruleset => ({ language: 1, rules: [], default: use })

const planned = (ruleset: Ruleset, changes: Partial<PlanInput> = {}) => {
  const made = plan({
    ruleset: compile(ruleset, 7),
    facts: deposit(),
    candidates: [a, b, c],
    health: ALL_HEALTHY,
    rates: NO_RATES,
    ...changes,
  })
  return {
    rule: made.ruleId,
    route: made.route.map(({ label }) => label),
    out: Object.fromEntries(made.leftOut.map(({ label, code }) => [label, code])),
    made,
  }
}

const health = (states: Record<string, ReturnType<Health['state']>>): Health => ({
  state: (id) => states[id.slice(4)] ?? 'closed',
})

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
    ['closed_loop', { limits: { closedLoop: true } }, { direction: 'withdrawal' as const }],
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

describe('health', () => {
  it('tries an open breaker last and leaves out what people or maintenance took out', () => {
    const seen = planned(BUILT_IN, { health: health({ a: 'open', b: 'half_open', c: 'forced_open' }) })
    expect(seen).toMatchObject({ route: ['b', 'a'], out: { c: 'breaker_forced_open' } })
    expect(planned(BUILT_IN, { health: health({ a: 'maintenance' }) }).out).toEqual({ a: 'maintenance' })
  })
})

describe('strategies', () => {
  const share = (split: Record<string, number>, candidates = [a, b, c]) => {
    const first: Record<string, number> = {}
    const use: Action = {
      strategy: 'weighted',
      split: Object.entries(split).map(([connection, percent]) => ({ connection, percent })),
    }
    for (let index = 0; index < 10_000; index += 1) {
      const [label = ''] = planned(by(use), { facts: deposit({ playerId: `player-${index}` }), candidates }).route
      first[label] = (first[label] ?? 0) + 1
    }
    return first
  }

  it('splits players by weight, within two points of it', () => {
    const { a: ofA = 0, b: ofB = 0, c: ofC = 0 } = share({ a: 60, b: 30, c: 10 })
    expect(Math.abs(ofA - 6_000)).toBeLessThan(200)
    expect(Math.abs(ofB - 3_000)).toBeLessThan(200)
    expect(Math.abs(ofC - 1_000)).toBeLessThan(200)
  })

  it('keeps a player where they are, and renormalises when an account drops out without moving the others', () => {
    const use: Action = {
      strategy: 'weighted',
      split: [
        { connection: 'a', percent: 60 },
        { connection: 'b', percent: 30 },
        { connection: 'c', percent: 10 },
      ],
    }
    let moved = 0
    for (let index = 0; index < 500; index += 1) {
      const facts = deposit({ playerId: `player-${index}` })
      const [full] = planned(by(use), { facts }).route
      expect(planned(by(use), { facts: { ...facts, atMs: facts.atMs + 86_400_000 } }).route[0]).toBe(full)
      const [without] = planned(by(use), { facts, candidates: [candidate('a', { enabled: false }), b, c] }).route
      if (full === 'a') moved += 1
      else expect(without).toBe(full)
    }
    expect(moved).toBeGreaterThan(200)
    const { b: ofB = 0, c: ofC = 0 } = share({ a: 60, b: 30, c: 10 }, [candidate('a', { enabled: false }), b, c])
    expect(Math.abs(ofB / (ofB + ofC) - 0.75)).toBeLessThan(0.02)
  })

  it('sends a payment to a share of nothing only when nothing else is left', () => {
    expect(share({ a: 100, b: 0 })).toEqual({ a: 10_000 })
    const use: Action = {
      strategy: 'weighted',
      split: [
        { connection: 'a', percent: 100 },
        { connection: 'b', percent: 0 },
      ],
    }
    expect(planned(by(use)).route).toEqual(['a', 'b'])
  })

  const rates = (changes: Partial<Rates>): Rates => ({ ...NO_RATES, ...changes })

  it('takes the cheapest first and one without a fee schedule last', () => {
    const costs: Record<string, bigint> = { con_b: 90n, con_c: 80n }
    const seen = planned(by({ strategy: 'cheapest', connections: '*' }), { rates: rates({ cost: (id) => costs[id] }) })
    expect(seen.route).toEqual(['c', 'b', 'a'])
  })

  const success = (id: string) => ({ con_a: 0.7, con_b: 0.9, con_c: 0.8 })[id] ?? 0

  it('takes the best rate first, and explores exactly as often as it says', () => {
    const use: Action = { strategy: 'best_rate', connections: '*', explore_percent: 10 }
    expect(planned(by({ ...use, explore_percent: 0 }), { rates: rates({ success }) }).route).toEqual(['b', 'c', 'a'])
    let explored = 0
    for (let index = 0; index < 5_000; index += 1) {
      const { route, made } = planned(by(use), { facts: deposit({ playerId: `p${index}` }), rates: rates({ success }) })
      expect([...route].sort()).toEqual(['a', 'b', 'c'])
      if (route[0] !== 'b') explored += 1
      expect(made.route[0]?.code).toBe(route[0] === 'b' ? 'best_rate' : 'explored')
    }
    expect(Math.abs(explored - 500)).toBeLessThan(100)
  })

  it('never explores with a payout', () => {
    const use: Action = { strategy: 'best_rate', connections: '*', explore_percent: 20 }
    for (let index = 0; index < 500; index += 1) {
      const facts = deposit({ direction: 'withdrawal', playerId: `p${index}` })
      expect(planned(by(use), { facts, rates: rates({ success }) }).route[0]).toBe('b')
    }
  })

  it('weighs rate against cost by value', () => {
    const cost = (id: string) => ({ con_a: 0n, con_b: 900n, con_c: 100n })[id]
    const use: Action = { strategy: 'value', connections: '*', margin_percent: '10' }
    // a: 0.7 × 1000 = 700; b: 0.9 × 100 = 90; c: 0.8 × 900 = 720
    expect(planned(by(use), { rates: rates({ success, cost }) }).route).toEqual(['c', 'a', 'b'])
  })

  it('pays out from the smallest balance that covers it, and leaves out one known to be too small', () => {
    const float = (id: string) => ({ con_a: 9_999n, con_b: 50_000n, con_c: 10_000n })[id]
    const seen = planned(by({ strategy: 'closest_float', connections: '*' }), {
      facts: deposit({ direction: 'withdrawal' }),
      rates: rates({ float }),
    })
    expect(seen).toMatchObject({ route: ['c', 'b'], out: { a: 'float_insufficient' } })
  })

  it('pays back to where the money came in, in the order given', () => {
    const facts = deposit({ direction: 'withdrawal', depositedThrough: ['con_c', 'con_a'] })
    expect(planned(by({ strategy: 'closed_loop', connections: '*' }), { facts }).route).toEqual(['c', 'a', 'b'])
  })
})
