import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { Fault } from '../core/errors.ts'
import type { NewId } from '../core/ids.ts'
import {
  type ApiClient,
  type ClientSecret,
  findClient,
  insertClient,
  insertSecret,
  liveSecrets,
  revokeSecret,
  touchSecret,
  useAssertion,
} from '../db/access.ts'
import type { Db, Tx } from '../db/client.ts'
import { parseScopes, type Scope } from './scopes.ts'
import { assertedClient, verifyAssertion } from './tokens.ts'

/** What looking after clients needs. */
export type ClientDeps = { readonly db: Db; readonly newId: NewId; readonly clock: { nowMs(): number } }

/** How a client says who it is: RFC 6749 section 2.3 and RFC 7523. */
export type Credentials =
  | { readonly kind: 'secret'; readonly clientId: string; readonly secret: string }
  | { readonly kind: 'assertion'; readonly clientId: string | undefined; readonly assertion: string }

/** A client that proved itself. `secretExpiresAt` is set when its secret is about to be refused for its age. */
export type ProvenClient = ApiClient & { readonly secretExpiresAt?: Date }

const DAY_MS = 86_400_000
/** Keys older than 90 days are refused; two weeks before, the answers begin to say so. */
const SECRET_LIFE_MS = 90 * DAY_MS
const WARNING_MS = 15 * DAY_MS

/** What a new client is made of. */
export type NewClient = {
  readonly operatorId: string
  readonly name: string
  readonly scopes: Iterable<Scope>
  readonly apiVersion?: string
  readonly jwks?: ApiClient['jwks']
}

/** A client's id with a secret that was just made: in this answer and nowhere else. */
export type NewSecret = { readonly clientId: string; readonly clientSecret: string }

/** Enters a client and its first secret. */
export const createClient = (deps: ClientDeps, client: NewClient): Promise<NewSecret> =>
  deps.db.global((tx) => addClient(tx, deps, client))

/** Adds a secret beside the live one, so that a client can change over without a gap. Of three, the oldest goes. */
export const rotateClientSecret = (deps: ClientDeps, operatorId: string, clientId: string): Promise<NewSecret> =>
  deps.db.global(async (tx) => {
    const client = await findClient(tx, clientId)
    if (client?.ownerId !== operatorId) throw new Fault('not_found', 'There is no such resource.')
    return addSecret(tx, deps, clientId)
  })

/** The same in the caller's transaction. */
export async function addClient(
  tx: Tx,
  { newId, clock }: Omit<ClientDeps, 'db'>,
  client: NewClient,
): Promise<NewSecret> {
  const clientId = newId('client')
  const { secret, row } = newSecret(newId, clientId, clock.nowMs())
  await insertClient(tx, {
    id: clientId,
    ownerId: client.operatorId,
    name: client.name,
    scopes: [...client.scopes].join(' '),
    apiVersion: client.apiVersion ?? null,
    jwks: client.jwks ?? null,
  })
  await insertSecret(tx, row)
  return { clientId, clientSecret: secret }
}

/** The same in the caller's transaction, which has made sure whose client it is. */
export async function addSecret(
  tx: Tx,
  { newId, clock }: Omit<ClientDeps, 'db'>,
  clientId: string,
): Promise<NewSecret> {
  const { secret, row } = newSecret(newId, clientId, clock.nowMs())
  const live = await liveSecrets(tx, clientId)
  for (const old of live.slice(1)) await revokeSecret(tx, clientId, old.id)
  await insertSecret(tx, row)
  return { clientId, clientSecret: secret }
}

/** The client that these credentials prove, or `invalid_client`: for an unknown one, a wrong secret and a closed one alike. */
export async function authenticateClient(
  deps: ClientDeps,
  credentials: Credentials,
  issuer: string,
): Promise<ProvenClient> {
  const proven =
    credentials.kind === 'secret' ? await bySecret(deps, credentials) : await byAssertion(deps, credentials, issuer)
  if (proven === undefined || proven.disabledAt !== null)
    throw new Fault('invalid_client', 'The client or its credentials are not valid.')
  return proven
}

async function bySecret(
  { db, clock }: ClientDeps,
  { clientId, secret }: Credentials & { kind: 'secret' },
): Promise<ProvenClient | undefined> {
  const { client, secrets } = await db.global(async (tx) => ({
    client: await findClient(tx, clientId),
    secrets: await liveSecrets(tx, clientId),
  }))
  const match = matching(secrets, secret)
  if (client === undefined || match === undefined) return undefined
  const now = clock.nowMs()
  const expiresAt = match.createdAt.getTime() + SECRET_LIFE_MS
  if (now >= expiresAt)
    throw new Fault('invalid_client', 'This client secret is older than 90 days. Make a new one.', {
      members: { reason: 'key_expired' },
    })
  await db.global((tx) => touchSecret(tx, clientId, match.id, new Date(now)))
  return now >= expiresAt - WARNING_MS ? { ...client, secretExpiresAt: new Date(expiresAt) } : client
}

async function byAssertion(
  { db, clock }: ClientDeps,
  credentials: Credentials & { kind: 'assertion' },
  issuer: string,
): Promise<ProvenClient | undefined> {
  const named = await assertedClient(credentials.assertion)
  if (named === undefined || (credentials.clientId !== undefined && credentials.clientId !== named)) return undefined
  const client = await db.global((tx) => findClient(tx, named))
  if (client === undefined || client.jwks === null) return undefined
  const proof = await verifyAssertion(credentials.assertion, {
    clientId: client.id,
    jwks: client.jwks,
    issuer,
    nowMs: clock.nowMs(),
  })
  if (proof === undefined) return undefined
  // A minute more than its life: its leeway must not let it in a second time.
  const expiresAt = new Date((proof.expiresAt + 60) * 1000)
  const first = await db.global((tx) => useAssertion(tx, { clientId: client.id, jti: proof.jti, expiresAt }))
  return first ? client : undefined
}

/** The scopes that a client asks for, all of its own when it names none. Throws `invalid_scope` for one that it was not given. */
export function grantedScopes(client: ApiClient, asked: string | undefined): ReadonlySet<Scope> {
  const own = parseScopes(client.scopes) ?? new Set<Scope>()
  if (asked === undefined || asked === '') return own
  const wanted = parseScopes(asked)
  if (wanted === undefined || ![...wanted].every((scope) => own.has(scope)))
    throw new Fault('invalid_scope', 'A scope is unknown or not granted to this client.')
  return wanted
}

/** 256 bits: nothing that could be guessed, so a plain hash is enough to keep it. */
function newSecret(newId: NewId, clientId: string, nowMs: number) {
  const secret = `pcs_${randomBytes(32).toString('base64url')}`
  return {
    secret,
    row: { clientId, id: newId('key'), hash: hashOf(secret).toString('hex'), createdAt: new Date(nowMs) },
  }
}

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Compared against at least one hash and always against all of them: time tells neither whether the client exists nor which secret is near. */
function matching(secrets: readonly ClientSecret[], secret: string): ClientSecret | undefined {
  const given = hashOf(secret)
  let found: ClientSecret | undefined
  for (const candidate of [...secrets, NOBODY])
    if (timingSafeEqual(Buffer.from(candidate.hash, 'hex'), given) && candidate !== NOBODY) found = candidate
  return found
}

const NOBODY: ClientSecret = { id: '', hash: '0'.repeat(64), createdAt: new Date(0) }
