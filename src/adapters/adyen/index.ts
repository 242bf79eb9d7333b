import { z } from 'zod'
import { timeOfId } from '../../core/ids.ts'
import type { Charge, Find, Io, Modification, Outcome, PayOut, Refund, Resume } from '../contract.ts'
import { defineAdapter, MALFORMED, outcomeOf, REFUSED, unmapped } from '../contract.ts'
import { asciiName, toHex } from '../encoding.ts'
import { path } from '../path.ts'
import { hmac } from '../signature.ts'
import { amountBody, cardBody, MINOR_UNITS, paymentOutcome, transferOutcome } from './map.ts'
import { events } from './webhook.ts'
import { Modified, Payment, ServiceError, Transfer, Transfers } from './wire.ts'

const HmacKey = z.string().regex(/^[0-9a-fA-F]{64}$/)
const Prefix = z.string().regex(/^[A-Za-z0-9-]{1,63}$/)
const Account = z.string().min(1).max(80)
const Url = z.url({ protocol: /^https?$/ })

/** An operator's account at Adyen. `hosts` is for doubles: a live account can't be pointed anywhere else. */
const Config = z
  .strictObject({
    environment: z.enum(['test', 'live']),
    live_prefix: Prefix.optional(),
    merchant_account: Account,
    api_key: z.string().min(1),
    /** HMAC keys of the standard webhooks and of the balance platform's, each with its follower while one is replaced. */
    webhook_secrets: z.array(HmacKey).min(1).max(4),
    /** `immediate`: an authorization takes the money. `manual`: it waits for `capture`. */
    capture: z.enum(['immediate', 'manual']).default('immediate'),
    /** Payouts: the balance account that pays, and the balance platform's own API key. */
    balance_account: Account.optional(),
    transfers_api_key: z.string().min(1).optional(),
    payout_priority: z.enum(['regular', 'fast', 'instant']).default('regular'),
    hosts: z.strictObject({ checkout: Url, transfers: Url }).optional(),
  })
  .refine(({ environment, live_prefix, hosts }) => environment === 'test' || (live_prefix && !hosts), {
    message: 'a live account needs its live_prefix and takes no hosts',
  })
export type AdyenConfig = z.infer<typeof Config>

// A day less than Adyen keeps a key: for clocks, and for the way there.
const REPLAY_WINDOW_MS = 6 * 86_400_000
const DAY_MS = 86_400_000
const CURRENCIES =
  'AED AUD BGN BHD BRL CAD CHF CLP CZK DKK EUR GBP GEL HKD HUF IDR ILS INR ISK JPY KES KRW KWD MXN MYR NOK NZD OMR ' +
  'PEN PHP PLN QAR RON RSD SAR SEK SGD THB TND TRY UAH USD UYU VND ZAR'
const SEPA =
  'AD AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MC MT NL NO PL PT RO SE SI SK SM VA'

/** Adyen: cards by hosted fields or stored method, payouts to IBAN by Transfers. */
export const adyen = defineAdapter<AdyenConfig>({
  facts: {
    id: 'adyen',
    title: 'Adyen',
    source: 'https://github.com/Adyen/adyen-openapi (Checkout v72, Transfers v4, Webhooks v1), read 2026-11-22',
    methods: {
      card: { deposit: true, withdraw: false, refund: true, currencies: CURRENCIES.split(' '), countries: 'all' },
      bank: { deposit: false, withdraw: true, refund: false, currencies: ['EUR'], countries: SEPA.split(' ') },
    },
    idempotency: { by: 'header', header: 'idempotency-key', windowHours: 168 },
    // A payment can't be read by any name: the same key again is the only way to hear its answer once more.
    unknownResolvedBy: 'replay',
    unknownResolvedByFlow: { withdrawal: 'find' },
    // No document says when a transfer that isn't listed can't appear any more.
    notFoundIsFinalAfterMs: null,
    vouchedRejections: { 400: 'invalid_request', 401: 'invalid_credentials', 403: 'merchant_inactive' },
    timeoutMs: 30_000,
    minorUnitOverrides: MINOR_UNITS,
  },
  config: Config,
  hosts: ({ environment, live_prefix: prefix, hosts }) => {
    const balance = `https://balanceplatform-api-${environment}.adyen.com/btl/v4`
    if (environment === 'test') return hosts ?? { checkout: 'https://checkout-test.adyen.com/v72', transfers: balance }
    return { checkout: `https://${prefix}-checkout-live.adyenpayments.com/checkout/v72`, transfers: balance }
  },
  headers: ({ api_key }) => ({ 'x-api-key': api_key }),
  webhookSecrets: ({ webhook_secrets }) => webhook_secrets,
  charge,
  resume,
  find,
  capture: (modification, io, config) => modify('captures', modification, io, config),
  cancel: (modification, io, config) =>
    modify(config.capture === 'manual' ? 'cancels' : 'reversals', modification, io, config),
  refund,
  payOut,
  events,
})

