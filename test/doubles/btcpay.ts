import { createHmac } from 'node:crypto'
import { Address } from '@scure/btc-signer'
import { fromDecimal } from '../../src/adapters/amounts.ts'
import { formatAmount } from '../../src/core/money.ts'
import { SPECS, validator } from '../oracles/specs.ts'
import { type Double, type Gives, type Got, membersOf, postman, serve, type Truth } from './server.ts'

/** How a double of BTCPay Server is started. */
export type BtcpayDoubleOptions = {
  readonly port?: number
  readonly apiKey?: string
  readonly webhookSecret?: string
  readonly storeId?: string
  /** How long one step takes: a webhook, a confirmation, a payout's way. */
  readonly stepMs?: number
  /** Whether each invoice is paid in full by itself, as the CLI does; else `pay` does. */
  readonly autoPay?: boolean
}

/** A double of BTCPay Server, with the chain in the hands of the test. */
export type BtcpayDouble = Double & {
  /** A payment to an invoice arrives, and is confirmed a step later; `confirmed: false` never is. */
  pay(invoiceId: string, amount: string, ways?: { readonly confirmed?: boolean }): void
  /** The invoices, oldest first. */
  invoices(): readonly string[]
  /** The time of an invoice runs out. */
  expire(invoiceId: string): void
  /** A player claims a refund in full. */
  claim(pullPaymentId: string): void
}

type Coin = { readonly value: string; status: string }
type Invoice = {
  readonly id: string
  readonly amount: string
  readonly currency: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly address: string
  readonly createdTime: number
  readonly expirationTime: number
  readonly payments: Coin[]
  status: string
  additionalStatus: string
}
type Payout = {
  readonly id: string
  readonly destination: string
  readonly originalCurrency: string
  readonly originalAmount: string
  readonly pullPaymentId: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  state: string
}
type Pull = { readonly id: string; readonly name: string; readonly currency: string; readonly amount: string }

/**
 * A double of BTCPay Server: invoices with their chain, payouts that wait for approval, refunds as pull payments, signed
 * webhooks that are sent again under a new id. Like the real one it has no idempotency: what is asked twice is made twice.
 */
