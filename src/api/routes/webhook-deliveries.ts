import { z } from '@hono/zod-openapi'
import { type DeliveryRow, listDeliveries } from '../../db/webhooks.ts'
import { endpoint } from '../endpoint.ts'
import { beforeOf, pageOf } from '../list.ts'
import { PAGE, Page, Timestamp } from '../shapes.ts'

/** One notice on its way to one endpoint, with its tries. What the receiver said is not shown: only its status. */
export const DeliveryShown = z
  .object({
    id: z.string(),
    endpoint_id: z.string(),
    event_id: z.string(),
    type: z.string(),
    status: z.enum(['pending', 'succeeded', 'failed', 'cancelled']),
    tries: z.number().int(),
    next_try_at: Timestamp.nullable(),
    delivered_at: Timestamp.nullable(),
    history: z.array(
      z.object({
        at: Timestamp,
        result: z.string(),
        status: z.number().int().nullable(),
        duration_ms: z.number().int(),
      }),
    ),
    created_at: Timestamp,
  })
  .openapi('WebhookDelivery')

export const getWebhookDeliveries = endpoint({
  method: 'get',
  path: '/v1/webhook_deliveries',
  tag: 'notices',
  summary: 'Deliveries of notices and what came of them, newest first',
  scope: 'events:read',
  query: z.strictObject({
    ...PAGE,
    endpoint_id: z.string().max(64).optional(),
    event_id: z.string().max(64).optional(),
    status: z.enum(['pending', 'succeeded', 'failed', 'cancelled']).optional(),
  }),
  answers: { 200: Page(DeliveryShown) },
  handle: async (deps, { caller, query }) => {
    const filter = {
      endpointId: query.endpoint_id,
      eventId: query.event_id,
      status: query.status,
      before: beforeOf('webhookDelivery', query.cursor),
      limit: query.limit + 1,
    }
    const rows = await deps.db.tx(caller.operatorId, (tx) => listDeliveries(tx, caller.operatorId, filter))
    return { status: 200, body: pageOf(rows, query.limit, showDelivery) }
  },
})

/** A delivery as the API shows it. */
export const showDelivery = (row: DeliveryRow & { readonly eventType: string }) => ({
  id: row.id,
  endpoint_id: row.endpointId,
  event_id: row.eventId,
  type: row.eventType,
  status: row.status,
  tries: row.tries,
  next_try_at: row.nextTryAt?.toISOString() ?? null,
  delivered_at: row.deliveredAt?.toISOString() ?? null,
  history: row.history,
  created_at: row.createdAt.toISOString(),
})
