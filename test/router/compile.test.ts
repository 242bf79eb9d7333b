import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compile, readMoney, testOf } from '../../src/router/compile.ts'
import type { LocalTime, RouteFacts } from '../../src/router/fields.ts'
import type { Condition } from '../../src/router/rules.ts'
import { by, deposit } from '../support/routing.ts'

const at = (hour: number, minute = 0, weekday = 0): LocalTime => ({ hour, minute, weekday })
const holds = (condition: Condition, facts: Partial<RouteFacts> = {}, time: LocalTime = at(12)) =>
  testOf(condition)(deposit(facts), () => time)

const card: Condition = { op: 'eq', field: 'method', value: 'card' }
const bank: Condition = { op: 'eq', field: 'method', value: 'bank' }

describe('what conditions are made of', () => {
  it.each<[Condition, boolean]>([
    [{ op: 'always' }, true],
    [{ op: 'not', of: card }, false],
    [{ op: 'not', of: bank }, true],
    [{ op: 'and', of: [card, card] }, true],
    [{ op: 'and', of: [card, bank] }, false],
    [{ op: 'and', of: [bank, card] }, false],
    [{ op: 'and', of: [card, { op: 'and', of: [card, bank] }] }, false],
    [{ op: 'or', of: [bank, card] }, true],
    [{ op: 'or', of: [card, bank] }, true],
    [{ op: 'or', of: [bank, bank] }, false],
  ])('%o of a card payment is %s, by itself and in a rule', (condition, expected) => {
    expect(holds(condition)).toBe(expected)
    const use = { strategy: 'ordered', connections: '*' } as const
    const compiled = compile({ ...by(use), rules: [{ id: 'r', when: condition, use }] }, 1)
    expect(compiled.ruleFor(deposit())?.id).toBe(expected ? 'r' : undefined)
  })

  it('that nobody can know are our own mistake, since a ruleset is checked before', () => {
    expect(() => testOf({ op: 'eq', field: 'moon', value: 'full' })).toThrow('moon')
    expect(() => testOf({ op: 'eq', field: 'amount', value: '10' })).toThrow()
    expect(() => testOf({ op: 'prefix', field: 'amount', value: '10.00 EUR' })).toThrow()
    expect(() => testOf({ op: 'in', field: 'amount', values: ['10.00 EUR'] })).toThrow()
  })
})

describe('a word', () => {
  const field = 'brand'
  const seen = (condition: Condition) => [
    holds(condition, { brand: 'visa' }),
    holds(condition, { brand: 'amex' }),
    holds(condition),
  ]

  it.each<[Condition, readonly boolean[]]>([
    [{ op: 'eq', field, value: 'visa' }, [true, false, false]],
    [{ op: 'ne', field, value: 'visa' }, [false, true, true]],
    [{ op: 'in', field, values: ['visa', 'jcb'] }, [true, false, false]],
    [{ op: 'not_in', field, values: ['visa', 'jcb'] }, [false, true, true]],
    [{ op: 'prefix', field, value: 'vi' }, [true, false, false]],
    [{ op: 'prefix', field, value: 'isa' }, [false, false, false]],
    [{ op: 'exists', field }, [true, true, false]],
  ])('is tested by %o: visa, amex and unknown come to %j', (condition, expected) => {
    expect(seen(condition)).toEqual(expected)
  })
})

describe('a number', () => {
  const field = 'deposits_so_far'
  const seen = (condition: Condition) => [
    ...[4, 5, 6].map((depositsSoFar) => holds(condition, { depositsSoFar })),
    holds(condition),
  ]

  it.each<[Condition, readonly boolean[]]>([
    [{ op: 'eq', field, value: 5 }, [false, true, false, false]],
    [{ op: 'ne', field, value: 5 }, [true, false, true, true]],
    [{ op: 'lt', field, value: 5 }, [true, false, false, false]],
    [{ op: 'lte', field, value: 5 }, [true, true, false, false]],
    [{ op: 'gt', field, value: 5 }, [false, false, true, false]],
    [{ op: 'gte', field, value: 5 }, [false, true, true, false]],
    [{ op: 'between', field, low: 5, high: 6 }, [false, true, true, false]],
    [{ op: 'between', field, low: 4, high: 5 }, [true, true, false, false]],
    [{ op: 'in', field, values: [4, 6] }, [true, false, true, false]],
    [{ op: 'prefix', field, value: '5' }, [false, false, false, false]],
  ])('is tested by %o: 4, 5, 6 and unknown come to %j', (condition, expected) => {
    expect(seen(condition)).toEqual(expected)
  })
})

