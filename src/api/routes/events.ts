import { z } from '@hono/zod-openapi'
import { type EventRow, listEvents } from '../../db/events.ts'
import { endpoint } from '../endpoint.ts'
import { beforeOf, pageOf } from '../list.ts'
import { PAGE, Page, Timestamp } from '../shapes.ts'

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

const showEvent = ({ id, type, resourceId, sequence, data, createdAt }: EventRow) => ({
  id,
  type,
  resource_id: resourceId,
  sequence,
  data,
  timestamp: createdAt.toISOString(),
})
