import { compare, type Money, subtract } from '../money.ts'

/** Splits `amount` in what `available` covers and what is left. Less than nothing available counts as nothing. */
export function upTo(amount: Money, available: Money): { taken: Money; left: Money } {
  const nothing = { asset: available.asset, minor: 0n }
  const usable = available.minor < 0n ? nothing : available
  const taken = compare(amount, usable) > 0 ? usable : amount
  return { taken, left: subtract(amount, taken) }
}
