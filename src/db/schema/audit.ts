import { bigint, index, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { at } from './columns.ts'

/**
 * Who changed what: one chain per operator, each row holding the hash of the one before. The gateway's role may add and
 * read; a trigger refuses changes to everybody and any row that doesn't continue the chain.
 */
export const auditLog = pgTable(
  'audit_log',
  {
    operatorId: text().notNull(),
    /** 1, 2, 3 …, without a gap. */
    sequence: bigint({ mode: 'bigint' }).notNull(),
    at: at().notNull(),
    /** A client, `player:…` or `system`. */
    actor: text().notNull(),
    /** What was done: `player.risk_changed`. */
    action: text().notNull(),
    /** What it was done to, an id. */
    subject: text().notNull(),
    before: jsonb().$type<Record<string, unknown>>(),
    after: jsonb().$type<Record<string, unknown>>(),
    reason: text(),
    /** Hexadecimal SHA-256; 64 zeros before the first. */
    previousHash: text().notNull(),
    hash: text().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.sequence] }),
    index('audit_log_by_subject').on(t.operatorId, t.subject, t.sequence),
  ],
)
