import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ASSETS, type Asset, assetByCode, assetOf } from '../../src/core/currencies.ts'
import {
  add,
  compare,
  formatAmount,
  type Money,
  money,
  parseAmount,
  presentMoney,
  sameMoney,
  subtract,
} from '../../src/core/money.ts'

const known = (code: string): Asset => {
  const asset = assetByCode(code)
  if (asset === undefined) throw new Error(`no ${code}`)
  return asset
}
const anyAsset = fc.constantFrom(...ASSETS)
const minor = fc.bigInt({ min: 1n, max: 10n ** 17n })

describe('an amount', () => {
  it.each([
    ['12.50', 'EUR', 1_250n],
    ['12', 'EUR', 1_200n],
    ['0.01', 'EUR', 1n],
    ['1000', 'JPY', 1_000n],
    ['1.234', 'KWD', 1_234n],
    ['0.00000001', 'BTC', 1n],
    ['0.000000000000000001', 'ETH', 1n],
    ['999999999999999999.99', 'EUR', 99_999_999_999_999_999_999n],
  ])('%s %s is exact', (text, code, expected) => {
    expect(parseAmount(text, known(code))).toEqual({ asset: code, minor: expected })
  })

  it.each([
    '-100.00',
    '+1.00',
    '1e3',
    '1E3',
    '0x10',
    '1,00',
    '1.',
    '.5',
    '01.00',
    ' 1.00',
    '1.00 ',
    '',
    'NaN',
    'Infinity',
    '１２',
    '1_000',
    '1'.repeat(19),
    `0.${'1'.repeat(19)}`,
    '1.0x',
    'x1.0',
  ])('refuses %j as no decimal', (text) => expect(parseAmount(text, known('EUR'))).toBe('not_a_decimal'))

  it.each(['0', '0.00', '0.0'])('refuses %s as nothing', (text) =>
    expect(parseAmount(text, known('EUR'))).toBe('not_positive'),
  )

  it.each([
    ['0.001', 'EUR'],
    ['12.500', 'EUR'],
    ['1.5', 'JPY'],
    ['0.000000001', 'BTC'],
  ])('refuses %s %s instead of rounding it', (text, code) =>
    expect(parseAmount(text, known(code))).toBe('too_many_decimals'),
  )

  it('gives back what it wrote, for every asset', () => {
    fc.assert(
      fc.property(anyAsset, minor, (asset, units) => {
        const value = { asset: asset.code, minor: units }
        expect(parseAmount(formatAmount(value), asset)).toEqual(value)
      }),
    )
  })

  it.each([
    [-1n, 'EUR', '-0.01'],
    [0n, 'EUR', '0.00'],
    [-1_250n, 'EUR', '-12.50'],
    [-1_000n, 'JPY', '-1000'],
    [0n, 'JPY', '0'],
  ])('writes the difference of %d in %s as %s', (units, code, text) =>
    expect(formatAmount(money(code, units))).toBe(text),
  )

  it('never takes what is signed, scientific or zero, whatever else it takes', () => {
    fc.assert(
      fc.property(fc.string(), anyAsset, (text, asset) => {
        const read = parseAmount(text, asset)
        if (typeof read !== 'string') expect(/^\d+(\.\d+)?$/.test(text) && read.minor > 0n).toBe(true)
      }),
    )
  })
})

describe('counting', () => {
  it('adds and takes away to the unit', () => {
    fc.assert(
      fc.property(minor, minor, (a, b) => {
        const sum = add(money('EUR', a), money('EUR', b))
        expect(sum).toEqual({ asset: 'EUR', minor: a + b })
        expect(subtract(sum, money('EUR', b))).toEqual(money('EUR', a))
      }),
    )
    expect(subtract(money('EUR', 1n), money('EUR', 3n)).minor).toBe(-2n)
  })

  it('compares by amount', () => {
    const [one, two] = [money('EUR', 1n), money('EUR', 2n)]
    expect([compare(one, two), compare(two, one), compare(one, money('EUR', 1n))]).toEqual([-1, 1, 0])
  })

  it('takes two amounts for the same only when asset and amount are', () => {
    expect(sameMoney(money('EUR', 1n), money('EUR', 1n))).toBe(true)
    expect(sameMoney(money('EUR', 1n), money('EUR', 2n))).toBe(false)
    expect(sameMoney(money('EUR', 1n), money('SEK', 1n))).toBe(false)
  })

  it('refuses to mix assets', () => {
    const [euro, krona]: Money[] = [money('EUR', 1n), money('SEK', 1n)]
    if (!euro || !krona) throw new Error('two amounts')
    for (const mix of [add, subtract, compare]) expect(() => mix(euro, krona)).toThrow('EUR')
  })

  it('refuses an asset that it can not count', () => {
    const strange = { asset: 'XXX', minor: 1n }
    for (const use of [() => money('XXX', 1n), () => formatAmount(strange), () => presentMoney(strange)])
      expect(use).toThrow('assertion failed')
  })
})

