import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FeeRow, RateRow } from '../../src/db/rates.ts'
import { ratesOf, segmentOf } from '../../src/router/rates.ts'
import { deposit } from '../support/routing.ts'

const row = (change: Partial<RateRow> = {}): RateRow => ({
  ...{ connectionId: 'con_a', direction: 'deposit', method: 'card', asset: 'EUR', country: 'FI', binCountry: '' },
  ...{ attempts: 0, succeeded: 0 },
  ...change,
})
const success = (rows: readonly RateRow[], facts = deposit(), id = 'con_a') => ratesOf(rows, [], []).success(id, facts)

describe('an expected rate', () => {
  it('is four in five where nothing is known', () => {
    expect(success([])).toBeCloseTo(0.8, 12)
    expect(success([row({ attempts: 100, succeeded: 0 })], deposit(), 'con_b')).toBeCloseTo(0.8, 12)
    expect(success([row({ attempts: 100, succeeded: 0 })], deposit({ direction: 'withdrawal' }))).toBeCloseTo(0.8, 12)
  })

  it('leans on each wider level as on twenty attempts', () => {
    // 10 of 40, seen on all five levels: (10 + 20 × wider) / 60, five times, from 0.8.
    const five = [1, 2, 3, 4, 5].reduce((wider) => (10 + 20 * wider) / 60, 0.8)
    expect(success([row({ attempts: 40, succeeded: 10 })])).toBeCloseTo(five, 12)
  })

  it.each([
    ['another method', { method: 'bank' }, 1],
    ['another currency', { asset: 'SEK' }, 2],
    ['another country', { country: 'SE' }, 3],
    ['an issuer of another country', { binCountry: 'SE' }, 4],
  ] as const)('of %s counts on the levels that it shares', (_name, change, levels) => {
    const shared = Array.from({ length: levels }).reduce<number>((wider) => (20 * wider) / 60, 0.8)
    const rest = Array.from({ length: 5 - levels }).reduce<number>((wider) => (20 * wider) / 20, shared)
    expect(success([row({ attempts: 40, ...change })])).toBeCloseTo(rest, 12)
  })

  it('is the same whether its rows come as one or as many, and stays a share', () => {
    const seen = fc.array(
      fc
        .nat({ max: 50 })
        .chain((attempts) => fc.record({ attempts: fc.constant(attempts), succeeded: fc.nat({ max: attempts }) })),
      { maxLength: 6 },
    )
    fc.assert(
      fc.property(seen, (parts) => {
        const sum = (of: 'attempts' | 'succeeded') => parts.reduce((all, one) => all + one[of], 0)
        const whole = success([row({ attempts: sum('attempts'), succeeded: sum('succeeded') })])
        expect(success(parts.map((part) => row(part)))).toBeCloseTo(whole, 12)
        expect(whole).toBeGreaterThan(0)
        expect(whole).toBeLessThan(1)
      }),
    )
  })

  it('is told again as it was told first, for each segment its own', () => {
    const rates = ratesOf([row({ attempts: 40, succeeded: 0 })], [], [])
    const segments = [
      deposit(),
      deposit({ method: 'bank' }),
      deposit({ amount: { asset: 'SEK', minor: 1n } }),
      deposit({ playerCountry: 'SE' }),
      deposit({ binCountry: 'SE' }),
    ]
    const tell = () => [...segments.map((facts) => rates.success('con_a', facts)), rates.success('con_b', deposit())]
    const first = tell()
    expect(new Set(first).size).toBe(6)
    expect(tell()).toEqual(first)
  })
})

describe('a fee', () => {
  const fee = (change: Partial<FeeRow> = {}): FeeRow => ({
    ...{ connectionId: 'con_a', direction: 'deposit', method: 'card', asset: 'EUR', fixed: 0n, millionths: 0 },
    ...change,
  })
  const cost = (fees: readonly FeeRow[], facts = deposit(), id = 'con_a') => ratesOf([], fees, []).cost(id, facts)

  it('is the narrowest that fits: by method before by currency', () => {
    const ladder = [
      fee({ fixed: 1n }),
      fee({ fixed: 2n, asset: '*' }),
      fee({ fixed: 3n, method: '*' }),
      fee({ fixed: 4n, method: '*', asset: '*' }),
    ]
    for (const [place, { fixed }] of ladder.entries()) expect(cost(ladder.slice(place).toReversed())).toBe(fixed)
    expect(cost([])).toBeUndefined()
  })

  it('of another account, direction, method or currency is none', () => {
    for (const other of [
      { connectionId: 'con_b' },
      { direction: 'withdrawal' },
      { method: 'bank' },
      { asset: 'SEK' },
    ] as const)
      expect(cost([fee({ fixed: 1n, ...other })])).toBeUndefined()
  })

  it.each([
    [100n, 0, 10_000n, 100n],
    [0n, 12_500, 10_000n, 125n],
    [25n, 12_500, 10_000n, 150n],
    // Rounded against the processor: any part of a unit counts as one.
    [0n, 1, 1n, 1n],
    [0n, 1, 1_000_000n, 1n],
    [0n, 1, 1_000_001n, 2n],
  ])('of %s and %i millionths on %s is %s', (fixed, millionths, minor, expected) => {
    expect(cost([fee({ fixed, millionths })], deposit({ amount: { asset: 'EUR', minor } }))).toBe(expected)
  })
})

it('a balance is that of the account in the asset', () => {
  const rates = ratesOf([], [], [{ connectionId: 'con_a', asset: 'EUR', minor: 5n }])
  expect([rates.float('con_a', 'EUR'), rates.float('con_a', 'SEK'), rates.float('con_b', 'EUR')]).toEqual([
    ...[5n, undefined, undefined],
  ])
})

it('a payment belongs to the segment of what is known of it', () => {
  expect(segmentOf(deposit({ binCountry: 'SE' }))).toEqual({
    ...{ direction: 'deposit', method: 'card', asset: 'EUR', country: 'FI', binCountry: 'SE' },
  })
  expect(segmentOf(deposit()).binCountry).toBe('')
})
