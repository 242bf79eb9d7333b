import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { SignJWT } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openAccess } from '../../src/auth/access.ts'
import { openKeyring, rotateSigningKey } from '../../src/auth/keys.ts'
import type { Caller } from '../../src/auth/scopes.ts'
import { Fault } from '../../src/core/errors.ts'
import { setClientDisabled, setClientScopes } from '../../src/db/access.ts'
import { AUDIENCE, ISSUER, newId, testAccess } from '../support/access.ts'

type World = Awaited<ReturnType<typeof testAccess>>
let world: World
beforeAll(async () => {
  world = await testAccess()
})
afterAll(() => world.close())

const bearer = (token: string) =>
  world.access.authenticate({ header: (name) => (name === 'authorization' ? `Bearer ${token}` : undefined) })
const codeOf = (call: Promise<Caller>) =>
  call.then(
    () => 'taken',
    (error: unknown) => (error instanceof Fault ? error.code : 'broken'),
  )

const base64url = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const parts = (token: string) => {
  const [header = '', payload = '', signature = ''] = token.split('.')
  const read = (text: string): Record<string, unknown> => JSON.parse(Buffer.from(text, 'base64url').toString())
  return { header: read(header), payload: read(payload), signature, text: { header, payload } }
}

/** Signs with the house's own key what the house would never sign. */
const ours = (payload: Record<string, unknown>, header: Record<string, unknown> = {}) => {
  const { kid, key } = world.keyring.signer()
  return new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid, ...header }).sign(key)
}
const nowSeconds = () => Math.floor(world.clock.nowMs() / 1000)
const claims = () => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'cli_x',
  client_id: 'cli_x',
  operator: 'opr_a',
  scope: 'deposits:read',
  jti: newId('key'),
  iat: nowSeconds(),
  exp: nowSeconds() + 900,
})

it('takes a token that is wholly right and says who calls', async () => {
  const caller = await bearer(await ours(claims()))
  expect(caller).toMatchObject({ operatorId: 'opr_a', clientId: 'cli_x' })
  expect(caller.scopes.has('deposits:read')).toBe(true)
})

it.each(['iss', 'aud', 'sub', 'client_id', 'operator', 'scope', 'jti', 'iat', 'exp'])(
  'refuses a token without %s',
  async (name) => {
    const rest = Object.fromEntries(Object.entries(claims()).filter(([claim]) => claim !== name))
    expect(await codeOf(bearer(await ours(rest)))).toBe('unauthenticated')
  },
)

it.each([
  ['of another issuer', { iss: 'https://evil.test' }],
  ['for another service', { aud: 'https://gateway.test/console' }],
  ['for several services', { aud: [AUDIENCE, 'https://other.test'] }],
  ['that ended', { iat: -1000, exp: -10 }],
  ['of the future', { iat: 600, exp: 1500 }],
  ['that never seems to end', { iat: -86_400, exp: 86_400 }],
  ['not valid yet', { nbf: 600 }],
  ['with a number for a scope', { scope: 1 }],
  ['with an unknown scope', { scope: 'deposits:read root' }],
  ['with an object for an operator', { operator: { id: 'opr_a' } }],
  ['with a number for a player', { player_id: 7 }],
])('refuses a token %s', async (_what, wrong) => {
  const moved = Object.fromEntries(
    Object.entries(wrong).map(([name, value]) => [
      name,
      typeof value === 'number' && ['iat', 'exp', 'nbf'].includes(name) ? nowSeconds() + value : value,
    ]),
  )
  expect(await codeOf(bearer(await ours({ ...claims(), ...moved })))).toBe('unauthenticated')
})

it.each([
  ['of no type', { typ: undefined }],
  ['of the type of any JWT', { typ: 'JWT' }],
  ['that is a refresh token', { typ: 'rt+jwt' }],
  ['with a critical extension', { crit: ['b64'], b64: true }],
])('refuses a token %s', async (_what, header) => {
  expect(await codeOf(bearer(await ours(claims(), header)))).toBe('unauthenticated')
})

const stranger = generateKeyPairSync('ed25519')
const byHand = (header: Record<string, unknown>, signWith: (input: string) => Buffer) => {
  const input = `${base64url(header)}.${base64url(claims())}`
  return `${input}.${signWith(input).toString('base64url')}`
}
const publicPem = () => JSON.stringify(world.keyring.jwks().keys[0])

