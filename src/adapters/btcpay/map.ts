import type { DeclineCode } from '../../core/decline.ts'
import { formatAmount, type Money } from '../../core/money.ts'
import { fromDecimal } from '../amounts.ts'
import type { Asked, Outcome, PayOut } from '../contract.ts'
import { declineBy, isPage, MALFORMED, outcomeAs, REFUSED, unmapped, words } from '../outcomes.ts'
import type { Invoice, PaymentMethods, Payout, Problem, PullPayment } from './wire.ts'

/** Every `InvoiceStatus`. `ended` is Expired and Invalid alike: nothing more is awaited, but money may have come. */
export const INVOICE_STATUSES = words({
  open: 'New',
  pending: 'Processing',
  succeeded: 'Settled',
  ended: 'Expired Invalid',
})

/** Every `PayoutState`. */
export const PAYOUT_STATES = words(
  { unapproved: 'AwaitingApproval', pending: 'AwaitingPayment InProgress' },
  { succeeded: 'Completed', cancelled: 'Cancelled' },
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
  const meaning = INVOICE_STATUSES[status]
  if (meaning === 'open') {
    const isAsked = currency === asset && fromDecimal(asset, invoice.amount ?? '')?.minor === asked.minor
    return isAsked ? undefined : { kind: 'unknown', reason: 'malformed', reference }
  }
  if (meaning === 'ended') return additionalStatus === 'None' ? outcomeAs('expired', { reference }) : undefined
  // What was paid, not what was asked: settle holds an overpayment, and one marked as settled by hand without money.
  return outcomeAs(meaning, {
    reference,
    amount: currency === asset ? fromDecimal(asset, paidAmount ?? '0') : undefined,
  })
}

/** An invoice that had ended, by its payments: whatever arrived late or in part is money, and is told as such. */
export function endedOutcome({ id: reference }: Invoice, asset: string, methods: PaymentMethods): Outcome {
  const payments = methods.filter((one) => one.paymentMethodId === railOf(asset)).flatMap((one) => one.payments ?? [])
  if (payments.some((payment) => PAYMENT_STATUSES[payment.status] === 'coming')) return { kind: 'pending', reference }
  const arrived = payments.filter((payment) => PAYMENT_STATUSES[payment.status] === 'arrived').map((one) => one.value)
  const amount = sum(asset, arrived)
  if (amount === undefined) return unmapped(reference)
  return outcomeAs(amount.minor > 0n ? 'succeeded' : 'expired', { reference, amount })
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
  if (!isPage(link)) return { kind: 'pending', reference }
  return { kind: 'requires_action', reference, action: { type: 'redirect', url: link, method: 'GET' } }
}

/** Which of the payouts or invoices under one reference is ours: the one that moved on, else the oldest; undefined when two did. */
export function theOne<T>(all: readonly T[], moved: (one: T) => boolean, order: (a: T, b: T) => number): T | undefined {
  const [first, second] = all.filter(moved)
  return second ? undefined : (first ?? [...all].sort(order)[0])
}

/** The state of a payout; one that waits for our approval is on its way. */
export function payoutOutcome({ id: reference, state, originalAmount, originalCurrency }: Payout): Outcome {
  const meaning = PAYOUT_STATES[state]
  const amount = fromDecimal(originalCurrency, originalAmount)
  return outcomeAs(meaning === 'unapproved' ? 'pending' : meaning, { reference, amount })
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
  const paid = claims.filter((claim) => PAYOUT_STATES[claim.state] === 'succeeded').map((claim) => claim.originalAmount)
  const amount = sum(asked.asset, paid)
  const known = claims.every((claim) => PAYOUT_STATES[claim.state] !== undefined)
  if (amount === undefined || !known) return unmapped(reference)
  if (amount.minor >= asked.minor) return { kind: 'succeeded', reference, amount }
  const open = claims.some((claim) => ['unapproved', 'pending'].includes(PAYOUT_STATES[claim.state] ?? ''))
  if (open || amount.minor > 0n || !isPage(viewLink)) return { kind: 'pending', reference }
  if (archived) return { kind: 'voided', reference, why: 'cancelled' }
  return { kind: 'requires_action', reference, action: { type: 'redirect', url: viewLink, method: 'GET' } }
}

/** A 4xx answer: nothing was made. Only what a payout's documents name is a decline. */
export function refusal(problem: Problem): Outcome {
  const code = 'code' in problem ? problem.code : ''
  return PROBLEMS[code] ? { kind: 'declined', decline: declineBy(PROBLEMS, code) } : REFUSED
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
