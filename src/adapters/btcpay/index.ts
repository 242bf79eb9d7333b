import { z } from 'zod'
import { formatAmount } from '../../core/money.ts'
import type { Asked, Charge, Find, Line, Outcome, PayOut, Refund, Sent } from '../contract.ts'
import { defineAdapter, refusalBy } from '../define.ts'
import { REFUSED, TWICE, theOnly, unmapped } from '../outcomes.ts'
import { path } from '../path.ts'
import { HttpUrl } from '../settings.ts'
import {
  endedOutcome,
  fits,
  INVOICE_STATUSES,
  invoiceOutcome,
  PAYOUT_STATES,
  payAction,
  payoutOutcome,
  railOf,
  refundOutcome,
  refusal,
  theOne,
} from './map.ts'
import { events } from './webhook.ts'
import { Invoice, Invoices, PaymentMethods, Payout, Payouts, Problem, PullPayment, PullPayments } from './wire.ts'

/** A store on an operator's own BTCPay Server. */
const Config = z.strictObject({
  base_url: HttpUrl.transform((url) => url.replace(/\/+$/, '')),
  store_id: z.string().regex(/^[A-Za-z0-9]{1,64}$/),
  api_key: z.string().min(16),
  webhook_secrets: z.array(z.string().min(16)).min(1).max(2),
  /** After how many confirmations an invoice is settled: 0, 1, 2 or 6. */
  speed_policy: z.enum(['HighSpeed', 'MediumSpeed', 'LowMediumSpeed', 'LowSpeed']).default('MediumSpeed'),
  expiration_minutes: z.int().min(5).max(1_440).default(60),
})
export type BtcpayConfig = z.infer<typeof Config>

const both = { deposit: true, withdraw: true, refund: true } as const
const NETWORKS: Readonly<Record<string, string>> = { BTC: 'bitcoin', LTC: 'litecoin' }

/** BTCPay Server: crypto in by invoices, out by payouts, back by pull payments. It has no idempotency key: every write looks first. */
export const btcpay = defineAdapter<BtcpayConfig>({
  facts: {
    id: 'btcpay',
    title: 'BTCPay Server',
    source: 'https://github.com/btcpayserver/btcpayserver (Greenfield API v1), read 2026-11-22',
    methods: { crypto: { ...both, currencies: Object.keys(NETWORKS), countries: 'all' } },
    idempotency: { by: 'none', windowHours: 0 },
    unknownResolvedBy: 'find',
    // One server with one database: a request is long done by then, or died with its connection.
    notFoundIsFinalAfterMs: 15 * 60_000,
    vouchedRejections: { 401: 'invalid_credentials', 403: 'merchant_inactive', 404: 'merchant_inactive' },
    timeoutMs: 15_000,
  },
  config: Config,
  hosts: ({ base_url }) => ({ api: base_url }),
  headers: ({ api_key }) => ({ authorization: `token ${api_key}` }),
  refusal: refusalBy(Problem, refusal),
  charge,
  find,
  refund,
  payOut,
  events,
})

// BTCPay gives a store's payouts only whole, some 400 bytes each: this holds forty thousand.
const MAX_LIST_BYTES = 16 * 1_048_576

type Store = Line<BtcpayConfig>

async function charge(request: Charge, store: Store): Promise<Outcome> {
  const { attempt, amount, method, returnUrl } = request
  const { store_id, speed_policy: speedPolicy, expiration_minutes: expirationMinutes } = store.config
  if (method.type !== 'crypto' || NETWORKS[amount.asset] !== method.network) return REFUSED
  const before = await findInvoice(request, store)
  if (before.kind !== 'not_found') return before
  const limits = { speedPolicy, expirationMinutes, paymentTolerance: 0 }
  const json = {
    amount: formatAmount(amount),
    currency: amount.asset,
    metadata: { orderId: attempt },
    checkout: { ...limits, paymentMethods: [railOf(amount.asset)], redirectURL: returnUrl },
  }
  const to = path`/api/v1/stores/${store_id}/invoices`
  return store.ask(Invoice, { path: to, json }, (invoice) => describe(invoice, request, store))
}

/** What became of an invoice; reads its payments where it must. The read can fail, the invoice is there all the same. */
async function describe(invoice: Invoice, asked: Asked, { send }: Store): Promise<Outcome> {
  const { asset } = asked.amount
  const outcome = invoiceOutcome(invoice, asked)
  if (outcome) return outcome
  const sent = await send(PaymentMethods, { path: path`/api/v1/invoices/${invoice.id}/payment-methods` })
  const methods = sent.kind === 'answer' ? sent.body : undefined
  if (INVOICE_STATUSES[invoice.status] === 'open')
    return payAction(invoice, asset, NETWORKS[asset] ?? '', methods ?? [])
  return methods ? endedOutcome(invoice, asset, methods) : unread(sent, invoice.id)
}

