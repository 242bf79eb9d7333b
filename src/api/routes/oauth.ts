import { z } from 'zod'
import type { Access } from '../../auth/access.ts'
import {
  authenticateClient,
  type ClientDeps,
  type Credentials,
  grantedScopes,
  type ProvenClient,
} from '../../auth/clients.ts'
import { SCOPES } from '../../auth/scopes.ts'
import { Fault } from '../../core/errors.ts'
import { type Endpoint, endpoint } from '../endpoint.ts'
import { PlayerId } from '../shapes.ts'

/** The only assertion that there is (RFC 7523 section 2.2). */
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

const CREDENTIALS = {
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  client_assertion_type: z.string().optional(),
  client_assertion: z.string().optional(),
}

// OAuth tells a server to ignore parameters that it doesn't know (RFC 6749 section 3.2), so these forms are not strict.
const TokenForm = z.object({ ...CREDENTIALS, grant_type: z.string().optional(), scope: z.string().optional() })
const AboutToken = z.object({ ...CREDENTIALS, token: z.string().optional(), token_type_hint: z.string().optional() })

const Token = z.object({
  access_token: z.string(),
  token_type: z.literal('Bearer'),
  expires_in: z.int(),
  scope: z.string(),
  secret_expires_at: z.string().optional(),
})

const Introspection = z.object({
  active: z.boolean(),
  scope: z.string().optional(),
  client_id: z.string().optional(),
  token_type: z.literal('Bearer').optional(),
  sub: z.string().optional(),
  iss: z.string().optional(),
  aud: z.string().optional(),
  jti: z.string().optional(),
  iat: z.int().optional(),
  exp: z.int().optional(),
})

const FORM = { method: 'post', tag: 'access', scope: 'public', bodyType: 'form', rate: 'auth' } as const

type Form = z.infer<z.ZodObject<typeof CREDENTIALS>>
type Header = (name: string) => string | undefined

/** The OAuth endpoints, over the access that they give out. */
export function oauthEndpoints(access: Access, clients: ClientDeps): readonly Endpoint[] {
  const proven = async (header: Header, form: Form): Promise<ProvenClient> =>
    authenticateClient(clients, credentialsOf(header('authorization'), form), access.issuer)

  const token = endpoint({
    ...FORM,
    path: '/oauth/token',
    summary: 'Get an access token',
    description: 'Client credentials by client_secret_basic, client_secret_post or private_key_jwt.',
    body: TokenForm,
    answers: { 200: Token },
    faults: ['invalid_client', 'invalid_request', 'invalid_scope', 'unsupported_grant_type'],
    handle: async (_deps, { header, body }) => {
      if (body.grant_type === undefined) throw new Fault('invalid_request', 'The parameter grant_type is missing.')
      if (body.grant_type !== 'client_credentials')
        throw new Fault('unsupported_grant_type', 'The only grant type is client_credentials.')
      const client = await proven(header, body)
      const { token, expiresIn, scope } = await access.issue({
        operatorId: client.ownerId,
        clientId: client.id,
        scopes: grantedScopes(client, body.scope),
        apiVersion: client.apiVersion,
      })
      const expiry = client.secretExpiresAt && { secret_expires_at: client.secretExpiresAt.toISOString() }
      return {
        status: 200,
        body: { access_token: token, token_type: 'Bearer', expires_in: expiresIn, scope, ...expiry },
      }
    },
  })

  const revoke = endpoint({
    ...FORM,
    path: '/oauth/revoke',
    summary: 'Take an access token back',
    description: 'Answers 200 whether or not there was such a token (RFC 7009).',
    body: AboutToken,
    answers: { 200: null },
    faults: ['invalid_client', 'invalid_request'],
    handle: async (_deps, { header, body }) => {
      const client = await proven(header, body)
      const claims = await access.inspect(tokenOf(body))
      if (claims?.clientId === client.id) await access.revoke(claims)
      return { status: 200 }
    },
  })

  const introspect = endpoint({
    ...FORM,
    path: '/oauth/introspect',
    summary: 'Ask what a token is',
    description:
      'A token that is not valid, or is another operator’s, is not active and nothing more is said (RFC 7662).',
    body: AboutToken,
    answers: { 200: Introspection },
    faults: ['invalid_client', 'invalid_request'],
    handle: async (_deps, { header, body }) => {
      const client = await proven(header, body)
      const claims = await access.inspect(tokenOf(body))
      if (claims === undefined || claims.operatorId !== client.ownerId) return { status: 200, body: { active: false } }
      return {
        status: 200,
        body: {
          active: true,
          scope: claims.scope,
          client_id: claims.clientId,
          token_type: 'Bearer',
          sub: claims.subject,
          iss: access.issuer,
          aud: access.audience,
          jti: claims.jti,
          iat: claims.issuedAt,
          exp: claims.expiresAt,
        },
      }
    },
  })
  return [token, revoke, introspect, metadata(access), keySet(access), playerSession(access)]
}

