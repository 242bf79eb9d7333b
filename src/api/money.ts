import { z } from '@hono/zod-openapi'
import { assetOf } from '../core/currencies.ts'
import { Fault } from '../core/errors.ts'
import { type Money, parseAmount } from '../core/money.ts'
import { Amount, AmountShown, Currency } from './shapes.ts'

/** The network that moves a coin; absent for fiat. */
const Network = z
  .string()
  .regex(/^[a-z0-9]{2,20}$/)
  .openapi({ example: 'bitcoin' })

/** Members of a body that names money. */
export const MONEY = { amount: Amount, currency: Currency, network: Network.optional() }

/** Members of an answer that shows money. */
export const MONEY_SHOWN = { amount: AmountShown, currency: Currency, network: Network.optional() }

const REFUSED = {
  not_a_decimal: 'An amount is a decimal string in major units, such as "12.50".',
  not_positive: 'An amount is more than zero.',
  too_many_decimals: 'The amount has more decimals than its currency; nothing is rounded.',
} as const

/** The money that a body names. Throws `currency_unsupported` or `amount_invalid`. */
export function moneyOf({
  amount,
  currency,
  network,
}: {
  amount: string
  currency: string
  network?: string | undefined
}): Money {
  const asset = assetOf(currency, network)
  if (asset === undefined) {
    throw new Fault(
      'currency_unsupported',
      'This currency is not supported; a coin needs its network, fiat takes none.',
      {
        errors: [{ pointer: '/currency', code: 'currency_unsupported', detail: 'Not a currency that we can count.' }],
      },
    )
  }
  const parsed = parseAmount(amount, asset)
  if (typeof parsed !== 'string') return parsed
  throw new Fault('amount_invalid', REFUSED[parsed], {
    errors: [{ pointer: '/amount', code: 'amount_invalid', detail: REFUSED[parsed] }],
  })
}
