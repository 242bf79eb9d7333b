import { afterEach, beforeEach, expect, it } from 'vitest'
import { z } from 'zod'
import type { Connected, Facts, Request } from '../../src/adapters/contract.ts'
import type { HttpEnd, HttpFailure, HttpPort } from '../../src/adapters/http.ts'
import { type CallRecord, createSend, type Timer } from '../../src/adapters/send.ts'
import { fetchHttp } from '../../src/platform/http-fetch.ts'
import { nodeHttp } from '../../src/platform/http-node.ts'
import { type Answer, type ScriptedServer, scriptedServer } from '../contract/scripted-server.ts'

const FACTS: Facts = {
  id: 'nordpay',
  title: 'Nordpay',
  source: 'made up, 2026-11-22',
  methods: { card: { deposit: true, withdraw: false, refund: false, currencies: 'all', countries: 'all' } },
  idempotency: { by: 'header', header: 'Idempotency-Key', windowHours: 24 },
  unknownResolvedBy: 'find',
  notFoundIsFinalAfterMs: null,
  vouchedRejections: { 422: 'invalid_request', 503: 'processor_maintenance' },
  timeoutMs: 2_000,
}
const Reply = z.object({ id: z.string() })
const CHARGE: Request = { method: 'POST', path: '/v1/charges', attempt: 'att_1', json: { amount: '1.00' } }

let server: ScriptedServer
let http: HttpPort
let records: CallRecord[]

beforeEach(async () => {
  server = await scriptedServer()
  http = nodeHttp()
  records = []
})
afterEach(async () => {
  await http.close()
  await server.close()
})

function sender(more: Partial<Facts> = {}, port: HttpPort = http, deadlineMs?: number, timer?: Timer) {
  const connected: Connected = {
    hosts: { api: server.origin, payouts: `${server.origin}/` },
    headers: () => ({ authorization: 'Bearer canary' }),
    webhookSecrets: [],
    events: async () => ({ kind: 'refused', why: 'malformed' }),
  }
  const facts = { ...FACTS, ...more }
  const onCall = (record: CallRecord) => records.push(record)
  const time = { ...(deadlineMs !== undefined && { deadlineMs }), ...(timer && { timer }) }
  return createSend({ http: port, facts, connected, onCall, ...time })
}

const answered = (answer: Answer) => {
  server.answerWith(() => answer)
  return sender()(Reply, CHARGE)
}

it('an answer that fits the schema is an answer, with its status', async () => {
  expect(await answered({ status: 201, json: { id: 'ch_1', more: 1 } })).toEqual({
    kind: 'answer',
    status: 201,
    body: { id: 'ch_1' },
  })
})

it('a 4xx is a refusal and never an answer, even when its body would fit', async () => {
  const refused = { kind: 'refused', status: 404 } as const
  expect(await answered({ status: 404, json: { id: 'ch_1' } })).toEqual({ ...refused, body: { id: 'ch_1' } })
  expect(await answered({ status: 404, json: { error: 'x' } })).toEqual({ ...refused, body: { error: 'x' } })
  expect(await answered({ status: 404, text: '' })).toEqual({ ...refused, body: null })
  expect(await answered({ status: 404, text: '<html>' })).toEqual({ ...refused, body: undefined })
})

it('a vouched status was never processed, whatever its body says', async () => {
  const rejection = { kind: 'not_sent', reason: 'vouched_rejection', phase: 'body' } as const
  expect(await answered({ status: 422, json: { id: 'ch_1' } })).toEqual({ ...rejection, code: 'invalid_request' })
  expect(await answered({ status: 503, text: '<html>' })).toEqual({ ...rejection, code: 'processor_maintenance' })
})

it('a 5xx that nobody vouches for is unknown even when its body would fit', async () => {
  expect(await answered({ status: 500, json: { id: 'ch_1' } })).toMatchObject({ kind: 'unknown', reason: 'http_5xx' })
})

it('an empty answer is null to the schema', async () => {
  server.answerWith(() => ({ status: 204, text: '' }))
  expect(await sender()(z.null(), CHARGE)).toEqual({ kind: 'answer', status: 204, body: null })
})

it('the deadline ends a silent call as unknown, written', async () => {
  server.answerWith(() => ({ fault: 'silence' }))
  expect(await sender({}, http, 150)(Reply, CHARGE)).toEqual({ kind: 'unknown', reason: 'timeout', phase: 'written' })
})

it('with all sockets taken, calls past their deadline are not sent, and the processor never sees them', async () => {
  server.answerWith(() => ({ fault: 'silence' }))
  const narrow = nodeHttp({ connections: 2 })
  // One moment for all twelve: a freed socket may take whoever's deadline is a millisecond later, and rightly so.
  const fires: (() => void)[] = []
  const together: Timer = (ms, fire) => {
    const end = () => {
      for (const one of fires.slice(0, 12)) one()
    }
    if (fires.push(fire) === 12) setTimeout(end, ms)
    return () => {}
  }
  try {
    const send = sender({}, narrow, 300, together)
    const sent = await Promise.all(
      Array.from({ length: 12 }, (_, n) => send(Reply, { ...CHARGE, attempt: `att_${n}` })),
    )
    expect(sent.filter(({ kind }) => kind === 'unknown')).toHaveLength(2)
    expect(sent.filter(({ kind }) => kind === 'not_sent')).toHaveLength(10)
    // The sockets are free again: the next call works, and nothing of the ten has come in the meantime.
    server.answerWith(() => ({ status: 201, json: { id: 'ch_2' } }))
    expect(await send(Reply, { ...CHARGE, attempt: 'att_next' })).toMatchObject({ kind: 'answer' })
    const keys = server.seen.map(({ headers }) => headers['idempotency-key'])
    expect(keys).toHaveLength(3)
    expect(keys.at(-1)).toBe('att_next')
  } finally {
    await narrow.close()
  }
})

