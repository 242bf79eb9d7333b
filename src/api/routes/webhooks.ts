import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import { findInbound, type InboundRow, listInbound } from '../../db/inbound-webhooks.ts'
import { receiveWebhook } from '../../flows/receive-webhook.ts'
import { reprocessWebhook } from '../../flows/reprocess-webhook.ts'
import { endpoint } from '../endpoint.ts'
import { beforeOf, pageOf } from '../list.ts'
import { IdParams, PAGE, Page, Timestamp } from '../shapes.ts'

export const webhookIn = endpoint({
  method: 'post',
  path: '/webhooks/{processor}/{connection_id}',
  tag: 'webhooks in',
  summary: 'A processor tells us something',
  description:
    "Verified over the raw bytes by the processor's own signature, stored, answered, then applied once. Without a valid signature: 401.",
  scope: 'public',
  bodyType: 'bytes',
  rate: 'none',
  params: z.strictObject({ processor: z.string().max(32), connection_id: z.string().max(64) }),
  answers: { 200: z.object({ accepted: z.number().int() }) },
  faults: ['signature_invalid'],
  handle: async (deps, { params, bytes, headers }) => ({
    status: 200,
    body: await receiveWebhook(deps, {
      processor: params.processor,
      connectionId: params.connection_id,
      body: bytes,
      headers,
    }),
  }),
})

const InboundShown = z
  .object({
    id: z.string(),
    processor: z.string(),
    connection_id: z.string(),
    event_id: z.string(),
    status: z.string(),
    detail: z.string().nullable(),
    subject_id: z.string().nullable(),
    attempt_id: z.string().nullable(),
    tries: z.number().int(),
    received_at: Timestamp,
    applied_at: Timestamp.nullable(),
  })
  .openapi('InboundWebhook')

export const getInboundWebhooks = endpoint({
  method: 'get',
  path: '/v1/inbound_webhooks',
  tag: 'webhooks in',
  summary: 'What processors told us, newest first, and what became of it',
  scope: 'events:read',
  query: z.strictObject({
    ...PAGE,
    status: z.enum(['received', 'applied', 'ignored', 'parked', 'quarantined']).optional(),
    connection_id: z.string().max(64).optional(),
    subject_id: z.string().max(64).optional(),
  }),
  answers: { 200: Page(InboundShown) },
  handle: async (deps, { caller, query }) => {
    const { status, limit, connection_id: connectionId, subject_id: subjectId } = query
    const filter = {
      status,
      connectionId,
      subjectId,
      before: beforeOf('inboundWebhook', query.cursor),
      limit: limit + 1,
    }
    const rows = await deps.db.tx(caller.operatorId, (tx) => listInbound(tx, caller.operatorId, filter))
    return { status: 200, body: pageOf(rows, limit, showInbound) }
  },
})

export const reprocessInboundWebhook = endpoint({
  method: 'post',
  path: '/v1/inbound_webhooks/{id}/reprocess',
  tag: 'webhooks in',
  summary: 'Apply a stored webhook again: harmless if it was applied',
  scope: 'webhooks:write',
  params: IdParams,
  answers: { 202: InboundShown },
  handle: async (deps, { caller, params }) => {
    await reprocessWebhook(deps, caller.operatorId, params.id)
    const row = await deps.db.tx(caller.operatorId, (tx) => findInbound(tx, caller.operatorId, params.id))
    if (row === undefined) throw new Fault('not_found', 'There is no such resource.')
    return { status: 202, body: showInbound(row) }
  },
})

function showInbound(row: InboundRow) {
  return {
    id: row.id,
    processor: row.processor,
    connection_id: row.connectionId,
    event_id: row.eventId,
    status: row.status,
    detail: row.detail,
    subject_id: row.subjectId,
    attempt_id: row.attemptId,
    tries: row.tries,
    received_at: row.receivedAt.toISOString(),
    applied_at: row.appliedAt?.toISOString() ?? null,
  }
}
