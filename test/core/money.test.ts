import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ASSETS, type Asset, assetByCode, assetOf } from '../../src/core/currencies.ts'
import {
  add,
  allocate,
  compare,
  formatAmount,
  type Money,
  money,
  parseAmount,
  presentMoney,
  subtract,
} from '../../src/core/money.ts'

const known = (code: string): Asset => {
  const asset = assetByCode(code)
  if (asset === undefined) throw new Error(`no ${code}`)
  return asset
}
const anyAsset = fc.constantFrom(...ASSETS)
const minor = fc.bigInt({ min: 1n, max: 10n ** 17n })

describe('reading an amount', () => {
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
  it('splits an amount without losing or making a unit', () => {
    fc.assert(
      fc.property(
        minor,
        fc.array(fc.bigInt({ min: 0n, max: 1_000n }), { minLength: 1, maxLength: 20 }),
        (units, weights) => {
          fc.pre(weights.some((weight) => weight > 0n))
          const parts = allocate(money('EUR', units), weights)
          expect(parts.reduce((sum, part) => sum + part.minor, 0n)).toBe(units)
          for (const [index, part] of parts.entries()) {
            expect(part.minor >= 0n && (weights[index] !== 0n || part.minor === 0n)).toBe(true)
          }
        },
      ),
    )
  })

  it('refuses to mix assets', () => {
    const [euro, krona]: Money[] = [money('EUR', 1n), money('SEK', 1n)]
    if (!euro || !krona) throw new Error('two amounts')
    for (const mix of [add, subtract, compare]) expect(() => mix(euro, krona)).toThrow('EUR')
  })

  it('refuses an asset that it can not count', () => expect(() => money('XXX', 1n)).toThrow('unknown asset'))
})

describe('assets', () => {
  it('knows a token by its network, since the exponents differ', () => {
    expect(assetOf('USDT', 'tron')?.exponent).toBe(6)
    expect(assetOf('USDT', 'bsc')?.exponent).toBe(18)
    expect(assetOf('USDT')).toBeUndefined()
    expect(assetOf('EUR', 'tron')).toBeUndefined()
  })

  it.each(['eur', 'XXX', 'EUR ', ''])('does not know %j', (code) => expect(assetOf(code)).toBeUndefined())

  it('names each asset once', () => expect(new Set(ASSETS.map(({ code }) => code)).size).toBe(ASSETS.length))

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
