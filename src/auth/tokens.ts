import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  decodeJwt,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose'

/** One algorithm for our own tokens: nothing to choose, so nothing to confuse. */
const ALGORITHM = 'EdDSA'

/** What clients may sign their assertions with (FAPI 2.0 section 5.4). */
const ASSERTION_ALGORITHMS = ['EdDSA', 'ES256', 'PS256']

/** Clocks of two honest machines may differ by this much. */
const LEEWAY_SECONDS = 5

/** A token of ours is under 1 KB; anything longer is not looked at. */
const MOST_CHARS = 4096

/** A key pair to sign with, as it is stored. */
export type NewKeyPair = { readonly kid: string; readonly publicJwk: JWK; readonly privateJwk: JWK }

/** What a token is made of. Times are seconds since 1970. */
export type TokenClaims = {
  readonly subject: string
  readonly clientId: string
  readonly operatorId: string
  readonly scope: string
  readonly jti: string
  readonly issuedAt: number
  readonly expiresAt: number
  readonly playerId?: string
  readonly apiVersion?: string
}

/** Who issues and for whom. */
export type TokenParties = { readonly issuer: string; readonly audience: string }

/** A key that signs, ready to use. */
export type Signer = { readonly kid: string; readonly key: CryptoKey }

/** Makes a key pair; its id is the thumbprint of the public half (RFC 7638), so it can't name another key. */
export async function newKeyPair(): Promise<NewKeyPair> {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true })
  const publicJwk = await exportJWK(publicKey)
  return { kid: await calculateJwkThumbprint(publicJwk), publicJwk, privateJwk: await exportJWK(privateKey) }
}

/** Reads a stored key, public or private. Throws on anything that is no Ed25519 key. */
export async function importKey(jwk: JWK): Promise<CryptoKey> {
  const key = await importJWK(jwk, ALGORITHM)
  if (key instanceof Uint8Array) throw new Error('a signing key is not an Ed25519 key')
  return key
}

/** Signs an access token (RFC 9068). */
export function signToken(
  claims: TokenClaims,
  { kid, key }: Signer,
  { issuer, audience }: TokenParties,
): Promise<string> {
  return new SignJWT({
    client_id: claims.clientId,
    operator: claims.operatorId,
    scope: claims.scope,
    ...(claims.playerId !== undefined && { player_id: claims.playerId }),
    ...(claims.apiVersion !== undefined && { api_version: claims.apiVersion }),
  })
    .setProtectedHeader({ alg: ALGORITHM, typ: 'at+jwt', kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(claims.subject)
    .setJti(claims.jti)
    .setIssuedAt(claims.issuedAt)
    .setExpirationTime(claims.expiresAt)
    .sign(key)
}

/** What a stranger's token must pass. `keyOf` looks in memory only. */
export type TokenChecks = TokenParties & {
  readonly keyOf: (kid: string) => CryptoKey | undefined
  readonly nowMs: number
  readonly maxAgeSeconds: number
}

const KID = /^[A-Za-z0-9_-]{1,64}$/

/** The claims of a token that is wholly right, or undefined. Every claim is required: jose by itself takes a token that never ends. */
export async function verifyToken(token: string, checks: TokenChecks): Promise<TokenClaims | undefined> {
  if (token.length > MOST_CHARS) return undefined
  const verified = jwtVerify(
    token,
    ({ kid, crit }) => {
      // We use no extension, so a token that insists on one isn't ours, whether or not jose knows it.
      const key = kid !== undefined && crit === undefined && KID.test(kid) ? checks.keyOf(kid) : undefined
      if (key === undefined) throw new Error('no key of that id')
      return key
    },
    {
      algorithms: [ALGORITHM],
      typ: 'at+jwt',
      issuer: checks.issuer,
      audience: checks.audience,
      requiredClaims: ['iss', 'aud', 'exp', 'iat', 'jti', 'sub', 'client_id', 'scope', 'operator'],
      maxTokenAge: checks.maxAgeSeconds + LEEWAY_SECONDS,
      clockTolerance: LEEWAY_SECONDS,
      currentDate: new Date(checks.nowMs),
    },
  )
  // jose says no by rejecting; why is nobody's business outside.
  return verified.then(
    ({ payload }) => claimsOf(payload, checks.audience),
    () => undefined,
  )
}

function claimsOf(payload: JWTPayload, audience: string): TokenClaims | undefined {
  const { sub, jti, iat, exp, client_id, operator, scope, player_id, api_version, aud } = payload
  if (aud !== audience || sub === undefined || jti === undefined || iat === undefined || exp === undefined)
    return undefined
  if (typeof client_id !== 'string' || typeof operator !== 'string' || typeof scope !== 'string') return undefined
  if (!isOptionalText(player_id) || !isOptionalText(api_version)) return undefined
  return {
    subject: sub,
    clientId: client_id,
    operatorId: operator,
    scope,
    jti,
    issuedAt: iat,
    expiresAt: exp,
    ...(player_id !== undefined && { playerId: player_id }),
    ...(api_version !== undefined && { apiVersion: api_version }),
  }
}

const isOptionalText = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string'

/** The client that an assertion speaks for, unproven: it says only whose keys to check it with. */
export const assertedClient = (assertion: string): Promise<string | undefined> =>
  Promise.resolve(assertion.length > MOST_CHARS ? '' : assertion)
    .then((text) => decodeJwt(text).sub)
    .then(
      (sub) => sub,
      () => undefined,
    )

/** A client's assertion that is wholly right (RFC 7523, FAPI 2.0): by itself, for us alone, for a minute at most, to be used once. */
export async function verifyAssertion(
  assertion: string,
  {
    clientId,
    jwks,
    issuer,
    nowMs,
  }: { clientId: string; jwks: { readonly keys: readonly JWK[] }; issuer: string; nowMs: number },
): Promise<{ readonly jti: string; readonly expiresAt: number } | undefined> {
  const verified = jwtVerify(assertion, createLocalJWKSet({ keys: [...jwks.keys] }), {
    algorithms: ASSERTION_ALGORITHMS,
    issuer: clientId,
    subject: clientId,
    audience: issuer,
    requiredClaims: ['iss', 'sub', 'aud', 'exp', 'jti'],
    clockTolerance: LEEWAY_SECONDS,
    currentDate: new Date(nowMs),
  })
  return verified.then(
    ({ payload: { jti, exp, aud } }) => {
      const soon = exp !== undefined && exp <= nowMs / 1000 + ASSERTION_SECONDS + LEEWAY_SECONDS
      const named = typeof jti === 'string' && /^[\x21-\x7e]{8,128}$/.test(jti)
      return soon && named && aud === issuer ? { jti, expiresAt: exp } : undefined
    },
    () => undefined,
  )
}

/** FAPI 2.0: an assertion that lives longer can be stolen longer. */
const ASSERTION_SECONDS = 60
