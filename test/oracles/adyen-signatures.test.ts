import { createHmac } from 'node:crypto'
import { hmacValidator } from '@adyen/api-library'
import { describe, expect, it } from 'vitest'
import { adyen } from '../../src/adapters/adyen/index.ts'
import type { Events } from '../../src/adapters/contract.ts'
import { needsSpecs, SPECS, specFile } from './specs.ts'

// The published vector: https://github.com/Adyen/adyen-node-api-library src/__tests__/hmacValidator.spec.ts, read 2026-11-22.
const KEY = 'DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00'
const SIGNATURE = 'ZNBPtI+oDyyRrLyD1XirkKnQgIAlFc07Vj27TeHsDRE='
const ITEM = {
  pspReference: 'pspReference',
  originalReference: 'originalReference',
  merchantAccountCode: 'merchantAccount',
  merchantReference: 'reference',
  amount: { value: 1000, currency: 'EUR' },
  eventCode: 'REPORT_AVAILABLE',
  eventDate: '2026-11-22T10:00:00+01:00',
  paymentMethod: 'VISA',
  reason: 'reason',
  success: 'true',
} as const

const connected = adyen.connect({
  environment: 'test',
  merchant_account: 'merchantAccount',
  api_key: 'AQE',
  webhook_secrets: [KEY],
  balance_account: 'BA1',
})

const hear = (body: string, headers: Readonly<Record<string, string>> = {}, secrets = [KEY]): Promise<Events> =>
  connected.events({ body: Buffer.from(body), headers, secrets, nowMs: Date.now() })

const standard = (item: object, hmacSignature: string) =>
  JSON.stringify({
    live: 'false',
    notificationItems: [{ NotificationRequestItem: { ...item, additionalData: { hmacSignature } } }],
  })

/** A signature with one bit turned, still canonical base64. */
const flipped = (signature: string, bit: number): string => {
  const bytes = Buffer.from(signature, 'base64')
  bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return bytes.toString('base64')
}

describe("Adyen's published signature", () => {
  it('is believed', async () => {
    // A report is no payment: verified, and nothing to do.
    expect(await hear(standard(ITEM, SIGNATURE))).toEqual({ kind: 'verified', events: [] })
  })

  it('is refused with any one bit of it changed', async () => {
    for (let bit = 0; bit < 256; bit += 1) {
      expect(await hear(standard(ITEM, flipped(SIGNATURE, bit)))).toEqual({ kind: 'refused', why: 'signature_invalid' })
    }
  })

  it('is refused with any one letter of a signed field changed', async () => {
    const changes: readonly object[] = [
      { pspReference: 'pspReferencf' },
      { originalReference: 'originalReferencf' },
      { merchantAccountCode: 'merchantAccounu' },
      { merchantReference: 'referencf' },
      { amount: { value: 1001, currency: 'EUR' } },
      { amount: { value: 1000, currency: 'EUS' } },
      { eventCode: 'AUTHORISATION' },
      { success: 'false' },
    ]
    for (const change of changes) {
      expect((await hear(standard({ ...ITEM, ...change }, SIGNATURE))).kind).toBe('refused')
    }
  })

  it('covers eight fields and no more, so no other field is read', async () => {
    const changed = { ...ITEM, paymentMethod: 'mc', reason: 'forged', eventDate: '1999-01-01T00:00:00Z' }
    expect(await hear(standard(changed, SIGNATURE))).toEqual(await hear(standard(ITEM, SIGNATURE)))
  })

  it.each([
    ['44 characters that are no base64', 'ZNBPtI+oDyyRrLyD1XirkKnQgIAlFc07Vj27TeHs!!!='],
    ['a respelled last character', `${SIGNATURE.slice(0, 42)}F=`],
    ['base64url', SIGNATURE.replaceAll('+', '-')],
    ['hexadecimal', Buffer.from(SIGNATURE, 'base64').toString('hex')],
    ['nothing', ''],
  ])('is refused spelt as %s', async (_name, signature) => {
    expect((await hear(standard(ITEM, signature))).kind).toBe('refused')
  })
})

