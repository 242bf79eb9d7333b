import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import { type AuditRow, listAudit, readNoted, verifyAudit } from '../../db/audit.ts'
import { endpoint } from '../endpoint.ts'
import { PAGE, Page, Timestamp } from '../shapes.ts'

const EntryShown = z
  .object({
    sequence: z.string(),
    at: Timestamp,
    who: z.string(),
    what: z.string(),
    subject: z.string(),
    before: z.record(z.string(), z.unknown()).nullable(),
    after: z.record(z.string(), z.unknown()).nullable(),
    reason: z.string().nullable(),
    previous_hash: z.string(),
    hash: z.string(),
  })
  .openapi('AuditEntry')

const Moment = z.iso.datetime({ offset: true })

export const getAuditLog = endpoint({
  method: 'get',
  path: '/v1/audit_log',
  tag: 'audit',
  summary: 'Who changed what, newest first',
  description: 'A chain: each row holds the SHA-256 of the one before, so that no row can be altered unseen.',
  scope: 'audit:read',
  query: z.strictObject({
    ...PAGE,
    who: z.string().max(80).optional(),
    what: z
      .string()
      .regex(/^[a-z_.]{1,64}$/)
      .optional(),
    subject: z.string().max(80).optional(),
    'at[gte]': Moment.optional(),
    'at[lt]': Moment.optional(),
  }),
  answers: { 200: Page(EntryShown) },
  handle: async (deps, { caller, query }) => {
    const { limit } = query
    const filter = {
      actor: query.who,
      action: query.what,
      subject: query.subject,
      from: dateOf(query['at[gte]']),
      until: dateOf(query['at[lt]']),
      before: sequenceOf(query.cursor),
      limit: limit + 1,
    }
    const rows = await deps.db.tx(caller.operatorId, (tx) => listAudit(tx, caller.operatorId, filter))
    const shown = rows.slice(0, limit)
    const next = rows.length > limit ? shown.at(-1)?.sequence.toString() : undefined
    return {
      status: 200,
      body: { data: shown.map(showEntry), has_more: next !== undefined, next_cursor: next ?? null },
    }
  },
})

export const verifyAuditLog = endpoint({
  method: 'get',
  path: '/v1/audit_log/verify',
  tag: 'audit',
  summary: 'Walk the whole chain',
  description:
    'Note `rows` and `head` somewhere else and give them again as `noted=rows:head`: a chain that no longer holds them had its end cut off.',
  scope: 'audit:read',
  query: z.strictObject({
    noted: z
      .string()
      .regex(/^[1-9]\d{0,17}:[0-9a-f]{64}$/)
      .optional(),
  }),
  answers: {
    200: z.object({
      rows: z.number().int(),
      head: z.string(),
      broken: z.object({ sequence: z.string(), why: z.enum(['gap', 'link', 'content', 'noted']) }).nullable(),
    }),
  },
  handle: async (deps, { caller, query }) => {
    const noted = query.noted === undefined ? undefined : readNoted(query.noted)
    return {
      status: 200,
      body: await deps.db.tx(caller.operatorId, (tx) => verifyAudit(tx, caller.operatorId, noted)),
    }
  },
})

const dateOf = (text: string | undefined): Date | undefined => (text === undefined ? undefined : new Date(text))

function sequenceOf(cursor: string | undefined): bigint | undefined {
  if (cursor === undefined) return undefined
  if (/^[1-9]\d{0,17}$/.test(cursor)) return BigInt(cursor)
  throw new Fault('validation_failed', 'This cursor is not one of this list.', {
    errors: [{ pointer: '/query/cursor', code: 'cursor_invalid', detail: 'Use next_cursor of the page before.' }],
  })
}

const showEntry = (row: AuditRow) => ({
  sequence: row.sequence.toString(),
  at: row.at.toISOString(),
  who: row.actor,
  what: row.action,
  subject: row.subject,
  before: row.before,
  after: row.after,
  reason: row.reason,
  previous_hash: row.previousHash,
  hash: row.hash,
})
