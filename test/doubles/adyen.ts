import { createHmac } from 'node:crypto'
import { SPECS, type Validator, validator } from '../oracles/specs.ts'
import { type Double, type Gives, type Got, membersOf, postman, serve, type Truth } from './server.ts'

/** How a double of Adyen is started. */
export type AdyenDoubleOptions = {
  readonly port?: number
  readonly apiKey?: string
  readonly hmacKey?: string
  readonly merchantAccount?: string
  readonly balanceAccount?: string
  /** How long after its answer a webhook is sent. */
  readonly webhookAfterMs?: number
}

type Amount = { readonly currency: string; readonly value: number }
type Payment = {
  readonly reference: string
  readonly amount: Amount
  readonly returnUrl: string
  refunded: number
  taken: boolean
}
type Transfer = {
  readonly id: string
  readonly reference: string
  readonly amount: Amount
  status: string
  reason: string
  sequence: number
}

const CHECKOUT = '/checkout/v72'
const TRANSFERS = '/btl/v4'
/** What the last two digits of an amount make of a payment, as in the sandbox; any other is taken. */
const REFUSALS: Readonly<Record<number, string>> = { 5: '2', 41: '5', 51: '12', 91: '9' }

/**
 * A double of Adyen: Checkout v72 and Transfers v4 under one origin, with its idempotency (one answer per key, whatever
 * the request; 704 while the first is at work), modifications that are only received, signed webhooks, and a page of the
 * bank. Requests and answers are held against the official specification where it is present. `.03` asks for the bank's
 * page, `.68` takes the money and never answers, `.99` is pending until its webhook, `.44` is charged back as soon as it was taken; a payout of `.52` has no cover.
 */
