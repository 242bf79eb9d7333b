import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { brokenLimit, LIMIT_PERIODS, limitEffectiveAt, windowStart } from '../../src/core/limits.ts'

const at = (text: string) => new Date(text)
const HOUR = 3_600_000

describe('windows', () => {
  it.each([
    ['day', '2026-11-22T00:00:00.000Z'],
    ['week', '2026-11-16T00:00:00.000Z'],
    ['month', '2026-11-01T00:00:00.000Z'],
    ['rolling_24h', '2026-11-21T15:30:00.000Z'],
    ['rolling_7d', '2026-11-15T15:30:00.000Z'],
    ['rolling_30d', '2026-10-23T15:30:00.000Z'],
  ] as const)('of a Sunday afternoon: %s began at %s', (period, began) => {
    expect(windowStart(period, at('2026-11-22T15:30:00Z')).toISOString()).toBe(began)
  })

  it('never begin after now, and never longer than 31 days before', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...LIMIT_PERIODS),
        fc.date({ min: at('2000-01-01'), max: at('2100-01-01'), noInvalidDate: true }),
        (period, now) => {
          const age = now.getTime() - windowStart(period, now).getTime()
          expect(age >= 0 && age <= 31 * 24 * HOUR).toBe(true)
        },
      ),
    )
  })
})

it('begins a week on Monday, on a Monday too, and a month on its first', () => {
  const start = (period: 'week' | 'month', day: string) => windowStart(period, at(`${day}T23:59:59Z`)).toISOString()
  expect(start('week', '2026-11-16')).toBe('2026-11-16T00:00:00.000Z')
  expect(start('week', '2026-11-15')).toBe('2026-11-09T00:00:00.000Z')
  expect(start('week', '2027-01-01')).toBe('2026-12-28T00:00:00.000Z')
  expect(start('month', '2026-11-01')).toBe('2026-11-01T00:00:00.000Z')
})

describe('changes', () => {
  const now = at('2026-11-22T10:00:00Z')

  it('counts a tighter limit, and a first one, at once', () => {
    expect(limitEffectiveAt(100n, 50n, 'SE', now)).toEqual(now)
    expect(limitEffectiveAt(null, 50n, 'DE', now)).toEqual(now)
    expect(limitEffectiveAt(100n, 100n, 'DE', now)).toEqual(now)
  })

  it.each([
    ['GB', 24],
    ['SE', 72],
    ['DE', 168],
    ['ES', 168],
    [null, 24],
  ])('lets a looser limit, or none, wait in %s for %d hours', (licence, hours) => {
    expect(limitEffectiveAt(100n, 200n, licence, now).getTime() - now.getTime()).toBe(hours * HOUR)
    expect(limitEffectiveAt(100n, null, licence, now).getTime() - now.getTime()).toBe(hours * HOUR)
  })
})

describe('use', () => {
  const limit = (amount: bigint, used: bigint) =>
    ({ id: 'lim_1', metric: 'deposit_gross', period: 'day', amount, used }) as const

  it('lets a deposit reach a limit and not pass it', () => {
    expect(brokenLimit([limit(100n, 60n)], 40n)).toBeUndefined()
    expect(brokenLimit([limit(100n, 60n)], 41n)).toMatchObject({ id: 'lim_1' })
  })

  it('holds the lowest of several', () =>
    expect(brokenLimit([limit(1_000n, 0n), limit(50n, 0n)], 60n)).toMatchObject({ amount: 50n }))
})
