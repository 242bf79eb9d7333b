import { z } from 'zod'
import { formatAmount } from '../../core/money.ts'
import type { Charge, Find, Io, Outcome, PayOut, Refund, Send, Sent } from '../contract.ts'
import { defineAdapter, outcomeOf, REFUSED, unmapped } from '../contract.ts'
import { path } from '../path.ts'
import {
  type Asked,
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
  base_url: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, '')),
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
  webhookSecrets: ({ webhook_secrets }) => webhook_secrets,
  charge,
  find,
  refund,
  payOut,
  events,
})

// BTCPay gives a store's payouts only whole, some 400 bytes each: this holds forty thousand.
const MAX_LIST_BYTES = 16 * 1_048_576
const TWICE: Outcome = { kind: 'unknown', reason: 'duplicate_request' }

async function charge(request: Charge, io: Io, config: BtcpayConfig): Promise<Outcome> {
  const { attempt, amount, method, returnUrl } = request
  if (method.type !== 'crypto' || NETWORKS[amount.asset] !== method.network) return REFUSED
  const before = await findInvoice(request, io.send, config)
  if (before.kind !== 'not_found') return before
  const { speed_policy: speedPolicy, expiration_minutes: expirationMinutes } = config
  const limits = { speedPolicy, expirationMinutes, paymentTolerance: 0 }
  const json = {
    amount: formatAmount(amount),
    currency: amount.asset,
    metadata: { orderId: attempt },
    checkout: { ...limits, paymentMethods: [railOf(amount.asset)], redirectURL: returnUrl },
  }
  const post = { method: 'POST', path: path`/api/v1/stores/${config.store_id}/invoices`, json } as const
  const sent = await io.send(Invoice.or(Problem), post)
  if (sent.kind !== 'answer' || !isMade(sent.body)) return notMade(sent)
  return describe(sent.body, request, io.send)
}

/** True for the thing asked for, false for a problem instead. */
const isMade = <T extends { id: string }>(body: T | Problem): body is T => 'id' in body

const notMade = <T extends { id: string }>(sent: Sent<T | Problem>): Outcome =>
  outcomeOf(sent, (body, status) => (isMade(body) ? TWICE : refusal(body, status)))

/** What became of an invoice; reads its payments where it must. The read can fail, the invoice is there all the same. */
async function describe(invoice: Invoice, asked: Asked, send: Send): Promise<Outcome> {
  const { asset } = asked.amount
  const outcome = invoiceOutcome(invoice, asked)
  if (outcome) return outcome
  const sent = await send(PaymentMethods, { method: 'GET', path: path`/api/v1/invoices/${invoice.id}/payment-methods` })
  const methods = sent.kind === 'answer' ? sent.body : undefined
  if (INVOICE_STATUSES[invoice.status] === 'open')
    return payAction(invoice, asset, NETWORKS[asset] ?? '', methods ?? [])
  if (methods) return endedOutcome(invoice, asset, methods)
  return { kind: 'unknown', reason: sent.kind === 'unknown' ? sent.reason : 'interrupted', reference: invoice.id }
}

async function findInvoice(asked: Asked, send: Send, config: BtcpayConfig): Promise<Outcome> {
  const to = path`/api/v1/stores/${config.store_id}/invoices?orderId=${asked.attempt}`
  const sent = await send(Invoices, { method: 'GET', path: to })
  if (sent.kind !== 'answer') return outcomeOf(sent, () => TWICE)
  if (sent.body.length === 0) return { kind: 'not_found' }
  const paid = (one: Invoice) => one.additionalStatus !== 'None' || /^(Processing|Settled)$/.test(one.status)
  const invoice = theOne(sent.body, paid, (a, b) => a.createdTime - b.createdTime)
  return invoice ? describe(invoice, asked, send) : TWICE
}

async function find({ attempt, flow, amount, original }: Find, { send }: Io, config: BtcpayConfig): Promise<Outcome> {
  if (flow === 'deposit') return findInvoice({ attempt, amount }, send, config)
  if (flow === 'refund') return findRefund({ attempt, amount }, send, config)
  return findPayout({ attempt, ...(original && { original }) }, send, config)
}

