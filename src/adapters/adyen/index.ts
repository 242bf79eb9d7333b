import { z } from 'zod'
import type { Charge, Find, Line, Modification, Outcome, PayOut, Resume } from '../contract.ts'
import { defineAdapter, refusalBy } from '../define.ts'
import { asciiName, toHex } from '../encoding.ts'
import { MALFORMED, NO_TOKEN, REFUSED, TWICE, theOnly, unmapped } from '../outcomes.ts'
import { path } from '../path.ts'
import { SEPA } from '../regions.ts'
import { environment } from '../settings.ts'
import { hmac } from '../signature.ts'
import { amountBody, cardBody, MINOR_UNITS, paymentOutcome, transferOutcome } from './map.ts'
import { events } from './webhook.ts'
import { Modified, Payment, ServiceError, Transfer, Transfers } from './wire.ts'

const HmacKey = z.string().regex(/^[0-9a-fA-F]{64}$/)
const Prefix = z.string().regex(/^[A-Za-z0-9-]{1,63}$/)
const Code = z.string().min(1).max(80)

/** An operator's account at Adyen. */
const Config = z
  .strictObject({
    environment: environment('checkout', 'transfers'),
    live_prefix: Prefix.optional(),
    merchant_account: Code,
    api_key: z.string().min(1),
    /** HMAC keys of the standard webhooks and of the balance platform's, each with its follower while one is replaced. */
    webhook_secrets: z.array(HmacKey).min(1).max(4),
    /** `immediate`: an authorization takes the money. `manual`: it waits for `capture`. */
    capture: z.enum(['immediate', 'manual']).default('immediate'),
    /** Payouts: the balance account that pays, and the balance platform's own API key. */
    balance_account: Code.optional(),
    transfers_api_key: z.string().min(1).optional(),
    payout_priority: z.enum(['regular', 'fast', 'instant']).default('regular'),
  })
  .refine(({ environment, live_prefix }) => environment !== 'live' || live_prefix, 'live needs its live_prefix')
export type AdyenConfig = z.infer<typeof Config>

const DAY_MS = 86_400_000
const CURRENCIES =
  'AED AUD BGN BHD BRL CAD CHF CLP CZK DKK EUR GBP GEL HKD HUF IDR ILS INR ISK JPY KES KRW KWD MXN MYR NOK NZD OMR ' +
  'PEN PHP PLN QAR RON RSD SAR SEK SGD THB TND TRY UAH USD UYU VND ZAR'

/** Adyen: cards by hosted fields or stored method, payouts to IBAN by Transfers. */
export const adyen = defineAdapter<AdyenConfig>({
  facts: {
    id: 'adyen',
    title: 'Adyen',
    source: 'https://github.com/Adyen/adyen-openapi (Checkout v72, Transfers v4, Webhooks v1), read 2026-11-22',
    methods: {
      card: { deposit: true, withdraw: false, refund: true, currencies: CURRENCIES.split(' '), countries: 'all' },
      bank: { deposit: false, withdraw: true, refund: false, currencies: ['EUR'], countries: SEPA },
    },
    idempotency: { by: 'header', header: 'idempotency-key', windowHours: 168 },
    // A payment can't be read by any name: the same key again is the only way to hear its answer once more.
    unknownResolvedBy: 'replay',
    unknownResolvedByFlow: { withdrawal: 'find' },
    // No document says when a transfer that isn't listed can't appear any more.
    notFoundIsFinalAfterMs: null,
    vouchedRejections: { 400: 'invalid_request', 401: 'invalid_credentials', 403: 'merchant_inactive' },
    timeoutMs: 30_000,
    minorUnits: MINOR_UNITS,
  },
  config: Config,
  hosts: ({ environment, live_prefix: prefix }) => {
    if (typeof environment === 'object') return environment
    const transfers = `https://balanceplatform-api-${environment}.adyen.com/btl/v4`
    if (environment === 'test') return { checkout: 'https://checkout-test.adyen.com/v72', transfers }
    return { checkout: `https://${prefix}-checkout-live.adyenpayments.com/checkout/v72`, transfers }
  },
  headers: ({ api_key: key, transfers_api_key: own = key }, to) => ({ 'x-api-key': to === 'transfers' ? own : key }),
  // A validation error proves that nothing happened, but for 704: the first request under this key is still at work.
  refusal: refusalBy(ServiceError, ({ errorCode }) => (errorCode === '704' ? TWICE : REFUSED)),
  charge,
  resume,
  find,
  capture: (capture, line) => modify('captures', capture, line),
  cancel: (cancel, line) => modify(line.config.capture === 'manual' ? 'cancels' : 'reversals', cancel, line),
  refund: (refund, line) => modify('refunds', { ...refund, reference: refund.original.reference }, line),
  payOut,
  events,
})

type Account = Line<AdyenConfig>