it.each([
  ['none', () => `${base64url({ alg: 'none', typ: 'at+jwt' })}.${base64url(claims())}.`],
  ['None', () => `${base64url({ alg: 'None', typ: 'at+jwt' })}.${base64url(claims())}.`],
  [
    'nOnE with our key id',
    () => `${base64url({ alg: 'nOnE', typ: 'at+jwt', kid: world.keyring.signer().kid })}.${base64url(claims())}.AA`,
  ],
  [
    'HS256 by our public key',
    () =>
      byHand({ alg: 'HS256', typ: 'at+jwt', kid: world.keyring.signer().kid }, (input) =>
        createHmac('sha256', publicPem()).update(input).digest(),
      ),
  ],
  [
    'HS256 by the empty key',
    () => byHand({ alg: 'HS256', typ: 'at+jwt' }, (input) => createHmac('sha256', '').update(input).digest()),
  ],
  [
    'EdDSA by a stranger with our key id',
    () =>
      byHand({ alg: 'EdDSA', typ: 'at+jwt', kid: world.keyring.signer().kid }, (input) =>
        sign(null, Buffer.from(input), stranger.privateKey),
      ),
  ],
  [
    'EdDSA by a stranger without a key id',
    () => byHand({ alg: 'EdDSA', typ: 'at+jwt' }, (input) => sign(null, Buffer.from(input), stranger.privateKey)),
  ],
  [
    'a stranger who embeds his key',
    () =>
      byHand({ alg: 'EdDSA', typ: 'at+jwt', jwk: stranger.publicKey.export({ format: 'jwk' }) }, (input) =>
        sign(null, Buffer.from(input), stranger.privateKey),
      ),
  ],
  [
    'a stranger who links his keys',
    () =>
      byHand({ alg: 'EdDSA', typ: 'at+jwt', kid: 'x', jku: 'http://127.0.0.1:1/jwks' }, (input) =>
        sign(null, Buffer.from(input), stranger.privateKey),
      ),
  ],
  [
    'a stranger with a certificate',
    () =>
      byHand({ alg: 'EdDSA', typ: 'at+jwt', kid: 'x', x5u: 'http://127.0.0.1:1/x', x5c: ['MIIB'] }, (input) =>
        sign(null, Buffer.from(input), stranger.privateKey),
      ),
  ],
  [
    'a key id that is a path',
    () =>
      byHand({ alg: 'EdDSA', typ: 'at+jwt', kid: '../../etc/passwd' }, (input) =>
        sign(null, Buffer.from(input), stranger.privateKey),
      ),
  ],
  [
    'a key id that is SQL',
    () =>
      byHand({ alg: 'EdDSA', typ: 'at+jwt', kid: "' or 1=1 --" }, (input) =>
        sign(null, Buffer.from(input), stranger.privateKey),
      ),
  ],
  [
    'a key id of 10 KB',
    () =>
      byHand({ alg: 'EdDSA', typ: 'at+jwt', kid: 'k'.repeat(10_240) }, (input) =>
        sign(null, Buffer.from(input), stranger.privateKey),
      ),
  ],
  [
    'ES256 by a stranger',
    () =>
      byHand({ alg: 'ES256', typ: 'at+jwt', kid: world.keyring.signer().kid }, (input) =>
        sign('sha256', Buffer.from(input), generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey),
      ),
  ],
  ['no token at all', () => 'x'],
  ['dots', () => '..'],
  ['five parts', () => 'a.b.c.d.e'],
])('refuses a token signed by: %s', async (_what, forge) => {
  expect(await codeOf(bearer(forge()))).toBe('unauthenticated')
})

it('refuses one of our tokens with a changed payload under the old signature', async () => {
  const { text, payload, signature } = parts(await ours(claims()))
  expect(await codeOf(bearer(`${text.header}.${base64url({ ...payload, operator: 'opr_b' })}.${signature}`))).toBe(
    'unauthenticated',
  )
})

it.each([
  ['nothing', undefined],
  ['an empty scheme', ''],
  ['another scheme', 'Basic abc'],
  ['DPoP', 'DPoP abc'],
  ['a scheme alone', 'Bearer'],
  ['two tokens', 'Bearer a, Bearer b'],
])('refuses an Authorization header of %s', async (_what, value) => {
  expect(await codeOf(world.access.authenticate({ header: () => value }))).toBe('unauthenticated')
})

it('refuses a token from the moment it ends, though it was taken and remembered before', async () => {
  const token = await ours({ ...claims(), exp: nowSeconds() + 30 })
  expect(await codeOf(bearer(token))).toBe('taken')
  world.clock.pass(31_000)
  expect(await codeOf(bearer(token))).toBe('unauthenticated')
})