async function refund({ attempt, amount, original }: Refund, { send }: Io, config: BtcpayConfig): Promise<Outcome> {
  const before = await findRefund({ attempt, amount }, send, config)
  if (before.kind !== 'not_found') return before
  const custom = { refundVariant: 'Custom', customAmount: formatAmount(amount), customCurrency: amount.asset }
  const json = { name: attempt, ...custom, payoutMethods: [railOf(amount.asset)] }
  const post = { method: 'POST', path: path`/api/v1/invoices/${original.reference}/refund`, json } as const
  return outcomeOf(await send(PullPayment.or(Problem), post), (body, status) =>
    isMade(body) ? refundOutcome(body, [], { attempt, amount }) : refusal(body, status),
  )
}

async function findRefund(asked: Asked, send: Send, config: BtcpayConfig): Promise<Outcome> {
  const list = path`/api/v1/stores/${config.store_id}/pull-payments?includeArchived=true`
  const sent = await send(PullPayments, { method: 'GET', path: list, maxAnswerBytes: MAX_LIST_BYTES })
  if (sent.kind !== 'answer') return outcomeOf(sent, () => TWICE)
  const [pull, second] = sent.body.filter((one) => one.name === asked.attempt)
  if (second) return TWICE
  if (!pull) return { kind: 'not_found' }
  const claims = await send(Payouts, { method: 'GET', path: path`/api/v1/pull-payments/${pull.id}/payouts` })
  return outcomeOf(claims, (body) => refundOutcome(pull, body, asked))
}

/** Created unapproved, found again, and only then approved: a lost answer never makes a second payment. */
async function payOut(request: PayOut, { send }: Io, config: BtcpayConfig): Promise<Outcome> {
  const { attempt, amount, destination } = request
  if (destination.type !== 'crypto' || NETWORKS[amount.asset] !== destination.network) return REFUSED
  const before = await findPayout({ attempt, original: request }, send, config)
  if (before.kind !== 'not_found') return before
  const what = { destination: destination.address, amount: formatAmount(amount), payoutMethodId: railOf(amount.asset) }
  const json = { ...what, approved: false, metadata: { source: 'paycage', attempt } }
  const post = { method: 'POST', path: path`/api/v1/stores/${config.store_id}/payouts`, json } as const
  const sent = await send(Payout.or(Problem), post)
  if (sent.kind !== 'answer' || !isMade(sent.body)) return notMade(sent)
  if (!fits(sent.body, request)) return { kind: 'unknown', reason: 'malformed', reference: sent.body.id }
  const after = await findPayout({ attempt, original: request }, send, config)
  // It was made, whatever the look-up says: its approval is left to the next one.
  return 'reference' in after && after.reference ? after : payoutOutcome(sent.body)
}

type Sought = Pick<Find, 'attempt' | 'original'>

async function findPayout({ attempt, original }: Sought, send: Send, config: BtcpayConfig): Promise<Outcome> {
  const list = path`/api/v1/stores/${config.store_id}/payouts?includeCancelled=true`
  const sent = await send(Payouts, { method: 'GET', path: list, maxAnswerBytes: MAX_LIST_BYTES })
  if (sent.kind !== 'answer') return outcomeOf(sent, () => TWICE)
  const ours = sent.body.filter((one) => one.metadata?.attempt === attempt)
  if (ours.length === 0) return { kind: 'not_found' }
  const moved = (one: Payout) => ['pending', 'paid'].includes(PAYOUT_STATES[one.state] ?? '')
  const payout = theOne(ours, moved, (a, b) => (a.id < b.id ? -1 : 1))
  if (!payout) return TWICE
  const isNew = PAYOUT_STATES[payout.state] === 'unapproved'
  if (!isNew || !original || !('destination' in original)) return payoutOutcome(payout)
  if (!fits(payout, original)) return unmapped(payout.id)
  const json = { revision: payout.revision }
  const approved = await send(Payout.or(Problem), { method: 'POST', path: path`/api/v1/payouts/${payout.id}`, json })
  // Approved or not, the payout is in BTCPay's hands; an approval can't be given twice.
  return payoutOutcome(approved.kind === 'answer' && isMade(approved.body) ? approved.body : payout)
}
