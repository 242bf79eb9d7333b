import type { DeclineCode } from '../../core/decline.ts'
import { formatAmount, type Money } from '../../core/money.ts'
import { fromDecimal } from '../amounts.ts'
import { MALFORMED, type Outcome, type PayOut, REFUSED, unmapped } from '../contract.ts'
import { words } from '../tables.ts'
import type { Invoice, PaymentMethods, Payout, Problem, PullPayment } from './wire.ts'

/** What a look-up is about. */
export type Asked = { readonly attempt: string; readonly amount: Money }

/** Every `InvoiceStatus`. `ended` is Expired and Invalid alike: nothing more is awaited, but money may have come. */
export const INVOICE_STATUSES = words({ open: 'New', pending: 'Processing', paid: 'Settled', ended: 'Expired Invalid' })

/** Every `PayoutState`. */
export const PAYOUT_STATES = words(
  { unapproved: 'AwaitingApproval', pending: 'AwaitingPayment InProgress' },
  { paid: 'Completed', cancelled: 'Cancelled' },
)

/** Every `PaymentStatus` of a payment to an invoice. */
export const PAYMENT_STATUSES = words({ coming: 'Processing', arrived: 'Settled', lost: 'Invalid' })

/** The documented codes of a refused payout. */
const PROBLEMS = words<DeclineCode>(
  { payout_float_insufficient: 'overdraft', payout_beneficiary_invalid: 'duplicate-destination' },
  { amount_limit_exceeded: 'amount-too-low', method_not_enabled: 'payment-method-not-supported' },
)

/** The on-chain rail of an asset. */
export const railOf = (asset: string): string => `${asset}-CHAIN`

/** What an invoice is worth by itself; undefined when its payments must be read: where to pay, or what came to one that had ended. */
export function invoiceOutcome(invoice: Invoice, { attempt, amount: asked }: Asked): Outcome | undefined {
  const { id: reference, status, additionalStatus, currency, paidAmount } = invoice
  const { asset } = asked
  if ((invoice.metadata?.orderId ?? attempt) !== attempt) return MALFORMED
  // What was paid, not what was asked: settle holds an overpayment, and one marked as settled by hand without money.
  const amount = currency === asset ? fromDecimal(asset, paidAmount ?? '0') : undefined
  switch (INVOICE_STATUSES[status]) {
    case 'open':
      if (currency === asset && fromDecimal(asset, invoice.amount ?? '')?.minor === asked.minor) return undefined
      return { kind: 'unknown', reason: 'malformed', reference }
    case 'pending':
      return { kind: 'pending', reference }
    case 'paid':
      return amount ? { kind: 'succeeded', reference, amount } : unmapped(reference)
    case 'ended':
      if (additionalStatus !== 'None') return undefined
      return { kind: 'voided', reference, why: 'expired' }
    default:
      return unmapped(reference)
  }
}

/** An invoice that had ended, by its payments: whatever arrived late or in part is money, and is told as such. */
export function endedOutcome({ id: reference }: Invoice, asset: string, methods: PaymentMethods): Outcome {
  const payments = methods.filter((one) => one.paymentMethodId === railOf(asset)).flatMap((one) => one.payments ?? [])
  if (payments.some((payment) => PAYMENT_STATUSES[payment.status] === 'coming')) return { kind: 'pending', reference }
  const arrived = payments.filter((payment) => PAYMENT_STATUSES[payment.status] === 'arrived').map((one) => one.value)
  const amount = sum(asset, arrived)
  if (amount === undefined) return unmapped(reference)
  return amount.minor > 0n ? { kind: 'succeeded', reference, amount } : { kind: 'voided', reference, why: 'expired' }
}