/** A validation error proves that nothing happened, but for 704: the first request under this key is still at work. */
function refusedBy(error: { errorCode: string }, status: number): Outcome {
  if (status < 400) return MALFORMED
  return error.errorCode === '704' ? { kind: 'unknown', reason: 'duplicate_request' } : REFUSED
}

const atTransfers = ({ transfers_api_key: key }: AdyenConfig) => ({
  host: 'transfers',
  ...(key && { headers: { 'x-api-key': key } }),
})

async function charge(request: Charge, { send }: Io, config: AdyenConfig): Promise<Outcome> {
  const { attempt, amount: asked, method, player, returnUrl, client, stepUp, save } = request
  const paymentMethod = method.type === 'card' ? cardBody(method.token) : undefined
  const amount = amountBody(asked)
  if (!paymentMethod) return { kind: 'declined', decline: { code: 'token_invalid_or_expired' } }
  if (!amount) return REFUSED
  const stored = 'storedPaymentMethodId' in paymentMethod
  const onPage = { threeDSRequestData: { nativeThreeDS: 'disabled' } }
  const authenticationData = { ...onPage, ...(stepUp && { attemptAuthentication: 'always' }) }
  const json = {
    ...{ amount, merchantAccount: config.merchant_account, reference: attempt, paymentMethod, returnUrl },
    channel: 'Web',
    // Adyen wants three characters at least.
    shopperReference: player.id.padStart(3, '_'),
    shopperInteraction: stored ? 'ContAuth' : 'Ecommerce',
    ...((stored || save) && { recurringProcessingModel: 'CardOnFile' }),
    ...(save && { storePaymentMethod: true }),
    // On Adyen's own page and by GET: nothing of the card passes through the operator's.
    ...{ authenticationData, redirectToIssuerMethod: 'GET', redirectFromIssuerMethod: 'GET' },
    ...(config.capture === 'immediate' && { captureDelayHours: 0 }),
    // Our own code for a country that the operator hasn't told.
    ...(player.country !== 'ZZ' && { countryCode: player.country }),
    ...(player.email && { shopperEmail: player.email }),
    ...(client?.ip && { shopperIP: client.ip }),
  }
  const sent = await send(Payment.or(ServiceError), { method: 'POST', path: '/payments', attempt, json })
  return outcomeOf(sent, (body, status) =>
    'errorCode' in body ? refusedBy(body, status) : paymentOutcome(body, request, config.capture === 'manual'),
  )
}

/** What Adyen's pages hand back, of `PaymentCompletionDetails`. */
const RETURNED = ['redirectResult', 'MD', 'PaRes', 'payload', 'threeDSResult']

async function resume({ attempt, amount, params }: Resume, { send }: Io, config: AdyenConfig): Promise<Outcome> {
  const details = Object.fromEntries(RETURNED.flatMap((name) => (params[name] ? [[name, params[name]]] : [])))
  // Each return is a write of its own, and a return that comes twice is one.
  const suffix = toHex(hmac('sha256', 'adyen-details', JSON.stringify(details))).slice(0, 32)
  const key = `${attempt}-${suffix}`
  const request = { method: 'POST', path: '/payments/details', attempt: key, json: { details } } as const
  return outcomeOf(await send(Payment.or(ServiceError), request), (body) => {
    if (!('errorCode' in body)) return paymentOutcome(body, { attempt, amount }, config.capture === 'manual')
    // A return that Adyen won't take now may have been taken before.
    return { kind: 'unknown', reason: body.errorCode === '704' ? 'duplicate_request' : 'unmapped' }
  })
}

