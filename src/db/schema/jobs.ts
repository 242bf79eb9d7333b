import { sql } from 'drizzle-orm'
import { bigint, boolean, index, integer, jsonb, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { at } from './columns.ts'

/**
 * Work to be done later, one row each; the row goes when the work is done. Global, because one loop serves all operators:
 * the column is `operator`, not `operator_id`, so that row-level security leaves it alone. It holds ids, never personal data.
 */
export const job = pgTable(
  'job',
  {
    id: bigint({ mode: 'bigint' }).primaryKey().generatedAlwaysAsIdentity(),
    kind: text().notNull(),
    /** Whose work it is; empty for the house's own. */
    operator: text().notNull(),
    /** What the work is about, mostly an id. */
    subject: text().notNull(),
    payload: jsonb().notNull().default(sql`'{}'::jsonb`),
    /** One row per operator, kind and subject: enqueueing again moves that row. */
    single: boolean().notNull(),
    runAt: at().notNull(),
    /** Who works on it now, and until when others must leave it alone. */
    lease: uuid(),
    leasedUntil: at(),
    /** Rises when the row is enqueued again, so that work which began before doesn't finish what came after. */
    revision: integer().notNull().default(0),
    /** Failures in a row; a success in between sets it to 0. */
    failures: integer().notNull().default(0),
    lastError: text(),
    createdAt: at().notNull().defaultNow(),
  },
  (t) => [
    uniqueIndex('job_single').on(t.operator, t.kind, t.subject).where(sql`${t.single}`),
    index('job_due').on(t.runAt),
  ],
)
