import { z } from '@hono/zod-openapi'
import type { ClientDeps } from '../../auth/clients.ts'
import { closeKey, listKeys, makeKey, rotateKey } from '../../auth/manage.ts'
import { SCOPES } from '../../auth/scopes.ts'
import type { ApiClient } from '../../db/access.ts'
import { type Endpoint, endpoint } from '../endpoint.ts'
import { IdParams, Page, Timestamp } from '../shapes.ts'

const SHOWN = {
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  status: z.enum(['live', 'closed']),
  created_at: Timestamp,
  closed_at: Timestamp.nullable(),
}
const KeyShown = z.object(SHOWN).openapi('Key')
const KeyWithSecret = z.object({ ...SHOWN, client_id: z.string(), client_secret: z.string() }).openapi('KeyWithSecret')

/** Every scope that a program may have; `cashier` is a player's. */
const GIVEN = SCOPES.filter((scope) => scope !== 'cashier')

/** Keys for an operator's programs and people: who approves must hold another one than who asked. */
export const keyEndpoints = (clients: ClientDeps): readonly Endpoint[] => [
  endpoint({
    method: 'post',
    path: '/v1/keys',
    tag: 'keys',
    summary: 'Make a key',
    description:
      'The secret is in this answer only. A key gives no scope that it does not have itself. Secrets end after 90 days.',
    scope: 'keys:write',
    body: z.strictObject({
      name: z.string().trim().min(1).max(100),
      scopes: z
        .array(z.enum(GIVEN))
        .min(1)
        .max(GIVEN.length)
        .transform((scopes) => [...new Set(scopes)]),
    }),
    answers: { 201: KeyWithSecret },
    faults: ['forbidden', 'conflict'],
    example: { body: { name: 'second approver', scopes: ['reviews:read', 'reviews:decide'] } },
    handle: async (_deps, { caller, body }) => {
      const { client, secret } = await makeKey(clients, caller, body)
      return { status: 201, body: { ...showKey(client), client_id: client.id, client_secret: secret } }
    },
  }),
  endpoint({
    method: 'get',
    path: '/v1/keys',
    tag: 'keys',
    summary: 'The keys of the operator, the closed ones too',
    scope: 'keys:write',
    answers: { 200: Page(KeyShown) },
    handle: async (_deps, { caller }) => {
      const rows = await listKeys(clients, caller.operatorId)
      return { status: 200, body: { data: rows.map(showKey), has_more: false, next_cursor: null } }
    },
  }),
  endpoint({
    method: 'post',
    path: '/v1/keys/{id}/rotate',
    tag: 'keys',
    summary: 'Make a new secret; the newest one before goes on until the next',
    scope: 'keys:write',
    params: IdParams,
    answers: { 200: KeyWithSecret },
    faults: ['forbidden', 'illegal_state'],
    handle: async (_deps, { caller, params }) => {
      const { client, secret } = await rotateKey(clients, caller, params.id)
      return { status: 200, body: { ...showKey(client), client_id: client.id, client_secret: secret } }
    },
  }),
  endpoint({
    method: 'delete',
    path: '/v1/keys/{id}',
    tag: 'keys',
    summary: 'Close a key, its tokens too',
    scope: 'keys:write',
    params: IdParams,
    answers: { 204: null },
    faults: ['illegal_state'],
    handle: async (_deps, { caller, params }) => {
      await closeKey(clients, caller, params.id)
      return { status: 204 }
    },
  }),
]

const showKey = ({ id, name, scopes, createdAt, disabledAt }: ApiClient) => ({
  id,
  name,
  scopes: scopes.split(' '),
  status: disabledAt === null ? ('live' as const) : ('closed' as const),
  created_at: createdAt.toISOString(),
  closed_at: disabledAt?.toISOString() ?? null,
})
