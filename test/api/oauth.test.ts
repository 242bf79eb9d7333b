import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { oauthEndpoints } from '../../src/api/routes/oauth.ts'
import { createClient, rotateClientSecret } from '../../src/auth/clients.ts'
import { AUDIENCE, ISSUER, newId, testAccess } from '../support/access.ts'
import { testApp } from '../support/app.ts'

type World = Awaited<ReturnType<typeof testAccess>>
let world: World
let app: ReturnType<typeof testApp>
beforeAll(async () => {
  world = await testAccess()
  app = testApp({ endpoints: oauthEndpoints(world.access, world.clients), authenticate: world.access.authenticate })
})
afterAll(() => world.close())

const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
  app.request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form).toString(),
  })
const basic = (id: string, secret: string) => ({ authorization: `Basic ${btoa(`${id}:${secret}`)}` })
const GRANT = { grant_type: 'client_credentials' }
const form = ({ clientId, clientSecret }: { clientId: string; clientSecret: string }) => ({
  client_id: clientId,
  client_secret: clientSecret,
})
const tokenOf = async (client: { clientId: string; clientSecret: string }): Promise<string> =>
  (await (await post('/oauth/token', { ...GRANT, ...form(client) })).json()).access_token

it('gives a token for client_secret_post and for client_secret_basic', async () => {
  const client = await world.client('opr_a', ['deposits:read', 'deposits:write'])
  for (const answer of [
    await post('/oauth/token', { ...GRANT, ...form(client) }),
    await post('/oauth/token', GRANT, basic(client.clientId, client.clientSecret)),
  ]) {
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const body = await answer.json()
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 900, scope: 'deposits:read deposits:write' })
    const caller = await world.access.authenticate({ header: () => `Bearer ${body.access_token}` })
    expect(caller).toMatchObject({ operatorId: 'opr_a', clientId: client.clientId })
    expect([...caller.scopes]).toEqual(['deposits:read', 'deposits:write'])
  }
})

it('gives fewer scopes when fewer are asked for, and none that were not granted', async () => {
  const client = await world.client('opr_a', ['deposits:read', 'deposits:write'])
  const ask = (scope: string) => post('/oauth/token', { ...GRANT, ...form(client), scope })
  expect((await (await ask('deposits:read')).json()).scope).toBe('deposits:read')
  for (const scope of ['withdrawals:write', 'deposits:read root', 'cashier', '*']) {
    const answer = await ask(scope)
    expect([scope, answer.status, (await answer.json()).error]).toEqual([scope, 400, 'invalid_scope'])
  }
})

it('answers every failure as an OAuth error that is a problem document too', async () => {
  const client = await world.client('opr_a')
  const { clientId, clientSecret } = client
  const cases = [
    [{}, {}, 400, 'invalid_request'],
    [{ grant_type: 'password', ...form(client) }, {}, 400, 'unsupported_grant_type'],
    [{ grant_type: 'refresh_token', ...form(client) }, {}, 400, 'unsupported_grant_type'],
    [GRANT, {}, 401, 'invalid_client'],
    [{ ...GRANT, client_id: clientId, client_secret: 'pcs_wrong' }, {}, 401, 'invalid_client'],
    [{ ...GRANT, client_id: 'cli_absent', client_secret: clientSecret }, {}, 401, 'invalid_client'],
    [{ ...GRANT, client_id: clientId }, {}, 401, 'invalid_client'],
    [GRANT, basic(clientId, ''), 401, 'invalid_client'],
    [GRANT, { authorization: 'Basic !!!' }, 401, 'invalid_client'],
    [GRANT, { authorization: 'Basic YQ==Y' }, 401, 'invalid_client'],
    [GRANT, { authorization: `Bearer ${clientSecret}` }, 401, 'invalid_client'],
    [{ ...GRANT, client_id: 'cli_other' }, basic(clientId, clientSecret), 401, 'invalid_client'],
    [{ ...GRANT, client_secret: clientSecret }, basic(clientId, clientSecret), 400, 'invalid_request'],
    [{ ...GRANT, client_assertion: 'x', client_assertion_type: 'y' }, {}, 400, 'invalid_request'],
  ] as const
  for (const [fields, headers, status, error] of cases) {
    const answer = await post('/oauth/token', { ...fields }, { ...headers })
    const body = await answer.json()
    expect([fields, answer.status, body.error]).toEqual([fields, status, error])
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(body).toMatchObject({
      code: error,
      status,
      error_description: body.detail,
      request_id: expect.stringMatching(/^req_/),
    })
    expect(JSON.stringify(body)).not.toContain(clientSecret)
    if (status === 401) expect(answer.headers.get('www-authenticate')).toBe('Basic realm="paycage"')
  }
})

