import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ASSETS } from '../../../src/core/currencies.ts'
import { cash, fxClearing, receivable } from '../../../src/core/ledger/chart.ts'
import { convert, exchanged } from '../../../src/core/ledger/fx.ts'
import { money } from '../../../src/core/money.ts'
import { books } from './books.ts'

const about = {
  reference: 'deposit:d',
  debit: receivable('con_1'),
  credit: cash('p1'),
  source: 'ecb',
  at: '2026-11-22T10:00:00Z',
}

describe('an exchange', () => {
  it('of 10.00 EUR at 11.2345 gives 112.34 SEK, and the half öre stays with the house', () => {
    expect(convert(money('EUR', 1000n), 'SEK', '11.2345')).toEqual(money('SEK', 11_234n))
  })
  it('of 0.00000001 BTC gives wei and of JPY gives cents, by the exponents of both', () => {
    expect(convert(money('BTC', 1n), 'ETH', '20')).toEqual(money('ETH', 200_000_000_000n))
    expect(convert(money('JPY', 1000n), 'EUR', '0.0061')).toEqual(money('EUR', 610n))
  })
  it('goes over the clearing account of the pair in both currencies, with the margin in the result', () => {
    const ledger = books()
    const posting = exchanged({ ...about, paid: money('EUR', 1000n), asset: 'SEK', rate: '11.00', marketRate: '11.20' })
    expect(ledger.post(posting)).toBe('posted')
    expect(ledger.net(cash('p1'), 'SEK')).toBe(11_000n)
    expect(ledger.net('fx:result', 'SEK')).toBe(200n)
    expect(ledger.net(fxClearing('SEK', 'EUR'), 'EUR')).toBe(1000n)
    expect(ledger.net('fx:clearing:EUR-SEK', 'SEK')).toBe(-11_200n)
    expect(ledger.imbalance()).toEqual([])
    expect(posting.facts).toEqual({
      rate: '11.00',
      market_rate: '11.20',
      source: 'ecb',
      at: about.at,
      rounding: 'house',
    })
  })
  it('at the market\u2019s own rate leaves no result, and says so in its facts', () => {
    const posting = exchanged({ ...about, paid: money('EUR', 1000n), asset: 'SEK', rate: '11.00' })
    expect(posting).toMatchObject({ key: 'fx:deposit:d', kind: 'exchanged' })
    expect(posting.transfers.map(({ debit, credit }) => `${debit} > ${credit}`)).toEqual([
      'connection:con_1:receivable > fx:clearing:EUR-SEK',
      'fx:clearing:EUR-SEK > player:p1:cash',
    ])
    expect(posting.facts).toMatchObject({ rate: '11.00', market_rate: '11.00' })
  })
  it('may be worth a single minor unit', () =>
    expect(exchanged({ ...about, paid: money('EUR', 1n), asset: 'SEK', rate: '1' }).transfers[1]?.amount.minor).toBe(
      1n,
    ))
  it.each([
    ['a loss for the house', { rate: '11.20', marketRate: '11.19' }],
    ['a rate of zero', { rate: '0' }],
    ['a negative rate', { rate: '-1' }],
    ['a rate with an exponent', { rate: '1e3' }],
    ['a rate with a leading zero', { rate: '01.5' }],
    ['a rate that ends in its point', { rate: '1.' }],
    ['a rate with something behind it', { rate: '1.5 ' }],
    ['a rate of 19 decimals', { rate: '1.1234567890123456789' }],
    ['an exchange into itself', { asset: 'EUR', rate: '1' }],
    ['an asset that we can not count', { asset: 'XXX', rate: '1' }],
    ['a payment that we can not count', { paid: { asset: 'XXX', minor: 100n }, rate: '1' }],
    ['a sum too small to be worth anything', { rate: '0.000001' }],
  ])('refuses %s', (_, rates) => {
    expect(() => exchanged({ ...about, paid: money('EUR', 100n), asset: 'SEK', ...rates })).toThrow('assertion failed')
  })
  it('knows no worth at a rate of zero', () =>
    expect(() => convert(money('EUR', 100n), 'SEK', '0.00')).toThrow('assertion failed'))
  it('never gives more than the exact worth, and less than one minor unit less', () => {
    const asset = fc.constantFrom(...ASSETS)
    const rate = fc
      .tuple(fc.bigInt({ min: 0n, max: 10n ** 6n }), fc.stringMatching(/^[0-9]{1,12}$/))
      .map(([whole, fraction]) => `${whole}.${fraction}`)
    fc.assert(
      fc.property(asset, asset, fc.bigInt({ min: 1n, max: 10n ** 20n }), rate, (from, to, minor, text) => {
        fc.pre(Number(text) > 0)
        const [whole = '', fraction = ''] = text.split('.')
        const exact = minor * BigInt(whole + fraction) * 10n ** BigInt(to.exponent)
        const unit = 10n ** BigInt(from.exponent + fraction.length)
        const given = convert(money(from.code, minor), to.code, text).minor
        expect(given * unit <= exact && exact < (given + 1n) * unit).toBe(true)
      }),
    )
  })
  it('there and back never makes money', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 10n ** 12n }), fc.integer({ min: 1, max: 999_999 }), (minor, rate) => {
        const there = convert(money('EUR', minor), 'SEK', `${rate}`)
        const back = convert(there, 'EUR', (1 / rate).toFixed(18).slice(0, 18))
        // the reciprocal is cut off below, so what comes back is at most what went
        fc.pre(Number((1 / rate).toFixed(18).slice(0, 18)) * rate <= 1)
        expect(back.minor <= minor).toBe(true)
      }),
    )
  })
})
