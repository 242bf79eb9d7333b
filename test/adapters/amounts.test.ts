import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MINOR_UNITS } from '../../src/adapters/adyen/map.ts'
import { fromDecimal, fromMinor, toMinor, Units, unitsOf } from '../../src/adapters/amounts.ts'
import { ASSETS } from '../../src/core/currencies.ts'
import { formatAmount } from '../../src/core/money.ts'

it.each([
  ['EUR', 1_250n, 1_250],
  ['JPY', 1_000n, 1_000],
  // Adyen counts two decimals where ISO has none, and none where ISO has two.
  ['ISK', 1_000n, 100_000],
  ['CLP', 7n, 700],
  ['IDR', 150_000n, 1_500],
  ['IDR', 150_001n, undefined],
  ['EUR', 2n ** 53n - 1n, Number.MAX_SAFE_INTEGER],
  ['EUR', 2n ** 53n, undefined],
])('says %s %i to Adyen as %s', (asset, minor, expected) => {
  expect(toMinor({ asset, minor }, MINOR_UNITS)).toBe(expected)
  if (expected !== undefined) expect(fromMinor(asset, expected, MINOR_UNITS)).toEqual({ asset, minor })
})

it('takes no part of our smallest unit for money', () => {
  expect(fromMinor('ISK', 100_050, MINOR_UNITS)).toBeUndefined()
  expect(fromMinor('IDR', 1_500, MINOR_UNITS)).toEqual({ asset: 'IDR', minor: 150_000n })
})

it("an amount that the processor can't say never comes to a verb: it is our own mistake", () => {
  expect(unitsOf({ asset: 'IDR', minor: 150_000n }, MINOR_UNITS)).toBe(1_500)
  expect(() => unitsOf({ asset: 'IDR', minor: 150_001n }, MINOR_UNITS)).toThrow()
})

it('counts an asset that nobody knows as it is told, for settle to hold', () => {
  expect(fromMinor('XXX', 1_250)).toEqual({ asset: 'XXX', minor: 1_250n })
  expect(fromMinor('XXX', 1_200, { XXX: 2 })).toEqual({ asset: 'XXX', minor: 12n })
})

it.each([1_250, 0, -5, '9007199254740993', '0', '9'.repeat(19)])('%j is a number of units', (units) => {
  expect(Units.safeParse(units).success).toBe(true)
})
it.each([1.5, '1.5', '-1', '1e3', ' 1', '1 ', '', '9'.repeat(20), null, true])('%j is no number of units', (units) => {
  expect(Units.safeParse(units).success).toBe(false)
})

it('reads an amount past 2^53 to the last unit', () => {
  expect(fromMinor('EUR', '9007199254740993')).toEqual({ asset: 'EUR', minor: 9_007_199_254_740_993n })
})

it.each([
  ['BTC', '0.00250000', 250_000n],
  ['BTC', '1', 100_000_000n],
  ['BTC', '-0.00000001', -1n],
  ['BTC', '0.0000000100000', 1n],
  ['BTC', '0', 0n],
  ['JPY', '5.00', 5n],
  ['EUR', '-12.5', -1_250n],
  ['EUR', `1.${'0'.repeat(30)}`, 100n],
  ['EUR', '999999999999999999.99', 99_999_999_999_999_999_999n],
])('reads %s %s', (asset, text, minor) => {
  expect(fromDecimal(asset, text)).toEqual({ asset, minor })
})

it.each([
  ['BTC', '0.000000001'],
  ['JPY', '5.5'],
  ['EUR', '1e3'],
  ['EUR', '1,00'],
  ['EUR', '+1'],
  ['EUR', '01'],
  ['EUR', ''],
  ['EUR', '.5'],
  ['EUR', 'NaN'],
  ['EUR', ' 1'],
  ['EUR', '1 '],
  ['EUR', '1.'],
  ['EUR', '--1'],
  ['EUR', `1.${'0'.repeat(31)}`],
  ['EUR', '1000000000000000000'],
  ['XXX', '1'],
])('reads no amount from %s %s', (asset, text) => {
  expect(fromDecimal(asset, text)).toBeUndefined()
})

it('gives back every amount that we write', () => {
  const money = fc.record({
    asset: fc.constantFrom(...ASSETS.map(({ code }) => code)),
    minor: fc.bigInt({ min: 1n, max: 10n ** 17n }),
  })
  fc.assert(
    fc.property(money, (amount) => {
      expect(fromDecimal(amount.asset, formatAmount(amount))).toEqual(amount)
    }),
  )
})
