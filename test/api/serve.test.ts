import { expect, it } from 'vitest'
import type { Idempotent } from '../../src/api/endpoint.ts'
import { edgeDeps, testApp } from '../support/app.ts'
import { app, BODY, caller, code, endpoints, HEADERS, KEY, post } from '../support/specimens.ts'

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
    return { ...(await run('run-1')), replayed: true }
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
      requestId: expect.stringMatching(/^req_/),
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