describe('assets', () => {
  it('knows a token by its network, since the exponents differ', () => {
    expect(assetOf('USDT', 'tron')?.exponent).toBe(6)
    expect(assetOf('USDT', 'bsc')?.exponent).toBe(18)
    expect(assetOf('USDT')).toBeUndefined()
    expect(assetOf('EUR', 'tron')).toBeUndefined()
  })

  it.each([
    ['BTC', 'bitcoin', 8, 'BTC'],
    ['LTC', 'litecoin', 8, 'LTC'],
    ['ETH', 'ethereum', 18, 'ETH'],
    ['TRX', 'tron', 6, 'TRX'],
    ['XRP', 'ripple', 6, 'XRP'],
    ['USDT', 'ethereum', 6, 'USDT-ethereum'],
    ['USDT', 'bsc', 18, 'USDT-bsc'],
    ['USDC', 'ethereum', 6, 'USDC-ethereum'],
  ])('counts %s on %s with %d decimals as %s, and only there', (currency, network, exponent, code) => {
    expect(assetOf(currency, network)).toEqual({ code, currency, network, exponent })
    expect([assetOf(currency), assetOf(currency, 'elsewhere')]).toEqual([undefined, undefined])
  })

  it.each([
    ['AED', 2],
    ['EUR', 2],
    ['MMK', 2],
    ['SEK', 2],
    ['ZWG', 2],
    ['JPY', 0],
    ['KWD', 3],
  ])('counts %s with %d decimals, on no network', (code, exponent) => {
    expect(assetOf(code)).toEqual({ code, currency: code, exponent })
    expect(assetByCode(code)).toBe(assetOf(code))
  })

  it.each(['eur', 'XXX', 'EUR ', ''])('does not know %j', (code) => expect(assetOf(code)).toBeUndefined())

  it('names each asset once', () => expect(new Set(ASSETS.map(({ code }) => code)).size).toBe(ASSETS.length))

  it('shows money without a network', () =>
    expect(presentMoney(money('EUR', 150n))).toStrictEqual({ amount: '1.50', currency: 'EUR' }))

  it('shows a coin with its network', () =>
    expect(presentMoney(money('USDT-tron', 1_500_000n))).toEqual({
      amount: '1.500000',
      currency: 'USDT',
      network: 'tron',
    }))

  it('agrees with the runtime on the decimals of every currency that both know', () => {
    // ICU rounds some currencies for display (ISK, UGX …); where it does, ISO 4217 is the word and these are its exceptions.
    const differing = new Set([
      'AFN',
      'ALL',
      'COP',
      'IDR',
      'IQD',
      'IRR',
      'KPW',
      'LAK',
      'LBP',
      'MGA',
      'MMK',
      'MRU',
      'PKR',
      'RSD',
      'SLE',
      'SOS',
      'SYP',
      'TZS',
      'UZS',
      'YER',
      'CRC',
      'CZK',
      'GYD',
      'HUF',
      'MNT',
      'MUR',
      'NOK',
      'SEK',
      'TWD',
      'AMD',
    ])
    const runtime = new Set(Intl.supportedValuesOf('currency'))
    for (const { code, exponent, network } of ASSETS) {
      if (network !== undefined || !runtime.has(code) || differing.has(code)) continue
      const digits = new Intl.NumberFormat('en', { style: 'currency', currency: code }).resolvedOptions()
        .maximumFractionDigits
      expect([code, digits]).toEqual([code, exponent])
    }
  })
})
