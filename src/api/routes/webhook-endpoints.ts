import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import { TYPE_PATTERN } from '../../core/notice.ts'
import { type EndpointRow, findDelivery, findEndpoint, listEndpoints } from '../../db/webhooks.ts'
import { deliverNotice } from '../../flows/deliver-notice.ts'
import { addEndpoint, changeEndpoint, removeEndpoint, rotateEndpointSecret } from '../../flows/manage-endpoint.ts'
import { beginTest, recoverNotices } from '../../flows/redeliver.ts'
import { endpoint } from '../endpoint.ts'
import { IdParams, Page, Timestamp } from '../shapes.ts'
import { DeliveryShown, showDelivery } from './webhook-deliveries.ts'

const Url = z.string().min(1).max(1024).openapi({ example: 'https://pay.example/notices' })
const Description = z.string().max(200).nullable()
/** Which notices: all (`*`), those of one resource (`deposit.*`), or one type. */
const Patterns = z.array(z.string().regex(TYPE_PATTERN)).min(1).max(50)

const SHOWN = {
  id: z.string(),
  url: z.string(),
  description: z.string().nullable(),
  events: z.array(z.string()),
  status: z.enum(['enabled', 'disabled']),
  disabled_reason: z.string().nullable(),
  api_version: z.string(),
  previous_secret_until: Timestamp.nullable(),
  paused_until: Timestamp.nullable(),
  created_at: Timestamp,
  updated_at: Timestamp,
}
const EndpointShown = z.object(SHOWN).openapi('WebhookEndpoint')
const EndpointWithSecret = z
  .object({ ...SHOWN, secret: z.string().openapi({ description: 'Shown once. Verify notices with it.' }) })
  .openapi('WebhookEndpointWithSecret')

export const createWebhookEndpoint = endpoint({
  method: 'post',
  path: '/v1/webhook_endpoints',
  tag: 'notices',
  summary: 'Receive notices at a URL',
  description:
    'Notices follow Standard Webhooks 1.0.0. The secret is in this answer only. The URL must be https at a public host name; a sandbox also takes http on its own machine.',
  scope: 'webhooks:write',
  body: z.strictObject({ url: Url, description: Description.optional(), events: Patterns.default(['*']) }),
  answers: { 201: EndpointWithSecret },
  faults: ['unsafe_url', 'conflict'],
  example: { body: { url: 'http://127.0.0.1:9/notices', events: ['deposit.*', 'withdrawal.*'] } },
  handle: async (deps, { caller, body, apiVersion }) => {
    const { operatorId, clientId: by } = caller
    const { url, events, description = null } = body
    const made = await addEndpoint(deps, { operatorId, by, url, description, events, apiVersion })
    return { status: 201, body: { ...showEndpoint(made.endpoint), secret: made.secret } }
  },
})

export const getWebhookEndpoints = endpoint({
  method: 'get',
  path: '/v1/webhook_endpoints',
  tag: 'notices',
  summary: 'Where notices go',
  scope: 'events:read',
  answers: { 200: Page(EndpointShown) },
  handle: async (deps, { caller }) => {
    const rows = await deps.db.tx(caller.operatorId, (tx) => listEndpoints(tx, caller.operatorId))
    return { status: 200, body: { data: rows.map(showEndpoint), has_more: false, next_cursor: null } }
  },
})

export const getWebhookEndpoint = endpoint({
  method: 'get',
  path: '/v1/webhook_endpoints/{id}',
  tag: 'notices',
  summary: 'Read an endpoint',
  scope: 'events:read',
  params: IdParams,
  answers: { 200: EndpointShown },
  handle: async (deps, { caller, params }) => {
    const row = await deps.db.tx(caller.operatorId, (tx) => findEndpoint(tx, caller.operatorId, params.id))
    if (row === undefined) throw new Fault('not_found', 'There is no such resource.')
    return { status: 200, body: showEndpoint(row) }
  },
})