async function find({ attempt, flow, original }: Find, io: Io, config: AdyenConfig): Promise<Outcome> {
  if (flow === 'withdrawal') return findTransfer(attempt, io, config)
  const bornMs = timeOfId('attempt', attempt)
  // Past the window the same key would take the money a second time.
  const replayable = bornMs !== undefined && io.nowMs - bornMs < REPLAY_WINDOW_MS
  if (replayable && original && 'method' in original) return charge(original, io, config)
  if (replayable && original && 'original' in original) return refund(original, io, config)
  return unmapped()
}

async function findTransfer(attempt: string, { send, nowMs }: Io, config: AdyenConfig): Promise<Outcome> {
  const query = new URLSearchParams({
    balanceAccountId: config.balance_account ?? '',
    reference: attempt,
    // Adyen wants a range, of six months at most.
    createdSince: new Date(nowMs - 150 * DAY_MS).toISOString(),
    createdUntil: new Date(nowMs + DAY_MS).toISOString(),
  })
  const request = { method: 'GET', path: `/transfers?${query}`, ...atTransfers(config) } as const
  return outcomeOf(await send(Transfers, request), ({ data = [] }) => {
    const [transfer, second] = data.filter((one) => one.reference === attempt && one.direction !== 'incoming')
    if (second) return { kind: 'unknown', reason: 'duplicate_request' }
    return transfer ? transferOutcome(transfer) : { kind: 'not_found' }
  })
}

function refund({ attempt, payment, amount, original }: Refund, io: Io, config: AdyenConfig): Promise<Outcome> {
  return modify('refunds', { attempt, payment, amount, reference: original.reference }, io, config)
}

/** Captures, cancels, refunds and reversals are only received here; what became of them comes by webhook. */
async function modify(
  what: 'captures' | 'cancels' | 'refunds' | 'reversals',
  { attempt, amount: asked, reference }: Modification,
  { send }: Io,
  { merchant_account: merchantAccount }: AdyenConfig,
): Promise<Outcome> {
  const amount = amountBody(asked)
  if (!amount) return REFUSED
  const hasAmount = what === 'captures' || what === 'refunds'
  const json = { merchantAccount, reference: attempt, ...(hasAmount && { amount }) }
  // A refund is an attempt of its own; the others write beside the payment's own key.
  const key = what === 'refunds' ? attempt : `${attempt}-${what}`
  const request = { method: 'POST', path: path`/payments/${reference}/` + what, attempt: key, json } as const
  return outcomeOf(await send(Modified.or(ServiceError), request), (body, status) => {
    if ('errorCode' in body) return refusedBy(body, status)
    if ((body.reference ?? attempt) !== attempt) return MALFORMED
    // A capture or cancel changes the payment, which keeps its name; a refund has one of its own.
    const name = what === 'refunds' ? body.pspReference : reference
    return body.status === 'received' ? { kind: 'pending', reference: name } : unmapped(name)
  })
}

async function payOut(request: PayOut, { send }: Io, config: AdyenConfig): Promise<Outcome> {
  const { attempt, payment: description, destination, player } = request
  const amount = amountBody(request.amount)
  const { balance_account: balanceAccountId, payout_priority: priority } = config
  if (!amount || destination.type !== 'bank' || !balanceAccountId) return REFUSED
  const fullName = asciiName(destination.name)
  if (!fullName) return { kind: 'declined', decline: { code: 'payout_beneficiary_invalid' } }
  const bankAccount = {
    accountHolder: { fullName, reference: player.id, type: 'individual' },
    accountIdentification: { type: 'iban', iban: destination.iban },
  }
  const bank = { category: 'bank', counterparty: { bankAccount }, priority }
  const json = { amount, balanceAccountId, ...bank, reference: attempt, description }
  const post = { method: 'POST', path: '/transfers', attempt, json, ...atTransfers(config) } as const
  return outcomeOf(await send(Transfer.or(ServiceError), post), (body, status) => {
    if ('errorCode' in body) return refusedBy(body, status)
    return (body.reference ?? attempt) === attempt ? transferOutcome(body) : MALFORMED
  })
}
