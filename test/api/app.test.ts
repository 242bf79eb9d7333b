import { expect, it } from 'vitest'
import { z } from 'zod'
import { endpoint, type Idempotent } from '../../src/api/endpoint.ts'
import { PROBLEMS, problemBody } from '../../src/api/problem.ts'
import { Amount, Currency, IdParams, PAGE, PlayerId } from '../../src/api/shapes.ts'
import type { Caller } from '../../src/auth/scopes.ts'
import { CODES, Fault } from '../../src/core/errors.ts'
import { edgeDeps, testApp } from '../support/app.ts'

const caller: Caller = {
  operatorId: 'opr_a',
  clientId: 'cli_a',
  scopes: new Set(['deposits:write', 'deposits:read']),
  tokenId: 'key_a',
}
const player: Caller = { ...caller, scopes: new Set(['cashier']), playerId: 'p-1' }

const pay = endpoint({
  method: 'post',
  path: '/v1/deposits',
  tag: 'deposits',
  summary: 'Pay',
  scope: 'deposits:write',
  idempotent: true,
  cashier: true,
  body: z.strictObject({ amount: Amount, currency: Currency, player_id: PlayerId, note: z.string().optional() }),
  answers: { 201: z.object({ id: z.string(), amount: z.string() }) },
  handle: async (_deps, { body }) => {
    if (body.note === 'break') throw new Error('the database said: secret 4711')
    if (body.note === 'refuse') throw new Fault('insufficient_funds', 'The balance does not cover this.')
    return { status: 201, body: { id: 'dep_1', amount: body.amount, internal_column: 'x' } }
  },
})
const list = endpoint({
  method: 'get',
  path: '/v1/deposits',
  tag: 'deposits',
  summary: 'List',
  scope: 'deposits:read',
  query: z.strictObject({ ...PAGE, status: z.string().optional() }),
  answers: { 200: z.object({ limit: z.int() }) },
  handle: async (_deps, { query }) => ({ status: 200, body: { limit: query.limit } }),
})
const read = endpoint({
  method: 'get',
  path: '/v1/deposits/{id}',
  tag: 'deposits',
  summary: 'Read',
  scope: 'deposits:read',
  params: IdParams,
  answers: { 200: z.object({ id: z.string() }) },
  handle: async (_deps, { params }) => ({ status: 200, body: { id: params.id } }),
})
const fixed = endpoint({
  method: 'get',
  path: '/v1/deposits/summary',
  tag: 'deposits',
  summary: 'A fixed segment',
  scope: 'deposits:read',
  answers: { 200: z.object({ fixed: z.boolean() }) },
  handle: async () => ({ status: 200, body: { fixed: true } }),
})
const cancel = endpoint({
  method: 'post',
  path: '/v1/deposits/{id}/cancel',
  tag: 'deposits',
  summary: 'Takes no body',
  scope: 'deposits:write',
  params: IdParams,
  answers: { 204: null },
  handle: async () => ({ status: 204 }),
})
const webhook = endpoint({
  method: 'post',
  path: '/webhooks/{processor}',
  tag: 'webhooks',
  summary: 'Bytes as they came',
  scope: 'public',
  bodyType: 'bytes',
  params: z.strictObject({ processor: z.string() }),
  answers: { 200: z.object({ size: z.int(), signature: z.string() }) },
  handle: async (_deps, { bytes, header }) => ({
    status: 200,
    body: { size: bytes.length, signature: header('x-signature') ?? '' },
  }),
})
const endpoints = [pay, list, read, fixed, cancel, webhook]
const app = testApp({ endpoints, authenticate: async () => caller })

