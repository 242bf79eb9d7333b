import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { at } from './columns.ts'

/** Something that waits for people: a held withdrawal, an unknown outcome, money that doesn't match. */
export const review = pgTable(
  'review',
  {
    operatorId: text().notNull(),
    id: text().notNull(),
    subjectId: text().notNull(),
    kind: text().$type<'withdrawal' | 'unknown_outcome' | 'integrity' | 'late_success' | 'dispute'>().notNull(),
    reasons: jsonb().$type<{ check: string; code: string }[]>().notNull(),
    status: text().$type<'open' | 'approved' | 'rejected' | 'escalated'>().notNull().default('open'),
    /** How many different people must say yes. */
    approvalsNeeded: integer().notNull().default(1),
    /** Who asked for the thing and who last changed the facts it rests on: neither may approve. */
    requestedBy: text().notNull(),
    editedBy: text(),
    createdAt: at().notNull().defaultNow(),
    decidedAt: at(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.id] }),
    uniqueIndex('review_one_open').on(t.operatorId, t.subjectId).where(sql`${t.status} in ('open', 'escalated')`),
    index('review_newest').on(t.operatorId, t.status, t.id),
    check('review_status_known', sql`${t.status} in ('open', 'approved', 'rejected', 'escalated')`),
  ],
)

/** What one person said of a review. One say each: the second approver is somebody else by the primary key. */
export const reviewDecision = pgTable(
  'review_decision',
  {
    operatorId: text().notNull(),
    reviewId: text().notNull(),
    actor: text().notNull(),
    decision: text().$type<'approve' | 'reject' | 'escalate'>().notNull(),
    reason: text().notNull(),
    at: at().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.reviewId, t.actor] }),
    foreignKey({ columns: [t.operatorId, t.reviewId], foreignColumns: [review.operatorId, review.id] }),
    check('review_reason_given', sql`length(${t.reason}) > 0`),
  ],
)
