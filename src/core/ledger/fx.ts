import { assetByCode } from '../currencies.ts'
import { assert } from '../errors.ts'
import { type Money, subtract } from '../money.ts'
import { FX_RESULT, fxClearing } from './chart.ts'
import { type AccountCode, type Posting, posting, transfer } from './posting.ts'

/** A rate as a decimal string: how many major units of the bought asset one major unit of the paid one is worth. No sign, no exponent, at most 18 decimals. */
const RATE_PATTERN = /^(0|[1-9]\d{0,17})(\.\d{1,18})?$/

/** An exchange: `paid` is debited to `debit`, its worth in `asset` credited to `credit`. */
export type Exchange = {
  /** What the exchange belongs to: `deposit:dep_…`. */
  readonly reference: string
  readonly debit: AccountCode
  readonly credit: AccountCode
  readonly paid: Money
  readonly asset: string
  /** The rate that the player got. */
  readonly rate: string
  /** The market's rate at that time, where the house takes a margin: the difference is its result. */
  readonly marketRate?: string
  /** Where the rate comes from, and when it was read (ISO 8601). */
  readonly source: string
  readonly at: string
}

/** The worth of `paid` in `asset` at `rate`, exact and rounded down to a whole minor unit: the remainder is the house's. */
export function convert(paid: Money, asset: string, rate: string): Money {
  const from = assetByCode(paid.asset)
  const to = assetByCode(asset)
  assert(from && to, 'an exchange between assets that we can count')
  assert(RATE_PATTERN.test(rate), 'a rate is a decimal string without sign or exponent')
  const [whole = '', fraction = ''] = rate.split('.')
  const scaled = BigInt(whole + fraction)
  assert(scaled > 0n, 'a rate is more than zero')
  const numerator = paid.minor * scaled * 10n ** BigInt(to.exponent)
  return { asset, minor: numerator / 10n ** BigInt(from.exponent + fraction.length) }
}

/**
 * Money exchanged on its way: both sides go over the pair's clearing account, which is balanced in each asset by the
 * position the house now has. What is lost by rounding and by the margin goes to the house, never from it: throws when
 * the market's rate would make it a loss. Throws when the sum is too small to be worth one minor unit.
 */
export function exchanged(exchange: Exchange): Posting {
  const { reference, debit, credit, paid, asset, rate, marketRate = rate, source, at } = exchange
  assert(paid.asset !== asset, 'an exchange is between two assets')
  const given = convert(paid, asset, rate)
  const worth = convert(paid, asset, marketRate)
  assert(given.minor > 0n, 'an exchange gives at least one minor unit')
  assert(worth.minor >= given.minor, 'an exchange may not cost the house')
  const clearing = fxClearing(paid.asset, asset)
  return posting(
    `fx:${reference}`,
    'exchanged',
    [
      transfer(debit, clearing, paid),
      transfer(clearing, credit, given),
      transfer(clearing, FX_RESULT, subtract(worth, given)),
    ],
    { rate, market_rate: marketRate, source, at, rounding: 'house' },
  )
}
