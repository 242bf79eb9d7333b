import { sql } from 'drizzle-orm'
import { bigint, check, index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { at } from './columns.ts'

/** One Idempotency-Key of an operator: who works on it (lease and fencing token), and the answer to be replayed. */
export const idempotencyKey = pgTable(
  'idempotency_key',
  {
    operatorId: text().notNull(),
    key: text().notNull(),
    /** SHA-256 of method, route, path parameters, canonical body and API version. */
    fingerprint: text().notNull(),
    state: text().$type<'running' | 'done' | 'free'>().notNull().default('running'),
    /** Rises with each take-over: a writer with an older one is refused. */
    fence: bigint({ mode: 'bigint' }).notNull().default(sql`1`),
    leaseUntil: at().notNull(),
    status: integer(),
    body: text(),
    headers: jsonb().$type<Record<string, string>>(),
    createdAt: at().notNull().defaultNow(),
    expiresAt: at().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.key] }),
    index('idempotency_key_expiry').on(t.expiresAt),
    check('idempotency_done', sql`(${t.state} = 'done') = (${t.status} is not null and ${t.body} is not null)`),
  ],
)
