import { describe, expect, it } from 'vitest'
import { NO_RATES, type Rates } from '../../src/router/plan.ts'
import type { Action } from '../../src/router/rules.ts'
import { by, candidate, deposit, planned } from '../support/routing.ts'

const a = candidate('a')
const b = candidate('b')
const c = candidate('c')

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
      expect(made.route[0]?.reason.includes('to learn its rate')).toBe(route[0] !== 'b')
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
    expect(seen.made.leftOut[0]?.reason).toContain('balance of 9999 minor units')
  })

  it('pays back to where the money came in, in the order given', () => {
    const facts = deposit({ direction: 'withdrawal', depositedThrough: ['con_c', 'con_a'] })
    expect(planned(by({ strategy: 'closed_loop', connections: '*' }), { facts }).route).toEqual(['c', 'a', 'b'])
  })

  const all = { connections: '*' } as const

  it.each<Action>([
    { strategy: 'cheapest', connections: ['c', 'a', 'b'] },
    { strategy: 'best_rate', connections: ['c', 'a', 'b'], explore_percent: 0 },
    { strategy: 'value', connections: ['c', 'a', 'b'], margin_percent: '10' },
    { strategy: 'closest_float', connections: ['c', 'a', 'b'] },
    { strategy: 'closed_loop', connections: ['c', 'a', 'b'] },
    { strategy: 'ordered', connections: ['c', 'a', 'b'] },
    { strategy: 'weighted', split: ['c', 'a', 'b'].map((connection) => ({ connection, percent: 0 })) },
  ])('keeps the order of the rule where nothing is known: %o', (use) => {
    const direction = use.strategy === 'closest_float' || use.strategy === 'closed_loop' ? 'withdrawal' : 'deposit'
    expect(planned(by(use), { facts: deposit({ direction }) }).route).toEqual(['c', 'a', 'b'])
  })

  it('splits by id as by label', () => {
    const split = [
      { connection: 'a', percent: 0 },
      { connection: 'con_b', percent: 100 },
    ]
    for (const playerId of ['p1', 'p2', 'p3'])
      expect(planned(by({ strategy: 'weighted', split }), { facts: deposit({ playerId }) }).route).toEqual(['b', 'a'])
  })

  it('orders costs and balances upwards, in the order of the rule where they are equal or unknown', () => {
    const labels = ['a', 'b', 'c', 'd', 'e', 'f']
    const known: Record<string, bigint> = { con_b: 30n, con_c: 10n, con_e: 30n, con_f: 20n }
    const told = (id: string) => known[id]
    const candidates = labels.map((label) => candidate(label))
    const cheap = planned(by({ strategy: 'cheapest', ...all }), { candidates, rates: rates({ cost: told }) })
    expect(cheap.route).toEqual(['c', 'f', 'b', 'e', 'a', 'd'])
    const small = deposit({ direction: 'withdrawal', amount: { asset: 'EUR', minor: 10n } })
    const paid = planned(by({ strategy: 'closest_float', ...all }), {
      ...{ candidates, facts: small, rates: rates({ float: told }) },
    })
    expect(paid.route).toEqual(['c', 'f', 'b', 'e', 'a', 'd'])
  })

  it('asks for the balance in the asset of the payout, and for rates and costs of the very payment', () => {
    const asked: unknown[] = []
    const facts = deposit({ direction: 'withdrawal' })
    const hear = (...of: unknown[]) => {
      asked.push(of)
      return undefined
    }
    const only = {
      facts,
      candidates: [a],
      rates: rates({ float: hear, cost: hear, success: (...of) => Number(hear(...of) ?? 1) }),
    }
    planned(by({ strategy: 'closest_float', ...all }), only)
    planned(by({ strategy: 'value', margin_percent: '10', ...all }), only)
    expect(asked).toEqual([
      ['con_a', 'EUR'],
      ['con_a', facts],
      ['con_a', facts],
    ])
  })

  it('explores every account that is not the best alike, and leaves the others in their order', () => {
    const labels = ['a', 'b', 'c', 'd', 'e']
    const use: Action = { strategy: 'best_rate', ...all, explore_percent: 20 }
    const falling = (id: string) => 1 - labels.indexOf(id.slice(4)) / 10
    const first: Record<string, number> = {}
    for (let index = 0; index < 10_000; index += 1) {
      const { route } = planned(by(use), {
        facts: deposit({ playerId: `p${index}` }),
        candidates: labels.map((label) => candidate(label)),
        rates: rates({ success: falling }),
      })
      const [head = ''] = route
      first[head] = (first[head] ?? 0) + 1
      expect(route.slice(1)).toEqual(labels.filter((label) => label !== head))
    }
    for (const label of ['b', 'c', 'd', 'e']) expect(Math.abs((first[label] ?? 0) - 500)).toBeLessThan(120)
  })

  it('explores by the time too, so that no player is an experiment for ever, and the same payment always alike', () => {
    const use: Action = { strategy: 'best_rate', ...all, explore_percent: 20 }
    const at = (atMs: number) => planned(by(use), { facts: deposit({ atMs }), rates: rates({ success }) }).route[0]
    const firsts = Array.from({ length: 200 }, (_, minute) => at(minute * 60_000))
    expect(firsts.filter((label) => label !== 'b').length).toBeGreaterThan(10)
    expect(firsts.filter((label) => label === 'b').length).toBeGreaterThan(100)
    expect(firsts).toEqual(Array.from({ length: 200 }, (_, minute) => at(minute * 60_000)))
  })

  it('has nothing to explore with one account', () => {
    const use: Action = { strategy: 'best_rate', ...all, explore_percent: 20 }
    for (let index = 0; index < 100; index += 1) {
      const seen = planned(by(use), {
        candidates: [a],
        facts: deposit({ playerId: `p${index}` }),
        rates: rates({ success }),
      })
      expect(seen.made.route.map(({ code }) => code)).toEqual(['best_rate'])
    }
  })

  it('counts a cost that nobody knows for nothing', () => {
    const cost = (id: string) => (id === 'con_b' ? 300n : undefined)
    const use: Action = { strategy: 'value', ...all, margin_percent: '10' }
    // a: 0.7 × 1000 = 700; b: 0.9 × 700 = 630; c: 0.8 × 1000 = 800
    expect(planned(by(use), { rates: rates({ success, cost }) }).route).toEqual(['c', 'a', 'b'])
  })

  it('pays out from a balance that nobody knows after those that cover it', () => {
    const float = (id: string) => (id === 'con_b' ? 10_000n : undefined)
    const facts = deposit({ direction: 'withdrawal' })
    expect(planned(by({ strategy: 'closest_float', ...all }), { facts, rates: rates({ float }) }).route).toEqual([
      ...['b', 'a', 'c'],
    ])
  })

  it.each<[Action, Partial<Rates>, readonly string[]]>([
    [{ strategy: 'ordered', ...all }, {}, ['ordered: number 1', 'ordered: number 2', 'ordered: number 3']],
    [
      {
        strategy: 'weighted',
        split: [
          { connection: 'a', percent: 70 },
          { connection: 'b', percent: 0 },
        ],
      },
      {},
      ["weighted: this player's draw in a split with 70 of 70", "weighted: behind the player's draw; 0 of 70"],
    ],
    [
      { strategy: 'cheapest', ...all },
      { cost: (id) => (id === 'con_a' ? 90n : undefined) },
      ['cheapest: fee of 90', 'cheapest: no fee', 'cheapest: no fee'],
    ],
    [{ strategy: 'best_rate', ...all, explore_percent: 0 }, {}, Array.from({ length: 3 }, () => 'best_rate: 50.0 %')],
    [
      { strategy: 'best_rate', ...all, explore_percent: 0 },
      { success },
      ['best_rate: 90.0 %', 'best_rate: 80.0 %', 'best_rate: 70.0 %'],
    ],
    [
      { strategy: 'value', ...all, margin_percent: '10' },
      { success, cost: (id) => (id === 'con_b' ? 100n : undefined) },
      [
        'value: worth 810 minor units: 90.0 % of 1000 less 100',
        'value: 80.0 % of 1000 less an unknown',
        'value: worth 700',
      ],
    ],
    [
      { strategy: 'closest_float', ...all },
      { float: (id) => (id === 'con_b' ? 70_000n : undefined) },
      ['closest_float: balance of 70000', 'closest_float: not known', 'closest_float: not known'],
    ],
  ])('explains the order of %o with its own figures', (use, known, said) => {
    const { made } = planned(by(use), { rates: rates(known) })
    expect(
      made.route.map(({ code, reason }, index) => [
        code,
        reason.includes(said[index]?.split(': ').slice(1).join(': ') ?? '?'),
      ]),
    ).toEqual(said.map((one) => [one.split(': ')[0], true]))
  })

  it('says which accounts the money came in through', () => {
    const facts = deposit({ direction: 'withdrawal', depositedThrough: ['con_c'] })
    const { made } = planned(by({ strategy: 'closed_loop', ...all }), { facts })
    expect(made.route.map(({ label, code }) => [label, code])).toEqual([
      ['c', 'closed_loop'],
      ['a', 'ordered'],
      ['b', 'ordered'],
    ])
    expect(made.route.map(({ reason }) => /(through it|behind)/.exec(reason)?.[0])).toEqual([
      ...['through it', 'behind', 'behind'],
    ])
  })
})
