import { describe, expect, it } from 'vitest'
import { adyen } from '../../src/adapters/adyen/index.ts'
import { paymentOutcome } from '../../src/adapters/adyen/map.ts'
import type { Io, Outcome, ProcessorEvent, Sent } from '../../src/adapters/contract.ts'
import { ADYEN_CONFIG, hostedFields, ORIGINAL, REFERENCE as PSP, signedItem } from '../support/adyen.ts'

const [KEY] = ADYEN_CONFIG.webhook_secrets
/** What a signed item of this kind comes to. */
async function heard(
  change: Readonly<Record<string, unknown>>,
  config: object = {},
): Promise<readonly ProcessorEvent[]> {
  const body = Buffer.from(JSON.stringify({ notificationItems: [{ NotificationRequestItem: signedItem(change) }] }))
  const connected = adyen.connect({ ...ADYEN_CONFIG, ...config })
  const events = await connected.events({ body, headers: {}, secrets: [KEY], nowMs: 0 })
  if (events.kind === 'refused') throw new Error(events.why)
  return events.events
}

const amount = { asset: 'EUR', minor: 1_000n }

describe('a signed webhook of Adyen', () => {
  it.each([
    ['CAPTURE', 'deposit', { kind: 'succeeded', reference: ORIGINAL, amount }],
    ['CAPTURE_FAILED', 'deposit', { kind: 'returned', reference: ORIGINAL, amount }],
    ['CANCELLATION', 'deposit', { kind: 'voided', reference: ORIGINAL, why: 'cancelled' }],
    ['EXPIRE', 'deposit', { kind: 'voided', reference: ORIGINAL, why: 'expired' }],
    ['REFUND', 'refund', { kind: 'succeeded', reference: PSP, amount }],
    ['REFUND_FAILED', 'refund', { kind: 'returned', reference: PSP, amount }],
    ['REFUNDED_REVERSED', 'refund', { kind: 'returned', reference: PSP, amount }],
    ['CANCEL_OR_REFUND', 'deposit', { kind: 'unknown', reason: 'unmapped', reference: ORIGINAL }],
    ['PAYOUT_DECLINE', 'deposit', { kind: 'unknown', reason: 'unmapped', reference: ORIGINAL }],
  ])('of %s tells a %s: %o', async (eventCode, flow, outcome) => {
    expect(await heard({ eventCode })).toEqual([
      {
        id: `${PSP}:${eventCode}:true`,
        flow,
        reference: flow === 'refund' ? PSP : ORIGINAL,
        attempt: 'att_1',
        outcome,
      },
    ])
  })

  it.each([
    ['REFUND', { kind: 'declined', reference: PSP, decline: { code: 'generic_decline' } }],
    ['AUTHORISATION', { kind: 'declined', reference: ORIGINAL, decline: { code: 'generic_decline' } }],
    // The payment is as it was before: nothing is known that wasn't.
    ['CAPTURE', { kind: 'unknown', reason: 'unmapped', reference: ORIGINAL }],
    ['CANCELLATION', { kind: 'unknown', reason: 'unmapped', reference: ORIGINAL }],
    ['REFUND_FAILED', { kind: 'unknown', reason: 'unmapped', reference: PSP }],
  ])('of a failed %s comes to %o', async (eventCode, outcome) => {
    const [event] = await heard({ eventCode, success: 'false' })
    expect(event?.outcome).toEqual(outcome)
  })
})

describe('a look-up of a transfer', () => {
  const transfer = { id: 'tr_1', status: 'booked', reference: 'att_1', amount: { currency: 'EUR', value: 1_000 } }
  async function lookedUp(sent: Sent<unknown>): Promise<Outcome | undefined> {
    const send: Io['send'] = async (schema) =>
      sent.kind === 'answer' ? { ...sent, body: schema.parse(sent.body) } : sent
    const asked = { attempt: 'att_1', flow: 'withdrawal', amount } as const
    return adyen.connect(ADYEN_CONFIG).find?.(asked, { send, nowMs: Date.now() })
  }
  const listed = (...data: readonly object[]) => lookedUp({ kind: 'answer', status: 200, body: { data } })

  it('finds the one that is ours and goes out', async () => {
    const others = [
      { ...transfer, reference: 'att_2' },
      { ...transfer, direction: 'incoming' },
    ]
    expect(await listed(...others, transfer)).toEqual({ kind: 'succeeded', reference: 'tr_1', amount })
    expect(await listed(...others)).toEqual({ kind: 'not_found' })
  })

  it('leaves two under our reference to people', async () => {
    expect(await listed(transfer, transfer)).toEqual({ kind: 'unknown', reason: 'duplicate_request' })
  })

  it('is no proof of absence when it is refused', async () => {
    const body = { errorCode: '30_112', status: 422 }
    expect(await lookedUp({ kind: 'refused', status: 422, body })).toEqual({ kind: 'unknown', reason: 'unmapped' })
  })
})

