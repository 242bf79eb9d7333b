import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  check,
  date,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
} from 'drizzle-orm/pg-core'
import { at, minorUnits } from './columns.ts'
import { operator } from './operators.ts'

/** An operator's player, under the operator's own id. Its row is the lock that serializes a player's deposits and withdrawals. */
export const player = pgTable(
  'player',
  {
    operatorId: text()
      .notNull()
      .references(() => operator.id),
    id: text().notNull(),
    country: text(),
    currency: text(),
    name: text(),
    dateOfBirth: date({ mode: 'string' }),
    kycStatus: text().notNull().default('unverified'),
    kycLevel: integer().notNull().default(0),
    amlStatus: text().notNull().default('clear'),
    pep: boolean().notNull().default(false),
    sanctionsCheckedAt: at(),
    segment: text(),
    licence: text(),
    /** Rises with each change: the ETag. */
    version: integer().notNull().default(1),
    /** The client that changed the player last, for the four-eyes rule. */
    editedBy: text().notNull(),
    createdAt: at().notNull().defaultNow(),
    updatedAt: at().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.id] }),
    check('kyc_status_known', sql`${t.kycStatus} in ('unverified', 'pending', 'verified', 'rejected')`),
    check('aml_status_known', sql`${t.amlStatus} in ('clear', 'flagged', 'frozen')`),
  ],
)

/** A self-exclusion or time-out, one row per decision; lifting one ends it, nothing is deleted. */
export const exclusion = pgTable(
  'exclusion',
  {
    operatorId: text().notNull(),
    id: bigint({ mode: 'bigint' }).notNull().generatedAlwaysAsIdentity(),
    playerId: text().notNull(),
    type: text().notNull(),
    /** Null: for good. */
    until: at(),
    source: text().notNull(),
    createdAt: at().notNull().defaultNow(),
    liftedAt: at(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.id] }),
    foreignKey({ columns: [t.operatorId, t.playerId], foreignColumns: [player.operatorId, player.id] }),
    index('exclusion_by_player').on(t.operatorId, t.playerId),
    check('exclusion_type_known', sql`${t.type} in ('self_exclusion', 'time_out')`),
  ],
)

/** A responsible-gambling limit. Immutable: a change appends a row with its own `effectiveAt`. `amount` null lifts the limit. */
export const playerLimit = pgTable(
  'player_limit',
  {
    operatorId: text().notNull(),
    id: text().notNull(),
    playerId: text().notNull(),
    metric: text().notNull(),
    period: text().notNull(),
    asset: text().notNull(),
    amount: minorUnits(),
    effectiveAt: at().notNull(),
    setBy: text().notNull(),
    createdAt: at().notNull().defaultNow(),
    /** A later decrease cancels a pending increase. */
    cancelledAt: at(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.id] }),
    foreignKey({ columns: [t.operatorId, t.playerId], foreignColumns: [player.operatorId, player.id] }),
    index('player_limit_by_player').on(t.operatorId, t.playerId),
    check(
      'limit_not_negative',
      sql`${t.amount} is null or (${t.amount} >= 0 and ${t.amount} < 1e38 and scale(${t.amount}) = 0)`,
    ),
  ],
)

/** What a deposit takes from the player's limits: reserved before the processor is asked, committed or released by what it says. */
export const limitReservation = pgTable(
  'limit_reservation',
  {
    operatorId: text().notNull(),
    id: text().notNull(),
    playerId: text().notNull(),
    paymentId: text().notNull(),
    asset: text().notNull(),
    amount: minorUnits().notNull(),
    state: text().notNull().default('reserved'),
    createdAt: at().notNull().defaultNow(),
    decidedAt: at(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.id] }),
    foreignKey({ columns: [t.operatorId, t.playerId], foreignColumns: [player.operatorId, player.id] }),
    index('limit_reservation_by_player').on(t.operatorId, t.playerId, t.createdAt),
    index('limit_reservation_by_payment').on(t.operatorId, t.paymentId),
    check('reservation_state_known', sql`${t.state} in ('reserved', 'committed', 'released')`),
    check('reservation_positive', sql`${t.amount} > 0 and ${t.amount} < 1e38 and scale(${t.amount}) = 0`),
  ],
)

/** A saved instrument: a token, or account data sealed by the cipher. What is shown is masked when it is stored. */
export const instrument = pgTable(
  'instrument',
  {
    operatorId: text().notNull(),
    id: text().notNull(),
    playerId: text().notNull(),
    type: text().notNull(),
    /** The sealed destination or charge method. */
    sealed: text().notNull(),
    masked: jsonb().$type<Record<string, unknown>>().notNull(),
    /** Keyed hash of the account, to recognise one instrument on two players. */
    fingerprint: text().notNull(),
    verified: boolean().notNull().default(false),
    ownerMatch: text().$type<'match' | 'mismatch' | 'unknown'>().notNull().default('unknown'),
    usedForDeposit: boolean().notNull().default(false),
    createdAt: at().notNull().defaultNow(),
    /** Null until the deposit that saves it has succeeded: then it can be used and is listed. */
    activeAt: at(),
    deletedAt: at(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.id] }),
    foreignKey({ columns: [t.operatorId, t.playerId], foreignColumns: [player.operatorId, player.id] }),
    check('instrument_type_known', sql`${t.type} in ('card', 'wallet', 'bank', 'crypto')`),
    check('instrument_owner_match_known', sql`${t.ownerMatch} in ('match', 'mismatch', 'unknown')`),
    index('instrument_by_player').on(t.operatorId, t.playerId),
    index('instrument_by_fingerprint').on(t.operatorId, t.fingerprint),
  ],
)