it('answers an unknown client and a wrong secret with the same words', async () => {
  const { clientId } = await world.client('opr_a')
  const [wrong, unknown] = await Promise.all(
    [clientId, newId('client')].map(async (id) =>
      (await post('/oauth/token', { ...GRANT, client_id: id, client_secret: 'x' })).json(),
    ),
  )
  for (const body of [wrong, unknown]) for (const name of ['request_id', 'instance']) delete body[name]
  expect(wrong).toEqual(unknown)
})

it('takes a form only, each parameter once', async () => {
  const json = await app.request('/oauth/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  expect(json.status).toBe(415)
  const twice = await app.request('/oauth/token', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=client_credentials&grant_type=password',
  })
  expect([twice.status, (await twice.json()).code]).toEqual([400, 'duplicate_key'])
})

it('takes both secrets while a client changes over, and the oldest no more after the next change', async () => {
  const first = await world.client('opr_a')
  const second = await rotateClientSecret(world.clients, 'opr_a', first.clientId)
  const statuses = (...clients: (typeof first)[]) =>
    Promise.all(clients.map(async (client) => (await post('/oauth/token', { ...GRANT, ...form(client) })).status))
  expect(await statuses(first, second)).toEqual([200, 200])
  world.clock.pass(1000)
  const third = await rotateClientSecret(world.clients, 'opr_a', first.clientId)
  expect(await statuses(first, second, third)).toEqual([401, 200, 200])
  await expect(rotateClientSecret(world.clients, 'opr_b', first.clientId)).rejects.toMatchObject({ code: 'not_found' })
})

it('warns for the last fifteen days of a secret and refuses it after ninety', async () => {
  const aged = await testAccess()
  const agedApp = testApp({
    endpoints: oauthEndpoints(aged.access, aged.clients),
    authenticate: aged.access.authenticate,
  })
  const client = await aged.client('opr_a')
  const ask = async () => {
    const answer = await agedApp.request('/oauth/token', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...GRANT, ...form(client) }).toString(),
    })
    return { status: answer.status, body: await answer.json() }
  }
  expect((await ask()).body.secret_expires_at).toBeUndefined()
  aged.clock.pass(76 * 86_400_000)
  expect((await ask()).body.secret_expires_at).toMatch(/^20\d\d-/)
  aged.clock.pass(14 * 86_400_000)
  expect(await ask()).toMatchObject({ status: 401, body: { error: 'invalid_client', reason: 'key_expired' } })
  await aged.close()
})

it('keeps no secret in the database', async () => {
  const { clientSecret } = await world.client('opr_a')
  const rows = await world.database
    .admin`select c::text || coalesce(s::text, '') as row from api_client c left join client_secret s on s.client_id = c.id`
  expect(rows.length).toBeGreaterThan(0)
  const bare = clientSecret.replace('pcs_', '')
  for (const { row } of rows) expect(String(row)).not.toContain(bare)
})

