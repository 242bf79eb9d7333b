import { sql } from 'drizzle-orm'
import { bigint, check, index, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { at } from './columns.ts'

/** What happened, for the operator: written in the transaction that made it true (the outbox), delivered from here. */
export const event = pgTable(
  'event',
  {
    operatorId: text().notNull(),
    id: text().notNull(),
    type: text().notNull(),
    resourceId: text().notNull(),
    /** Rises per resource, so that a receiver can order what comes out of order. */
    sequence: integer().notNull(),
    data: jsonb().$type<Record<string, unknown>>().notNull(),
    createdAt: at().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.id] }),
    index('event_by_resource').on(t.operatorId, t.resourceId, t.sequence),
  ],
)

/** A processor's event, verified and stored before it is answered. Its primary key de-duplicates for ever. */
export const inboundWebhook = pgTable(
  'inbound_webhook',
  {
    operatorId: text().notNull(),
    connectionId: text().notNull(),
    eventId: text().notNull(),
    /** Our own id, for lists and re-processing. */
    id: text().notNull(),
    processor: text().notNull(),
    /** The adapter's reading of it. Amounts are strings of minor units. */
    content: jsonb().$type<StoredEvent>().notNull(),
    status: text().$type<'received' | 'applied' | 'ignored' | 'parked' | 'quarantined'>().notNull().default('received'),
    detail: text(),
    subjectId: text(),
    attemptId: text(),
    /** Of a parked one: what it waits for, our attempt's id or the processor's reference. */
    awaits: text(),
    tries: integer().notNull().default(0),
    processorAtMs: bigint({ mode: 'bigint' }),
    receivedAt: at().notNull().defaultNow(),
    appliedAt: at(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.connectionId, t.eventId] }),
    index('inbound_webhook_newest').on(t.operatorId, t.id),
    index('inbound_webhook_by_subject').on(t.operatorId, t.subjectId),
    index('inbound_webhook_parked').on(t.operatorId, t.connectionId, t.awaits).where(sql`${t.status} = 'parked'`),
    check('inbound_status_known', sql`${t.status} in ('received', 'applied', 'ignored', 'parked', 'quarantined')`),
  ],
)

/** A processor's event as it is stored: JSON has no bigint, so money is written as text (`{ "$minor": "1000" }`). */
type StoredEvent = Readonly<Record<string, unknown>>