async function charge(request: Charge, { ask, config }: Account): Promise<Outcome> {
  const { attempt, amount, method, player, returnUrl, client, stepUp, save } = request
  const paymentMethod = method.type === 'card' ? cardBody(method.token) : undefined
  if (!paymentMethod) return NO_TOKEN
  const stored = 'storedPaymentMethodId' in paymentMethod
  const onPage = { threeDSRequestData: { nativeThreeDS: 'disabled' } }
  const json = {
    ...{ merchantAccount: config.merchant_account, reference: attempt, amount: amountBody(amount) },
    ...{ paymentMethod, returnUrl, channel: 'Web' },
    // Adyen wants three characters at least.
    shopperReference: player.id.padStart(3, '_'),
    shopperInteraction: stored ? 'ContAuth' : 'Ecommerce',
    ...((stored || save) && { recurringProcessingModel: 'CardOnFile' }),
    ...(save && { storePaymentMethod: true }),
    // On Adyen's own page and by GET: nothing of the card passes through the operator's.
    authenticationData: { ...onPage, ...(stepUp && { attemptAuthentication: 'always' }) },
    ...{ redirectToIssuerMethod: 'GET', redirectFromIssuerMethod: 'GET' },
    ...(config.capture === 'immediate' && { captureDelayHours: 0 }),
    // Our own code for a country that the operator hasn't told.
    ...(player.country !== 'ZZ' && { countryCode: player.country }),
    ...(player.email && { shopperEmail: player.email }),
    ...(client?.ip && { shopperIP: client.ip }),
  }
  return ask(Payment, { path: '/payments', attempt, json }, (payment) => paymentOutcome(payment, request, config))
}

/** What Adyen's pages hand back, of `PaymentCompletionDetails`. */
const RETURNED = ['redirectResult', 'MD', 'PaRes', 'payload', 'threeDSResult']

async function resume(request: Resume, { ask, config }: Account): Promise<Outcome> {
  const { attempt, params } = request
  const details = Object.fromEntries(RETURNED.flatMap((name) => (params[name] ? [[name, params[name]]] : [])))
  // Each return is a write of its own, and a return that comes twice is one.
  const suffix = toHex(hmac('sha256', 'adyen-details', JSON.stringify(details))).slice(0, 32)
  const post = { path: '/payments/details', attempt: `${attempt}-${suffix}`, json: { details } }
  return ask(Payment, post, (payment) => paymentOutcome(payment, request, config))
}

/** A payment can't be read by any name, see the facts; a transfer can. */
async function find({ attempt }: Find, { ask, nowMs, config }: Account): Promise<Outcome> {
  const query = new URLSearchParams({
    balanceAccountId: config.balance_account ?? '',
    reference: attempt,
    // Adyen wants a range, of six months at most.
    createdSince: new Date(nowMs - 150 * DAY_MS).toISOString(),
    createdUntil: new Date(nowMs + DAY_MS).toISOString(),
  })
  return ask(Transfers, { path: `/transfers?${query}`, host: 'transfers' }, ({ data = [] }) =>
    theOnly(
      data.filter((one) => one.reference === attempt && one.direction !== 'incoming'),
      transferOutcome,
    ),
  )
}

/** Captures, cancels, refunds and reversals are only received here; what became of them comes by webhook. */
async function modify(
  what: 'captures' | 'cancels' | 'refunds' | 'reversals',
  { attempt, amount, reference }: Modification,
  { ask, config }: Account,
): Promise<Outcome> {
  const hasAmount = what === 'captures' || what === 'refunds'
  const order = { merchantAccount: config.merchant_account, reference: attempt }
  const json = { ...order, ...(hasAmount && { amount: amountBody(amount) }) }
  // A refund is an attempt of its own; the others write beside the payment's own key.
  const key = what === 'refunds' ? attempt : `${attempt}-${what}`
  return ask(Modified, { path: path`/payments/${reference}/${what}`, attempt: key, json }, (body) => {
    if ((body.reference ?? attempt) !== attempt) return MALFORMED
    // A capture or cancel changes the payment, which keeps its name; a refund has one of its own.
    const name = what === 'refunds' ? body.pspReference : reference
    return body.status === 'received' ? { kind: 'pending', reference: name } : unmapped(name)
  })
}

async function payOut({ attempt, amount, ...request }: PayOut, { ask, config }: Account): Promise<Outcome> {
  const { destination, player, payment: description } = request
  const { balance_account: balanceAccountId, payout_priority: priority } = config
  if (destination.type !== 'bank' || !balanceAccountId) return REFUSED
  const fullName = asciiName(destination.name)
  if (!fullName) return { kind: 'declined', decline: { code: 'payout_beneficiary_invalid' } }
  const bankAccount = {
    accountHolder: { fullName, reference: player.id, type: 'individual' },
    accountIdentification: { type: 'iban', iban: destination.iban },
  }
  const bank = { category: 'bank', counterparty: { bankAccount }, priority }
  const json = { amount: amountBody(amount), balanceAccountId, ...bank, reference: attempt, description }
  return ask(Transfer, { path: '/transfers', host: 'transfers', attempt, json }, (transfer) =>
    (transfer.reference ?? attempt) === attempt ? transferOutcome(transfer) : MALFORMED,
  )
}