const KEY = 'key-0123456789abcdef'
const HEADERS = { 'content-type': 'application/json', 'idempotency-key': KEY }
const BODY = { amount: '12.50', currency: 'EUR', player_id: 'p-1' }
const post = (body: unknown, headers: Record<string, string> = {}, target = app) =>
  target.request('/v1/deposits', {
    method: 'POST',
    headers: { ...HEADERS, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
const code = async (answer: Response | Promise<Response>) => {
  const { status } = await answer
  const body = await (await answer).json()
  return [status, body.code]
}

it('answers what the handler gave, without what the schema does not know', async () => {
  const answer = await post(BODY)
  expect(answer.status).toBe(201)
  expect(await answer.json()).toEqual({ id: 'dep_1', amount: '12.50' })
})

it('puts a request id and the security headers on every answer, whatever it is', async () => {
  const secure = testApp({ endpoints, authenticate: async () => caller, behindTls: true })
  const answers = [
    await post(BODY, {}, secure),
    await post('{', {}, secure),
    await post({ ...BODY, note: 'break' }, {}, secure),
    await secure.request('/nowhere'),
    await secure.request('/v1/deposits', { method: 'DELETE' }),
    await secure.request('/docs'),
  ]
  expect(answers.map(({ status }) => status)).toEqual([201, 400, 500, 404, 405, 200])
  for (const { headers } of answers) {
    expect(headers.get('request-id')).toMatch(/^req_[0-9a-z]{26}$/)
    expect(headers.get('strict-transport-security')).toBe('max-age=63072000; includeSubDomains')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  }
})

it('says nothing about HSTS where TLS does not end in front of it', async () => {
  expect((await post(BODY)).headers.get('strict-transport-security')).toBeNull()
})

it.each([
  [{ ...BODY, amount: -100 }],
  [{ ...BODY, amount: '-100.00' }],
  [{ ...BODY, amount: 0 }],
  [{ ...BODY, amount: '0.00' }],
  [{ ...BODY, amount: '-0' }],
  [{ ...BODY, amount: 12.5 }],
  [{ ...BODY, amount: '1e3' }],
  [{ ...BODY, amount: '0x10' }],
  [{ ...BODY, amount: '+1' }],
  [{ ...BODY, amount: '01.00' }],
  [{ ...BODY, amount: '1,00' }],
  [{ ...BODY, amount: ' 1' }],
  [{ ...BODY, amount: '1.' }],
  [{ ...BODY, amount: '.5' }],
  [{ ...BODY, amount: '99999999999999999999999' }],
  [{ ...BODY, amount: '１.00' }],
  [{ ...BODY, amount: true }],
  [{ ...BODY, amount: ['1.00'] }],
])('refuses the amount in %j by its pointer', async (body) => {
  const answer = await post(body)
  expect(answer.status).toBe(422)
  expect(await answer.json()).toMatchObject({
    code: 'validation_failed',
    errors: [{ pointer: '/amount', code: 'amount_invalid' }],
  })
})

it('refuses an amount given as an exponent number', async () => {
  expect(await code(post('{"amount":1e3,"currency":"EUR","player_id":"p"}'))).toEqual([422, 'validation_failed'])
})

it('names every wrong member at once and shows nothing of the schema library', async () => {
  const answer = await post({ amount: 'x', currency: 'eur', tenant_id: 'b', 'a/b~c': 1 })
  const text = await answer.text()
  const { errors } = JSON.parse(text)
  expect(errors.map((error: { pointer: string; code: string }) => [error.pointer, error.code]).sort()).toEqual([
    ['/amount', 'amount_invalid'],
    ['/a~1b~0c', 'unknown_member'],
    ['/currency', 'currency_invalid'],
    ['/player_id', 'required'],
    ['/tenant_id', 'unknown_member'],
  ])
  expect(text).not.toMatch(/zod|invalid_type|issues|received/i)
})

it.each(['null', '[]', '"x"', '1'])('refuses the body %s', async (text) => {
  expect(await code(post(text))).toEqual([422, 'validation_failed'])
})

it('refuses an empty body, a wrong type, a missing type and an encoding', async () => {
  expect(await code(post(''))).toEqual([400, 'malformed_json'])
  for (const type of [
    'text/plain',
    'text/json',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
    'application/jsonx',
  ])
    expect([type, ...(await code(post(BODY, { 'content-type': type })))]).toEqual([type, 415, 'unsupported_media_type'])
  const bare = app.request('/v1/deposits', {
    method: 'POST',
    headers: { 'idempotency-key': KEY },
    body: new TextEncoder().encode(JSON.stringify(BODY)),
  })
  expect(await code(bare)).toEqual([415, 'unsupported_media_type'])
  for (const encoding of ['gzip', 'br', 'deflate', 'x', ''])
    expect([encoding, ...(await code(post(BODY, { 'content-encoding': encoding })))]).toEqual([
      encoding,
      415,
      'unsupported_media_type',
    ])
  expect((await post(BODY, { 'content-type': 'Application/JSON; charset="UTF-8"' })).status).toBe(201)
})

it('refuses bytes that are not UTF-8', async () => {
  const bytes = new Uint8Array([
    ...new TextEncoder().encode('{"amount":"'),
    0xf0,
    0x9f,
    0x98,
    ...new TextEncoder().encode('"}'),
  ])
  const answer = app.request('/v1/deposits', { method: 'POST', headers: HEADERS, body: bytes })
  expect(await code(answer)).toEqual([400, 'malformed_request'])
  expect((await post({ ...BODY, note: '\ufffd' })).status).toBe(201)
})

it('takes 32 KB and stops reading after it, whatever the length header says', async () => {
  const sized = (size: number) => `${JSON.stringify(BODY)}${' '.repeat(size - JSON.stringify(BODY).length)}`
  expect((await post(sized(32_768))).status).toBe(201)
  expect(await code(post(sized(32_769)))).toEqual([413, 'payload_too_large'])
  let pulled = 0
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += 1
      controller.enqueue(new Uint8Array(1024).fill(32))
    },
  })
  const init = { method: 'POST', headers: { ...HEADERS, 'content-length': '10' }, body: endless, duplex: 'half' }
  expect(await code(app.request('/v1/deposits', init))).toEqual([413, 'payload_too_large'])
  expect(pulled).toBeLessThan(40)
})