export async function startBtcpay(options: BtcpayDoubleOptions = {}): Promise<BtcpayDouble> {
  const { apiKey = 'btcpay_double_key_0123', webhookSecret = 'btcpay_double_webhook_secret', stepMs = 20 } = options
  const storeId = options.storeId ?? 'StoreDouble1'
  const store = `/api/v1/stores/${storeId}`
  const invoices = new Map<string, Invoice>()
  const payouts = new Map<string, Payout>()
  const pulls = new Map<string, Pull>()
  const truth: Truth[] = []
  const problems: string[] = []
  const mail = postman()
  const timers = new Set<NodeJS.Timeout>()
  const check = SPECS === undefined ? undefined : specCheck()
  let count = 0
  const newId = (kind: string) => {
    count += 1
    return `${kind}${count}`
  }
  const after = (steps: number, run: () => void) => timers.add(setTimeout(run, stepMs * steps))

  const server = await serve(
    (got) => {
      if (got.headers.authorization !== `token ${apiKey}`) return problem(401, 'unauthenticated')
      const answer = route(got)
      problems.push(...(check?.(got, answer) ?? []))
      return answer
    },
    { port: options.port, mail },
  )

  function route({ method, url, body }: Got): Gives {
    const { pathname: path, searchParams } = url
    const asked = membersOf(body)
    const [, id = '', rest = ''] =
      /^\/api\/v1\/(?:invoices|payouts|pull-payments)\/([^/]+)(\/[a-z-]+)?$/.exec(path) ?? []
    if (path === `${store}/invoices`) {
      if (method === 'POST') return newInvoice(asked)
      const orderId = searchParams.get('orderId')
      return ok([...invoices.values()].filter((one) => one.metadata.orderId === orderId).map(invoiceJson))
    }
    if (path === `${store}/payouts`)
      return method === 'POST' ? newPayout(asked) : ok([...payouts.values()].map(payoutJson))
    if (path === `${store}/pull-payments`) return ok([...pulls.values()].map(pullJson))
    const invoice = invoices.get(id)
    if (invoice && rest === '/payment-methods') return ok([railJson(invoice)])
    if (invoice && rest === '/refund') return newPull(invoice, asked)
    if (invoice && rest === '') return ok(invoiceJson(invoice))
    const payout = payouts.get(id)
    if (payout) return method === 'POST' ? approve(payout) : ok(payoutJson(payout))
    if (pulls.has(id)) return ok([...payouts.values()].filter((one) => one.pullPaymentId === id).map(payoutJson))
    return problem(404, 'not-found')
  }

  function newInvoice(asked: Readonly<Record<string, unknown>>): Gives {
    const id = newId('Invoice')
    const { expirationMinutes } = membersOf(asked.checkout)
    const createdTime = Math.floor(Date.now() / 1_000)
    const invoice: Invoice = {
      id,
      amount: String(asked.amount),
      currency: String(asked.currency),
      metadata: membersOf(asked.metadata),
      address: Address().encode({ type: 'wpkh', hash: new Uint8Array(20).fill(count + 7) }),
      createdTime,
      expirationTime: createdTime + Number(expirationMinutes) * 60,
      payments: [],
      status: 'New',
      additionalStatus: 'None',
    }
    invoices.set(id, invoice)
    tell('InvoiceCreated', invoice)
    if (options.autoPay) after(5, () => pay(id, invoice.amount))
    return ok(invoiceJson(invoice))
  }

  function newPayout(asked: Readonly<Record<string, unknown>>): Gives {
    const waiting = [...payouts.values()].find((one) => one.destination === asked.destination && isOpen(one))
    if (waiting) return problem(400, 'duplicate-destination')
    const payout: Payout = {
      id: newId('Payout'),
      destination: String(asked.destination),
      originalCurrency: String(asked.payoutMethodId).split('-')[0] ?? '',
      originalAmount: String(asked.amount),
      pullPaymentId: null,
      metadata: membersOf(asked.metadata),
      state: 'AwaitingApproval',
    }
    payouts.set(payout.id, payout)
    tellPayout('PayoutCreated', payout)
    if (asked.approved === true) approve(payout)
    return ok(payoutJson(payout))
  }

  function approve(payout: Payout): Gives {
    if (payout.state !== 'AwaitingApproval') return problem(400, 'invalid-state')
    payout.state = 'AwaitingPayment'
    tellPayout('PayoutApproved', payout)
    const ref = String(payout.metadata.attempt ?? pulls.get(payout.pullPaymentId ?? '')?.name)
    record(payout.pullPaymentId ? 'refund' : 'payout', ref, payout.pullPaymentId ?? payout.id, payout.originalAmount)
    after(1, () => {
      payout.state = 'InProgress'
      after(1, () => {
        payout.state = 'Completed'
        tellPayout('PayoutUpdated', payout)
      })
    })
    return ok(payoutJson(payout))
  }

  function newPull(invoice: Invoice, asked: Readonly<Record<string, unknown>>): Gives {
    const pull: Pull = {
      id: newId('Pull'),
      name: String(asked.name),
      currency: invoice.currency,
      amount: String(asked.customAmount),
    }
    pulls.set(pull.id, pull)
    if (options.autoPay) after(5, () => claim(pull.id))
    return ok(pullJson(pull))
  }

  function claim(pullPaymentId: string) {
    const pull = pulls.get(pullPaymentId)
    if (!pull) throw new Error(`no pull payment ${pullPaymentId}`)
    const payout: Payout = {
      id: newId('Payout'),
      destination: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
      originalCurrency: pull.currency,
      originalAmount: pull.amount,
      pullPaymentId,
      metadata: {},
      state: 'AwaitingApproval',
    }
    payouts.set(payout.id, payout)
    approve(payout)
  }

  function pay(invoiceId: string, value: string, { confirmed = true } = {}) {
    const invoice = invoices.get(invoiceId)
    if (!invoice) throw new Error(`no invoice ${invoiceId}`)
    const coin: Coin = { value, status: 'Processing' }
    invoice.payments.push(coin)
    tell('InvoiceReceivedPayment', invoice, { afterExpiration: invoice.status === 'Expired' })
    judge(invoice)
    if (!confirmed) return
    after(1, () => {
      coin.status = 'Settled'
      record('charge', String(invoice.metadata.orderId), invoice.id, value)
      tell('InvoicePaymentSettled', invoice)
      judge(invoice)
    })
  }

  /** What an invoice becomes by its payments, as BTCPay's own rules say. */
  function judge(invoice: Invoice) {
    const due = units(invoice.amount)
    const paid = sum(invoice.payments)
    const settled = sum(invoice.payments.filter((coin) => coin.status === 'Settled'))
    const open = invoice.status === 'New' || invoice.status === 'Processing'
    if (!open) {
      if (invoice.status === 'Expired') invoice.additionalStatus = paid >= due ? 'PaidLate' : 'PaidPartial'
      if (invoice.status === 'Settled' && paid > due) invoice.additionalStatus = 'PaidOver'
      return
    }
    invoice.additionalStatus = paid > due ? 'PaidOver' : paid < due && paid > 0n ? 'PaidPartial' : 'None'
    if (paid < due) return
    invoice.status = settled >= due ? 'Settled' : 'Processing'
    tell(`Invoice${invoice.status}`, invoice, { overPaid: paid > due })
  }

  function expire(invoiceId: string) {
    const invoice = invoices.get(invoiceId)
    if (invoice?.status !== 'New') throw new Error(`no open invoice ${invoiceId}`)
    invoice.status = 'Expired'
    tell('InvoiceExpired', invoice, { partiallyPaid: invoice.payments.length > 0 })
  }

  const sum = (coins: readonly Coin[]): bigint => coins.reduce((total, coin) => total + units(coin.value), 0n)
  const units = (text: string): bigint => fromDecimal('BTC', text)?.minor ?? 0n
  const invoiceJson = ({ address: _address, payments, ...invoice }: Invoice) => ({
    ...invoice,
    storeId,
    paidAmount: formatAmount({ asset: 'BTC', minor: sum(payments) }),
    checkoutLink: `${server.origin}/i/${invoice.id}`,
  })
  const railJson = ({ address, amount, currency, payments }: Invoice) => ({
    paymentMethodId: `${currency}-CHAIN`,
    currency,
    destination: address,
    paymentLink: `bitcoin:${address}?amount=${amount}`,
    due: formatAmount({ asset: 'BTC', minor: units(amount) - sum(payments) }),
    amount,
    payments,
  })
  const payoutJson = (payout: Payout) => ({
    ...payout,
    revision: 0,
    payoutMethodId: `${payout.originalCurrency}-CHAIN`,
    ...(payout.pullPaymentId ? {} : { pullPaymentId: undefined }),
  })
  const pullJson = (pull: Pull) => ({ ...pull, archived: false, viewLink: `${server.origin}/pull-payments/${pull.id}` })

  function tell(type: string, { id, metadata }: Invoice, more: Readonly<Record<string, unknown>> = {}) {
    send(type, { invoiceId: id, metadata, ...more })
  }
  function tellPayout(type: string, { id, pullPaymentId, state }: Payout) {
    send(type, { payoutId: id, pullPaymentId, payoutState: state })
  }
  function send(type: string, about: Readonly<Record<string, unknown>>) {
    const originalDeliveryId = newId('Delivery')
    mail.send((attempt) => {
      const deliveryId = attempt === 0 ? originalDeliveryId : newId('Delivery')
      const again = { deliveryId, originalDeliveryId, isRedelivery: attempt > 0 }
      const timestamp = Math.floor(Date.now() / 1_000)
      const body = JSON.stringify({ ...again, webhookId: 'Webhook1', type, timestamp, storeId, ...about })
      return {
        body,
        headers: { 'btcpay-sig': `sha256=${createHmac('sha256', webhookSecret).update(body).digest('hex')}` },
      }
    }, stepMs)
  }

  function record(op: Truth['op'], ourRef: string, theirRef: string, amount: string) {
    truth.push({ op, ourRef, theirRef, amount, currency: 'BTC', state: 'approved' })
  }

  return {
    origin: server.origin,
    connectionConfig: {
      base_url: server.origin,
      store_id: storeId,
      api_key: apiKey,
      webhook_secrets: [webhookSecret],
    },
    truth,
    problems,
    webhooksTo: mail.to,
    pay,
    invoices: () => [...invoices.keys()],
    expire,
    claim,
    async close() {
      mail.stop()
      for (const timer of timers) clearTimeout(timer)
      await server.close()
    },
  }
}