const metadata = (access: Access) =>
  endpoint({
    method: 'get',
    path: '/.well-known/oauth-authorization-server',
    tag: 'access',
    summary: 'What the token endpoint offers',
    description: 'RFC 8414.',
    scope: 'public',
    answers: { 200: z.record(z.string(), z.union([z.string(), z.array(z.string())])) },
    handle: async () => ({
      status: 200,
      body: {
        issuer: access.issuer,
        token_endpoint: `${access.issuer}/oauth/token`,
        revocation_endpoint: `${access.issuer}/oauth/revoke`,
        introspection_endpoint: `${access.issuer}/oauth/introspect`,
        jwks_uri: `${access.issuer}/.well-known/jwks.json`,
        grant_types_supported: ['client_credentials'],
        response_types_supported: [],
        token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
        token_endpoint_auth_signing_alg_values_supported: ['EdDSA', 'ES256', 'PS256'],
        code_challenge_methods_supported: ['S256'],
        scopes_supported: [...SCOPES],
        service_documentation: `${access.issuer}/docs`,
      },
    }),
  })

const keySet = (access: Access) =>
  endpoint({
    method: 'get',
    path: '/.well-known/jwks.json',
    tag: 'access',
    summary: 'The keys that tokens are signed with',
    scope: 'public',
    answers: { 200: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }) },
    handle: async () => {
      await access.keyring.freshen()
      // A minute: as long as a new key waits before it signs.
      return {
        status: 200,
        body: { keys: [...access.keyring.jwks().keys] },
        headers: { 'cache-control': 'public, max-age=60' },
      }
    },
  })

/** A session for one player's own page. It may do what endpoints open to the cashier do, for this player only. */
const playerSession = (access: Access) =>
  endpoint({
    method: 'post',
    path: '/v1/players/{player_id}/sessions',
    tag: 'players',
    summary: 'Open a session for a player’s own page',
    description:
      'A 15-minute token with the scope `cashier` that reaches this player only. Safe to give to the browser.',
    scope: 'players:write',
    params: z.strictObject({ player_id: PlayerId }),
    answers: { 201: Token.omit({ secret_expires_at: true }).extend({ player_id: z.string() }) },
    handle: async (_deps, { caller, params }) => {
      const { token, expiresIn, scope } = await access.issue({
        operatorId: caller.operatorId,
        clientId: caller.clientId,
        scopes: new Set(['cashier'] as const),
        playerId: params.player_id,
        apiVersion: caller.apiVersion ?? null,
      })
      const { player_id } = params
      return {
        status: 201,
        body: { access_token: token, token_type: 'Bearer', expires_in: expiresIn, scope, player_id },
      }
    },
  })

function tokenOf({ token }: { token?: string | undefined }): string {
  if (token === undefined || token === '') throw new Fault('invalid_request', 'The parameter token is missing.')
  return token
}

/** Exactly one way to say who one is. Two at once is a mistake or a trick (RFC 6749 section 2.3). */
function credentialsOf(authorization: string | undefined, form: Form): Credentials {
  const { client_id, client_secret, client_assertion, client_assertion_type } = form
  const ways = [authorization, client_secret, client_assertion].filter((way) => way !== undefined).length
  if (ways > 1) throw new Fault('invalid_request', 'Authenticate in one way only.')
  if (authorization !== undefined) return basicOf(authorization, client_id)
  if (client_assertion !== undefined) {
    if (client_assertion_type !== JWT_BEARER)
      throw new Fault('invalid_request', 'The parameter client_assertion_type is not known.')
    return { kind: 'assertion', clientId: client_id, assertion: client_assertion }
  }
  if (client_id === undefined || client_secret === undefined)
    throw new Fault('invalid_client', 'The client did not authenticate.')
  return { kind: 'secret', clientId: client_id, secret: client_secret }
}

const BASIC = /^Basic +([A-Za-z0-9+/]+={0,2})$/i

function basicOf(authorization: string, named: string | undefined): Credentials {
  const [, encoded] = BASIC.exec(authorization) ?? []
  const text = encoded === undefined || encoded.length % 4 === 1 ? '' : atob(encoded)
  const colon = text.indexOf(':')
  const clientId = text.slice(0, colon)
  if (colon < 1 || (named !== undefined && named !== clientId))
    throw new Fault('invalid_client', 'The Authorization header is not valid.')
  return { kind: 'secret', clientId, secret: text.slice(colon + 1) }
}
