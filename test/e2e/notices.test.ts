import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { NOTICES } from '../../src/api/notices.ts'
import { expectedSignature, type Receiver, startReceiver } from '../support/receiver.ts'
import { PLAYER, type World, world } from '../support/world.ts'

let gateway: World
let receiver: Receiver
beforeAll(async () => {
  gateway = await world()
  receiver = await startReceiver()
})
afterAll(() => Promise.all([gateway.close(), receiver.stop()]))
afterEach(async () => {
  const { body } = await gateway.request('GET', '/v1/webhook_endpoints')
  for (const { id } of body.data) await gateway.request('DELETE', `/v1/webhook_endpoints/${id}`)
  receiver.got.length = 0
  receiver.reply(() => ({ status: 204 }))
})

let orders = 0
const depositOf = async (amount: string) => {
  orders += 1
  const body = {
    player_id: PLAYER,
    amount,
    currency: 'EUR',
    reference: `notice-${orders}`,
    method: { type: 'card', token: 'tok_sandbox_ok' },
  }
  const made = await gateway.request('POST', '/v1/deposits', { body })
  expect(made).toMatchObject({ status: 201, body: { status: 'succeeded' } })
  return made.body
}
const endpointAt = async (url: string, more: Record<string, unknown> = {}) => {
  const made = await gateway.request('POST', '/v1/webhook_endpoints', { body: { url, ...more } })
  expect(made.status).toBe(201)
  return made.body
}
const deliveries = async (query = '') => (await gateway.request('GET', `/v1/webhook_deliveries${query}`)).body.data
const HOUR_MS = 3_600_000

it('delivers a signed notice of every final payment', async () => {
  const { secret, id } = await endpointAt(receiver.url)
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  const deposit = await depositOf('25.00')
  await gateway.work()
  const notice = receiver.got.find(({ body }) => body.type === 'deposit.succeeded')
  if (notice === undefined) throw new Error('no notice came')
  expect(notice.body).toMatchObject({
    id: notice.id,
    api_version: '2026-11-22',
    sequence: 1,
    data: { id: deposit.id, status: 'succeeded', amount: '25.00', player_id: PLAYER },
  })
  expect(notice.id).toMatch(/^evt_/)
  for (const { body } of receiver.got) expect(NOTICES[body.type]?.body.safeParse(body).error).toBeUndefined()
  expect(notice.signatures).toEqual([expectedSignature(secret, notice)])
  expect(await deliveries(`?event_id=${notice.id}`)).toMatchObject([
    { endpoint_id: id, status: 'succeeded', tries: 1, history: [{ result: 'delivered', status: 204 }] },
  ])
  const event = await gateway.request('GET', `/v1/events/${notice.id}`)
  expect(event.body).toMatchObject({ id: notice.id, sequence: 1, data: { id: deposit.id } })
})

it('shows the secret once, and keeps it sealed', async () => {
  const { secret, id } = await endpointAt(receiver.url)
  for (const path of ['/v1/webhook_endpoints', `/v1/webhook_endpoints/${id}`])
    expect((await gateway.request('GET', path)).text).not.toContain('whsec_')
  const rows = await gateway.database.admin`select * from webhook_endpoint where id = ${id}`
  expect(JSON.stringify(rows)).not.toContain(secret.slice(6))
  expect(JSON.stringify(gateway.logs)).not.toContain(secret.slice(6))
})

it('waits 5 s before the second try and no less', async () => {
  await endpointAt(receiver.url, { events: ['deposit.succeeded'] })
  receiver.reply((n) => ({ status: n === 0 ? 503 : 200 }))
  await depositOf('12.00')
  await gateway.work()
  gateway.clock.pass(3_000)
  await gateway.work()
  expect(receiver.got).toHaveLength(1)
  gateway.clock.pass(3_000)
  await gateway.work()
  expect(receiver.got).toHaveLength(2)
  expect((await deliveries())[0].history.map(({ result }: { result: string }) => result)).toEqual([
    'http_error',
    'delivered',
  ])
})

