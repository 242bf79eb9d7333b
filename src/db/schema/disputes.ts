import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import { at, minorUnits } from './columns.ts'
import { payment } from './payments.ts'

const STAGES = sql.raw(`('inquiry', 'chargeback', 'pre_arbitration', 'arbitration')`)
const STATUSES = sql.raw(
  `('opened', 'evidence_due', 'evidence_submitted', 'accepted', 'won', 'lost', 'withdrawn', 'expired')`,
)

/** A dispute over a captured deposit. Its stage and status are the newest of its news; the money says what has moved. */
export const dispute = pgTable(
  'dispute',
  {
    operatorId: text().notNull(),
    id: text().notNull(),
    depositId: text().notNull(),
    attemptId: text().notNull(),
    connectionId: text().notNull(),
    playerId: text().notNull(),
    /** The processor's own name of the dispute. */
    reference: text().notNull(),
    asset: text().notNull(),
    amount: minorUnits().notNull(),
    stage: text().notNull(),
    status: text().notNull(),
    /** What the processor has of ours for it now; zero before it was charged and after it was won. */
    taken: minorUnits().notNull().default(sql`0`),
    /** How much of `taken` became the player's debt. */
    owed: minorUnits().notNull().default(sql`0`),
    /** How much of `owed` the house has borne. */
    borne: minorUnits().notNull().default(sql`0`),
    /** How much of `taken` counts against what was captured of the deposit. */
    counted: minorUnits().notNull().default(sql`0`),
    /** How often the money was taken: a chargeback that was won can be charged once more. */
    rounds: integer().notNull().default(0),
    sequence: integer().notNull().default(0),
    createdAt: at().notNull().defaultNow(),
    updatedAt: at().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.id] }),
    foreignKey({ columns: [t.operatorId, t.depositId], foreignColumns: [payment.operatorId, payment.id] }),
    uniqueIndex('dispute_reference').on(t.operatorId, t.connectionId, t.reference),
    index('dispute_by_deposit').on(t.operatorId, t.depositId),
    check('dispute_amount', sql`${t.amount} > 0 and ${t.amount} < 1e38 and scale(${t.amount}) = 0`),
    check(
      'dispute_money',
      sql`0 <= ${t.borne} and ${t.borne} <= ${t.owed} and ${t.owed} <= ${t.taken} and ${t.taken} < 1e38
        and 0 <= ${t.counted} and ${t.counted} <= ${t.taken}`,
    ),
    check('dispute_stage_known', sql`${t.stage} in ${STAGES}`),
    check('dispute_status_known', sql`${t.status} in ${STATUSES}`),
  ],
)

/** What a processor told of a dispute, each word once. Rows are only added. */
export const disputeNews = pgTable(
  'dispute_news',
  {
    operatorId: text().notNull(),
    disputeId: text().notNull(),
    stage: text().notNull(),
    status: text().notNull(),
    asset: text().notNull(),
    amount: minorUnits().notNull(),
    at: at().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.disputeId, t.stage, t.status] }),
    foreignKey({ columns: [t.operatorId, t.disputeId], foreignColumns: [dispute.operatorId, dispute.id] }),
    check('dispute_news_stage_known', sql`${t.stage} in ${STAGES}`),
    check('dispute_news_status_known', sql`${t.status} in ${STATUSES}`),
  ],
)