describe('an amount', () => {
  const field = 'amount'
  const seen = (condition: Condition) => [
    ...[999n, 1_000n, 1_001n].map((minor) => holds(condition, { amount: { asset: 'EUR', minor } })),
    holds(condition, { amount: { asset: 'SEK', minor: 1_000n } }),
  ]
  const value = '10.00 EUR'

  it.each<[Condition, readonly boolean[]]>([
    [{ op: 'eq', field, value }, [false, true, false, false]],
    [{ op: 'ne', field, value }, [true, false, true, true]],
    [{ op: 'lt', field, value }, [true, false, false, false]],
    [{ op: 'lte', field, value }, [true, true, false, false]],
    [{ op: 'gt', field, value }, [false, false, true, false]],
    [{ op: 'gte', field, value }, [false, true, true, false]],
    [{ op: 'between', field, low: value, high: '10.01 EUR' }, [false, true, true, false]],
    [{ op: 'between', field, low: '9.99 EUR', high: value }, [true, true, false, false]],
    [{ op: 'exists', field }, [true, true, true, true]],
  ])('is tested by %o: 9.99, 10.00, 10.01 EUR and 10.00 SEK come to %j', (condition, expected) => {
    expect(seen(condition)).toEqual(expected)
  })

  it.each([
    ['100.00 EUR', { asset: 'EUR', minor: 10_000n }],
    ['0.5 BTC', { asset: 'BTC', minor: 50_000_000n }],
    ['10 USDT-tron', { asset: 'USDT-tron', minor: 10_000_000n }],
    ['0 EUR', { asset: 'EUR', minor: 0n }],
    ['0.00 EUR', { asset: 'EUR', minor: 0n }],
  ])('is read from %s', (text, money) => {
    expect(readMoney(text)).toEqual(money)
  })

  it.each([
    10,
    true,
    '',
    '10.00',
    'EUR',
    '10.00 XXX',
    '10.001 EUR',
    '10.00 EUR x',
    '10.00 EUR ',
    '-1.00 EUR',
    '0. EUR',
    'x0 EUR',
    '0.0x EUR',
    '00 EUR',
    '0.01x EUR',
  ])('is none in %j', (text) => {
    expect(readMoney(text)).toBeUndefined()
  })
})

describe('a time of day', () => {
  const moments = [at(0), at(5, 59), at(6), at(21, 59), at(22), at(23, 59)]
  const seen = (from: string, to: string) => moments.map((time) => holds({ op: 'time', from, to }, {}, time))

  it.each([
    ['06:00', '22:00', [false, false, true, true, false, false]],
    ['22:00', '06:00', [true, true, false, false, true, true]],
    ['05:59', '06:00', [false, true, false, false, false, false]],
    // From a minute to the same one is no time at all, as the analyser says.
    ['06:00', '06:00', [false, false, false, false, false, false]],
  ])('from %s to %s begins with the first minute and ends before the last', (from, to, expected) => {
    expect(seen(from, to)).toEqual(expected)
  })

  it('is told on the clock of the ruleset, or in UTC', () => {
    const use = { strategy: 'ordered', connections: '*' } as const
    const rules = [{ id: 'night', when: { op: 'time', from: '22:00', to: '06:00' }, use }] as const
    const facts = deposit({ atMs: Date.UTC(2026, 10, 23, 21, 0) })
    expect(compile({ ...by(use), rules }, 1).ruleFor(facts)?.id).toBeUndefined()
    expect(compile({ ...by(use), rules, time_zone: 'Europe/Helsinki' }, 1).ruleFor(facts)?.id).toBe('night')
  })

  it('is worked out once for a payment, however many rules ask', () => {
    const use = { strategy: 'ordered', connections: '*' } as const
    const rules = ['06:00', '07:00', '12:00'].map((to, index) => ({
      ...{ id: `r${index}`, use, when: { op: 'time', from: '05:00', to } as const },
    }))
    const compiled = compile({ ...by(use), rules }, 1)
    for (const [hour, id] of [
      [5, 'r0'],
      [6, 'r1'],
      [7, 'r2'],
      [12, undefined],
      [5, 'r0'],
    ] as const)
      expect(compiled.ruleFor(deposit({ atMs: Date.UTC(2026, 10, 23, hour) }))?.id).toBe(id)
  })
})