it('switches an endpoint off that answers 410, tells the others, and sends it nothing more', async () => {
  const other = await startReceiver()
  const since = new Date(gateway.clock.nowMs()).toISOString()
  const gone = await endpointAt(receiver.url, { events: ['deposit.*'] })
  await endpointAt(other.url, { events: ['webhook_endpoint.*'] })
  receiver.reply(() => ({ status: 410 }))
  await depositOf('13.00')
  await gateway.work()
  expect((await gateway.request('GET', `/v1/webhook_endpoints/${gone.id}`)).body).toMatchObject({
    status: 'disabled',
    disabled_reason: 'gone',
  })
  expect(other.got.map(({ body }) => body)).toMatchObject([
    { type: 'webhook_endpoint.disabled', data: { id: gone.id, disabled_reason: 'gone' } },
  ])
  await depositOf('14.00')
  await gateway.work()
  expect(receiver.got).toHaveLength(1)

  // Back again, it gets what it missed, once.
  receiver.reply(() => ({ status: 200 }))
  await gateway.request('PATCH', `/v1/webhook_endpoints/${gone.id}`, { body: { status: 'enabled' } })
  const asked = await gateway.request('POST', `/v1/webhook_endpoints/${gone.id}/recover`, {
    body: { since, only: 'undelivered' },
  })
  expect(asked).toMatchObject({ status: 202, body: { endpoint_id: gone.id } })
  await gateway.work()
  const amounts = receiver.got.slice(1).map(({ body }) => body.data.amount)
  expect(amounts).toEqual(['13.00', '14.00'])
  await other.stop()
})

it('rests as long as an overloaded receiver asks, without using up a try', async () => {
  await endpointAt(receiver.url, { events: ['deposit.succeeded'] })
  receiver.reply((n) => (n === 0 ? { status: 429, headers: { 'retry-after': '600' } } : { status: 200 }))
  await depositOf('15.00')
  await gateway.work()
  await depositOf('16.00')
  gateway.clock.pass(500_000)
  await gateway.work()
  expect(receiver.got).toHaveLength(1)
  gateway.clock.pass(120_000)
  await gateway.work()
  expect(receiver.got).toHaveLength(3)
  expect((await deliveries('?status=succeeded&limit=2')).map(({ tries }: { tries: number }) => tries)).toEqual([1, 2])
})

it('signs with both secrets while one is rotated, and with the new one alone where no overlap is wanted', async () => {
  const first = await endpointAt(receiver.url, { events: ['deposit.succeeded'] })
  const rotate = async (body: unknown) =>
    (await gateway.request('POST', `/v1/webhook_endpoints/${first.id}/rotate`, { body })).body
  const second = await rotate({})
  expect(second.secret).not.toBe(first.secret)
  expect(Date.parse(second.previous_secret_until)).toBeGreaterThan(gateway.clock.nowMs() + 23 * HOUR_MS)
  await depositOf('17.00')
  await gateway.work()
  const third = await rotate({ overlap_hours: 0 })
  await depositOf('18.00')
  await gateway.work()
  const [during, after] = receiver.got
  if (!during || !after) throw new Error('two notices were expected')
  expect(during.signatures).toEqual([second.secret, first.secret].map((secret) => expectedSignature(secret, during)))
  expect(after.signatures).toEqual([expectedSignature(third.secret, after)])
})

it('tests an endpoint at once and says what came of it', async () => {
  const { id } = await endpointAt(receiver.url)
  const good = await gateway.request('POST', `/v1/webhook_endpoints/${id}/test`)
  expect(good).toMatchObject({
    status: 200,
    body: { status: 'succeeded', type: 'webhook_endpoint.test', history: [{ status: 204 }] },
  })
  receiver.reply(() => ({ status: 302, headers: { location: gateway.url } }))
  const bad = await gateway.request('POST', `/v1/webhook_endpoints/${id}/test`)
  expect(bad.body).toMatchObject({ status: 'pending', history: [{ result: 'redirected', status: 302 }] })
  expect(receiver.got).toHaveLength(2)
  await gateway.request('PATCH', `/v1/webhook_endpoints/${id}`, { body: { status: 'disabled' } })
  expect((await gateway.request('POST', `/v1/webhook_endpoints/${id}/test`)).body.code).toBe('illegal_state')
})

it('sends everything since a time again when it is asked to', async () => {
  const { id } = await endpointAt(receiver.url, { events: ['deposit.succeeded'] })
  const since = new Date(gateway.clock.nowMs()).toISOString()
  await depositOf('19.00')
  await depositOf('20.00')
  await gateway.work()
  await gateway.request('POST', `/v1/webhook_endpoints/${id}/recover`, { body: { since } })
  await gateway.work()
  const ids = receiver.got.map((notice) => notice.id)
  expect(ids).toHaveLength(4)
  expect(new Set(ids).size).toBe(2)
  const future = new Date(gateway.clock.nowMs() + HOUR_MS).toISOString()
  const refused = await gateway.request('POST', `/v1/webhook_endpoints/${id}/recover`, { body: { since: future } })
  expect(refused.status).toBe(422)
})

it('fans out once, however often its job runs', async () => {
  await endpointAt(receiver.url, { events: ['deposit.succeeded'] })
  await depositOf('21.00')
  await gateway.work()
  const { id } = receiver.got[0] ?? { id: '' }
  const fanOut = gateway.gateway.jobs.handlers.fan_out
  const again = {
    id: 0n,
    kind: 'fan_out',
    operatorId: gateway.operator.id,
    subject: id,
    payload: {},
    runAt: new Date(),
    failures: 0,
    lease: '',
    revision: 0,
  }
  await Promise.all([1, 2, 3].map(() => fanOut?.(gateway.gateway.deps, again)))
  await gateway.work()
  expect(receiver.got).toHaveLength(1)
})

