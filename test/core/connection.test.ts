import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type ConnectionLimits, readLimits, storeLimits } from '../../src/core/connection.ts'

const limits: ConnectionLimits = {
  amounts: [
    { direction: 'deposit', asset: 'EUR', min: 100n, max: 10n ** 20n },
    { direction: 'withdrawal', asset: 'ETH', max: 1n },
    { direction: 'withdrawal', asset: 'SEK' },
  ],
  methods: ['card'],
  closedLoop: true,
}

it('stores bounds as text, and no bound as none', () => {
  expect(storeLimits(limits)).toStrictEqual({
    methods: ['card'],
    closedLoop: true,
    amounts: [
      { direction: 'deposit', asset: 'EUR', min: '100', max: '100000000000000000000' },
      { direction: 'withdrawal', asset: 'ETH', max: '1' },
      { direction: 'withdrawal', asset: 'SEK' },
    ],
  })
  expect(storeLimits({ countries: ['FI'] })).toStrictEqual({ countries: ['FI'] })
})

it('reads the limits that were stored', () => {
  const bound = fc.bigInt({ min: 0n, max: 10n ** 30n })
  const amount = fc.record(
    { direction: fc.constantFrom('deposit', 'withdrawal'), asset: fc.string(), min: bound, max: bound },
    { requiredKeys: ['direction', 'asset'], noNullPrototype: true },
  )
  fc.assert(
    fc.property(fc.array(amount), (amounts) => {
      const stored: unknown = JSON.parse(JSON.stringify(storeLimits({ ...limits, amounts })))
      expect(stored).toMatchObject({ closedLoop: true })
      expect(readLimits(storeLimits({ ...limits, amounts }))).toStrictEqual({ ...limits, amounts })
    }),
  )
  expect(readLimits({ licences: ['SE'] })).toStrictEqual({ licences: ['SE'] })
})

it('reads no bound for a direction that money does not have', () => {
  const [amount] = storeLimits(limits).amounts ?? []
  const sideways = JSON.parse(JSON.stringify({ amounts: [{ ...amount, direction: 'sideways' }] }))
  expect(() => readLimits(sideways)).toThrow('assertion failed')
})