export async function startAdyen(options: AdyenDoubleOptions = {}): Promise<Double> {
  const { apiKey = 'AQEdouble_key_0123456789', hmacKey = '5a'.repeat(32), webhookAfterMs = 20 } = options
  const { merchantAccount = 'PaycageDouble', balanceAccount = 'BA00000000000000000000001' } = options
  const payments = new Map<string, Payment>()
  const transfers = new Map<string, Transfer>()
  const answers = new Map<string, Gives | 'at work'>()
  const truth: Truth[] = []
  const problems: string[] = []
  const mail = postman()
  const check = SPECS === undefined ? undefined : specChecks()
  let count = 0
  const newReference = () => {
    count += 1
    return `DBL${String(count).padStart(13, '0')}`
  }

  const server = await serve(
    async (got) => {
      if (got.method === 'GET' && got.url.pathname.startsWith('/bank/')) return bankPage(got)
      if (got.headers['x-api-key'] !== apiKey) return error(401, '000', 'security')
      const key = got.method === 'GET' ? undefined : got.headers['idempotency-key']
      if (key === undefined) return route(got)
      const before = answers.get(key)
      if (before === 'at work') return error(422, '704', 'validation')
      if (before !== undefined) return before === 'silence' ? error(500, '905', 'internal') : before
      answers.set(key, 'at work')
      const answer = await route(got)
      answers.set(key, answer === 'silence' ? lost(got) : answer)
      return answer
    },
    { port: options.port, mail },
  )

  function route(got: Got): Gives {
    const { pathname } = got.url
    const path = pathname.replace(CHECKOUT, '').replace(TRANSFERS, '')
    const isTransfer = pathname.startsWith(TRANSFERS)
    problems.push(...(check?.request(isTransfer, got.method, path, got.body) ?? []))
    const body = membersOf(got.body)
    if (!isTransfer && path !== '/payments/details' && body.merchantAccount !== merchantAccount)
      return error(403, '901', 'security')
    const answer = isTransfer ? transfer(got, body) : checkout(path, body)
    if (answer !== 'silence') problems.push(...(check?.answer(isTransfer, got.method, path, answer) ?? []))
    return answer
  }

  function checkout(path: string, body: Readonly<Record<string, unknown>>): Gives {
    if (path === '/payments') return pay(body)
    if (path === '/payments/details') return details(body)
    const [, reference = '', what = ''] = /^\/payments\/([^/]+)\/(captures|cancels|refunds|reversals)$/.exec(path) ?? []
    const payment = payments.get(reference)
    if (!payment) return error(422, '167', 'validation')
    return modify(what, reference, payment, body)
  }

  function pay(body: Readonly<Record<string, unknown>>): Gives {
    const amount = amountOf(body.amount)
    const card = membersOf(body.paymentMethod)
    if (card.number !== undefined || card.cvc !== undefined) problems.push('a raw card came')
    const pspReference = newReference()
    const merchantReference = String(body.reference)
    const payment: Payment = {
      reference: merchantReference,
      amount,
      returnUrl: String(body.returnUrl),
      refunded: 0,
      taken: false,
    }
    payments.set(pspReference, payment)
    const cents = amount.value % 100
    if (cents === 3) {
      const action = {
        type: 'redirect',
        paymentMethodType: 'scheme',
        method: 'GET',
        url: `${server.origin}/bank/${pspReference}`,
      }
      return { status: 200, json: { resultCode: 'RedirectShopper', pspReference, merchantReference, action } }
    }
    if (cents === 99) {
      settle(pspReference, payment, true)
      return { status: 200, json: { resultCode: 'Pending', pspReference, merchantReference } }
    }
    const refusalReasonCode = REFUSALS[cents]
    settle(pspReference, payment, refusalReasonCode === undefined)
    if (refusalReasonCode !== undefined) {
      const refused = { resultCode: 'Refused', refusalReason: 'Refused', refusalReasonCode }
      return { status: 200, json: { ...refused, pspReference, merchantReference } }
    }
    if (cents === 68) return 'silence'
    return authorised(pspReference, payment, body.storePaymentMethod === true)
  }

  /** What a lost answer would have said: the same key hears it. */
  function lost(got: Got): Gives {
    const found = [...payments].find(([, payment]) => payment.reference === membersOf(got.body).reference)
    return found ? authorised(found[0], found[1], false) : error(500, '905', 'internal')
  }

  function authorised(pspReference: string, { amount, reference }: Payment, saved: boolean): Gives {
    const additionalData = {
      cardSummary: '1111',
      paymentMethod: 'visa',
      expiryDate: '3/2030',
      cardIssuingCountry: 'FI',
      fundingSource: 'DEBIT',
      alias: 'H123456789012345',
      ...(saved && { 'tokenization.storedPaymentMethodId': 'M5N7TQ4TG5PFWR50' }),
    }
    return {
      status: 200,
      json: { resultCode: 'Authorised', pspReference, merchantReference: reference, amount, additionalData },
    }
  }

  function details(body: Readonly<Record<string, unknown>>): Gives {
    const { redirectResult } = membersOf(body.details)
    const reference = String(redirectResult).replace(/^result_/, '')
    const payment = payments.get(reference)
    if (!payment || payment.taken) return error(422, '14_0408', 'validation')
    settle(reference, payment, true)
    return authorised(reference, payment, false)
  }

  function settle(pspReference: string, payment: Payment, success: boolean) {
    payment.taken = success
    record('charge', payment.reference, pspReference, payment.amount, success ? 'approved' : 'declined')
    notify({
      eventCode: 'AUTHORISATION',
      pspReference,
      merchantReference: payment.reference,
      amount: payment.amount,
      success,
    })
    if (payment.amount.value % 100 !== 44) return
    const event = { originalReference: pspReference, merchantReference: payment.reference, amount: payment.amount }
    notify({ ...event, pspReference: newReference(), eventCode: 'CHARGEBACK', success: true })
  }

  function modify(
    what: string,
    paymentPspReference: string,
    payment: Payment,
    body: Readonly<Record<string, unknown>>,
  ): Gives {
    const pspReference = newReference()
    const reference = String(body.reference)
    const amount = body.amount === undefined ? payment.amount : amountOf(body.amount)
    const event = { pspReference, originalReference: paymentPspReference, merchantReference: reference, amount }
    if (what === 'refunds') {
      const success = payment.taken && payment.refunded + amount.value <= payment.amount.value
      if (success) payment.refunded += amount.value
      record('refund', reference, pspReference, amount, success ? 'approved' : 'declined')
      notify({ ...event, eventCode: 'REFUND', success })
    } else {
      const codes: Readonly<Record<string, string>> = { captures: 'CAPTURE', cancels: 'CANCELLATION' }
      notify({ ...event, eventCode: codes[what] ?? 'CANCEL_OR_REFUND', success: true })
    }
    const withAmount = body.amount === undefined ? {} : { amount }
    return {
      status: 201,
      json: { merchantAccount, paymentPspReference, pspReference, reference, status: 'received', ...withAmount },
    }
  }

  function transfer(got: Got, body: Readonly<Record<string, unknown>>): Gives {
    if (got.method === 'GET') {
      const reference = got.url.searchParams.get('reference')
      const data = [...transfers.values()].filter((one) => one.reference === reference).map(transferJson)
      return { status: 200, json: { data } }
    }
    const one: Transfer = {
      id: newReference(),
      reference: String(body.reference),
      amount: amountOf(body.amount),
      status: 'received',
      reason: 'pending',
      sequence: 1,
    }
    transfers.set(one.id, one)
    const covered = one.amount.value % 100 !== 52
    record('payout', one.reference, one.id, one.amount, covered ? 'approved' : 'declined')
    const steps = covered ? ['authorised', 'booked'] : ['refused']
    const answer = { status: 202, json: transferJson(one) }
    for (const [index, status] of steps.entries()) {
      mail.send(
        () => {
          Object.assign(one, { status, reason: covered ? 'approved' : 'notEnoughBalance', sequence: index + 2 })
          return banking(one)
        },
        webhookAfterMs * (index + 1),
      )
    }
    return one.amount.value % 100 === 68 ? 'silence' : answer
  }

  const transferJson = ({ id, reference, amount, status, reason }: Transfer) => ({
    id,
    amount,
    balanceAccount: { id: balanceAccount },
    category: 'bank',
    counterparty: {
      bankAccount: { accountHolder: {}, accountIdentification: { type: 'iban', iban: 'NL91ABNA0417164300' } },
    },
    direction: 'outgoing',
    reason,
    reference,
    status,
  })

  function banking(one: Transfer) {
    const data = { ...transferJson(one), sequenceNumber: one.sequence }
    const body = JSON.stringify({ data, environment: 'test', type: 'balancePlatform.transfer.updated' })
    return { body, headers: { hmacsignature: sign(body), protocol: 'HmacSHA256' } }
  }

  const sign = (text: string) => createHmac('sha256', Buffer.from(hmacKey, 'hex')).update(text).digest('base64')

  function notify(event: {
    eventCode: string
    pspReference: string
    originalReference?: string
    merchantReference: string
    amount: Amount
    success: boolean
  }) {
    const { eventCode, pspReference, originalReference = '', merchantReference, amount } = event
    const success = String(event.success)
    const signed = [pspReference, originalReference, merchantAccount, merchantReference, amount.value, amount.currency]
    const hmacSignature = sign([...signed, eventCode, success].join(':'))
    const NotificationRequestItem = {
      additionalData: { hmacSignature },
      amount,
      eventCode,
      eventDate: new Date().toISOString(),
      merchantAccountCode: merchantAccount,
      merchantReference,
      ...(originalReference && { originalReference }),
      paymentMethod: 'visa',
      pspReference,
      reason: '',
      success,
    }
    const body = JSON.stringify({ live: 'false', notificationItems: [{ NotificationRequestItem }] })
    mail.send(() => ({ body, headers: {} }), webhookAfterMs)
  }

  function bankPage({ url }: Got): Gives {
    const reference = url.pathname.slice('/bank/'.length)
    const payment = payments.get(reference)
    if (!payment) return { status: 404 }
    const back = new URL(payment.returnUrl)
    back.searchParams.set('redirectResult', `result_${reference}`)
    return { status: 303, headers: { location: back.href } }
  }

  function record(op: Truth['op'], ourRef: string, theirRef: string, amount: Amount, state: Truth['state']) {
    truth.push({ op, ourRef, theirRef, amount: String(amount.value), currency: amount.currency, state })
  }

  return {
    origin: server.origin,
    connectionConfig: {
      environment: { checkout: server.origin + CHECKOUT, transfers: server.origin + TRANSFERS },
      merchant_account: merchantAccount,
      api_key: apiKey,
      webhook_secrets: [hmacKey],
      balance_account: balanceAccount,
    },
    truth,
    problems,
    webhooksTo: mail.to,
    async close() {
      mail.stop()
      await server.close()
    },
  }
}

