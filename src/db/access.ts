import type { Tx } from './client.ts'

/** A program that may get tokens. */
export type ApiClient = {
  readonly id: string
  readonly ownerId: string
  readonly name: string
  /** Separated by spaces. */
  readonly scopes: string
  readonly apiVersion: string | null
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] } | null
  readonly createdAt: Date
  readonly disabledAt: Date | null
}

/** A live secret of a client, by its hash. */
export type ClientSecret = { readonly id: string; readonly hash: string; readonly createdAt: Date }

/** A signing key as it lies in the database. */
export type SigningKeyRow = {
  readonly kid: string
  readonly publicJwk: Record<string, unknown>
  readonly sealedPrivate: string
  readonly activeAt: Date
  readonly retiredAt: Date | null
}

/** Enters a client. */
export async function insertClient(
  tx: Tx,
  client: Pick<ApiClient, 'id' | 'ownerId' | 'name' | 'scopes' | 'apiVersion' | 'jwks'>,
): Promise<void> {
  await tx`
    insert into api_client (id, owner_id, name, scopes, api_version, jwks)
    values (${client.id}, ${client.ownerId}, ${client.name}, ${client.scopes}, ${client.apiVersion},
      ${client.jwks === null ? null : JSON.stringify(client.jwks)}::text::jsonb)`
}

/** The client of this id, whoever owns it: this is asked before the operator is known. */
export async function findClient(tx: Tx, id: string): Promise<ApiClient | undefined> {
  const [client] = await tx<ApiClient[]>`
    select id, owner_id, name, scopes, api_version, jwks, created_at, disabled_at from api_client where id = ${id}`
  return client
}

/** The clients of one operator, oldest first. */
export function listClients(tx: Tx, operatorId: string): Promise<ApiClient[]> {
  return tx<ApiClient[]>`
    select id, owner_id, name, scopes, api_version, jwks, created_at, disabled_at from api_client
    where owner_id = ${operatorId} order by id limit 1000`
}

/** Switches a client off or on again. False when the operator has no such client. */
export async function setClientDisabled(tx: Tx, operatorId: string, id: string, disabled: boolean): Promise<boolean> {
  const rows = await tx`
    update api_client set disabled_at = ${disabled ? tx`clock_timestamp()` : null}
    where id = ${id} and owner_id = ${operatorId} returning id`
  return rows.length > 0
}

/** Grants a client these scopes and no others, and ends the tokens that it holds. */
export async function setClientScopes(
  tx: Tx,
  operatorId: string,
  id: string,
  scopes: string,
  now: Date,
): Promise<boolean> {
  const rows = await tx`
    update api_client set scopes = ${scopes}, tokens_valid_from = ${now}
    where id = ${id} and owner_id = ${operatorId} returning id`
  return rows.length > 0
}

/** Adds a secret. */
export async function insertSecret(
  tx: Tx,
  secret: { readonly clientId: string; readonly id: string; readonly hash: string; readonly createdAt: Date },
): Promise<void> {
  await tx`
    insert into client_secret (client_id, id, hash, created_at)
    values (${secret.clientId}, ${secret.id}, ${secret.hash}, ${secret.createdAt})`
}

/** The secrets of a client that were not revoked, newest first. */
export function liveSecrets(tx: Tx, clientId: string): Promise<ClientSecret[]> {
  return tx<ClientSecret[]>`
    select id, hash, created_at from client_secret
    where client_id = ${clientId} and revoked_at is null order by created_at desc, id desc`
}

/** Revokes one secret of a client. False when there was none. */
export async function revokeSecret(tx: Tx, clientId: string, id: string): Promise<boolean> {
  const rows = await tx`
    update client_secret set revoked_at = clock_timestamp()
    where client_id = ${clientId} and id = ${id} and revoked_at is null returning id`
  return rows.length > 0
}