it('even a port that never ends leaves us by the deadline', async () => {
  const stuck: HttpPort = {
    start: () => ({ end: new Promise<HttpEnd>(() => {}), cancel: () => 'written' }),
    close: async () => {},
  }
  expect(await sender({}, stuck, 20)(Reply, CHARGE)).toMatchObject({ kind: 'unknown', reason: 'timeout' })
})

const WHYS: readonly HttpFailure[] = [
  'connect_failed',
  'dns_failed',
  'tls_failed',
  'address_refused',
  'overloaded',
  'timeout',
  'reset',
  'too_large',
  'malformed',
]

it.each(WHYS)('%s is proof before the request was written and unknown after', async (why) => {
  for (const phase of ['not_connected', 'connected', 'written', 'headers', 'body'] as const) {
    const port: HttpPort = {
      start: () => ({ end: Promise.resolve({ kind: 'failed', why, phase }), cancel: () => phase }),
      close: async () => {},
    }
    const before = phase === 'not_connected' || phase === 'connected'
    expect(await sender({}, port)(Reply, CHARGE)).toMatchObject({ kind: before ? 'not_sent' : 'unknown', phase })
  }
})

it('the key goes where the facts say, on writes only, and is the attempt', async () => {
  server.answerWith(() => ({ status: 200, json: { id: 'x' } }))
  const send = sender()
  await send(Reply, CHARGE)
  await send(Reply, { ...CHARGE, method: 'GET' })
  await sender({ idempotency: { by: 'reference', windowHours: 0 } })(Reply, CHARGE)
  expect(server.seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['att_1', undefined, undefined])
})

it('an adapter can not undo what protects us', async () => {
  server.answerWith(() => ({ status: 200, json: { id: 'x' } }))
  const headers = { 'Accept-Encoding': 'gzip', 'idempotency-key': 'fixed' }
  await sender()(Reply, { ...CHARGE, headers })
  expect(server.seen[0]?.headers).toMatchObject({ 'accept-encoding': 'identity', 'idempotency-key': 'att_1' })
})

it('a form is sent as one, and a named host is used', async () => {
  server.answerWith(() => ({ status: 200, json: { id: 'x' } }))
  await sender()(Reply, { method: 'POST', path: '/token', form: { a: 'b c', d: '&' }, host: 'payouts' })
  expect(server.seen[0]).toMatchObject({ path: '/token', body: 'a=b+c&d=%26' })
  expect(server.seen[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded')
})

it.each([
  ['a path that leaves its place', { ...CHARGE, path: '/v1/../admin' }],
  ['a host that the adapter has not', { ...CHARGE, host: 'elsewhere' }],
  ['a key that would break the header', { ...CHARGE, attempt: 'att_1\r\nx-evil: 1' }],
  ['a key that is too long', { ...CHARGE, attempt: 'a'.repeat(65) }],
])('%s is not sent, and no error', async (_name, request) => {
  server.answerWith(() => ({ status: 200, json: { id: 'x' } }))
  expect(await sender()(Reply, request)).toMatchObject({ kind: 'not_sent', code: 'invalid_request' })
  expect(server.seen).toEqual([])
})

it('what is recorded of a call has no header, no body and no query', async () => {
  server.answerWith(() => ({ status: 200, json: { id: 'secret-of-theirs' } }))
  await sender()(Reply, { ...CHARGE, path: '/v1/charges?email=a%40b.c' })
  expect(records).toEqual([
    {
      processor: 'nordpay',
      method: 'POST',
      path: '/v1/charges',
      result: 'answer',
      phase: 'body',
      status: 200,
      durationMs: expect.any(Number),
    },
  ])
})

// The port of Workers, over Node's own fetch: it can't tell what was written, so it claims less.
it('fetch: an answer is an answer, a redirect is not followed', async () => {
  server.answerWith(({ path }) =>
    path === '/v1/charges'
      ? { status: 200, json: { id: 'x' } }
      : { status: 307, text: '', headers: { location: '/v1/charges' } },
  )
  const send = sender({}, fetchHttp())
  expect(await send(Reply, CHARGE)).toMatchObject({ kind: 'answer' })
  expect(await send(Reply, { ...CHARGE, path: '/moved' })).toMatchObject({ kind: 'unknown', reason: 'malformed' })
  expect(server.seen).toHaveLength(2)
})

it.each([
  ['silence', 'timeout'],
  ['reset before an answer', 'reset'],
  ['half a body', 'reset'],
  ['an oversized answer', 'too_large'],
  ['a packed bomb', 'too_large'],
] as const)('fetch: %s is unknown, %s', async (fault, reason) => {
  server.answerWith(() => ({ fault }))
  expect(await sender({}, fetchHttp(), 1_000)(Reply, CHARGE)).toMatchObject({ kind: 'unknown', reason })
})

it('fetch: a refused connection is unknown, because nothing proves otherwise', async () => {
  const send = sender({}, fetchHttp())
  await server.close()
  expect(await send(Reply, CHARGE)).toMatchObject({ kind: 'unknown', reason: 'reset', phase: 'written' })
})
