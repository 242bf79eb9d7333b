import { z } from 'zod'
import { assetByCode } from '../core/currencies.ts'
import { assert } from '../core/errors.ts'
import type { Money } from '../core/money.ts'

/** How many more decimals a processor counts an asset in than we do. */
const shiftOf = (asset: string, overrides: Readonly<Record<string, number>>): number => {
  const own = assetByCode(asset)?.exponent ?? 0
  return (overrides[asset] ?? own) - own
}

/** Our amount as a whole number of a processor's units; undefined when it can't be said there exactly, or not as a JSON integer. */
export function toMinor({ asset, minor }: Money, overrides: Readonly<Record<string, number>> = {}): number | undefined {
  const shift = shiftOf(asset, overrides)
  const scale = 10n ** BigInt(Math.abs(shift))
  if (shift < 0 && minor % scale !== 0n) return undefined
  const value = shift < 0 ? minor / scale : minor * scale
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : undefined
}

/** The same for an amount that came to a verb: the contract lets none through that the facts' `minorUnits` can't say. */
export function unitsOf(amount: Money, overrides: Readonly<Record<string, number>>): number {
  const value = toMinor(amount, overrides)
  assert(value !== undefined, 'an amount that can not be said came to a verb')
  return value
}

/** What an adapter's schema takes for a whole number of units: past 2^53 it comes as text, see exact-json.ts. */
export const Units = z.union([z.int(), z.string().regex(/^\d{1,19}$/)])

/** A processor's whole number of units as our amount; undefined when it is a fraction of our smallest unit. The asset stays as they name it, known or not: `settle` holds what doesn't match. */
export function fromMinor(
  asset: string,
  value: number | string | bigint,
  overrides: Readonly<Record<string, number>> = {},
): Money | undefined {
  const shift = shiftOf(asset, overrides)
  const scale = 10n ** BigInt(Math.abs(shift))
  const minor = BigInt(value)
  if (shift <= 0) return { asset, minor: minor * scale }
  return minor % scale === 0n ? { asset, minor: minor / scale } : undefined
}

// What servers write: a sign where they count what is due, and as many zeros as they like.
const DECIMAL = /^(-?)(0|[1-9]\d{0,17})(?:\.(\d{1,30}))?$/

/** A processor's decimal string as our amount, to the last digit: undefined when it is none, or finer than the asset's smallest unit. */
export function fromDecimal(asset: string, text: string): Money | undefined {
  const exponent = assetByCode(asset)?.exponent
  const [, sign, whole, fraction = ''] = DECIMAL.exec(text) ?? []
  if (exponent === undefined || whole === undefined) return undefined
  if (/[1-9]/.test(fraction.slice(exponent))) return undefined
  const minor = BigInt(whole + fraction.slice(0, exponent).padEnd(exponent, '0'))
  return { asset, minor: sign === '-' ? -minor : minor }
}