/** Notes that a secret was used, at most once an hour: enough to find the unused ones. */
export async function touchSecret(tx: Tx, clientId: string, id: string, now: Date): Promise<void> {
  await tx`
    update client_secret set last_used_at = ${now}
    where client_id = ${clientId} and id = ${id}
      and (last_used_at is null or last_used_at < ${now}::timestamptz - interval '1 hour')`
}

/** Lets one process at a time look after the keys. Held to the end of the transaction. */
export async function lockSigningKeys(tx: Tx): Promise<void> {
  await tx`select pg_advisory_xact_lock(${SIGNING_KEYS_LOCK})`
}

/** Any fixed number: two gateways that start together must not both make the first key. */
const SIGNING_KEYS_LOCK = 727_202

/** The keys that sign, will sign, or signed tokens that may still be out, newest first. */
export function signingKeys(tx: Tx, retiredAfter: Date): Promise<SigningKeyRow[]> {
  return tx<SigningKeyRow[]>`
    select kid, public_jwk, sealed_private, active_at, retired_at from signing_key
    where retired_at is null or retired_at > ${retiredAfter} order by active_at desc, kid`
}

/** Adds a key. */
export async function insertSigningKey(tx: Tx, key: Omit<SigningKeyRow, 'retiredAt'>): Promise<void> {
  await tx`
    insert into signing_key (kid, public_jwk, sealed_private, active_at)
    values (${key.kid}, ${JSON.stringify(key.publicJwk)}::text::jsonb, ${key.sealedPrivate}, ${key.activeAt})`
}

/** Retires every key but this one from a moment on. */
export async function retireOtherKeys(tx: Tx, kid: string, at: Date): Promise<void> {
  await tx`update signing_key set retired_at = ${at} where kid <> ${kid} and retired_at is null`
}

/** Refuses a token from now on. */
export async function revokeToken(
  tx: Tx,
  token: { readonly jti: string; readonly clientId: string; readonly expiresAt: Date },
): Promise<void> {
  await tx`
    insert into revoked_token (jti, client_id, expires_at)
    values (${token.jti}, ${token.clientId}, ${token.expiresAt}) on conflict do nothing`
}

/** What a process must know to refuse tokens that verify: those revoked since, and the clients that were closed or cut back. */
export type Denied = {
  readonly tokens: readonly { readonly jti: string; readonly expiresAt: Date; readonly revokedAt: Date }[]
  readonly clients: readonly {
    readonly id: string
    readonly disabledAt: Date | null
    readonly tokensValidFrom: Date | null
  }[]
}

/** Revocations since `since`, and clients that changed within the life of a token. */
export async function denied(tx: Tx, since: Date, tokenLifeSeconds: number): Promise<Denied> {
  const tokens = await tx<{ jti: string; expiresAt: Date; revokedAt: Date }[]>`
    select jti, expires_at, revoked_at from revoked_token where revoked_at >= ${since} and expires_at > clock_timestamp()`
  const clients = await tx<{ id: string; disabledAt: Date | null; tokensValidFrom: Date | null }[]>`
    select id, disabled_at, tokens_valid_from from api_client
    where disabled_at is not null
       or tokens_valid_from > clock_timestamp() - make_interval(secs => ${tokenLifeSeconds})`
  return { tokens, clients }
}

/** Marks an assertion as used. False when it was used before. */
export async function useAssertion(
  tx: Tx,
  assertion: { readonly clientId: string; readonly jti: string; readonly expiresAt: Date },
): Promise<boolean> {
  const rows = await tx`
    insert into used_assertion (client_id, jti, expires_at)
    values (${assertion.clientId}, ${assertion.jti}, ${assertion.expiresAt}) on conflict do nothing returning jti`
  return rows.length > 0
}

/** Forgets what has expired: revocations and assertions whose tokens nobody takes any more. */
export async function forgetExpired(tx: Tx, now: Date): Promise<void> {
  await tx`delete from revoked_token where expires_at < ${now}`
  await tx`delete from used_assertion where expires_at < ${now}`
  await tx`delete from rate_bucket where empty_at_ms < ${now.getTime()}`
}
