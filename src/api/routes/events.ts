import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import { type EventRow, findEvent, listEvents } from '../../db/events.ts'
import { redeliver } from '../../flows/redeliver.ts'
import { endpoint } from '../endpoint.ts'
import { beforeOf, pageOf } from '../list.ts'
import { IdParams, PAGE, Page, Timestamp } from '../shapes.ts'

const EventShown = z
  .object({
    id: z.string(),
    type: z.string(),
    resource_id: z.string(),
    sequence: z.number().int(),
    data: z.record(z.string(), z.unknown()),
    timestamp: Timestamp,
  })
  .openapi('Event')

export const getEvents = endpoint({
  method: 'get',
  path: '/v1/events',
  tag: 'events',
  summary: 'What happened, newest first: the notices that are delivered to webhook endpoints',
  scope: 'events:read',
  query: z.strictObject({
    ...PAGE,
    type: z
      .string()
      .regex(/^[a-z_.]{1,64}$/)
      .optional(),
    resource_id: z.string().max(64).optional(),
  }),
  answers: { 200: Page(EventShown) },
  handle: async (deps, { caller, query }) => {
    const filter = {
      type: query.type,
      resourceId: query.resource_id,
      before: beforeOf('event', query.cursor),
      limit: query.limit + 1,
    }
    const rows = await deps.db.tx(caller.operatorId, (tx) => listEvents(tx, caller.operatorId, filter))
    return { status: 200, body: pageOf(rows, query.limit, showEvent) }
  },
})

export const getEvent = endpoint({
  method: 'get',
  path: '/v1/events/{id}',
  tag: 'events',
  summary: 'Read an event: the body of its notice',
  scope: 'events:read',
  params: IdParams,
  answers: { 200: EventShown },
  handle: async (deps, { caller, params }) => {
    const row = await deps.db.tx(caller.operatorId, (tx) => findEvent(tx, caller.operatorId, params.id))
    if (row === undefined) throw new Fault('not_found', 'There is no such resource.')
    return { status: 200, body: showEvent(row) }
  },
})

export const redeliverEvent = endpoint({
  method: 'post',
  path: '/v1/events/{id}/redeliver',
  tag: 'events',
  summary: 'Send a notice again, to one endpoint or to all that want it',
  scope: 'webhooks:write',
  params: IdParams,
  body: z.strictObject({ endpoint_id: z.string().max(64).optional() }).optional(),
  answers: { 202: z.object({ event_id: z.string(), delivery_ids: z.array(z.string()) }) },
  faults: ['illegal_state'],
  handle: async (deps, { caller, params, body }) => {
    const order = { operatorId: caller.operatorId, eventId: params.id, endpointId: body?.endpoint_id }
    return { status: 202, body: { event_id: params.id, delivery_ids: await redeliver(deps, order) } }
  },
})

const showEvent = ({ id, type, resourceId, sequence, data, createdAt }: EventRow) => ({
  id,
  type,
  resource_id: resourceId,
  sequence,
  data,
  timestamp: createdAt.toISOString(),
})
