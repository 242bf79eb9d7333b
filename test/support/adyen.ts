import { createHmac } from 'node:crypto'
import type { Charge, PayOut, Refund } from '../../src/adapters/contract.ts'
import { typeId, uuidV7 } from '../../src/core/ids.ts'

/** A card as Adyen's hosted fields give it, opaque as theirs: `state.data.paymentMethod` in base64url JSON, the token of a charge. */
export function hostedFields(change: Readonly<Record<string, unknown>> = {}): string {
  const encrypted = (field: string) => `adyenjs_0_1_25$${Buffer.from(`opaque ${field} `.repeat(12)).toString('base64')}`
  const fields = {
    type: 'scheme',
    encryptedCardNumber: encrypted('number'),
    encryptedExpiryMonth: encrypted('month'),
    encryptedExpiryYear: encrypted('year'),
    encryptedSecurityCode: encrypted('code'),
    holderName: 'Aino Virtanen',
    ...change,
  }
  return Buffer.from(JSON.stringify(fields)).toString('base64url')
}

/** A test account at Adyen. */
export const ADYEN_CONFIG = {
  environment: 'test',
  merchant_account: 'PaycageTest',
  api_key: 'AQEtest_api_key_0123456789',
  webhook_secrets: ['44'.repeat(32)],
  balance_account: 'BA00000000000000000000001',
} as const

// A minute old, and the same in every call.
const BORN_MS = Date.now() - 60_000
const attempt = (n: number): string => typeId('attempt', uuidV7(BORN_MS, new Uint8Array(10).fill(n)))
const PLAYER = { id: 'player-1', country: 'FI', name: 'Aino Virtanen', email: 'aino@example.com' } as const

/** A deposit of 12.50 EUR by card. */
export const adyenCharge = (change: Partial<Charge> = {}): Charge => ({
  attempt: attempt(1),
  payment: 'dep_1',
  amount: { asset: 'EUR', minor: 1_250n },
  method: { type: 'card', token: hostedFields() },
  player: PLAYER,
  returnUrl: 'https://pay.example.com/return/att_1',
  webhookUrl: 'https://pay.example.com/webhooks/adyen/con_1',
  client: { ip: '192.0.2.1', userAgent: 'Mozilla/5.0' },
  ...change,
})

/** A refund of 5.00 EUR of it. */
export const adyenRefund = (): Refund => ({
  attempt: attempt(2),
  payment: 'dep_1',
  amount: { asset: 'EUR', minor: 500n },
  original: { attempt: attempt(1), reference: '993617894903480A', amount: { asset: 'EUR', minor: 1_250n } },
  webhookUrl: 'https://pay.example.com/webhooks/adyen/con_1',
})

/** A withdrawal of 40.00 EUR to an account with letters that SEPA doesn't know. */
export const adyenPayOut = (change: Partial<PayOut> = {}): PayOut => ({
  attempt: attempt(3),
  payment: 'wdr_1',
  amount: { asset: 'EUR', minor: 4_000n },
  destination: { type: 'bank', iban: 'FI2112345600000785', name: 'Åsa Øster-Straße' },
  player: PLAYER,
  webhookUrl: 'https://pay.example.com/webhooks/adyen/con_1',
  ...change,
})

/** The references of `signedItem`: of what happened, and of the payment that it happened to. */
export const REFERENCE = 'QFQTPCQ8HXSKGK82'
export const ORIGINAL = '9913140798220028'

/** Base64 of an HMAC by the account's key. */
export const signatureOf = (content: string): string =>
  createHmac('sha256', Buffer.from(ADYEN_CONFIG.webhook_secrets[0], 'hex')).update(content).digest('base64')

/** One item of a standard webhook with its signature over the eight fields; what it lacks is signed as nothing. */
export function signedItem(change: Readonly<Record<string, unknown>> = {}) {
  const one: Record<string, unknown> = {
    pspReference: REFERENCE,
    originalReference: ORIGINAL,
    merchantAccountCode: ADYEN_CONFIG.merchant_account,
    merchantReference: 'att_1',
    amount: { value: 1_000, currency: 'EUR' },
    eventCode: 'CAPTURE',
    success: 'true',
    ...change,
  }
  const { value, currency } = Object(one.amount)
  const fields = [one.pspReference, one.originalReference, one.merchantAccountCode, one.merchantReference]
  const content = [...fields, value, currency, one.eventCode, one.success].map((field) => field ?? '').join(':')
  return { ...one, additionalData: { ...Object(one.additionalData), hmacSignature: signatureOf(content) } }
}
