import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import type { Decline } from '../../core/decline.ts'
import type { ChargeMethod } from '../../core/method.ts'
import type { NextAction } from '../../core/outcome.ts'
import type { StoredCheck } from '../../core/withdrawal.ts'
import { at, minorUnits } from './columns.ts'
import { player } from './players.ts'

/** A deposit or a withdrawal. `status` says what is known; attempts hold the evidence. */
export const payment = pgTable(
  'payment',
  {
    operatorId: text().notNull(),
    id: text().notNull(),
    direction: text().$type<'deposit' | 'withdrawal'>().notNull(),
    playerId: text().notNull(),
    asset: text().notNull(),
    amount: minorUnits().notNull(),
    status: text().notNull(),
    /** The operator's own id, unique for ever; a rejected request gives it back. */
    reference: text().notNull(),
    methodType: text().$type<ChargeMethod['type']>().notNull(),
    /** Deposits: the charge method (tokens only, never a number). */
    method: jsonb().$type<ChargeMethod>(),
    /** The saved instrument that it goes by, or that is saved when it succeeds. */
    instrumentId: text(),
    /** Deposits: the instrument is to be saved when it succeeds. */
    saveInstrument: boolean().notNull().default(false),
    /** Withdrawals: the destination sealed by the cipher, and what of it may be shown. */
    destinationSealed: text(),
    destinationMasked: jsonb().$type<Record<string, unknown>>(),
    destinationFingerprint: text(),
    /** Withdrawals: the verdicts of the validation chain, in its order. */
    checks: jsonb().$type<StoredCheck[]>(),
    returnUrl: text(),
    metadata: jsonb().$type<Record<string, string>>().notNull().default(sql`'{}'::jsonb`),
    client: jsonb().$type<{ ip?: string; user_agent?: string }>(),
    decline: jsonb().$type<Decline>(),
    nextAction: jsonb().$type<NextAction>(),
    /** Why this route: the plan as it was when the payment began. */
    decision: jsonb().$type<Record<string, unknown>>(),
    rulesetVersion: integer(),
    ruleId: text(),
    /** The connection that took or sent the money. */
    connectionId: text(),
    /** Deposits: what has been refunded or is on its way back. */
    refunded: minorUnits().notNull().default(sql`0`),
    /** Deposits: what chargebacks have taken of it and not given back. With refunds it never passes what was captured. */
    chargedBack: minorUnits().notNull().default(sql`0`),
    runId: text(),
    /** The client that asked for it. */
    requestedBy: text().notNull(),
    /** Rises with each notice about this payment. */
    sequence: integer().notNull().default(0),
    createdAt: at().notNull().defaultNow(),
    updatedAt: at().notNull().defaultNow(),
    settledAt: at(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.id] }),
    foreignKey({ columns: [t.operatorId, t.playerId], foreignColumns: [player.operatorId, player.id] }),
    uniqueIndex('payment_reference').on(t.operatorId, t.reference).where(sql`${t.status} <> 'rejected'`),
    uniqueIndex('payment_run_id').on(t.operatorId, t.runId),
    index('payment_newest').on(t.operatorId, t.direction, t.id),
    index('payment_by_player').on(t.operatorId, t.playerId, t.id),
    check('payment_amount', sql`${t.amount} > 0 and ${t.amount} < 1e38 and scale(${t.amount}) = 0`),
    check(
      'payment_refunded',
      sql`${t.refunded} >= 0 and ${t.chargedBack} >= 0 and ${t.refunded} + ${t.chargedBack} <= ${t.amount}`,
    ),
    check(
      'payment_status_known',
      sql`(${t.direction} = 'deposit' and ${t.status} in ('requires_action', 'processing', 'unknown', 'succeeded', 'declined', 'failed', 'cancelled', 'expired'))
        or (${t.direction} = 'withdrawal' and ${t.status} in ('held', 'approved', 'processing', 'unknown', 'paid', 'rejected', 'cancelled', 'failed', 'returned'))`,
    ),
  ],
)

