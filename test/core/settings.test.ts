import { describe, expect, it } from 'vitest'
import { DEFAULT_SETTINGS, type Settings, withdrawalPolicy } from '../../src/core/settings.ts'

const settings = (change: Partial<Settings['withdrawal']>): Settings => ({
  ...DEFAULT_SETTINGS,
  withdrawal: { ...DEFAULT_SETTINGS.withdrawal, ...change },
})

describe('the policy of a withdrawal', () => {
  it.each([
    ['EUR', 100n, 500_000n],
    ['SEK', 100n, 5_500_000n],
    ['NOK', 100n, 5_800_000n],
    ['DKK', 100n, 3_700_000n],
    ['CZK', 100n, 12_500_000n],
    ['HUF', 30_000n, 200_000_000n],
    ['PLN', 100n, 2_100_000n],
    ['JPY', 100n, 800_000n],
    ['KRW', 1_000n, 7_500_000n],
    ['INR', 100n, 45_000_000n],
    ['KWD', 1_000n, 1_600_000n],
    ['BTC', 10_000n, 5_000_000n],
    ['LTC', 1_000_000n, 5_000_000_000n],
    ['ETH', 10n ** 15n, 15n * 10n ** 17n],
    ['TRX', 1_000_000n, 15_000_000_000n],
    ['XRP', 1_000_000n, 2_000_000_000n],
  ])('in %s counts dust and large sums in its own units', (asset, minimum, large) => {
    expect(withdrawalPolicy(DEFAULT_SETTINGS, asset, null)).toMatchObject({ minimum, large })
  })

  it('has no minimum and is always large where nothing can be counted, so that people look', () => {
    const lost = { minimum: 0n, large: 0n }
    expect(withdrawalPolicy(DEFAULT_SETTINGS, 'XXX', null)).toMatchObject(lost)
    expect(withdrawalPolicy(settings({ minimum: {}, large: {} }), 'EUR', null)).toMatchObject(lost)
    const wrong = { EUR: 'much', '*': '5' }
    expect(withdrawalPolicy(settings({ minimum: wrong, large: wrong }), 'EUR', null)).toMatchObject(lost)
  })

  it("takes an operator's own words, and pays players their own money back where there are none", () => {
    const { excluded, sharedDestination } = withdrawalPolicy(DEFAULT_SETTINGS, 'EUR', null)
    expect([excluded, sharedDestination]).toEqual(['allow_own_funds', 'review'])
    expect(
      withdrawalPolicy(settings({ excluded: 'block', sharedDestination: 'allow', large: { '*': '7' } }), 'EUR', null),
    ).toMatchObject({ excluded: 'block', sharedDestination: 'allow', large: 700n })
  })

  it('lets a player take a withdrawal back, but not under a licence that forbids it', () => {
    const cancellable = (licence: string | null) => withdrawalPolicy(DEFAULT_SETTINGS, 'EUR', licence).cancellable
    expect([cancellable(null), cancellable('SE'), cancellable('GB')]).toEqual([true, true, false])
  })
})

it('keeps a key over a weekend', () => expect(DEFAULT_SETTINGS.idempotencyHours).toBe(72))