it('refuses a revoked token in every spelling, here at once and elsewhere within a second', async () => {
  const token = await ours(claims())
  const elsewhere = openAccess(world.deps)
  const there = (text: string) => elsewhere.authenticate({ header: () => `Bearer ${text}` })
  expect(await codeOf(there(token))).toBe('taken')
  const inspected = await world.access.inspect(token)
  if (inspected === undefined) throw new Error('the token is good')
  await world.access.revoke(inspected)
  expect(await codeOf(bearer(token))).toBe('unauthenticated')
  // The last character of a signature carries unused bits: four letters spell the same bytes.
  const last = token.at(-1) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const respelled = `${token.slice(0, -1)}${alphabet[alphabet.indexOf(last) ^ 1]}`
  expect(respelled).not.toBe(token)
  const signatureOf = (text: string) => Buffer.from(text.split('.')[2] ?? '', 'base64url')
  expect(signatureOf(respelled)).toEqual(signatureOf(token))
  expect(await codeOf(bearer(respelled))).toBe('unauthenticated')
  world.clock.pass(1000)
  expect(await codeOf(there(token))).toBe('unauthenticated')
})

it('refuses the tokens of a closed client within a second, and takes them again when it is opened', async () => {
  const { clientId } = await world.client('opr_a')
  const { token } = await world.access.issue({
    operatorId: 'opr_a',
    clientId,
    scopes: new Set(['deposits:read'] as const),
  })
  expect(await codeOf(bearer(token))).toBe('taken')
  await world.database.db.global((tx) => setClientDisabled(tx, 'opr_a', clientId, true))
  world.clock.pass(1000)
  expect(await codeOf(bearer(token))).toBe('unauthenticated')
  await world.database.db.global((tx) => setClientDisabled(tx, 'opr_a', clientId, false))
  world.clock.pass(1000)
  expect(await codeOf(bearer(token))).toBe('taken')
})

it('lets no operator close the client of another', async () => {
  const { clientId } = await world.client('opr_a')
  expect(await world.database.db.global((tx) => setClientDisabled(tx, 'opr_b', clientId, true))).toBe(false)
  expect(await world.database.db.global((tx) => setClientScopes(tx, 'opr_b', clientId, '', new Date()))).toBe(false)
})

it('refuses tokens with scopes that the client lost', async () => {
  const { clientId } = await world.client('opr_a', ['deposits:write'])
  world.clock.pass(-5000)
  const { token } = await world.access.issue({
    operatorId: 'opr_a',
    clientId,
    scopes: new Set(['deposits:write'] as const),
  })
  world.clock.pass(5000)
  expect(await codeOf(bearer(token))).toBe('taken')
  await world.database.db.global((tx) =>
    setClientScopes(tx, 'opr_a', clientId, 'deposits:read', new Date(world.clock.nowMs())),
  )
  world.clock.pass(1000)
  expect(await codeOf(bearer(token))).toBe('unauthenticated')
})

it('signs with a new key a minute after it was made, and takes the old tokens until they end', async () => {
  const old = world.keyring.signer().kid
  const token = await ours(claims())
  const kid = await rotateSigningKey(world.keys)
  const elsewhere = await openKeyring(world.keys)
  expect(elsewhere.keyOf(kid)).toBeDefined()
  expect(elsewhere.signer().kid).toBe(old)
  world.clock.pass(61_000)
  await world.keyring.freshen()
  expect(world.keyring.signer().kid).toBe(kid)
  expect(world.keyring.jwks().keys.map((key) => key.kid)).toEqual([kid, old])
  expect(await codeOf(bearer(token))).toBe('taken')
  expect(await codeOf(bearer(await ours(claims())))).toBe('taken')
  world.clock.pass(3_700_000)
  await world.keyring.freshen()
  expect(world.keyring.jwks().keys.map((key) => key.kid)).toEqual([kid])
})

it('shows public halves only', () => {
  for (const key of world.keyring.jwks().keys) {
    expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x'])
    expect(key).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' })
  }
})

it('makes one first key, however many gateways start at once', async () => {
  const fresh = await testAccess()
  const rings = await Promise.all([1, 2, 3, 4].map(() => openKeyring(fresh.keys)))
  const kids = new Set(rings.flatMap((ring) => ring.jwks().keys.map((key) => key.kid)))
  await fresh.close()
  expect(kids.size).toBe(1)
})

it('keeps signing keys sealed, bound to their place', async () => {
  const rows = await world.database.admin`select kid, sealed_private from signing_key`
  for (const row of rows) {
    expect(String(row.sealed_private)).not.toContain('"d"')
    await expect(world.cipher.open(String(row.sealed_private), 'signing_key|sealed_private|another')).rejects.toThrow()
  }
})
