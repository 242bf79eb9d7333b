import { type Asset, assetByCode } from './currencies.ts'
import { assert } from './errors.ts'

/** An amount of one asset in its smallest unit (cents, satoshi, wei). Never negative in a request; the ledger's differences may be. */
export type Money = { readonly asset: string; readonly minor: bigint }

/** A decimal string in major units as the API takes it: no sign, no exponent, no leading zero, at most 18 + 18 digits (18 is the largest exponent of an asset; 18 integer digits pass any real sum). */
export const AMOUNT_PATTERN = /^(0|[1-9]\d{0,17})(\.\d{1,18})?$/

/** Why an amount was not taken. */
export type AmountProblem = 'not_a_decimal' | 'not_positive' | 'too_many_decimals'

/** Makes money of minor units. Throws on an asset that we can't count. */
export function money(asset: string, minor: bigint): Money {
  assert(assetByCode(asset) !== undefined, `unknown asset ${asset}`)
  return { asset, minor }
}

/** Reads a decimal string in major units exactly: never rounds, refuses more decimals than the asset has, zero and anything signed. */
export function parseAmount(text: string, asset: Asset): Money | AmountProblem {
  if (!AMOUNT_PATTERN.test(text)) return 'not_a_decimal'
  const [whole = '0', fraction = ''] = text.split('.')
  if (fraction.length > asset.exponent) return 'too_many_decimals'
  const minor = BigInt(whole + fraction.padEnd(asset.exponent, '0'))
  return minor > 0n ? { asset: asset.code, minor } : 'not_positive'
}

/** The decimal string in major units, with all the decimals of the asset: `12.50`, `1000` (JPY), `0.00000001` (BTC). */
export function formatAmount({ asset, minor }: Money): string {
  const known = assetByCode(asset)
  assert(known, `unknown asset ${asset}`)
  const digits = (minor < 0n ? -minor : minor).toString().padStart(known.exponent + 1, '0')
  const sign = minor < 0n ? '-' : ''
  if (known.exponent === 0) return sign + digits
  return `${sign}${digits.slice(0, -known.exponent)}.${digits.slice(-known.exponent)}`
}

/** How an amount stands in the API: `amount` and `currency`, with `network` for a coin. */
export function presentMoney(value: Money): { amount: string; currency: string; network?: string } {
  const known = assetByCode(value.asset)
  assert(known, `unknown asset ${value.asset}`)
  return {
    amount: formatAmount(value),
    currency: known.currency,
    ...(known.network === undefined ? {} : { network: known.network }),
  }
}

/** Sum of two amounts of one asset. */
export function add(a: Money, b: Money): Money {
  assert(a.asset === b.asset, `can't add ${a.asset} and ${b.asset}`)
  return { asset: a.asset, minor: a.minor + b.minor }
}

/** Difference of two amounts of one asset; may be negative. */
export function subtract(a: Money, b: Money): Money {
  assert(a.asset === b.asset, `can't subtract ${b.asset} from ${a.asset}`)
  return { asset: a.asset, minor: a.minor - b.minor }
}

/** -1, 0 or 1 as `a` is less than, equal to or more than `b`, of one asset. */
export function compare(a: Money, b: Money): -1 | 0 | 1 {
  assert(a.asset === b.asset, `can't compare ${a.asset} with ${b.asset}`)
  return a.minor < b.minor ? -1 : a.minor > b.minor ? 1 : 0
}

/** True when asset and amount are the same. */
export const sameMoney = (a: Money, b: Money): boolean => a.asset === b.asset && a.minor === b.minor
