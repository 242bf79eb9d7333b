import { describe, expect, it } from 'vitest'
import { btcpay } from '../../src/adapters/btcpay/index.ts'
import { INVOICE_STATUSES, PAYMENT_STATUSES, PAYOUT_STATES } from '../../src/adapters/btcpay/map.ts'
import type { SeenRequest } from '../contract/scripted-server.ts'
import { BTC_ADDRESS, BTCPAY_CONFIG, btcpayCharge, btcpayPayOut, btcpayRefund } from '../support/btcpay.ts'
import { at, itemsOf, membersOf, needsSpecs, SPECS, specFile, stringsOf, validator } from './specs.ts'
import { bodyOf, onTheWire } from './wire.ts'

const FILE = 'btcpay/greenfield-merged.json'
const body = ['requestBody', 'content', 'application/json', 'schema'] as const

/** The path of the specification that a request is to. */
function pathOf(request: SeenRequest): string {
  const path = new URL(request.path.replace(/^\/api\b/, ''), 'http://x').pathname
  const known = Object.keys(membersOf(at(specFile(FILE), 'paths')))
  const found = known.find((one) => new RegExp(`^${one.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`).test(path))
  return found ?? `none for ${path}`
}

describe.skipIf(SPECS === undefined)(needsSpecs("BTCPay Server's official specification"), () => {
  it('has every path, query and body that we send', async () => {
    const made: Readonly<Record<string, unknown>> = {
      id: 'one',
      revision: 0,
      state: 'AwaitingApproval',
      destination: BTC_ADDRESS,
      originalCurrency: 'BTC',
      originalAmount: '0.002',
      metadata: { attempt: btcpayPayOut().attempt },
    }
    let payouts: readonly unknown[] = []
    const { connected, io, seen } = await onTheWire(btcpay, BTCPAY_CONFIG, ({ method, path }) => {
      if (method === 'POST' && path.endsWith('/payouts')) payouts = [made]
      if (method === 'POST') return { status: 200, json: made }
      return { status: 200, json: path.includes('/payouts') ? payouts : [] }
    })
    await connected.charge?.(btcpayCharge(), io)
    await connected.refund?.(btcpayRefund('invoice_1'), io)
    await connected.payOut?.(btcpayPayOut(), io)
    await connected.find?.({ ...btcpayCharge(), flow: 'deposit' }, io)
    const check = validator(FILE, '3.0')
    const wrong = seen.flatMap((request) => {
      const [path, method] = [pathOf(request), request.method.toLowerCase()]
      const operation = membersOf(at(specFile(FILE), 'paths', path, method))
      const named = itemsOf(operation.parameters).map((one) => membersOf(one).name)
      const unknown = [...new URL(request.path, 'http://x').searchParams.keys()].filter((one) => !named.includes(one))
      const problems = request.body === '' ? [] : check(bodyOf(request), 'paths', path, method, ...body)
      return [...unknown, ...problems].map((problem) => `${method} ${path}: ${problem}`)
    })
    expect(wrong).toEqual([])
    expect(seen.filter(({ method }) => method === 'POST').map(pathOf)).toEqual([
      '/api/v1/stores/{storeId}/invoices',
      '/api/v1/invoices/{invoiceId}/refund',
      '/api/v1/stores/{storeId}/payouts',
      '/api/v1/payouts/{payoutId}',
    ])
    for (const { headers } of seen) expect(headers.authorization).toBe(`token ${BTCPAY_CONFIG.api_key}`)
  })

  it('names every invoice status, payment status and payout state that we map, and no other', () => {
    const schemas = at(specFile(FILE), 'components', 'schemas')
    const of = (schema: string) => stringsOf(at(schemas, schema, 'enum')).sort()
    expect(Object.keys(INVOICE_STATUSES).sort()).toEqual(of('InvoiceStatus'))
    expect(Object.keys(PAYMENT_STATUSES).sort()).toEqual(of('PaymentStatus'))
    expect(Object.keys(PAYOUT_STATES).sort()).toEqual(of('PayoutState'))
  })

  it('has no webhook of invoices or payouts that rings no bell', async () => {
    const { createHmac } = await import('node:crypto')
    const names = Object.keys(membersOf(at(specFile(FILE), 'x-webhooks'))).filter((name) =>
      /^(Invoice|Payout)/.test(name),
    )
    expect(names.length).toBeGreaterThan(9)
    const [secret] = BTCPAY_CONFIG.webhook_secrets
    const connected = btcpay.connect(BTCPAY_CONFIG)
    for (const type of names) {
      const about = type.startsWith('Invoice') ? { invoiceId: 'inv_1' } : { payoutId: 'pay_1' }
      const text = JSON.stringify({
        deliveryId: type,
        type,
        timestamp: 1_795_000_000,
        storeId: BTCPAY_CONFIG.store_id,
        ...about,
      })
      const signature = `sha256=${createHmac('sha256', secret).update(text).digest('hex')}`
      const heard = await connected.events({
        body: Buffer.from(text),
        headers: { 'btcpay-sig': signature },
        secrets: [secret],
        nowMs: Date.now(),
      })
      expect(heard).toMatchObject({ kind: 'verified', events: [{ id: type, lookUp: true }] })
    }
  })
})
