import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core'
import type { DeliveryTry } from '../../core/notice.ts'
import { at } from './columns.ts'
import { event } from './notices.ts'

/** Where an operator receives notices. Its secrets are sealed; while it changes over, the one before signs too. */
export const webhookEndpoint = pgTable(
  'webhook_endpoint',
  {
    operatorId: text().notNull(),
    id: text().notNull(),
    url: text().notNull(),
    description: text(),
    /** Patterns of types, such as `deposit.*`, separated by spaces; never empty. */
    events: text().notNull(),
    status: text().$type<'enabled' | 'disabled'>().notNull().default('enabled'),
    /** Why it is switched off: `gone` when it answered 410, else the operator's own doing. */
    disabledReason: text(),
    /** The version of the API that its notices are written in. */
    apiVersion: text().notNull(),
    secretSealed: text().notNull(),
    /** The number of the live secret: part of the seal's place, so that an old one can't be put back. */
    secretN: integer().notNull().default(1),
    previousSealed: text(),
    /** Until when the secret before signs too. */
    previousUntil: at(),
    /** The receiver asked for a rest until then. */
    pausedUntil: at(),
    createdBy: text().notNull(),
    createdAt: at().notNull().defaultNow(),
    updatedAt: at().notNull().defaultNow(),
    deletedAt: at(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.id] }),
    check('webhook_endpoint_status_known', sql`${t.status} in ('enabled', 'disabled')`),
    check('webhook_endpoint_events', sql`${t.events} <> ''`),
  ],
)

/** One notice on its way to one endpoint. A retry, a redelivery and a recovery are the same row again: the receiver sees one id. */
export const webhookDelivery = pgTable(
  'webhook_delivery',
  {
    operatorId: text().notNull(),
    id: text().notNull(),
    endpointId: text().notNull(),
    eventId: text().notNull(),
    status: text().$type<'pending' | 'succeeded' | 'failed' | 'cancelled'>().notNull().default('pending'),
    /** Tries since it was last put at the beginning: how far down the ladder it is. */
    tries: integer().notNull().default(0),
    /** The last tries with what came of them, oldest first. */
    history: jsonb().$type<DeliveryTry[]>().notNull().default(sql`'[]'::jsonb`),
    nextTryAt: at(),
    deliveredAt: at(),
    createdAt: at().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.id] }),
    uniqueIndex('webhook_delivery_once').on(t.operatorId, t.endpointId, t.eventId),
    index('webhook_delivery_by_event').on(t.operatorId, t.eventId),
    foreignKey({
      columns: [t.operatorId, t.endpointId],
      foreignColumns: [webhookEndpoint.operatorId, webhookEndpoint.id],
    }),
    foreignKey({ columns: [t.operatorId, t.eventId], foreignColumns: [event.operatorId, event.id] }),
    check('webhook_delivery_status_known', sql`${t.status} in ('pending', 'succeeded', 'failed', 'cancelled')`),
  ],
)
