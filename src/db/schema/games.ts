import { sql } from 'drizzle-orm'
import { check, foreignKey, index, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { at, minorUnits } from './columns.ts'
import { player } from './players.ts'

/** A bet, win, rollback or bonus of the game side, once per reference. A rollback that comes before its bet stays as a tombstone. */
export const walletTransaction = pgTable(
  'wallet_transaction',
  {
    operatorId: text().notNull(),
    reference: text().notNull(),
    playerId: text().notNull(),
    type: text().notNull(),
    asset: text().notNull(),
    amount: minorUnits().notNull(),
    relatedReference: text(),
    status: text().$type<'posted' | 'rolled_back' | 'tombstone'>().notNull(),
    /** What it took from or gave to cash and bonus, in minor units as text: what a rollback reverses. */
    parts: jsonb().$type<{ cash: string; bonus: string }>().notNull(),
    journalId: text(),
    createdAt: at().notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.reference] }),
    foreignKey({ columns: [t.operatorId, t.playerId], foreignColumns: [player.operatorId, player.id] }),
    index('wallet_transaction_by_player').on(t.operatorId, t.playerId, t.createdAt),
    check('wallet_amount', sql`${t.amount} > 0 and ${t.amount} < 1e38 and scale(${t.amount}) = 0`),
    check(
      'wallet_type_known',
      sql`${t.type} in ('bet', 'win', 'rollback', 'bonus_grant', 'bonus_convert', 'bonus_forfeit')`,
    ),
  ],
)
