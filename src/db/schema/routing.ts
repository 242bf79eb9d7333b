import { sql } from 'drizzle-orm'
import {
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  unique,
} from 'drizzle-orm/pg-core'
import { at, minorUnits } from './columns.ts'
import { connection } from './connections.ts'
import { operator } from './operators.ts'

/** A draft of routing rules: edited, checked and approved here, and never what payments run on. `revision` rises with each edit. */
export const ruleset = pgTable(
  'ruleset',
  {
    operatorId: text()
      .notNull()
      .references(() => operator.id),
    id: text().notNull(),
    name: text().notNull(),
    document: jsonb().$type<unknown>().notNull(),
    revision: integer().notNull().default(1),
    status: text().$type<'draft' | 'approval_requested' | 'approved' | 'published' | 'discarded'>().notNull(),
    /** The version that it was begun from, for the diff. */
    baseVersion: integer(),
    /** Everybody who wrote in it: none of them may approve it. */
    editors: text().array().notNull(),
    createdBy: text().notNull(),
    updatedBy: text().notNull(),
    createdAt: at().notNull().defaultNow(),
    updatedAt: at().notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.operatorId, table.id] }),
    check(
      'ruleset_status_known',
      sql`${table.status} in ('draft', 'approval_requested', 'approved', 'published', 'discarded')`,
    ),
  ],
)

/** A request to publish one revision of a draft, and another person's answer. */
export const rulesetApproval = pgTable(
  'ruleset_approval',
  {
    operatorId: text().notNull(),
    rulesetId: text().notNull(),
    revision: integer().notNull(),
    requestedBy: text().notNull(),
    reason: text().notNull(),
    requestedAt: at().notNull().defaultNow(),
    decision: text().$type<'approved' | 'rejected'>(),
    decidedBy: text(),
    decisionReason: text(),
    decidedAt: at(),
  },
  (table) => [
    primaryKey({ columns: [table.operatorId, table.rulesetId, table.revision] }),
    foreignKey({ columns: [table.operatorId, table.rulesetId], foreignColumns: [ruleset.operatorId, ruleset.id] }),
    check('ruleset_approval_by_another', sql`${table.decidedBy} is null or ${table.decidedBy} <> ${table.requestedBy}`),
    check(
      'ruleset_approval_complete',
      sql`(${table.decision} is null) = (${table.decidedBy} is null) and (${table.decision} is null or ${table.decision} in ('approved', 'rejected'))`,
    ),
  ],
)

/** Rules as they were published: the exact bytes, for ever. Payments carry the version. */
export const rulesetVersion = pgTable(
  'ruleset_version',
  {
    operatorId: text()
      .notNull()
      .references(() => operator.id),
    version: integer().notNull(),
    rulesetId: text().notNull(),
    revision: integer().notNull(),
    /** The ruleset as JSON text: what is compiled, shown, compared and rolled back to. */
    document: text().notNull(),
    sha256: text().notNull(),
    author: text().notNull(),
    /** Null only in an emergency, or where the operator works with one person and said so in its settings. */
    approvedBy: text(),
    /** Published by one person in an emergency: it ends at this time. */
    breakGlassUntil: at(),
    reason: text().notNull(),
    createdAt: at().notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.operatorId, table.version] }),
    unique('ruleset_version_once').on(table.operatorId, table.rulesetId, table.revision),
    foreignKey({ columns: [table.operatorId, table.rulesetId], foreignColumns: [ruleset.operatorId, ruleset.id] }),
    check('ruleset_version_by_two', sql`${table.approvedBy} is null or ${table.approvedBy} <> ${table.author}`),
    check('ruleset_version_positive', sql`${table.version} > 0`),
  ],
)

/** Which version payments run on. While `candidate` is staged, `percent` of players (by hash) run on it. One row per operator. */
export const routingActive = pgTable(
  'routing_active',
  {
    operatorId: text()
      .primaryKey()
      .references(() => operator.id),
    /** 0: the built-in rule. */
    version: integer().notNull().default(0),
    previousVersion: integer(),
    candidate: integer(),
    percent: smallint().notNull().default(0),
    /** The steps still to come, as shares of players, and how long each lasts. */
    steps: jsonb().$type<readonly number[]>().notNull().default(sql`'[]'::jsonb`),
    stepSeconds: integer().notNull().default(0),
    nextStepAt: at(),
    /** Points of success rate, in hundredths, that the candidate may lie below before it is taken back. */
    guardPoints: smallint().notNull().default(0),
    stageStartedAt: at(),
    /** A publication for later: this version, at this time. */
    scheduledVersion: integer(),
    scheduledAt: at(),
    scheduledBy: text(),
    /** Break-glass: back to `previous_version` at this time. */
    revertAt: at(),
    /** Rises with each change: instances compare it. */
    epoch: integer().notNull().default(0),
    updatedAt: at().notNull().defaultNow(),
  },
  (table) => [
    foreignKey({
      columns: [table.operatorId, table.candidate],
      foreignColumns: [rulesetVersion.operatorId, rulesetVersion.version],
    }),
    check('routing_active_percent', sql`${table.percent} between 0 and 100`),
    check('routing_active_staged', sql`(${table.candidate} is null) = (${table.stageStartedAt} is null)`),
    check('routing_active_scheduled', sql`(${table.scheduledVersion} is null) = (${table.scheduledAt} is null)`),
  ],
)

