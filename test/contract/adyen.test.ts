import { createHmac } from 'node:crypto'
import { adyen } from '../../src/adapters/adyen/index.ts'
import { hostedFields } from '../support/adyen.ts'
import { adapterContract } from './adapter-contract.ts'
import type { AdapterFixtures, Answers, Asked, Signing, ToldFact } from './fixtures.ts'

const API_KEY = 'AQEcanary_api_key_5f1d0c9be2'
const TRANSFERS_KEY = 'AQEcanary_transfers_key_77'
const SECRETS = ['11'.repeat(32), '22'.repeat(32)] as const
const FOREIGN = '33'.repeat(32)
const MERCHANT = 'PaycageTest'

const amountOf = ({ amount }: Pick<Asked, 'amount'>) => ({ currency: amount.asset, value: Number(amount.minor) })
const other = { asset: 'EUR', minor: 99n }

const payment =
  (resultCode: string, change: Readonly<Record<string, unknown>> = {}): Answers =>
  (asked) =>
  () => ({
    status: 200,
    json: { resultCode, pspReference: 'ref_1', merchantReference: asked.attempt, amount: amountOf(asked), ...change },
  })

const transfer =
  (status: string, change: Readonly<Record<string, unknown>> = {}): Answers =>
  (asked) =>
  () => ({
    status: 202,
    json: { id: 'ref_1', status, category: 'bank', reference: asked.attempt, amount: amountOf(asked), ...change },
  })

const modified =
  (status: string, change: Readonly<Record<string, unknown>> = {}): Answers =>
  (asked) =>
  () => ({ status: 201, json: { pspReference: 'ref_1', reference: asked.attempt, status, ...change } })

const error =
  (status: number, errorCode: string): Answers =>
  () =>
  () => ({ status, json: { status, errorCode, message: 'x', errorType: 'validation' } })

const redirect = { type: 'redirect', method: 'GET', url: 'https://checkoutshopper-test.adyen.com/x' }

const paymentCases = {
  approved: { answers: payment('Authorised'), expect: { kind: 'succeeded', reference: 'ref_1' } },
  'approved in part': {
    answers: payment('PartiallyAuthorised', { amount: { currency: 'EUR', value: 700 } }),
    expect: { kind: 'succeeded', amount: { asset: 'EUR', minor: 700n } },
  },
  declined: {
    answers: payment('Refused', { refusalReasonCode: '12', refusalReason: 'Stolen card' }),
    expect: { kind: 'declined', decline: { code: 'insufficient_funds', processorCode: '12' } },
  },
  'declined for a reason out of no document': {
    answers: payment('Refused', { refusalReasonCode: '4711' }),
    expect: { kind: 'declined', decline: { code: 'unmapped', processorCode: '4711' } },
  },
  'an error, which is final': {
    answers: payment('Error'),
    expect: { kind: 'declined', decline: { code: 'issuer_unavailable' } },
  },
  cancelled: { answers: payment('Cancelled'), expect: { kind: 'voided', why: 'cancelled' } },
  pending: { answers: payment('Pending'), expect: { kind: 'pending' } },
  'a page of the bank': {
    answers: payment('RedirectShopper', { action: redirect }),
    expect: { kind: 'requires_action', action: { type: 'three_ds', url: redirect.url, method: 'GET' } },
  },
  "an action that needs Adyen's script": {
    answers: payment('ChallengeShopper', { action: { type: 'threeDS2', token: 'x' } }),
    expect: { kind: 'unknown', reason: 'unmapped' },
  },
  unmapped: { answers: payment('MoonPhase'), expect: { kind: 'unknown', reason: 'unmapped' } },
  'the first request under the key still at work': {
    answers: error(422, '704'),
    expect: { kind: 'unknown', reason: 'duplicate_request' },
  },
} as const