it('signs nothing with a secret that was put in from another endpoint', async () => {
  const [one, two] = [await endpointAt(receiver.url), await endpointAt(receiver.url)]
  const { admin } = gateway.database
  await admin`update webhook_endpoint set secret_sealed = (select secret_sealed from webhook_endpoint where id = ${two.id})
    where id = ${one.id}`
  const refused = await gateway.request('POST', `/v1/webhook_endpoints/${one.id}/test`)
  expect(refused).toMatchObject({ status: 500, body: { code: 'internal' } })
  expect(receiver.got).toEqual([])
})

it('refuses URLs that lead inside, and says no more than that', async () => {
  for (const url of [
    'https://169.254.169.254/latest/meta-data',
    'https://2852039166/',
    'http://10.0.0.1/',
    'https://user:pass@pay.example/',
    'gopher://127.0.0.1/',
  ]) {
    const refused = await gateway.request('POST', '/v1/webhook_endpoints', { body: { url } })
    expect(refused).toMatchObject({ status: 422, body: { code: 'unsafe_url', errors: [{ pointer: '/url' }] } })
  }
  const { id } = await endpointAt(receiver.url)
  const moved = await gateway.request('PATCH', `/v1/webhook_endpoints/${id}`, { body: { url: 'http://10.0.0.1/' } })
  expect(moved).toMatchObject({ status: 422, body: { code: 'unsafe_url' } })
})

it('keeps endpoints and deliveries of one operator from another', async () => {
  const { id } = await endpointAt(receiver.url)
  const token = await gateway.token(undefined, gateway.second)
  for (const [method, path, body] of [
    ['GET', `/v1/webhook_endpoints/${id}`, undefined],
    ['PATCH', `/v1/webhook_endpoints/${id}`, { status: 'disabled' }],
    ['DELETE', `/v1/webhook_endpoints/${id}`, undefined],
    ['POST', `/v1/webhook_endpoints/${id}/rotate`, {}],
    ['POST', `/v1/webhook_endpoints/${id}/test`, undefined],
    ['POST', `/v1/webhook_endpoints/${id}/recover`, { since: '2026-01-01T00:00:00Z' }],
  ] as const) {
    const answer = await gateway.request(method, path, { token, ...(body && { body }) })
    expect([path, answer.status]).toEqual([path, 404])
  }
  await depositOf('22.00')
  await gateway.work()
  const foreign = await gateway.request('GET', '/v1/webhook_deliveries', { token })
  expect(foreign.body.data).toEqual([])
  const { id: event } = receiver.got[0] ?? { id: '' }
  const stolen = await gateway.request('POST', `/v1/events/${event}/redeliver`, { token, body: {} })
  expect(stolen.status).toBe(404)
})

it('takes twenty endpoints and not one more', async () => {
  for (const _ of Array.from({ length: 20 })) await endpointAt(receiver.url)
  const refused = await gateway.request('POST', '/v1/webhook_endpoints', { body: { url: receiver.url } })
  expect(refused).toMatchObject({ status: 409, body: { code: 'conflict' } })
})

// The last one: the ledger refuses postings of a clock that runs days ahead, as this one does afterwards.
it('tries again with the same id when the receiver fails, down the ladder to its end', async () => {
  await endpointAt(receiver.url, { events: ['deposit.succeeded'] })
  receiver.reply(() => ({ status: 500, body: 'secret words of the receiver' }))
  await depositOf('11.00')
  for (const _ of Array.from({ length: 14 })) {
    await gateway.work()
    gateway.clock.pass(28 * HOUR_MS)
  }
  expect(receiver.got).toHaveLength(10)
  expect(new Set(receiver.got.map(({ id }) => id)).size).toBe(1)
  expect(new Set(receiver.got.map(({ timestamp }) => timestamp)).size).toBe(10)
  const [delivery] = await deliveries()
  expect(delivery).toMatchObject({ status: 'failed', tries: 10, next_try_at: null })
  expect(JSON.stringify(delivery)).not.toContain('secret words')

  receiver.reply(() => ({ status: 200 }))
  const { id } = receiver.got[0] ?? { id: '' }
  const again = await gateway.request('POST', `/v1/events/${id}/redeliver`, { body: {} })
  expect(again).toMatchObject({ status: 202, body: { delivery_ids: [delivery.id] } })
  await gateway.work()
  expect((await deliveries())[0]).toMatchObject({ id: delivery.id, status: 'succeeded' })
  expect(receiver.got.at(-1)?.id).toBe(id)
})
