import { CheckoutAPI, Client, EnvironmentEnum, TransfersAPI } from '@adyen/api-library'
import { ClientRequestInterceptor } from '@mswjs/interceptors/ClientRequest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { adyen } from '../../src/adapters/adyen/index.ts'
import type { SeenRequest } from '../contract/scripted-server.ts'
import { ADYEN_CONFIG, adyenCharge, adyenPayOut, adyenRefund } from '../support/adyen.ts'
import { onTheWire } from './wire.ts'

/** A request as Adyen would see it: where, by whom, under which key, and what it says. */
type Wire = {
  readonly method: string
  readonly url: string
  readonly apiKey: string | null
  readonly key: string | null
  readonly type: string | null
  readonly body: unknown
}

const KEYS = { api_key: 'AQEcheckout_key', transfers_api_key: 'AQEtransfers_key' } as const
const TEST = { ...ADYEN_CONFIG, ...KEYS }
const LIVE = { ...TEST, environment: 'live', live_prefix: '1797a841fbb37ca7-AdyenDemo' }

const interceptor = new ClientRequestInterceptor()
let sdkSent: Wire[] = []
beforeAll(() => {
  interceptor.apply()
  interceptor.on('request', async ({ request, controller }) => {
    // Only what goes to Adyen: our own scripted server is on the loopback.
    if (!new URL(request.url).hostname.includes('adyen')) return
    const text = await request.clone().text()
    sdkSent.push({
      method: request.method,
      url: request.url,
      apiKey: request.headers.get('x-api-key'),
      key: request.headers.get('idempotency-key'),
      type: request.headers.get('content-type'),
      body: text === '' ? null : JSON.parse(text),
    })
    controller.respondWith(new Response('{}', { headers: { 'content-type': 'application/json' } }))
  })
})
afterAll(() => interceptor.dispose())

/** What our adapter sent, with the real host in the place of the local server's. */
function ourWire(seen: SeenRequest | undefined, hosts: Readonly<Record<string, string>>): Wire {
  const { method = '', path = '', headers = {}, body = '' } = seen ?? {}
  const [, name = ''] = path.split('/')
  return {
    method,
    // As every client writes it: the host in small letters.
    url: new URL((hosts[name] ?? 'http://none') + path.slice(name.length + 1)).href,
    apiKey: headers['x-api-key'] ?? null,
    key: headers['idempotency-key'] ?? null,
    type: headers['content-type'] ?? null,
    body: body === '' ? null : JSON.parse(body),
  }
}

type Sdk = { readonly checkout: CheckoutAPI; readonly transfers: TransfersAPI }
type Options = { readonly idempotencyKey: string }

/** The official library's own call of each of ours, given our body as its values: it writes the fields that it knows. */
const CALLS: readonly {
  readonly name: string
  readonly ours: (account: Awaited<ReturnType<typeof onTheWire>>) => Promise<unknown> | undefined
  readonly theirs: (sdk: Sdk, body: string, options: Options) => Promise<unknown>
}[] = [
  {
    name: 'payments',
    ours: ({ connected, io }) => connected.charge?.(adyenCharge({ save: true, stepUp: true }), io),
    theirs: ({ checkout }, body, options) => checkout.PaymentsApi.payments(JSON.parse(body), options),
  },
  {
    name: 'payments/details',
    ours: ({ connected, io }) =>
      connected.resume?.({ ...adyenCharge(), reference: '', params: { redirectResult: 'X6XtfGC3!Y' } }, io),
    theirs: ({ checkout }, body, options) => checkout.PaymentsApi.paymentsDetails(JSON.parse(body), options),
  },
  {
    name: 'refunds',
    ours: ({ connected, io }) => connected.refund?.(adyenRefund(), io),
    theirs: ({ checkout }, body, options) =>
      checkout.ModificationsApi.refundCapturedPayment('993617894903480A', JSON.parse(body), options),
  },
  {
    name: 'captures',
    ours: ({ connected, io }) => connected.capture?.({ ...adyenCharge(), reference: '993617894903480A' }, io),
    theirs: ({ checkout }, body, options) =>
      checkout.ModificationsApi.captureAuthorisedPayment('993617894903480A', JSON.parse(body), options),
  },
  {
    name: 'reversals',
    ours: ({ connected, io }) => connected.cancel?.({ ...adyenCharge(), reference: '993617894903480A' }, io),
    theirs: ({ checkout }, body, options) =>
      checkout.ModificationsApi.refundOrCancelPayment('993617894903480A', JSON.parse(body), options),
  },
  {
    name: 'transfers',
    ours: ({ connected, io }) => connected.payOut?.(adyenPayOut(), io),
    theirs: ({ transfers }, body, options) => transfers.TransfersApi.transferFunds(JSON.parse(body), options),
  },
]

describe.each([
  ['test', TEST],
  ['live', LIVE],
] as const)("Adyen's official library in %s", (environment, config) => {
  it.each(CALLS)('sends for $name what we send: address, keys and body', async ({ ours, theirs }) => {
    const account = await onTheWire(adyen, config, () => ({ status: 200, json: {} }))
    await ours(account)
    const sent = ourWire(account.seen[0], account.realHosts)
    sdkSent = []
    await theirs(sdkOf(environment, sent.apiKey ?? ''), JSON.stringify(sent.body), { idempotencyKey: sent.key ?? '' })
    expect(sdkSent).toEqual([sent])
  })

  it('looks a transfer up as we do', async () => {
    const account = await onTheWire(adyen, config, () => ({ status: 200, json: { data: [] } }))
    const { attempt, amount } = adyenPayOut()
    await account.connected.find?.({ attempt, flow: 'withdrawal', amount }, account.io)
    const sent = ourWire(account.seen[0], account.realHosts)
    const query = new URL(sent.url).searchParams
    const dateOf = (name: string) => new Date(query.get(name) ?? '')
    sdkSent = []
    const { transfers } = sdkOf(environment, sent.apiKey ?? '')
    const [since, until] = [dateOf('createdSince'), dateOf('createdUntil')]
    await transfers.TransfersApi.getAllTransfers(
      since,
      until,
      undefined,
      undefined,
      TEST.balance_account,
      undefined,
      attempt,
    )
    const [theirs] = sdkSent
    expect(theirs?.method).toBe(sent.method)
    expect(theirs?.apiKey).toBe(sent.apiKey)
    const [their, our] = [new URL(theirs?.url ?? ''), new URL(sent.url)]
    expect(their.origin + their.pathname).toBe(our.origin + our.pathname)
    their.searchParams.sort()
    our.searchParams.sort()
    expect([...their.searchParams]).toEqual([...our.searchParams])
  })
})

function sdkOf(environment: 'test' | 'live', apiKey: string): Sdk {
  const client = new Client({
    apiKey,
    environment: environment === 'live' ? EnvironmentEnum.LIVE : EnvironmentEnum.TEST,
    liveEndpointUrlPrefix: '1797a841fbb37ca7-AdyenDemo',
  })
  return { checkout: new CheckoutAPI(client), transfers: new TransfersAPI(client) }
}