describe("Adyen's official validator", () => {
  it('accepts what we accept: items of every kind of event', async () => {
    for (const [eventCode, kind] of [
      ['AUTHORISATION', 'succeeded'],
      ['REFUND', 'succeeded'],
      ['CAPTURE_FAILED', 'returned'],
    ] as const) {
      const item = { ...ITEM, eventCode }
      const validator = new hmacValidator()
      const content = validator.getDataToSign(JSON.parse(JSON.stringify(item)))
      const signature = validator.calculateHmac(content, KEY)
      const heard = await hear(standard(item, signature))
      expect(heard.kind === 'verified' && heard.events.map(({ outcome }) => outcome.kind)).toEqual([kind])
    }
  })

  it('signs a banking webhook as we verify it', async () => {
    const data = {
      id: '1W1UG35U8A9J5ZLG',
      status: 'booked',
      category: 'bank',
      amount: { currency: 'EUR', value: 4000 },
      balanceAccount: { id: 'BA1' },
      direction: 'outgoing',
      reference: 'att_1',
      sequenceNumber: 3,
    }
    const body = JSON.stringify({ data, environment: 'test', type: 'balancePlatform.transfer.updated' })
    const signature = new hmacValidator().calculateHmac(body, KEY)
    expect(new hmacValidator().validateHMACSignature(KEY, signature, body)).toBe(true)
    expect(await hear(body, { hmacsignature: signature })).toEqual({
      kind: 'verified',
      events: [
        {
          id: '1W1UG35U8A9J5ZLG:3:booked',
          flow: 'withdrawal',
          attempt: 'att_1',
          reference: '1W1UG35U8A9J5ZLG',
          outcome: { kind: 'succeeded', reference: '1W1UG35U8A9J5ZLG', amount: { asset: 'EUR', minor: 4_000n } },
        },
      ],
    })
    expect((await hear(body, { hmacsignature: flipped(signature, 9) })).kind).toBe('refused')
    expect((await hear(`${body} `, { hmacsignature: signature })).kind).toBe('refused')
    expect((await hear(body, { hmacsignature: signature }, ['00'.repeat(32)])).kind).toBe('refused')
    const incoming = body.replace('outgoing', 'incoming')
    const sign = (text: string) => createHmac('sha256', Buffer.from(KEY, 'hex')).update(text).digest('base64')
    expect(await hear(incoming, { hmacsignature: sign(incoming) })).toEqual({ kind: 'verified', events: [] })
    const foreign = body.replace('"BA1"', '"BA2"')
    expect(await hear(foreign, { hmacsignature: sign(foreign) })).toEqual({ kind: 'refused', why: 'wrong_account' })
  })

  it('joins fields without escaping, so an item with a colon in one is signed but never acted on', async () => {
    const validator = new hmacValidator()
    const honest = { ...ITEM, eventCode: 'AUTHORISATION', merchantReference: 'a:b' }
    const shifted = { ...honest, merchantAccountCode: 'merchantAccount', originalReference: 'originalReference' }
    const signature = validator.calculateHmac(validator.getDataToSign(JSON.parse(JSON.stringify(honest))), KEY)
    expect(await hear(standard(shifted, signature))).toEqual({ kind: 'verified', events: [] })
  })
})

describe.skipIf(SPECS === undefined)(needsSpecs("Adyen's signed examples"), () => {
  it.each(['authorisationTrue', 'captureTrue', 'captureFalse', 'refundTrue', 'refundFalse'])(
    '%s is read, and refused without its key',
    async (name) => {
      const body = JSON.stringify(specFile(`adyen/examples/${name}.json`))
      expect(await hear(body)).toEqual({ kind: 'refused', why: 'signature_invalid' })
    },
  )
})