const amountOf = (value: unknown): Amount => {
  const { currency, value: minor } = membersOf(value)
  return { currency: String(currency), value: Number(minor) }
}

const error = (status: number, errorCode: string, errorType: string): Gives => ({
  status,
  json: { status, errorCode, errorType, message: 'refused by the double' },
})

function specChecks() {
  const of: Readonly<Record<string, Validator>> = {
    checkout: validator('adyen/CheckoutService-v72.json', '3.1'),
    transfers: validator('adyen/TransferService-v4.json', '3.1'),
  }
  const named = (path: string) => path.replace(/^\/payments\/[^/]+\/(?=\w+s$)/, '/payments/{paymentPspReference}/')
  const judge = (isTransfer: boolean, value: unknown, pointer: readonly string[]): string[] =>
    (of[isTransfer ? 'transfers' : 'checkout']?.(value, ...pointer) ?? []).map((one) => `${pointer[1]}: ${one}`)
  return {
    request: (isTransfer: boolean, method: string, path: string, body: unknown) =>
      method === 'GET'
        ? []
        : judge(isTransfer, body, [
            'paths',
            named(path),
            'post',
            'requestBody',
            'content',
            'application/json',
            'schema',
          ]),
    answer: (isTransfer: boolean, method: string, path: string, { status, json }: Exclude<Gives, 'silence'>) =>
      judge(isTransfer, json, [
        'paths',
        named(path),
        method.toLowerCase(),
        'responses',
        String(status),
        'content',
        'application/json',
        'schema',
      ]),
  }
}