/** What is there but can't be read: it was made, so nothing that befell the reading is proof that it wasn't. */
const unread = (sent: Sent<unknown>, reference: string): Outcome => {
  const reason = sent.kind === 'unknown' ? sent.reason : 'interrupted'
  return { kind: 'unknown', reason, reference }
}

async function findInvoice(asked: Asked, store: Store): Promise<Outcome> {
  const to = path`/api/v1/stores/${store.config.store_id}/invoices?orderId=${asked.attempt}`
  const paid = (one: Invoice) => one.additionalStatus !== 'None' || /^(Processing|Settled)$/.test(one.status)
  return store.ask(Invoices, { path: to }, (invoices) => {
    if (invoices.length === 0) return { kind: 'not_found' }
    const invoice = theOne(invoices, paid, (a, b) => a.createdTime - b.createdTime)
    return invoice ? describe(invoice, asked, store) : TWICE
  })
}

async function find(asked: Find, store: Store): Promise<Outcome> {
  if (asked.flow === 'deposit') return findInvoice(asked, store)
  return asked.flow === 'refund' ? findRefund(asked, store) : findPayout(asked, store)
}

async function refund(request: Refund, store: Store): Promise<Outcome> {
  const { attempt, amount, original } = request
  const before = await findRefund(request, store)
  if (before.kind !== 'not_found') return before
  const custom = { refundVariant: 'Custom', customAmount: formatAmount(amount), customCurrency: amount.asset }
  const json = { name: attempt, ...custom, payoutMethods: [railOf(amount.asset)] }
  const to = path`/api/v1/invoices/${original.reference}/refund`
  return store.ask(PullPayment, { path: to, json }, (pull) => refundOutcome(pull, [], request))
}

async function findRefund(asked: Asked, { ask, send, config }: Store): Promise<Outcome> {
  const list = path`/api/v1/stores/${config.store_id}/pull-payments?includeArchived=true`
  return ask(PullPayments, { path: list, maxAnswerBytes: MAX_LIST_BYTES }, (pulls) =>
    theOnly(
      pulls.filter((one) => one.name === asked.attempt),
      async (pull) => {
        const claims = await send(Payouts, { path: path`/api/v1/pull-payments/${pull.id}/payouts` })
        return claims.kind === 'answer' ? refundOutcome(pull, claims.body, asked) : unread(claims, pull.id)
      },
    ),
  )
}

/** Created unapproved, found again, and only then approved: a lost answer never makes a second payment. */
async function payOut(request: PayOut, store: Store): Promise<Outcome> {
  const { attempt, amount, destination } = request
  if (destination.type !== 'crypto' || NETWORKS[amount.asset] !== destination.network) return REFUSED
  const before = await findPayout({ attempt, original: request }, store)
  if (before.kind !== 'not_found') return before
  const what = { destination: destination.address, amount: formatAmount(amount), payoutMethodId: railOf(amount.asset) }
  const json = { ...what, approved: false, metadata: { source: 'paycage', attempt } }
  return store.ask(Payout, { path: path`/api/v1/stores/${store.config.store_id}/payouts`, json }, async (made) => {
    if (!fits(made, request)) return { kind: 'unknown', reason: 'malformed', reference: made.id }
    const after = await findPayout({ attempt, original: request }, store)
    // It was made, whatever the look-up says: its approval is left to the next one.
    return 'reference' in after && after.reference ? after : payoutOutcome(made)
  })
}

async function findPayout(sought: Pick<Find, 'attempt' | 'original'>, store: Store): Promise<Outcome> {
  const { attempt, original } = sought
  const list = path`/api/v1/stores/${store.config.store_id}/payouts?includeCancelled=true`
  return store.ask(Payouts, { path: list, maxAnswerBytes: MAX_LIST_BYTES }, (payouts) => {
    const ours = payouts.filter((one) => one.metadata?.attempt === attempt)
    if (ours.length === 0) return { kind: 'not_found' }
    const moved = (one: Payout) => ['pending', 'succeeded'].includes(PAYOUT_STATES[one.state] ?? '')
    const payout = theOne(ours, moved, (a, b) => (a.id < b.id ? -1 : 1))
    if (!payout) return TWICE
    const isNew = PAYOUT_STATES[payout.state] === 'unapproved'
    if (!isNew || !original || !('destination' in original)) return payoutOutcome(payout)
    return fits(payout, original) ? approve(payout, store) : unmapped(payout.id)
  })
}

/** Approved or not, the payout is in BTCPay's hands; an approval can't be given twice. */
async function approve(payout: Payout, { send }: Store): Promise<Outcome> {
  const approval = { path: path`/api/v1/payouts/${payout.id}`, json: { revision: payout.revision } }
  const sent = await send(Payout, approval)
  return payoutOutcome(sent.kind === 'answer' ? sent.body : payout)
}
