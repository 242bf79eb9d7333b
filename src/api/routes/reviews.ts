import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import { decisionsOf, findReview, listReviews, type ReviewDecisionRow, type ReviewRow } from '../../db/reviews.ts'
import { decideReview } from '../../flows/decide-review.ts'
import { endpoint } from '../endpoint.ts'
import { beforeOf, pageOf } from '../list.ts'
import { IdParams, PAGE, Page, Timestamp } from '../shapes.ts'

const ReviewShown = z
  .object({
    id: z.string(),
    kind: z.string(),
    subject_id: z.string(),
    status: z.string(),
    reasons: z.array(z.object({ check: z.string(), code: z.string() })),
    approvals_needed: z.number().int(),
    requested_by: z.string(),
    decisions: z
      .array(z.object({ actor: z.string(), decision: z.string(), reason: z.string(), at: Timestamp }))
      .optional(),
    created_at: Timestamp,
    decided_at: Timestamp.nullable(),
  })
  .openapi('Review')

export const getReviews = endpoint({
  method: 'get',
  path: '/v1/reviews',
  tag: 'reviews',
  summary: 'What waits for people: held withdrawals, unknown outcomes, mismatches, disputes',
  scope: 'reviews:read',
  query: z.strictObject({
    ...PAGE,
    status: z.enum(['open', 'approved', 'rejected', 'escalated']).optional(),
    kind: z.enum(['withdrawal', 'unknown_outcome', 'integrity', 'late_success', 'dispute']).optional(),
    subject_id: z.string().max(64).optional(),
  }),
  answers: { 200: Page(ReviewShown) },
  handle: async (deps, { caller, query }) => {
    const { status, kind, limit } = query
    const filter = {
      status,
      kind,
      subjectId: query.subject_id,
      before: beforeOf('review', query.cursor),
      limit: limit + 1,
    }
    const rows = await deps.db.tx(caller.operatorId, (tx) => listReviews(tx, caller.operatorId, filter))
    return { status: 200, body: pageOf(rows, limit, (row) => showReview(row)) }
  },
})

export const getReview = endpoint({
  method: 'get',
  path: '/v1/reviews/{id}',
  tag: 'reviews',
  summary: 'Read a review with what people said of it',
  scope: 'reviews:read',
  params: IdParams,
  answers: { 200: ReviewShown },
  handle: async (deps, { caller, params }) => {
    const { row, said } = await deps.db.tx(caller.operatorId, async (tx) => ({
      row: await findReview(tx, caller.operatorId, params.id),
      said: await decisionsOf(tx, caller.operatorId, params.id),
    }))
    if (row === undefined) throw new Fault('not_found', 'There is no such resource.')
    return { status: 200, body: showReview(row, said) }
  },
})

const decideBy = (decision: ReviewDecisionRow['decision'], summary: string) =>
  endpoint({
    method: 'post',
    path: `/v1/reviews/{id}/${decision}`,
    tag: 'reviews',
    summary,
    scope: 'reviews:decide',
    idempotent: true,
    params: IdParams,
    body: z.strictObject({ reason: z.string().trim().min(1).max(1000) }),
    answers: { 200: ReviewShown },
    faults: ['four_eyes_required', 'illegal_state'],
    example: { body: { reason: 'documents checked' } },
    handle: async (deps, { caller, params, body }) => {
      const order = { operatorId: caller.operatorId, reviewId: params.id, actor: caller.clientId, reason: body.reason }
      const row = await decideReview(deps, { ...order, decision })
      const said = await deps.db.tx(caller.operatorId, (tx) => decisionsOf(tx, caller.operatorId, params.id))
      return { status: 200, body: showReview(row, said) }
    },
  })

export const approveReview = decideBy('approve', 'Say yes: the money may go, or did move')
export const rejectReview = decideBy('reject', 'Say no: the money stays, or did not move')
export const escalateReview = decideBy('escalate', 'Hand it on to somebody more senior')

function showReview(row: ReviewRow, decisions?: readonly ReviewDecisionRow[]) {
  return {
    id: row.id,
    kind: row.kind,
    subject_id: row.subjectId,
    status: row.status,
    reasons: row.reasons,
    approvals_needed: row.approvalsNeeded,
    requested_by: row.requestedBy,
    ...(decisions && {
      decisions: decisions.map(({ actor, decision, reason, at }) => ({
        actor,
        decision,
        reason,
        at: at.toISOString(),
      })),
    }),
    created_at: row.createdAt.toISOString(),
    decided_at: row.decidedAt?.toISOString() ?? null,
  }
}