/** Where the player pays: the address when it is known, else BTCPay's own page. */
export function payAction(invoice: Invoice, asset: string, network: string, methods: PaymentMethods): Outcome {
  const { id: reference, checkoutLink: link, expirationTime } = invoice
  const rail = methods.find((one) => one.paymentMethodId === railOf(asset))
  const due = fromDecimal(asset, rail?.due ?? '')
  if (rail?.destination && due) {
    const { destination: address, paymentLink } = rail
    const place = { address, network, amount: formatAmount(due), uri: paymentLink ?? address }
    const expires_at = new Date(expirationTime * 1_000).toISOString()
    return { kind: 'requires_action', reference, action: { type: 'display_crypto', ...place, expires_at } }
  }
  if (!link) return { kind: 'pending', reference }
  return { kind: 'requires_action', reference, action: { type: 'redirect', url: link, method: 'GET' } }
}

/** Which of the payouts or invoices under one reference is ours: the one that moved on, else the oldest; undefined when two did. */
export function theOne<T>(all: readonly T[], moved: (one: T) => boolean, order: (a: T, b: T) => number): T | undefined {
  const [first, second] = all.filter(moved)
  return second ? undefined : (first ?? [...all].sort(order)[0])
}

/** The state of a payout. */
export function payoutOutcome({ id: reference, state, originalAmount, originalCurrency }: Payout): Outcome {
  const amount = fromDecimal(originalCurrency, originalAmount)
  switch (PAYOUT_STATES[state]) {
    case 'unapproved':
    case 'pending':
      return { kind: 'pending', reference }
    case 'paid':
      return amount ? { kind: 'succeeded', reference, amount } : unmapped(reference)
    case 'cancelled':
      return { kind: 'voided', reference, why: 'cancelled' }
    default:
      return unmapped(reference)
  }
}

/** True when a payout is, to the last digit, what was asked for: only then may it be approved. */
export const fits = (payout: Payout, { attempt, amount, destination }: PayOut): boolean =>
  payout.metadata?.attempt === attempt &&
  destination.type === 'crypto' &&
  payout.destination === destination.address &&
  payout.originalCurrency === amount.asset &&
  fromDecimal(amount.asset, payout.originalAmount)?.minor === amount.minor

/** A refund is a pull payment, which its owner claims by payouts. */
export function refundOutcome(pull: PullPayment, claims: readonly Payout[], wanted: Asked): Outcome {
  const { id: reference, name, archived, viewLink } = pull
  const { attempt, amount: asked } = wanted
  if ((name ?? attempt) !== attempt) return MALFORMED
  const paid = claims.filter((claim) => PAYOUT_STATES[claim.state] === 'paid').map((claim) => claim.originalAmount)
  const amount = sum(asked.asset, paid)
  const known = claims.every((claim) => PAYOUT_STATES[claim.state] !== undefined)
  if (amount === undefined || !known) return unmapped(reference)
  if (amount.minor >= asked.minor) return { kind: 'succeeded', reference, amount }
  const open = claims.some((claim) => ['unapproved', 'pending'].includes(PAYOUT_STATES[claim.state] ?? ''))
  if (open || amount.minor > 0n || !viewLink) return { kind: 'pending', reference }
  if (archived) return { kind: 'voided', reference, why: 'cancelled' }
  return { kind: 'requires_action', reference, action: { type: 'redirect', url: viewLink, method: 'GET' } }
}

/** A 4xx answer: nothing was made. Only what a payout's documents name is a decline. */
export function refusal(problem: Problem, status: number): Outcome {
  if (status < 400) return MALFORMED
  const processorCode = 'code' in problem ? problem.code : undefined
  const code = processorCode === undefined ? undefined : PROBLEMS[processorCode]
  if (code && processorCode) return { kind: 'declined', decline: { code, processorCode } }
  return REFUSED
}

function sum(asset: string, amounts: readonly string[]): Money | undefined {
  let minor = 0n
  for (const text of amounts) {
    const amount = fromDecimal(asset, text)
    if (!amount) return undefined
    minor += amount.minor
  }
  return { asset, minor }
}