it('gives a webhook its bytes, 256 KB at most', async () => {
  const send = (size: number) =>
    app.request('/webhooks/x', {
      method: 'POST',
      headers: { 'x-signature': 's', 'content-type': 'text/xml' },
      body: 'é'.repeat(size / 2),
    })
  expect(await (await send(262_144)).json()).toEqual({ size: 262_144, signature: 's' })
  expect(await code(send(262_146))).toEqual([413, 'payload_too_large'])
})

it('takes nothing where nothing is declared, or an empty object', async () => {
  const cancelWith = (init: RequestInit) => app.request('/v1/deposits/dep_1/cancel', { method: 'POST', ...init })
  expect((await cancelWith({})).status).toBe(204)
  expect((await cancelWith({ headers: HEADERS, body: '{}' })).status).toBe(204)
  expect(await code(cancelWith({ headers: HEADERS, body: '{"amount":"1"}' }))).toEqual([422, 'validation_failed'])
  expect(await code(app.request('/v1/deposits/dep_1?force=1'))).toEqual([422, 'validation_failed'])
})

it('checks the idempotency key, and only after everything else gives it to whoever keeps keys', async () => {
  const seen: unknown[] = []
  const idempotent: Idempotent = async (request, run) => {
    seen.push(request)
    return { ...(await run()), replayed: true }
  }
  const kept = testApp({ endpoints, authenticate: async () => caller, idempotent })
  const bare = kept.request('/v1/deposits', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(BODY),
  })
  expect(await code(bare)).toEqual([400, 'idempotency_key_missing'])
  for (const key of [
    '',
    'short',
    'x'.repeat(256),
    'with spaces in the key',
    `${KEY}\u00e9`,
    `"${KEY}`,
    `"${KEY}"x`,
    `${KEY}, ${KEY}`,
    "'; drop table x;--",
  ])
    expect([key, ...(await code(post(BODY, { 'idempotency-key': key }, kept)))]).toEqual([
      key,
      400,
      'idempotency_key_invalid',
    ])
  expect(await code(post({ ...BODY, amount: '-1' }, {}, kept))).toEqual([422, 'validation_failed'])
  expect(seen).toEqual([])
  const answer = await post(BODY, { 'idempotency-key': `"${KEY}"` }, kept)
  expect(answer.status).toBe(201)
  expect(answer.headers.get('idempotent-replayed')).toBe('true')
  expect(seen).toEqual([
    {
      operatorId: 'opr_a',
      key: KEY,
      method: 'POST',
      route: '/v1/deposits',
      params: undefined,
      body: BODY,
      apiVersion: '2026-11-22',
    },
  ])
  expect((await post(BODY, { 'idempotency-key': 'x'.repeat(255) }, kept)).status).toBe(201)
})