describe("an account's settings", () => {
  it('send orders to Checkout by default, in whatever order a double names its hosts', () => {
    const environment = { transfers: 'http://127.0.0.1:2', checkout: 'http://127.0.0.1:1' }
    expect(Object.keys(adyen.connect({ ...ADYEN_CONFIG, environment }).hosts)).toEqual(['checkout', 'transfers'])
  })

  it.each([
    { environment: 'live' },
    { environment: { checkout: 'http://127.0.0.1' } },
    { environment: { checkout: 'http://127.0.0.1', transfers: 'javascript:alert(1)' } },
    { environment: 'live', live_prefix: 'x', hosts: { checkout: 'http://127.0.0.1', transfers: 'http://127.0.0.1' } },
    { environment: 'live', live_prefix: 'evil.example/' },
    { webhook_secrets: ['short'] },
    { webhook_secrets: [] },
    { merchant_account: '' },
    { number: '4111111111111111' },
  ])('can not be %o', (change) => {
    expect(() => adyen.connect({ ...ADYEN_CONFIG, ...change })).toThrow()
  })
})

it.each([
  ['a raw number beside the encrypted fields', hostedFields({ number: '4111111111111111' })],
  ['a code in clear', hostedFields({ encryptedSecurityCode: '737' })],
  ["Adyen's test number in clear", hostedFields({ encryptedCardNumber: 'test_4111111111111111' })],
  [
    'a number stretched to the length of an encrypted field',
    hostedFields({ encryptedCardNumber: '4111111111111111'.padEnd(80, 'x') }),
  ],
  ['a number as the holder', hostedFields({ holderName: '4111 1111 1111 1111' })],
  ['sixteen digits', '4111111111111111'],
  ['nothing', ''],
  ['JSON in clear', JSON.stringify({ encryptedCardNumber: 'x' })],
])('takes no card token with %s', async (_name, token) => {
  const connected = adyen.connect(ADYEN_CONFIG)
  const send = () => Promise.reject(new Error('something was sent'))
  const request = {
    ...{ attempt: 'att_1', payment: 'dep_1', amount, returnUrl: 'https://x.example', webhookUrl: 'https://x.example' },
    method: { type: 'card', token } as const,
    player: { id: 'p', country: 'FI' },
  }
  expect(await connected.charge?.(request, { send, nowMs: 0 })).toEqual({
    kind: 'declined',
    decline: { code: 'token_invalid_or_expired' },
  })
})

describe("what Adyen's answer says of a card", () => {
  const additionalData = {
    alias: 'H123456789012345',
    paymentMethod: 'mc',
    fundingSource: 'DEFERRED_DEBIT',
    cardIssuingCountry: 'MT',
    cardSummary: '0008',
    cardBin: '222100',
  }
  const asked = { attempt: 'att_1', amount }
  const instrument = {
    fingerprint: 'H123456789012345',
    brand: 'mastercard',
    funding: 'debit',
    country: 'MT',
    last4: '0008',
  }

  it('is in our words, for a refusal and an authorization as for a success', () => {
    const body = { pspReference: PSP, additionalData }
    expect(
      paymentOutcome({ ...body, resultCode: 'Refused', refusalReasonCode: '2' }, asked, { capture: 'immediate' }),
    ).toMatchObject({
      kind: 'declined',
      instrument,
    })
    expect(paymentOutcome({ ...body, resultCode: 'Authorised' }, asked, { capture: 'manual' })).toEqual({
      kind: 'authorized',
      reference: PSP,
      amount,
      instrument,
    })
  })

  it('is never taken from a webhook, where nobody signed it', async () => {
    const [event] = await heard({ eventCode: 'AUTHORISATION', additionalData })
    expect(event?.outcome).toEqual({ kind: 'succeeded', reference: ORIGINAL, amount })
  })
})
