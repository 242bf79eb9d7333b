import type { Tx } from './client.ts'
import type { review, reviewDecision } from './schema/reviews.ts'

/** A review as stored. */
export type ReviewRow = typeof review.$inferSelect

/** What one person said of a review. */
export type ReviewDecisionRow = typeof reviewDecision.$inferSelect

/** Opens a review, or adds its reasons to the one that is open already for the subject. */
export async function openReview(
  tx: Tx,
  operatorId: string,
  row: Pick<ReviewRow, 'id' | 'subjectId' | 'kind' | 'reasons' | 'approvalsNeeded' | 'requestedBy' | 'editedBy'>,
): Promise<void> {
  await tx`
    insert into review (operator_id, id, subject_id, kind, reasons, approvals_needed, requested_by, edited_by)
    values (${operatorId}, ${row.id}, ${row.subjectId}, ${row.kind}, ${JSON.stringify(row.reasons)}::text::jsonb,
      ${row.approvalsNeeded}, ${row.requestedBy}, ${row.editedBy})
    on conflict (operator_id, subject_id) where status in ('open', 'escalated') do update
      set reasons = review.reasons || excluded.reasons,
        approvals_needed = greatest(review.approvals_needed, excluded.approvals_needed)`
}

/** The review with its row locked, or undefined. */
export async function lockReview(tx: Tx, operatorId: string, id: string): Promise<ReviewRow | undefined> {
  const [row] = await tx<ReviewRow[]>`select * from review where operator_id = ${operatorId} and id = ${id} for update`
  return row
}

/** The review, or undefined. */
export async function findReview(tx: Tx, operatorId: string, id: string): Promise<ReviewRow | undefined> {
  const [row] = await tx<ReviewRow[]>`select * from review where operator_id = ${operatorId} and id = ${id}`
  return row
}

/** All decisions on a review, oldest first. */
export async function decisionsOf(tx: Tx, operatorId: string, reviewId: string): Promise<ReviewDecisionRow[]> {
  return tx<ReviewDecisionRow[]>`
    select * from review_decision where operator_id = ${operatorId} and review_id = ${reviewId} order by at`
}

/** Records one person's decision; false when this person has decided before. */
export async function insertDecision(
  tx: Tx,
  operatorId: string,
  row: Pick<ReviewDecisionRow, 'reviewId' | 'actor' | 'decision' | 'reason'>,
): Promise<boolean> {
  const rows = await tx`
    insert into review_decision (operator_id, review_id, actor, decision, reason)
    values (${operatorId}, ${row.reviewId}, ${row.actor}, ${row.decision}, ${row.reason})
    on conflict do nothing returning 1`
  return rows.length === 1
}

/** Sets the status of a review. */
export async function updateReview(
  tx: Tx,
  operatorId: string,
  id: string,
  change: { status: ReviewRow['status']; decidedAt: Date | null },
): Promise<ReviewRow> {
  const [row] = await tx<ReviewRow[]>`
    update review set status = ${change.status}, decided_at = ${change.decidedAt}
    where operator_id = ${operatorId} and id = ${id} returning *`
  if (row === undefined) throw new Error('a review vanished while it was changed')
  return row
}

/** Closes what is open for a subject that needs no people any more. */
export async function closeReviews(tx: Tx, operatorId: string, subjectId: string, at: Date): Promise<void> {
  await tx`
    update review set status = 'rejected', decided_at = ${at}
    where operator_id = ${operatorId} and subject_id = ${subjectId} and status in ('open', 'escalated')`
}

/** A page of reviews, newest first. */
export async function listReviews(
  tx: Tx,
  operatorId: string,
  filter: {
    status?: string | undefined
    kind?: string | undefined
    subjectId?: string | undefined
    before?: string | undefined
    limit: number
  },
): Promise<ReviewRow[]> {
  return tx<ReviewRow[]>`
    select * from review
    where operator_id = ${operatorId}
      ${filter.status === undefined ? tx`` : tx`and status = ${filter.status}`}
      ${filter.kind === undefined ? tx`` : tx`and kind = ${filter.kind}`}
      ${filter.subjectId === undefined ? tx`` : tx`and subject_id = ${filter.subjectId}`}
      ${filter.before === undefined ? tx`` : tx`and id < ${filter.before}`}
    order by id desc limit ${filter.limit}`
}

/** The codes of a withdrawal's reasons that people have approved. */
export async function approvedReasons(tx: Tx, operatorId: string, subjectId: string): Promise<ReadonlySet<string>> {
  const rows = await tx<Pick<ReviewRow, 'reasons'>[]>`
    select reasons from review
    where operator_id = ${operatorId} and subject_id = ${subjectId} and kind = 'withdrawal' and status = 'approved'`
  return new Set(rows.flatMap(({ reasons }) => reasons.map(({ code }) => code)))
}