/** One try of a payment or refund at one connection: committed before the processor is called. */
export const attempt = pgTable(
  'attempt',
  {
    operatorId: text().notNull(),
    id: text().notNull(),
    flow: text().$type<'deposit' | 'withdrawal' | 'refund'>().notNull(),
    /** The payment or refund that it is a try of. */
    subjectId: text().notNull(),
    n: integer().notNull(),
    connectionId: text().notNull(),
    processor: text().notNull(),
    asset: text().notNull(),
    amount: minorUnits().notNull(),
    status: text().notNull(),
    /** How far the call got: what cascade safety rests on. */
    phase: text(),
    /** Why it is unknown, was not sent or was put on hold. */
    reason: text(),
    decline: jsonb().$type<Decline>(),
    /** Asked for strong authentication outright. */
    stepUp: boolean().notNull().default(false),
    processorReference: text(),
    /** The processor's own time of the newest fact applied, ms since 1970. */
    factAtMs: bigint({ mode: 'bigint' }),
    lookups: integer().notNull().default(0),
    startedAt: at().notNull().defaultNow(),
    endedAt: at(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.id] }),
    uniqueIndex('attempt_number').on(t.operatorId, t.subjectId, t.n),
    // The heart of cascade safety: while money may be moving, no second try can exist.
    uniqueIndex('attempt_one_live')
      .on(t.operatorId, t.subjectId)
      .where(
        sql`${t.status} in ('sending', 'requires_action', 'pending', 'authorized', 'succeeded', 'unknown', 'integrity_hold')`,
      ),
    // The few that are looked after: counted twice a minute.
    index('attempt_unknown').on(t.operatorId, t.flow).where(sql`${t.status} in ('unknown', 'integrity_hold')`),
    index('attempt_by_processor_reference').on(t.operatorId, t.connectionId, t.processorReference),
    check('attempt_amount', sql`${t.amount} > 0 and ${t.amount} < 1e38 and scale(${t.amount}) = 0`),
    check(
      'attempt_status_known',
      sql`${t.status} in ('sending', 'requires_action', 'pending', 'authorized', 'succeeded', 'unknown', 'integrity_hold', 'not_sent', 'declined', 'voided', 'returned', 'late_success')`,
    ),
  ],
)

/** Money going back to where a deposit came from; a resource of its own, never a payment status. */
export const refund = pgTable(
  'refund',
  {
    operatorId: text().notNull(),
    id: text().notNull(),
    depositId: text().notNull(),
    playerId: text().notNull(),
    asset: text().notNull(),
    amount: minorUnits().notNull(),
    status: text().notNull(),
    reason: text(),
    reference: text(),
    /** The second capture of a deposit that this sends back; null for a refund of the deposit itself. */
    duplicateOf: text(),
    decline: jsonb().$type<Decline>(),
    runId: text(),
    requestedBy: text().notNull(),
    sequence: integer().notNull().default(0),
    createdAt: at().notNull().defaultNow(),
    updatedAt: at().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.id] }),
    foreignKey({ columns: [t.operatorId, t.depositId], foreignColumns: [payment.operatorId, payment.id] }),
    uniqueIndex('refund_reference').on(t.operatorId, t.reference),
    uniqueIndex('refund_run_id').on(t.operatorId, t.runId),
    // A second capture goes back once: a refund of it that may still succeed keeps all others out.
    uniqueIndex('refund_one_of_duplicate')
      .on(t.operatorId, t.duplicateOf)
      .where(sql`${t.status} not in ('declined', 'failed')`),
    index('refund_by_deposit').on(t.operatorId, t.depositId),
    check('refund_amount', sql`${t.amount} > 0 and ${t.amount} < 1e38 and scale(${t.amount}) = 0`),
    check('refund_status_known', sql`${t.status} in ('processing', 'unknown', 'succeeded', 'declined', 'failed')`),
  ],
)