it('refuses a card number in body, path, query and headers, in any spelling, and never says or logs it', async () => {
  const deps = edgeDeps()
  const watched = testApp({ endpoints, authenticate: async () => caller, deps })
  const card = '4111 1111 1111 1111'
  const answers = [
    await post({ ...BODY, note: card }, {}, watched),
    await post({ ...BODY, player_id: '4111-1111-1111-1111' }, {}, watched),
    await post({ ...BODY, '4111111111111111': 'x' }, {}, watched),
    await post({ ...BODY, cvv: '123' }, {}, watched),
    await watched.request('/v1/deposits/4111111111111111'),
    await watched.request('/v1/deposits/4111%201111%2D1111%20%31111'),
    await watched.request('/v1/deposits/4111%2520111111111111'),
    await watched.request('/v1/deposits?status=4111111111111111'),
    await watched.request('/v1/deposits?4111111111111111=x'),
    await watched.request('/v1/deposits?card_number=x'),
    await watched.request('/nowhere/4111111111111111'),
    await post(BODY, { 'idempotency-key': 'order-4111111111111111' }, watched),
    await post(BODY, { 'x-anything': card }, watched),
    await post(BODY, { 'user-agent': card }, watched),
  ]
  for (const answer of answers) {
    const text = await answer.text()
    expect([answer.status, JSON.parse(text).code]).toEqual([422, 'pan_not_accepted'])
    expect(`${text}${JSON.stringify([...answer.headers])}`).not.toMatch(/4111|1111/)
  }
  expect(JSON.stringify(deps.lines)).not.toMatch(/4111|1111|card_number/)
})

it('answers 405 with the methods that a path takes, and 404 where there is no path', async () => {
  for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
    const answer = await app.request('/v1/deposits', { method })
    expect([method, ...(await code(answer))]).toEqual([method, 405, 'method_not_allowed'])
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST')
  }
  expect(await code(app.request('/v1/deposit'))).toEqual([404, 'not_found'])
  expect(await code(app.request('/v1/deposits/'))).toEqual([404, 'not_found'])
  expect(await code(app.request('/V1/deposits'))).toEqual([404, 'not_found'])
  expect((await app.request('/v1/deposits', { method: 'HEAD' })).status).toBe(200)
})

it('takes a fixed segment before a parameter, in whatever order they were given', async () => {
  expect(await (await app.request('/v1/deposits/summary')).json()).toEqual({ fixed: true })
  expect(await (await app.request('/v1/deposits/dep_1')).json()).toEqual({ id: 'dep_1' })
})

it('shows a mistake of ours as its request id and nothing more', async () => {
  const deps = edgeDeps()
  const answer = await post(
    { ...BODY, note: 'break' },
    {},
    testApp({ endpoints, authenticate: async () => caller, deps }),
  )
  const text = await answer.text()
  const body = JSON.parse(text)
  expect(body).toMatchObject({ status: 500, code: 'internal', request_id: answer.headers.get('request-id') })
  expect(text).not.toMatch(/4711|database|secret|at /)
  expect(deps.lines.find(({ event }) => event === 'unexpected_error')?.fields.request_id).toBe(body.request_id)
})

it('ends as a mistake of ours when an answer does not fit its schema, but never hides one about money in production', async () => {
  const wrong = endpoint({
    method: 'get',
    path: '/v1/wrong',
    tag: 'deposits',
    summary: 'Wrong',
    scope: 'deposits:read',
    answers: { 200: z.object({ limit: z.int() }) },
    handle: async () => ({ status: 200, body: { limit: Number.NaN } }),
  })
  const deps = edgeDeps()
  const options = { endpoints: [wrong], authenticate: async () => caller, deps }
  expect((await testApp(options).request('/v1/wrong')).status).toBe(500)
  expect((await testApp({ ...options, strictAnswers: false }).request('/v1/wrong')).status).toBe(200)
  expect(deps.lines.some(({ event }) => event === 'answer_mismatch')).toBe(true)
})

