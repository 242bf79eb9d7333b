import { afterAll, beforeAll, expect, it } from 'vitest'
import { SCOPES } from '../../src/auth/scopes.ts'
import { PLAYER, type World, world } from '../support/world.ts'

let gateway: World
beforeAll(async () => {
  gateway = await world()
})
afterAll(() => gateway.close())

type Entry = { who: string; what: string; subject: string; before: unknown; after: unknown; reason: string | null }
const log = async (query = ''): Promise<Entry[]> => (await gateway.request('GET', `/v1/audit_log${query}`)).body.data
const put = (path: string, body: unknown) => gateway.request('PUT', path, { body })

it('says who changed what a player’s money depends on, without the person', async () => {
  const who = gateway.operator.clientId
  await put(`/v1/players/${PLAYER}`, { name: 'Somebody Else', date_of_birth: '1980-02-03' })
  expect(await log()).toEqual([])
  await put(`/v1/players/${PLAYER}`, { risk: { aml_status: 'flagged' } })
  await put(`/v1/players/${PLAYER}/exclusion`, { type: 'time_out', until: '2030-01-01T00:00:00Z', source: 'player' })
  await gateway.request('DELETE', `/v1/players/${PLAYER}/exclusion`)
  const limit = { metric: 'deposit_gross', window: 'day', amount: '200.00', currency: 'EUR' }
  await gateway.request('POST', `/v1/players/${PLAYER}/limits`, { body: limit })
  const rows = (await log()).reverse()
  expect(rows).toMatchObject([
    {
      who,
      what: 'player.risk_changed',
      subject: PLAYER,
      before: { aml_status: 'clear' },
      after: { aml_status: 'flagged' },
    },
    { who, what: 'player.excluded', before: null, after: { type: 'time_out' }, reason: 'player' },
    { who, what: 'player.exclusion_lifted', before: { type: 'time_out' }, after: null },
    { who, what: 'player.limit_set', before: { minor: null }, after: { minor: '20000', metric: 'deposit_gross' } },
  ])
  expect(JSON.stringify(rows)).not.toMatch(/Somebody|1980/)
})

it('says what was changed of connections, breakers, keys and endpoints, and shows no secret', async () => {
  const [connection = ''] = Object.values(gateway.operator.connections)
  await gateway.request('PATCH', `/v1/connections/${connection}`, { body: { enabled: false } })
  await gateway.request('PATCH', `/v1/connections/${connection}`, { body: { enabled: true } })
  const key = await gateway.request('POST', '/v1/keys', { body: { name: 'one', scopes: ['audit:read'] } })
  const made = await gateway.request('POST', '/v1/webhook_endpoints', { body: { url: 'http://localhost:9/x' } })
  await gateway.request('POST', `/v1/webhook_endpoints/${made.body.id}/rotate`, { body: {} })
  const rows = await log()
  expect(rows.map(({ what }) => what).slice(0, 5)).toEqual([
    'webhook_endpoint.secret_rotated',
    'webhook_endpoint.created',
    'key.created',
    'connection.changed',
    'connection.changed',
  ])
  expect(rows[4]).toMatchObject({ subject: connection, before: { enabled: true }, after: { enabled: false } })
  const text = JSON.stringify(rows)
  for (const secret of [key.body.client_secret, made.body.secret]) expect(text).not.toContain(secret.slice(6))
})

it('lists by who, what and subject, page by page, and proves itself', async () => {
  const what = await log('?what=player.excluded')
  expect(what.map((row) => row.what)).toEqual(['player.excluded'])
  expect((await log('?who=cli_nobody')).length).toBe(0)
  expect((await log(`?subject=${PLAYER}`)).length).toBe(4)
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const { body } = await gateway.request('GET', `/v1/audit_log?limit=2${cursor}`)
    seen.push(...body.data.map(({ sequence }: { sequence: string }) => sequence))
    if (!body.has_more) break
    cursor = `&cursor=${body.next_cursor}`
  }
  expect(seen).toEqual([...seen].sort((a, b) => Number(b) - Number(a)))
  const { body: proof } = await gateway.request('GET', '/v1/audit_log/verify')
  expect(proof).toEqual({ rows: seen.length, head: expect.stringMatching(/^[0-9a-f]{64}$/), broken: null })
  const token = await gateway.token(['players:read'])
  expect((await gateway.request('GET', '/v1/audit_log', { token })).status).toBe(403)
  expect((await gateway.request('GET', '/v1/audit_log?cursor=abc')).status).toBe(422)
  const foreign = await gateway.token(undefined, gateway.second)
  expect((await gateway.request('GET', '/v1/audit_log', { token: foreign })).body.data).toEqual([])
})

