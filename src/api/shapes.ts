import { z } from '@hono/zod-openapi'
import { CARD_BRANDS, CARD_FUNDINGS } from '../core/card.ts'
import { COUNTRIES } from '../core/countries.ts'
import { AMOUNT_PATTERN } from '../core/money.ts'

/** As `AMOUNT_PATTERN`, with a digit above zero somewhere. */
const POSITIVE = new RegExp(AMOUNT_PATTERN.source.replace('^', '^(?=.*[1-9])'))

/** A decimal string in major units, above zero. Whether its decimals fit the currency is for the flow to say. */
export const Amount = z
  .string({ error: 'amount_invalid' })
  .regex(POSITIVE, { error: 'amount_invalid' })
  .openapi({ description: 'Decimal string in major units.', example: '12.50' })

/** A decimal string in an answer, where nothing is taken and zero may be the truth. */
export const AmountShown = z.string().openapi({ description: 'Decimal string in major units.', example: '12.50' })

/** An ISO 4217 code or a coin, in upper case. Whether we can count it is for the flow to say. */
export const Currency = z
  .string()
  .regex(/^[A-Z][A-Z0-9]{2,9}$/, { error: 'currency_invalid' })
  .openapi({ example: 'EUR' })

/** The operator's own name for a player. */
export const PlayerId = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,64}$/)
  .openapi({ example: 'player-42' })

/** The operator's own name for a payment, unique for ever. */
export const Reference = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{1,64}$/)
  .openapi({ example: 'order-1001' })

/** What rules may know of a card, in the words of the language. */
export const CARD_FACTS = {
  brand: z.enum(CARD_BRANDS).optional(),
  funding: z.enum(CARD_FUNDINGS).optional(),
  bin_country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .refine((code) => COUNTRIES.has(code), { error: 'Must be an ISO 3166-1 alpha-2 country.' })
    .optional(),
}

/** Path parameter `{id}`. Any short text passes: what is no id is simply not found, like an id that isn't there. */
export const IdParams = z.strictObject({ id: z.string().max(64) })

/** Path parameter `{player_id}`. */
export const PlayerParams = z.strictObject({ player_id: PlayerId })

/** A point in time in an answer, RFC 3339 in UTC. */
export const Timestamp = z.string().openapi({ format: 'date-time', example: '2026-11-22T10:00:00.000Z' })

/** Text that the operator may attach to a payment, up to 20 pairs. */
export const Metadata = z
  .record(z.string().max(40), z.string().max(500))
  .refine((pairs) => Object.keys(pairs).length <= 20, { error: 'Must have at most 20 pairs.' })

/** Query members of every list. */
export const PAGE = {
  limit: z
    .string()
    .regex(/^([1-9]\d?|100)$/)
    .transform(Number)
    .default(25)
    .openapi({ type: 'integer', minimum: 1, maximum: 100, default: 25 }),
  cursor: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,512}$/)
    .optional(),
}

/** One page of a list, newest first. */
export const Page = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item), has_more: z.boolean(), next_cursor: z.string().nullable() })

/** Where money can be sent, as it is taken: the same in a withdrawal and in a saved instrument. */
export const BANK_ACCOUNT = { iban: z.string().min(5).max(42), name: z.string().min(1).max(140) }
export const CRYPTO_ADDRESS = {
  asset: z.string().regex(/^[A-Z0-9]{2,10}$/),
  network: z.string().regex(/^[a-z0-9]{2,20}$/),
  address: z.string().min(10).max(128),
  tag: z
    .string()
    .regex(/^[\x21-\x7e]{1,64}$/)
    .optional(),
}
export const WALLET_ACCOUNT = {
  wallet: z.string().regex(/^[A-Za-z0-9_-]{1,32}$/),
  account: z.string().min(1).max(254),
}