const ok = (json: unknown): Gives => ({ status: 200, json })
const problem = (status: number, code: string): Gives => ({ status, json: { code, message: 'refused by the double' } })
const isOpen = ({ state }: Payout): boolean => state !== 'Completed' && state !== 'Cancelled'

function specCheck() {
  const validate = validator('btcpay/greenfield-merged.json', '3.0')
  const named = (path: string) =>
    path
      .replace(/\/stores\/[^/]+/, '/stores/{storeId}')
      .replace(/\/invoices\/[^/]+/, '/invoices/{invoiceId}')
      .replace(/\/payouts\/[^/]+/, '/payouts/{payoutId}')
      .replace(/\/pull-payments\/[^/]+/, '/pull-payments/{pullPaymentId}')
  const schema = ['content', 'application/json', 'schema'] as const
  return ({ method, url, body }: Got, answer: Gives): string[] => {
    const at = ['paths', named(url.pathname), method.toLowerCase()] as const
    const asked = body === null ? [] : validate(body, ...at, 'requestBody', ...schema)
    const given =
      answer === 'silence' || answer.status !== 200 ? [] : validate(answer.json, ...at, 'responses', '200', ...schema)
    return [...asked, ...given].map((one) => `${method} ${url.pathname}: ${one}`)
  }
}