const tokenOf = async (client_id: string, client_secret: string) =>
  fetch(`${gateway.url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })

it('makes a key for a second person, who can then approve', async () => {
  const made = await gateway.request('POST', '/v1/keys', {
    body: { name: 'second approver', scopes: ['reviews:read', 'reviews:decide', 'reviews:read'] },
  })
  expect(made).toMatchObject({ status: 201, body: { scopes: ['reviews:read', 'reviews:decide'], status: 'live' } })
  const granted = await tokenOf(made.body.client_id, made.body.client_secret)
  const { access_token: token, scope } = await granted.json()
  expect(scope).toBe('reviews:read reviews:decide')
  expect((await gateway.request('GET', '/v1/reviews', { token })).status).toBe(200)
  expect((await gateway.request('GET', '/v1/keys', { token })).status).toBe(403)

  const listed = await gateway.request('GET', '/v1/keys')
  expect(listed.body.data.map(({ id }: { id: string }) => id)).toContain(made.body.id)
  expect(listed.text).not.toContain('pcs_')

  expect((await gateway.request('DELETE', `/v1/keys/${made.body.id}`)).status).toBe(204)
  expect((await tokenOf(made.body.client_id, made.body.client_secret)).status).toBe(401)
  gateway.clock.pass(20_000)
  expect((await gateway.request('GET', '/v1/reviews', { token })).status).toBe(401)
})

it('gives away no scope that the caller lacks, neither to a new key nor by taking over another', async () => {
  const some = await gateway.request('POST', '/v1/keys', { body: { name: 'small', scopes: ['keys:write'] } })
  const token = (await (await tokenOf(some.body.client_id, some.body.client_secret)).json()).access_token
  const beyond = await gateway.request('POST', '/v1/keys', {
    token,
    body: { name: 'more', scopes: ['keys:write', 'withdrawals:write'] },
  })
  expect(beyond).toMatchObject({ status: 403, body: { code: 'forbidden', scopes: ['withdrawals:write'] } })
  const takeover = await gateway.request('POST', `/v1/keys/${gateway.operator.clientId}/rotate`, { token })
  expect(takeover).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  // Nor by a token that was asked for with fewer scopes than its client has.
  const narrow = await gateway.token(['keys:write'])
  expect(
    (await gateway.request('POST', '/v1/keys', { token: narrow, body: { name: 'x', scopes: [...SCOPES].slice(0, 1) } }))
      .status,
  ).toBe(403)
  const player = await gateway.request('POST', '/v1/keys', { body: { name: 'x', scopes: ['cashier'] } })
  expect(player.status).toBe(422)
})

it('rotates a secret with an overlap, and closes neither the key in use nor another operator’s', async () => {
  const made = (await gateway.request('POST', '/v1/keys', { body: { name: 'r', scopes: ['events:read'] } })).body
  const again = (await gateway.request('POST', `/v1/keys/${made.id}/rotate`)).body
  for (const secret of [made.client_secret, again.client_secret])
    expect((await tokenOf(made.client_id, secret)).status).toBe(200)
  await gateway.request('POST', `/v1/keys/${made.id}/rotate`)
  expect((await tokenOf(made.client_id, made.client_secret)).status).toBe(401)
  const own = await gateway.request('DELETE', `/v1/keys/${gateway.operator.clientId}`)
  expect(own).toMatchObject({ status: 409, body: { code: 'illegal_state' } })
  const foreign = await gateway.token(undefined, gateway.second)
  for (const [method, path] of [
    ['DELETE', `/v1/keys/${made.id}`],
    ['POST', `/v1/keys/${made.id}/rotate`],
  ] as const)
    expect((await gateway.request(method, path, { token: foreign })).status).toBe(404)
  expect((await gateway.request('GET', '/v1/keys', { token: foreign })).text).not.toContain(made.id)
})
