/**
 * Assets and their exponents. ISO 4217 as amended to 2025 (https://www.six-group.com/en/products-services/financial-information/data-standards.html,
 * read 2026-11-22), kept here because the published packages are stale or wrong (they miss XCG, ZWG and the 0-decimal
 * changes). Coins carry the network that moves them, since one name has different exponents on different networks.
 */
const EXPONENT_0 = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'
const EXPONENT_3 = 'BHD IQD JOD KWD LYD OMR TND'
const EXPONENT_2 =
  'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE ' +
  'CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR ' +
  'KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB ' +
  'PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY ' +
  'TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG'

/** One thing that can be counted: a fiat currency, or a coin on a network. */
export type Asset = {
  /** The ledger's name: `EUR`, `BTC`, `USDT-tron`. */
  readonly code: string
  /** The API's `currency`: `EUR`, `BTC`, `USDT`. */
  readonly currency: string
  /** The API's `network`, for coins only. */
  readonly network?: string
  /** Decimals of the smallest unit, 0 to 18. */
  readonly exponent: number
}

const fiat = (codes: string, exponent: number): Asset[] =>
  codes.split(' ').map((code) => ({ code, currency: code, exponent }))

/** Coins by network. A coin native to one network is named by itself; a token says its network, as exponents differ (USDT: 6 on tron, 18 on bsc). */
const COINS: readonly Asset[] = [
  { code: 'BTC', currency: 'BTC', network: 'bitcoin', exponent: 8 },
  { code: 'LTC', currency: 'LTC', network: 'litecoin', exponent: 8 },
  { code: 'ETH', currency: 'ETH', network: 'ethereum', exponent: 18 },
  { code: 'TRX', currency: 'TRX', network: 'tron', exponent: 6 },
  { code: 'XRP', currency: 'XRP', network: 'ripple', exponent: 6 },
  { code: 'USDT-ethereum', currency: 'USDT', network: 'ethereum', exponent: 6 },
  { code: 'USDT-tron', currency: 'USDT', network: 'tron', exponent: 6 },
  { code: 'USDT-bsc', currency: 'USDT', network: 'bsc', exponent: 18 },
  { code: 'USDC-ethereum', currency: 'USDC', network: 'ethereum', exponent: 6 },
]

/** Every asset that the gateway can count, fiat first. */
export const ASSETS: readonly Asset[] = [
  ...fiat(EXPONENT_2, 2),
  ...fiat(EXPONENT_0, 0),
  ...fiat(EXPONENT_3, 3),
  ...COINS,
]

const byCode = new Map(ASSETS.map((asset) => [asset.code, asset]))
const byCurrencyAndNetwork = new Map(ASSETS.map((asset) => [`${asset.currency}/${asset.network ?? ''}`, asset]))

/** The asset of a ledger code, or undefined. */
export const assetByCode = (code: string): Asset | undefined => byCode.get(code)

/** The asset that `currency` and `network` of a request name, or undefined: a coin needs its network, fiat takes none. Case matters. */
export const assetOf = (currency: string, network?: string): Asset | undefined =>
  byCurrencyAndNetwork.get(`${currency}/${network ?? ''}`)
