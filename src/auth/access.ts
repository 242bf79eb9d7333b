import { createHash } from 'node:crypto'
import { Fault } from '../core/errors.ts'
import type { NewId } from '../core/ids.ts'
import { denied, forgetExpired, revokeToken } from '../db/access.ts'
import type { Db } from '../db/client.ts'
import type { Keyring } from './keys.ts'
import { type Caller, parseScopes, type Scope } from './scopes.ts'
import { signToken, type TokenClaims, verifyToken } from './tokens.ts'

/** What access needs. `issuer` is our public base URL; tokens are for `audience` only. */
export type AccessDeps = {
  readonly db: Db
  readonly clock: { nowMs(): number }
  readonly newId: NewId
  readonly keyring: Keyring
  readonly issuer: string
  readonly audience: string
  /** 15 minutes unless said; the config refuses more than an hour. */
  readonly tokenSeconds?: number
}

/** A token that was just issued. */
export type IssuedToken = { readonly token: string; readonly expiresIn: number; readonly scope: string }

/** Tokens: made, checked, taken back. */
export type Access = {
  readonly issuer: string
  readonly audience: string
  readonly keyring: Keyring
  issue(to: {
    readonly operatorId: string
    readonly clientId: string
    readonly scopes: ReadonlySet<Scope>
    readonly playerId?: string
    readonly apiVersion?: string | null
  }): Promise<IssuedToken>
  /** The caller behind `Authorization: Bearer …`. Throws `unauthenticated`. */
  authenticate(request: { readonly header: (name: string) => string | undefined }): Promise<Caller>
  /** The claims of a token that would be taken now, or undefined. */
  inspect(token: string): Promise<TokenClaims | undefined>
  /** Takes a token back, here at once and everywhere within `DENIED_FRESH_MS`. */
  revoke(claims: TokenClaims): Promise<void>
  /** Forgets what has expired; a job calls it now and then. */
  tidy(): Promise<void>
}

const TOKEN_SECONDS = 900
/** A closed client and a revoked token are refused by every instance within this. */
const DENIED_FRESH_MS = 500
/** Commits become visible out of order; what is read again is only put into a map again. */
const OVERLAP_MS = 10_000
/** 10 000 tokens are 5 MB: more clients than one instance serves in a token's life. */
const MOST_CACHED = 10_000
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i

/** Opens access over a keyring. Verified tokens are remembered by their hash until they end: checking a signature costs more than everything else in a request. */
export function openAccess(deps: AccessDeps): Access {
  const { clock, keyring, issuer, audience, tokenSeconds = TOKEN_SECONDS } = deps
  const denyList = openDenyList(deps, tokenSeconds)
  const verified = new Map<string, TokenClaims>()

  async function check(token: string): Promise<TokenClaims | undefined> {
    await keyring.freshen()
    await denyList.freshen()
    const hash = createHash('sha256').update(token).digest('base64')
    const nowMs = clock.nowMs()
    const known = verified.get(hash)
    const claims =
      known ??
      (await verifyToken(token, { keyOf: keyring.keyOf, issuer, audience, nowMs, maxAgeSeconds: tokenSeconds }))
    if (claims === undefined) return undefined
    if (claims.expiresAt * 1000 <= nowMs || denyList.denies(claims)) {
      verified.delete(hash)
      return undefined
    }
    if (known === undefined) remember(verified, hash, claims)
    return claims
  }

  return {
    issuer,
    audience,
    keyring,
    async issue({ operatorId, clientId, scopes, playerId, apiVersion }) {
      await keyring.freshen()
      const issuedAt = Math.floor(clock.nowMs() / 1000)
      const scope = [...scopes].join(' ')
      const token = await signToken(
        {
          subject: playerId === undefined ? clientId : `player:${playerId}`,
          clientId,
          operatorId,
          scope,
          jti: deps.newId('key'),
          issuedAt,
          expiresAt: issuedAt + tokenSeconds,
          ...(playerId !== undefined && { playerId }),
          ...(typeof apiVersion === 'string' && { apiVersion }),
        },
        keyring.signer(),
        { issuer, audience },
      )
      return { token, expiresIn: tokenSeconds, scope }
    },
    async authenticate({ header }) {
      const [, token] = BEARER.exec(header('authorization') ?? '') ?? []
      const claims = token === undefined ? undefined : await check(token)
      const scopes = claims === undefined ? undefined : parseScopes(claims.scope)
      if (claims === undefined || scopes === undefined)
        throw new Fault('unauthenticated', 'Send a valid access token as Authorization: Bearer.')
      return callerOf(claims, scopes)
    },
    inspect: check,
    revoke: (claims) => denyList.add(claims),
    tidy: () => deps.db.global((tx) => forgetExpired(tx, new Date(clock.nowMs()))),
  }
}

const callerOf = (claims: TokenClaims, scopes: ReadonlySet<Scope>): Caller => ({
  operatorId: claims.operatorId,
  clientId: claims.clientId,
  scopes,
  tokenId: claims.jti,
  ...(claims.playerId !== undefined && { playerId: claims.playerId }),
  ...(claims.apiVersion !== undefined && { apiVersion: claims.apiVersion }),
})

function remember(verified: Map<string, TokenClaims>, hash: string, claims: TokenClaims): void {
  const [oldest] = verified.keys()
  if (verified.size >= MOST_CACHED && oldest !== undefined) verified.delete(oldest)
  verified.set(hash, claims)
}

type DenyList = {
  freshen(): Promise<void>
  denies(claims: TokenClaims): boolean
  add(claims: TokenClaims): Promise<void>
}

/** What must be refused though it verifies, by token id and never by token text: one signature has several spellings. */
function openDenyList({ db, clock }: AccessDeps, tokenSeconds: number): DenyList {
  const tokens = new Map<string, number>()
  let clients = new Map<string, { closed: boolean; validFromMs: number }>()
  let readAtMs = Number.NEGATIVE_INFINITY
  let sinceMs = 0
  let reading: Promise<void> | undefined
  const reread = async () => {
    const startedMs = clock.nowMs()
    const news = await db.global((tx) => denied(tx, new Date(sinceMs), tokenSeconds))
    for (const { jti, expiresAt, revokedAt } of news.tokens) {
      tokens.set(jti, expiresAt.getTime())
      // The database's time: ours may differ from it, and from that of the instance that wrote the row.
      sinceMs = Math.max(sinceMs, revokedAt.getTime() - OVERLAP_MS)
    }
    for (const [jti, expiresAtMs] of tokens) if (expiresAtMs <= startedMs) tokens.delete(jti)
    clients = new Map(
      news.clients.map(({ id, disabledAt, tokensValidFrom }) => [
        id,
        { closed: disabledAt !== null, validFromMs: tokensValidFrom?.getTime() ?? 0 },
      ]),
    )
    readAtMs = startedMs
  }
  return {
    async freshen() {
      if (clock.nowMs() - readAtMs < DENIED_FRESH_MS) return
      reading ??= reread().finally(() => {
        reading = undefined
      })
      await reading
    },
    denies({ jti, clientId, issuedAt }) {
      const client = clients.get(clientId)
      return tokens.has(jti) || (client !== undefined && (client.closed || issuedAt * 1000 < client.validFromMs))
    },
    async add({ jti, clientId, expiresAt }) {
      await db.global((tx) => revokeToken(tx, { jti, clientId, expiresAt: new Date(expiresAt * 1000) }))
      tokens.set(jti, expiresAt * 1000)
    },
  }
}