const item = ({ attempt, reference, amount }: ToldFact, change: Readonly<Record<string, unknown>> = {}) => ({
  pspReference: reference,
  merchantAccountCode: MERCHANT,
  merchantReference: attempt,
  amount: amountOf({ amount }),
  eventCode: 'AUTHORISATION',
  eventDate: '2026-11-22T10:00:00+01:00',
  paymentMethod: 'visa',
  reason: '1234',
  success: 'true',
  ...change,
})

function told(fact: ToldFact, { secret }: Signing, change?: Readonly<Record<string, unknown>>) {
  const one = item(fact, change)
  const content = `${one.pspReference}::${one.merchantAccountCode}:${one.merchantReference}:${one.amount.value}:${one.amount.currency}:${one.eventCode}:${one.success}`
  const hmacSignature = createHmac('sha256', Buffer.from(secret, 'hex')).update(content).digest('base64')
  const NotificationRequestItem = { ...one, additionalData: { hmacSignature } }
  return { body: JSON.stringify({ live: 'false', notificationItems: [{ NotificationRequestItem }] }), headers: {} }
}

const receivedOnly = {
  cases: {
    pending: { answers: modified('received'), expect: { kind: 'pending', reference: 'ref_1' } },
    unmapped: { answers: modified('moonPhase'), expect: { kind: 'unknown', reason: 'unmapped' } },
    'an order that Adyen finds wrong': {
      answers: error(422, '167'),
      expect: { kind: 'not_sent', reason: 'vouched_rejection' },
    },
    'the first order under the key still at work': {
      answers: error(422, '704'),
      expect: { kind: 'unknown', reason: 'duplicate_request' },
    },
  },
  good: modified('received'),
  lies: { reference: modified('received', { reference: 'att_other' }) },
} as const

const BALANCE_ACCOUNT = 'BA00000000000000000000001'

/** A webhook of the balance platform: the whole body is signed, in a header. */
const signBanking = (body: string, { secret }: Signing) => ({
  hmacsignature: createHmac('sha256', Buffer.from(secret, 'hex')).update(body).digest('base64'),
})
function banking(fact: ToldFact, signing: Signing, change: Readonly<Record<string, unknown>> = {}) {
  const { attempt, reference } = fact
  const of = { balanceAccount: { id: BALANCE_ACCOUNT }, category: 'bank', direction: 'outgoing', sequenceNumber: 3 }
  const data = { id: reference, status: 'booked', reference: attempt, amount: amountOf(fact), ...of, ...change }
  const body = JSON.stringify({ data, environment: 'test', type: 'balancePlatform.transfer.updated' })
  return { body, headers: signBanking(body, signing) }
}