export const patchWebhookEndpoint = endpoint({
  method: 'patch',
  path: '/v1/webhook_endpoints/{id}',
  tag: 'notices',
  summary: 'Change an endpoint, or switch it off or on',
  description: 'While it is off nothing is kept for it; afterwards `/recover` sends what it missed.',
  scope: 'webhooks:write',
  params: IdParams,
  body: z.strictObject({
    url: Url.optional(),
    description: Description.optional(),
    events: Patterns.optional(),
    status: z.enum(['enabled', 'disabled']).optional(),
  }),
  answers: { 200: EndpointShown },
  faults: ['unsafe_url'],
  example: { body: { events: ['*'] } },
  handle: async (deps, { caller, params, body }) => {
    const { url, description, events, status } = body
    const edit = {
      ...(url !== undefined && { url }),
      ...(description !== undefined && { description }),
      ...(events !== undefined && { events }),
      ...(status !== undefined && { status }),
    }
    const { operatorId, clientId: by } = caller
    return { status: 200, body: showEndpoint(await changeEndpoint(deps, { operatorId, by, id: params.id, edit })) }
  },
})

export const deleteWebhookEndpoint = endpoint({
  method: 'delete',
  path: '/v1/webhook_endpoints/{id}',
  tag: 'notices',
  summary: 'Send no more notices there',
  scope: 'webhooks:write',
  params: IdParams,
  answers: { 204: null },
  handle: async (deps, { caller, params }) => {
    await removeEndpoint(deps, { operatorId: caller.operatorId, by: caller.clientId, id: params.id })
    return { status: 204 }
  },
})

export const testWebhookEndpoint = endpoint({
  method: 'post',
  path: '/v1/webhook_endpoints/{id}/test',
  tag: 'notices',
  summary: 'Send a notice of type webhook_endpoint.test now, and see what came of it',
  scope: 'webhooks:write',
  params: IdParams,
  answers: { 200: DeliveryShown },
  faults: ['illegal_state'],
  handle: async (deps, { caller, params }) => {
    const { operatorId, clientId: by } = caller
    const id = await beginTest(deps, { operatorId, endpointId: params.id, by })
    await deliverNotice(deps, operatorId, id)
    const seen = await deps.db.tx(operatorId, (tx) => findDelivery(tx, operatorId, id))
    if (seen === undefined) throw new Fault('not_found', 'There is no such resource.')
    return { status: 200, body: showDelivery({ ...seen.delivery, eventType: seen.event.type }) }
  },
})

export const rotateWebhookSecret = endpoint({
  method: 'post',
  path: '/v1/webhook_endpoints/{id}/rotate',
  tag: 'notices',
  summary: 'Make a new secret; the one before signs too for a while',
  scope: 'webhooks:write',
  params: IdParams,
  body: z.strictObject({ overlap_hours: z.number().int().min(0).max(168).optional() }).optional(),
  answers: { 200: EndpointWithSecret },
  example: { body: { overlap_hours: 24 } },
  handle: async (deps, { caller, params, body }) => {
    const { operatorId, clientId: by } = caller
    const overlapHours = body?.overlap_hours
    const made = await rotateEndpointSecret(deps, { operatorId, by, id: params.id, overlapHours })
    return { status: 200, body: { ...showEndpoint(made.endpoint), secret: made.secret } }
  },
})

export const recoverWebhookEndpoint = endpoint({
  method: 'post',
  path: '/v1/webhook_endpoints/{id}/recover',
  tag: 'notices',
  summary: 'Send everything since a time again',
  description:
    'Each notice keeps its `webhook-id`, so a receiver that has it already can tell. `only: "undelivered"` leaves out what was confirmed.',
  scope: 'webhooks:write',
  params: IdParams,
  body: z.strictObject({ since: z.iso.datetime({ offset: true }), only: z.literal('undelivered').optional() }),
  answers: { 202: z.object({ endpoint_id: z.string(), since: Timestamp, only: z.string().nullable() }) },
  faults: ['illegal_state'],
  example: { body: { since: '2026-11-22T00:00:00Z' } },
  handle: async (deps, { caller, params, body }) => {
    const { operatorId, clientId: by } = caller
    const since = new Date(body.since)
    const undelivered = body.only === 'undelivered'
    await recoverNotices(deps, { operatorId, endpointId: params.id, by, since, undelivered })
    return { status: 202, body: { endpoint_id: params.id, since: since.toISOString(), only: body.only ?? null } }
  },
})

const showEndpoint = (row: EndpointRow) => ({
  id: row.id,
  url: row.url,
  description: row.description,
  events: row.events.split(' '),
  status: row.status,
  disabled_reason: row.disabledReason,
  api_version: row.apiVersion,
  previous_secret_until: row.previousUntil?.toISOString() ?? null,
  paused_until: row.pausedUntil?.toISOString() ?? null,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
})
