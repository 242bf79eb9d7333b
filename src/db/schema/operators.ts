import { sql } from 'drizzle-orm'
import { jsonb, pgTable, text } from 'drizzle-orm/pg-core'
import { at } from './columns.ts'

/** An iGaming operator: the tenant. Global: it is what row-level security sets apart. */
export const operator = pgTable('operator', {
  id: text().primaryKey(),
  name: text().notNull(),
  /** Policies of this operator, read through `core/settings.ts` with its defaults. */
  settings: jsonb().$type<Record<string, unknown>>().notNull().default(sql`'{}'::jsonb`),
  createdAt: at().notNull().defaultNow(),
})