it('speaks the version that is asked for, else the one that the client is pinned to, and refuses one that never was', async () => {
  expect((await post(BODY)).headers.get('paycage-version')).toBe('2026-11-22')
  expect((await post(BODY, { 'paycage-version': '2026-11-22' })).status).toBe(201)
  for (const version of ['2020-01-01', 'latest', ''])
    expect(await code(post(BODY, { 'paycage-version': version }))).toEqual([400, 'unsupported_version'])
  const pinned = testApp({ endpoints, authenticate: async () => ({ ...caller, apiVersion: '2019-01-01' }) })
  expect(await code(post(BODY, {}, pinned))).toEqual([400, 'unsupported_version'])
})

it('lets a player do only what is open to the cashier, and only for that player', async () => {
  const cashier = testApp({ endpoints, authenticate: async () => player })
  expect((await post(BODY, {}, cashier)).status).toBe(201)
  expect(await code(post({ ...BODY, player_id: 'p-2' }, {}, cashier))).toEqual([404, 'not_found'])
  expect(await code(cashier.request('/v1/deposits'))).toEqual([403, 'insufficient_scope'])
})

it('names the scope that is missing', async () => {
  const reader = testApp({
    endpoints,
    authenticate: async () => ({ ...caller, scopes: new Set(['deposits:read'] as const) }),
  })
  const answer = await post(BODY, {}, reader)
  expect(await code(answer)).toEqual([403, 'insufficient_scope'])
  expect(answer.headers.get('www-authenticate')).toContain('scope="deposits:write"')
})

it('refuses an endless URL, an encoded NUL and two lengths', async () => {
  expect(await code(app.request(`/v1/deposits?cursor=${'x'.repeat(2400)}`))).toEqual([400, 'malformed_request'])
  expect(await code(app.request('/v1/deposits/a%00b'))).toEqual([400, 'malformed_request'])
  expect(await code(post(BODY, { 'transfer-encoding': 'chunked', 'content-length': '10' }))).toEqual([
    400,
    'malformed_request',
  ])
})

it('refuses a query parameter twice', async () => {
  expect(await code(app.request('/v1/deposits?limit=1&limit=2'))).toEqual([400, 'duplicate_key'])
  for (const limit of ['0', '101', '-1', '1e1', '1.0', 'x', ''])
    expect([limit, ...(await code(app.request(`/v1/deposits?limit=${limit}`)))]).toEqual([
      limit,
      422,
      'validation_failed',
    ])
  expect(await (await app.request('/v1/deposits?limit=100')).json()).toEqual({ limit: 100 })
  expect(await (await app.request('/v1/deposits')).json()).toEqual({ limit: 25 })
})

it('keeps the trace that the caller began, and no other text in its place', async () => {
  const deps = edgeDeps()
  const traced = testApp({ endpoints, authenticate: async () => caller, deps })
  await traced.request('/v1/deposits', {
    headers: { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
  })
  await traced.request('/v1/deposits', { headers: { traceparent: '00-xyz"}' } })
  const traces = deps.lines.filter(({ event }) => event === 'http_request').map(({ fields }) => fields.trace_id)
  expect(traces).toEqual(['4bf92f3577b34da6a3ce929d0e0e4736', '0af7651916cd43dd8448eb211c80319c'])
})

it('has a body of RFC 9457 for every code', () => {
  for (const each of CODES) {
    const body = problemBody(new Fault(each, 'Detail.'), 'req_x')
    expect(body).toMatchObject({
      type: `/docs/errors/${each}`,
      status: PROBLEMS[each].status,
      code: each,
      detail: 'Detail.',
      request_id: 'req_x',
    })
  }
})

it('lets no member of a fault stand over the standard ones', () => {
  const body = problemBody(
    new Fault('duplicate_reference', 'Used.', { members: { status: 200, code: 'ok', resource: 'dep_1' } }),
    'req_x',
  )
  expect(body).toMatchObject({ status: 409, code: 'duplicate_reference', resource: 'dep_1' })
})