const keys = await generateKeyPair('ES256', { extractable: true })
const assertionClient = async () => {
  const jwk: Record<string, unknown> = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256' }
  return createClient(world.clients, {
    operatorId: 'opr_a',
    name: 'signed',
    scopes: ['deposits:read'],
    jwks: { keys: [jwk] },
  })
}
const assertion = (clientId: string, wrong: Record<string, unknown> = {}, key = keys.privateKey) => {
  const now = Math.floor(world.clock.nowMs() / 1000)
  return new SignJWT({
    iss: clientId,
    sub: clientId,
    aud: ISSUER,
    jti: crypto.randomUUID(),
    iat: now,
    exp: now + 50,
    ...wrong,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
    .sign(key)
}
const byAssertion = async (text: string) =>
  (
    await post('/oauth/token', {
      ...GRANT,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: text,
    })
  ).status

it('gives a token for an assertion once', async () => {
  const { clientId } = await assertionClient()
  const text = await assertion(clientId)
  const statuses = await Promise.all([1, 2, 3, 4, 5].map(() => byAssertion(text)))
  expect(statuses.sort()).toEqual([200, 401, 401, 401, 401])
})

it('refuses an assertion that is not wholly right', async () => {
  const { clientId } = await assertionClient()
  const other = await world.client('opr_b')
  const now = Math.floor(world.clock.nowMs() / 1000)
  const stranger = await generateKeyPair('ES256')
  const cases = {
    'for the token endpoint': assertion(clientId, { aud: `${ISSUER}/oauth/token` }),
    'for several': assertion(clientId, { aud: [ISSUER, 'https://other.test'] }),
    'for a minute too long': assertion(clientId, { exp: now + 120 }),
    'that ended': assertion(clientId, { exp: now - 60 }),
    'that never ends': assertion(clientId, { exp: undefined }),
    'without an id': assertion(clientId, { jti: undefined }),
    'of another issuer': assertion(clientId, { iss: other.clientId }),
    'of a client without keys': assertion(other.clientId),
    'of a stranger': assertion(clientId, {}, stranger.privateKey),
  }
  for (const [what, text] of Object.entries(cases)) expect([what, await byAssertion(await text)]).toEqual([what, 401])
  expect(await byAssertion('x.y.z')).toBe(401)
  expect(await byAssertion('')).toBe(401)
})

it('takes a token back for its own client only, and says 200 either way', async () => {
  const client = await world.client('opr_a')
  const other = await world.client('opr_a')
  const token = await tokenOf(client)
  const taken = () =>
    world.access.authenticate({ header: () => `Bearer ${token}` }).then(
      () => true,
      () => false,
    )
  expect((await post('/oauth/revoke', { token, ...form(other) })).status).toBe(200)
  expect(await taken()).toBe(true)
  expect((await post('/oauth/revoke', { token: 'nonsense', ...form(client) })).status).toBe(200)
  expect((await post('/oauth/revoke', { token })).status).toBe(401)
  expect((await post('/oauth/revoke', { ...form(client) })).status).toBe(400)
  expect(await taken()).toBe(true)
  expect((await post('/oauth/revoke', { token, ...form(client) })).status).toBe(200)
  expect(await taken()).toBe(false)
})

it('tells what a token is to its operator, and nothing to another', async () => {
  const client = await world.client('opr_a', ['deposits:read'])
  const neighbour = await world.client('opr_a')
  const foreign = await world.client('opr_b')
  const token = await tokenOf(client)
  const ask = async (who: typeof client, text: string) =>
    (await post('/oauth/introspect', { token: text, ...form(who) })).json()
  const active = await ask(neighbour, token)
  expect(active).toMatchObject({
    active: true,
    scope: 'deposits:read',
    client_id: client.clientId,
    iss: ISSUER,
    aud: AUDIENCE,
  })
  expect(active.exp - active.iat).toBe(900)
  for (const body of [await ask(foreign, token), await ask(client, 'nonsense'), await ask(client, `${token}x`)])
    expect(body).toEqual({ active: false })
})

it('describes itself as it is', async () => {
  const meta = await (await app.request('/.well-known/oauth-authorization-server')).json()
  expect(meta.issuer).toBe(ISSUER)
  expect(meta.grant_types_supported).toEqual(['client_credentials'])
  expect(meta.token_endpoint_auth_methods_supported).not.toContain('none')
  const jwks = await (await app.request('/.well-known/jwks.json')).json()
  expect(jwks.keys).toHaveLength(1)
  expect(JSON.stringify(jwks)).not.toContain('"d"')
})

it('opens a session that reaches one player and nothing else', async () => {
  const token = await world.token('opr_a', ['players:write'])
  const answer = await app.request('/v1/players/p-1/sessions', {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  expect(answer.status).toBe(201)
  const session = await answer.json()
  expect(session).toMatchObject({ scope: 'cashier', expires_in: 900, player_id: 'p-1' })
  const caller = await world.access.authenticate({ header: () => `Bearer ${session.access_token}` })
  expect(caller).toMatchObject({ operatorId: 'opr_a', playerId: 'p-1' })
  const again = await app.request('/v1/players/p-1/sessions', {
    method: 'POST',
    headers: { authorization: `Bearer ${session.access_token}` },
  })
  expect(again.status).toBe(403)
})
