import { sql } from 'drizzle-orm'
import { check, date, index, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core'
import { at, minorUnits } from './columns.ts'
import { operator } from './operators.ts'

/** A card that was seen, and what its processors told of it. Its id is a keyed hash: the same for the same card, and no way back. */
export const card = pgTable(
  'card',
  {
    operatorId: text()
      .notNull()
      .references(() => operator.id),
    id: text().notNull(),
    brand: text(),
    funding: text(),
    country: text(),
    /** Since when its issuer wants no further try (Visa's category 1). */
    bannedAt: at(),
  },
  (t) => [primaryKey({ columns: [t.operatorId, t.id] })],
)

/** A name of a card: the keyed hash of a token, or of a processor's fingerprint. No foreign key: two settlements that find out at once that two cards are one must not fail each other, and a name without its card is a name of no card. */
export const cardName = pgTable(
  'card_name',
  {
    operatorId: text().notNull(),
    name: text().notNull(),
    cardId: text().notNull(),
    /** Whose fingerprint it is; null for a token. */
    processor: text(),
    seenOn: date({ mode: 'string' }).notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.name] }),
    index('card_name_of_card').on(t.operatorId, t.cardId),
    index('card_name_by_age').on(t.operatorId, t.seenOn),
  ],
)

/** How often a card was refused by its issuer on a day (UTC), by amount: what the schemes' retry limits count. */
export const cardDecline = pgTable(
  'card_decline',
  {
    operatorId: text().notNull(),
    cardId: text().notNull(),
    day: date({ mode: 'string' }).notNull(),
    asset: text().notNull(),
    amount: minorUnits().notNull(),
    declines: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.operatorId, t.cardId, t.day, t.asset, t.amount] }),
    index('card_decline_by_day').on(t.operatorId, t.day),
    check('card_decline_counted', sql`${t.declines} > 0`),
    check('card_decline_amount', sql`${t.amount} > 0 and ${t.amount} < 1e38 and scale(${t.amount}) = 0`),
  ],
)