const fixtures: AdapterFixtures = {
  config: {
    environment: 'test',
    merchant_account: MERCHANT,
    api_key: API_KEY,
    webhook_secrets: [...SECRETS],
    balance_account: BALANCE_ACCOUNT,
    transfers_api_key: TRANSFERS_KEY,
  },
  canaries: [API_KEY, TRANSFERS_KEY, ...SECRETS, FOREIGN],
  assets: ['EUR', 'JPY', 'KWD'],
  amountOnWire: ({ asset, minor }) => `"amount":{"currency":"${asset}","value":${minor}}`,
  charge: {
    ask: { method: { type: 'card', token: hostedFields() } },
    cases: {
      ...paymentCases,
      'a request that Adyen finds wrong': {
        answers: error(422, '14_030'),
        expect: { kind: 'not_sent', reason: 'vouched_rejection', code: 'invalid_request' },
      },
    },
    good: payment('Authorised'),
    lies: {
      amount: payment('Authorised', { amount: { currency: 'EUR', value: Number(other.minor) } }),
      currency: payment('Authorised', { amount: { currency: 'SEK', value: 1250 } }),
      reference: payment('Authorised', { merchantReference: 'att_other' }),
    },
  },
  resume: {
    ask: { params: { redirectResult: 'X6XtfGC3!Y' } },
    cases: {
      ...paymentCases,
      'a return that was taken before': {
        answers: error(422, '14_0002'),
        expect: { kind: 'unknown', reason: 'unmapped' },
      },
    },
  },
  find: { cases: paymentCases },
  refund: receivedOnly,
  capture: receivedOnly,
  cancel: receivedOnly,
  payOut: {
    cases: {
      approved: { answers: transfer('booked'), expect: { kind: 'succeeded', reference: 'ref_1' } },
      declined: {
        answers: transfer('refused', { reason: 'notEnoughBalance' }),
        expect: { kind: 'declined', decline: { code: 'payout_float_insufficient', processorCode: 'notEnoughBalance' } },
      },
      pending: { answers: transfer('authorised'), expect: { kind: 'pending', reference: 'ref_1' } },
      'turned down by the bank after it was booked': {
        answers: transfer('failed', { events: [{ status: 'received' }, { status: 'booked' }] }),
        expect: { kind: 'returned', reference: 'ref_1' },
      },
      returned: { answers: transfer('returned'), expect: { kind: 'returned', reference: 'ref_1' } },
      cancelled: { answers: transfer('cancelled'), expect: { kind: 'voided', why: 'cancelled' } },
      unmapped: { answers: transfer('moonPhase'), expect: { kind: 'unknown', reason: 'unmapped' } },
    },
    good: transfer('booked'),
    lies: {
      amount: transfer('booked', { amount: { currency: 'EUR', value: Number(other.minor) } }),
      currency: transfer('booked', { amount: { currency: 'SEK', value: 1250 } }),
      reference: transfer('booked', { reference: 'att_other' }),
    },
  },
  webhook: {
    secrets: SECRETS,
    foreignSecret: FOREIGN,
    timestamped: false,
    make: (fact, signing) => told(fact, signing),
    expect: ({ attempt, reference, amount }) => ({
      id: `${reference}:AUTHORISATION:true`,
      flow: 'deposit',
      attempt,
      reference,
      outcome: { kind: 'succeeded', reference, amount },
    }),
    // Every signed field; what isn't signed isn't read, see test/adapters/adyen.
    tampered: ({ body, headers }) =>
      Object.fromEntries(
        [
          ['"pspReference":"', '"pspReference":"x'],
          [`"${MERCHANT}"`, '"OtherMerchant"'],
          ['"merchantReference":"', '"merchantReference":"x'],
          ['"value":', '"value":9'],
          ['"EUR"', '"SEK"'],
          ['AUTHORISATION', 'CAPTURE'],
          ['"success":"true"', '"success":"false"'],
          ['"pspReference"', '"originalReference":"x","pspReference"'],
        ].map(([from = '', to = '']) => [from, { headers, body: body.replace(from, to) }]),
      ),
    wrongAccount: (fact, signing) => told(fact, signing, { merchantAccountCode: 'OtherMerchant' }),
    unmapped: (fact, signing) => told(fact, signing, { eventCode: 'MOON_PHASE' }),
  },
  otherWebhooks: {
    'webhooks of the balance platform': {
      secrets: SECRETS,
      foreignSecret: FOREIGN,
      header: 'hmacsignature',
      timestamped: false,
      sign: signBanking,
      make: (fact, signing) => banking(fact, signing),
      expect: ({ attempt, reference, amount }) => ({
        id: `${reference}:3:booked`,
        flow: 'withdrawal',
        attempt,
        reference,
        outcome: { kind: 'succeeded', reference, amount },
      }),
      wrongAccount: (fact, signing) => banking(fact, signing, { balanceAccount: { id: 'BA2' } }),
      unmapped: (fact, signing) => banking(fact, signing, { status: 'moonPhase' }),
    },
  },
  lacks: {
    'refund: approved': 'a refund is only received; its success comes by webhook',
    'capture: approved': 'a capture is only received; its success comes by webhook',
    'cancel: approved': 'a cancel is only received; its success comes by webhook',
    'refund: declined': 'a refund is only received; its refusal comes by webhook',
    'refund: wrong amount': 'a received refund is pending, and says no amount',
    'refund: wrong currency': 'a received refund is pending, and says no currency',
    'find: not_found': 'a payment is found by the same request again, which has an answer or none',
  },
}

adapterContract(adyen, fixtures)