describe('a share of players', () => {
  it('is the same players for ever, each in one of the parts', () => {
    const part = (from: number, to: number): Condition => ({ op: 'percent', salt: 's', from, to })
    const counts = [0, 0, 0]
    for (let index = 0; index < 5_000; index += 1) {
      const facts = { playerId: `p${index}` }
      const parts = [part(0, 10), part(10, 60), part(60, 100)].map((condition) => holds(condition, facts))
      expect(parts.filter(Boolean)).toHaveLength(1)
      expect(holds(part(0, 10), { ...facts, atMs: 0, method: 'bank' })).toBe(parts[0])
      for (const [place, is] of parts.entries()) if (is) counts[place] = (counts[place] ?? 0) + 1
    }
    for (const [place, share] of [500, 2_500, 2_000].entries())
      expect(Math.abs((counts[place] ?? 0) - share)).toBeLessThan(150)
  })

  it('is another one under another salt', () => {
    const in50 = (salt: string) =>
      Array.from({ length: 200 }, (_, index) =>
        holds({ op: 'percent', salt, from: 0, to: 50 }, { playerId: `p${index}` }),
      )
    expect(in50('x')).not.toEqual(in50('y'))
  })
})

describe('a compiled action', () => {
  it('puts nothing behind the default', () => {
    const looping = by({ strategy: 'ordered', connections: ['a'], then_default: true })
    expect(compile(looping, 3)).toMatchObject({ version: 3, fallback: { then_default: false } })
  })

  it('has the place and the share of each account that it names', () => {
    const { fallback: split } = compile(
      by({
        strategy: 'weighted',
        split: [
          { connection: 'b', percent: 70 },
          { connection: 'a', percent: 30 },
        ],
      }),
      1,
    )
    expect([[...split.places], [...split.percents]]).toEqual([
      [
        ['b', 0],
        ['a', 1],
      ],
      [
        ['b', 70],
        ['a', 30],
      ],
    ])
    const { fallback: value } = compile(by({ strategy: 'value', connections: ['b'], margin_percent: '12.5' }), 1)
    expect([[...value.places], [...value.percents], value.margin]).toEqual([[['b', 0]], [], 0.125])
    const { fallback: all } = compile(by({ strategy: 'ordered', connections: '*' }), 1)
    expect([[...all.places], [...all.percents], all.margin]).toEqual([[], [], 0])
  })
})

it('asks for a test that many rules have once, and anew for the next payment', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom<RouteFacts['method'][]>('card', 'bank', 'wallet')), (methods) => {
      const use = { strategy: 'ordered', connections: '*' } as const
      const shared: Condition = { op: 'in', field: 'method', values: ['bank', 'wallet'] }
      const rules = [
        { id: 'no', when: { op: 'and', of: [shared, { op: 'eq', field: 'brand', value: 'x' }] }, use },
        { id: 'wallet', when: { op: 'and', of: [shared, { op: 'eq', field: 'method', value: 'wallet' }] }, use },
        { id: 'bank', when: shared, use },
      ] as const
      const compiled = compile({ ...by(use), rules }, 1)
      expect(methods.map((method) => compiled.ruleFor(deposit({ method }))?.id ?? 'card')).toEqual(methods)
    }),
  )
})