/** Everything that was ever done to `routing_active`: who, what, why. */
export const publication = pgTable(
  'publication',
  {
    operatorId: text()
      .notNull()
      .references(() => operator.id),
    epoch: integer().notNull(),
    kind: text()
      .$type<
        | 'publish'
        | 'schedule'
        | 'stage'
        | 'step'
        | 'complete'
        | 'stop'
        | 'rollback'
        | 'break_glass'
        | 'expire'
        | 'cancel'
      >()
      .notNull(),
    version: integer().notNull(),
    percent: smallint().notNull(),
    byActor: text().notNull(),
    reason: text().notNull(),
    at: at().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.operatorId, table.epoch] })],
)

/**
 * A payment as routing saw it, and what came of it: what drafts are simulated on. One row per plan; the facts are those
 * that rules may use, so no token, name or address is in it.
 */
export const routeDecision = pgTable(
  'route_decision',
  {
    operatorId: text()
      .notNull()
      .references(() => operator.id),
    id: text().notNull(),
    paymentId: text().notNull(),
    at: at().notNull(),
    /** `RouteFacts` by their own names; the amount stands in its own columns. */
    facts: jsonb().$type<Record<string, unknown>>().notNull(),
    asset: text().notNull(),
    amount: minorUnits().notNull(),
    rulesetVersion: integer().notNull(),
    ruleId: text().notNull(),
    /** Connections in the order planned; empty when none was left. */
    route: text().array().notNull(),
    /** Whether the first attempt succeeded; null while it isn't known. */
    firstSucceeded: boolean(),
    /** Whether the payment succeeded in the end, and where. */
    succeeded: boolean(),
    connectionId: text(),
  },
  (table) => [
    primaryKey({ columns: [table.operatorId, table.id] }),
    unique('route_decision_payment').on(table.operatorId, table.paymentId),
    index('route_decision_by_time').on(table.operatorId, table.at),
  ],
)

/**
 * Attempts and successes by connection and kind of payment, five minutes a row. `slot` spreads the writers: a success
 * must not wait for the commit of another.
 */
export const rateWindow = pgTable(
  'rate_window',
  {
    operatorId: text().notNull(),
    bucket: at().notNull(),
    connectionId: text().notNull(),
    direction: text().notNull(),
    method: text().notNull(),
    asset: text().notNull(),
    country: text().notNull(),
    /** Country of the card's issuer, or empty. */
    binCountry: text().notNull(),
    slot: smallint().notNull(),
    attempts: integer().notNull(),
    succeeded: integer().notNull(),
  },
  (table) => [
    primaryKey({
      columns: [
        table.operatorId,
        table.bucket,
        table.connectionId,
        table.direction,
        table.method,
        table.asset,
        table.country,
        table.binCountry,
        table.slot,
      ],
    }),
    check('rate_window_sane', sql`${table.succeeded} between 0 and ${table.attempts}`),
  ],
)

/** What a processor takes for a payment: the narrowest row that fits counts; `*` fits all. */
export const feeSchedule = pgTable(
  'fee_schedule',
  {
    operatorId: text().notNull(),
    connectionId: text().notNull(),
    direction: text().notNull(),
    method: text().notNull(),
    asset: text().notNull(),
    /** Per payment, minor units of `asset`; nothing where `asset` is `*`. */
    fixed: minorUnits().notNull(),
    /** Share of the amount, in millionths. */
    millionths: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.operatorId, table.connectionId, table.direction, table.method, table.asset] }),
    foreignKey({
      columns: [table.operatorId, table.connectionId],
      foreignColumns: [connection.operatorId, connection.id],
    }),
    check(
      'fee_schedule_sane',
      sql`${table.fixed} >= 0 and ${table.fixed} < 1e38 and ${table.millionths} between 0 and 1000000`,
    ),
    check('fee_schedule_fixed_has_asset', sql`${table.asset} <> '*' or ${table.fixed} = 0`),
  ],
)

/** An operator's own word on a decline, over the taxonomy. `processor` is `*` for all. */
export const declineOverride = pgTable(
  'decline_override',
  {
    operatorId: text()
      .notNull()
      .references(() => operator.id),
    code: text().notNull(),
    processor: text().notNull(),
    next: text().$type<'next' | 'once' | 'same' | 'step_up' | 'player' | 'never'>().notNull(),
    reason: text().notNull(),
    setBy: text().notNull(),
    setAt: at().notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.operatorId, table.code, table.processor] }),
    check('decline_override_known', sql`${table.next} in ('next', 'once', 'same', 'step_up', 'player', 'never')`),
  ],
)

/** Codes of processors that no table knows, counted, so that somebody adds them. */
export const unmappedDecline = pgTable(
  'unmapped_decline',
  {
    operatorId: text()
      .notNull()
      .references(() => operator.id),
    processor: text().notNull(),
    flow: text().notNull(),
    processorCode: text().notNull(),
    seen: integer().notNull(),
    firstAt: at().notNull(),
    lastAt: at().notNull(),
  },
  (table) => [primaryKey({ columns: [table.operatorId, table.processor, table.flow, table.processorCode] })],
)
