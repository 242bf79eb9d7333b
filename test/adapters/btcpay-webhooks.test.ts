import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { btcpay } from '../../src/adapters/btcpay/index.ts'
import type { Events } from '../../src/adapters/contract.ts'
import { BTCPAY_CONFIG } from '../support/btcpay.ts'

const [SECRET] = BTCPAY_CONFIG.webhook_secrets
const digestOf = (body: string) => createHmac('sha256', SECRET).update(body).digest('hex')

const DELIVERY = {
  deliveryId: 'dlv_2',
  originalDeliveryId: 'dlv_1',
  type: 'Anything',
  timestamp: 1_795_399_100,
  storeId: BTCPAY_CONFIG.store_id,
}

function hear(
  change: object,
  header = (body: string): string | undefined => `sha256=${digestOf(body)}`,
): Promise<Events> {
  const body = JSON.stringify({ ...DELIVERY, ...change })
  const signature = header(body)
  const headers: Record<string, string> = signature === undefined ? {} : { 'btcpay-sig': signature }
  return btcpay.connect(BTCPAY_CONFIG).events({ body: Buffer.from(body), headers, secrets: [SECRET], nowMs: 0 })
}

const invoiceId = 'inv_1'

describe('what a delivery is about', () => {
  it.each([
    ['an invoice', { invoiceId, metadata: { orderId: 'att_1' } }, 'deposit', invoiceId, 'att_1'],
    ['an invoice that names no order', { invoiceId }, 'deposit', invoiceId, undefined],
    ['an invoice of no order', { invoiceId, metadata: { orderId: '' } }, 'deposit', invoiceId, undefined],
    ['a payout', { payoutId: 'po_1', metadata: { orderId: 'att_1' } }, 'withdrawal', 'po_1', undefined],
    ['a claim of a refund', { payoutId: 'po_1', pullPaymentId: 'pp_1' }, 'refund', 'pp_1', undefined],
    ['a payout that names no claim', { payoutId: 'po_1', pullPaymentId: '' }, 'withdrawal', 'po_1', undefined],
  ])('is told for %s, and nothing of the money', async (_name, about, flow, reference, attempt) => {
    expect(await hear(about)).toEqual({
      kind: 'verified',
      events: [
        {
          ...{ id: 'dlv_1', flow, reference, attempt, atMs: 1_795_399_100_000, lookUp: true },
          outcome: { kind: 'unknown', reason: 'unmapped', reference },
        },
      ],
    })
  })

  it('is nothing of ours for news that name none of them', async () => {
    expect(await hear({ paymentRequestId: 'x' })).toEqual({ kind: 'verified', events: [] })
  })

  it.each([undefined, null, ''])('has its own id when the first delivery is %j', async (originalDeliveryId) => {
    expect(await hear({ invoiceId, originalDeliveryId })).toMatchObject({ events: [{ id: 'dlv_2' }] })
  })

  it('is refused of another store, and taken where the store is not named', async () => {
    expect(await hear({ invoiceId, storeId: 'Another' })).toEqual({ kind: 'refused', why: 'wrong_account' })
    for (const storeId of [undefined, null]) expect((await hear({ invoiceId, storeId })).kind).toBe('verified')
  })
})

describe('a delivery that is not signed as it should be', () => {
  it.each([
    ['another digest', (body: string) => `sha512=${digestOf(body)}`],
    ['no name of a digest', (body: string) => digestOf(body)],
    ['seven letters of something else', (body: string) => `xxxxxxx${digestOf(body)}`],
    ['the name behind', (body: string) => `${digestOf(body)}sha256=`],
    ['nothing', () => ''],
  ])('is refused with %s', async (_name, header) => {
    expect(await hear({ invoiceId }, header)).toEqual({ kind: 'refused', why: 'signature_invalid' })
  })

  it('is refused without a signature', async () => {
    expect(await hear({ invoiceId }, () => undefined)).toEqual({ kind: 'refused', why: 'signature_missing' })
  })
})
