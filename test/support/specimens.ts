import { z } from 'zod'
import { endpoint } from '../../src/api/endpoint.ts'
import { Amount, Currency, IdParams, PAGE, PlayerId } from '../../src/api/shapes.ts'
import type { Caller } from '../../src/auth/scopes.ts'
import { Fault } from '../../src/core/errors.ts'
import { testApp } from './app.ts'

/** Endpoints that show what the edge does for every endpoint, and an app of them. */

export const caller: Caller = {
  operatorId: 'opr_a',
  clientId: 'cli_a',
  scopes: new Set(['deposits:write', 'deposits:read']),
  tokenId: 'key_a',
}
export const player: Caller = { ...caller, scopes: new Set(['cashier']), playerId: 'p-1' }

export const pay = endpoint({
  method: 'post',
  path: '/v1/deposits',
  tag: 'deposits',
  summary: 'Pay',
  scope: 'deposits:write',
  idempotent: true,
  cashier: true,
  body: z.strictObject({ amount: Amount, currency: Currency, player_id: PlayerId, note: z.string().optional() }),
  answers: { 201: z.object({ id: z.string(), amount: z.string() }) },
  handle: async (_deps, { body }) => {
    if (body.note === 'break') throw new Error('the database said: secret 4711')
    if (body.note === 'refuse') throw new Fault('insufficient_funds', 'The balance does not cover this.')
    return { status: 201, body: { id: 'dep_1', amount: body.amount, internal_column: 'x' } }
  },
})
export const list = endpoint({
  method: 'get',
  path: '/v1/deposits',
  tag: 'deposits',
  summary: 'List',
  scope: 'deposits:read',
  query: z.strictObject({ ...PAGE, status: z.string().optional() }),
  answers: { 200: z.object({ limit: z.int() }) },
  handle: async (_deps, { query }) => ({ status: 200, body: { limit: query.limit } }),
})
export const read = endpoint({
  method: 'get',
  path: '/v1/deposits/{id}',
  tag: 'deposits',
  summary: 'Read',
  scope: 'deposits:read',
  params: IdParams,
  answers: { 200: z.object({ id: z.string() }) },
  handle: async (_deps, { params }) => ({ status: 200, body: { id: params.id } }),
})
export const fixed = endpoint({
  method: 'get',
  path: '/v1/deposits/summary',
  tag: 'deposits',
  summary: 'A fixed segment',
  scope: 'deposits:read',
  answers: { 200: z.object({ fixed: z.boolean() }) },
  handle: async () => ({ status: 200, body: { fixed: true } }),
})
export const cancel = endpoint({
  method: 'post',
  path: '/v1/deposits/{id}/cancel',
  tag: 'deposits',
  summary: 'Takes no body',
  scope: 'deposits:write',
  params: IdParams,
  answers: { 204: null },
  handle: async () => ({ status: 204 }),
})
export const webhook = endpoint({
  method: 'post',
  path: '/webhooks/{processor}',
  tag: 'webhooks',
  summary: 'Bytes as they came',
  scope: 'public',
  bodyType: 'bytes',
  params: z.strictObject({ processor: z.string() }),
  answers: { 200: z.object({ size: z.int(), signature: z.string() }) },
  handle: async (_deps, { bytes, header }) => ({
    status: 200,
    body: { size: bytes.length, signature: header('x-signature') ?? '' },
  }),
})
export const endpoints = [pay, list, read, fixed, cancel, webhook]
export const app = testApp({ endpoints, authenticate: async () => caller })

export const KEY = 'key-0123456789abcdef'
export const HEADERS = { 'content-type': 'application/json', 'idempotency-key': KEY }
export const BODY = { amount: '12.50', currency: 'EUR', player_id: 'p-1' }
export const post = (body: unknown, headers: Record<string, string> = {}, target = app) =>
  target.request('/v1/deposits', {
    method: 'POST',
    headers: { ...HEADERS, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
export const code = async (answer: Response | Promise<Response>) => {
  const { status } = await answer
  const body = await (await answer).json()
  return [status, body.code]
}
