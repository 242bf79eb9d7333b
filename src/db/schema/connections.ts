import { sql } from 'drizzle-orm'
import { boolean, check, foreignKey, index, jsonb, pgTable, primaryKey, text, unique } from 'drizzle-orm/pg-core'
import type { StoredLimits } from '../../core/connection.ts'
import { at, minorUnits } from './columns.ts'
import { operator } from './operators.ts'

/** An operator's account at a processor. Never deleted, since payments, breakers and the ledger name it. */
export const connection = pgTable(
  'connection',
  {
    operatorId: text()
      .notNull()
      .references(() => operator.id),
    id: text().notNull(),
    processor: text().notNull(),
    label: text().notNull(),
    enabled: boolean().notNull().default(true),
    /** The account's settings at the processor, without secrets. */
    config: jsonb().$type<Record<string, unknown>>().notNull().default(sql`'{}'::jsonb`),
    /** Where the secret is kept; never the secret. */
    secretRef: text(),
    limits: jsonb().$type<StoredLimits>().notNull().default(sql`'{}'::jsonb`),
    // The default route is in this order; accounts made in one transaction must differ too.
    createdAt: at().notNull().default(sql`clock_timestamp()`),
    updatedAt: at().notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.operatorId, table.id] }),
    unique('connection_label_unique').on(table.operatorId, table.label),
    // Rules name accounts by label or id; a label that looks like an id would make them ambiguous.
    check('connection_label_not_an_id', sql`${table.label} !~ '^con_' and ${table.label} <> '*'`),
  ],
)

/** Whose account an id is, for a processor's webhook: it names its connection and nothing else. Global: `operator`, not `operator_id`. */
export const connectionDirectory = pgTable('connection_directory', {
  connectionId: text().primaryKey(),
  operator: text()
    .notNull()
    .references(() => operator.id),
})

/**
 * The breakers that are not at rest, by account, operation and method: written when one opens, closes or is forced,
 * read by every instance. `forced` is a person's word and wins over `state` until `forced_until`.
 */
export const breakerState = pgTable(
  'breaker_state',
  {
    operatorId: text().notNull(),
    connectionId: text().notNull(),
    operation: text().notNull(),
    method: text().notNull(),
    state: text().$type<'open' | 'closed'>().notNull(),
    openedAt: at(),
    changedAt: at().notNull(),
    /** Until when one instance tries whether the account is back. */
    trialUntil: at(),
    trips: jsonb().$type<readonly string[]>().notNull().default(sql`'[]'::jsonb`),
    forced: text().$type<'open' | 'closed'>(),
    forcedReason: text(),
    forcedUntil: at(),
    forcedBy: text(),
  },
  (table) => [
    primaryKey({ columns: [table.operatorId, table.connectionId, table.operation, table.method] }),
    foreignKey({
      columns: [table.operatorId, table.connectionId],
      foreignColumns: [connection.operatorId, connection.id],
    }),
    check('breaker_state_known', sql`${table.state} in ('open', 'closed')`),
    check('breaker_open_has_time', sql`${table.state} = 'closed' or ${table.openedAt} is not null`),
    check(
      'breaker_forced_complete',
      sql`(${table.forced} is null) = (${table.forcedReason} is null) and (${table.forced} is null) = (${table.forcedUntil} is null) and (${table.forced} is null or ${table.forced} in ('open', 'closed'))`,
    ),
  ],
)

/** Announced maintenance of an account: the planner leaves it out in the window. */
export const maintenanceWindow = pgTable(
  'maintenance_window',
  {
    operatorId: text().notNull(),
    connectionId: text().notNull(),
    startsAt: at().notNull(),
    endsAt: at().notNull(),
    reason: text().notNull(),
    createdBy: text().notNull(),
    createdAt: at().notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.operatorId, table.connectionId, table.startsAt] }),
    index('maintenance_window_by_end').on(table.operatorId, table.endsAt),
    foreignKey({
      columns: [table.operatorId, table.connectionId],
      foreignColumns: [connection.operatorId, connection.id],
    }),
    check('maintenance_window_forward', sql`${table.endsAt} > ${table.startsAt}`),
  ],
)

/** The prefunded balance for payouts at an account, as the operator or the processor last said. */
export const connectionFloat = pgTable(
  'connection_float',
  {
    operatorId: text().notNull(),
    connectionId: text().notNull(),
    asset: text().notNull(),
    minor: minorUnits().notNull(),
    updatedAt: at().notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.operatorId, table.connectionId, table.asset] }),
    foreignKey({
      columns: [table.operatorId, table.connectionId],
      foreignColumns: [connection.operatorId, connection.id],
    }),
    check('connection_float_sane', sql`${table.minor} >= 0 and ${table.minor} < 1e38`),
  ],
)
