import type { z } from 'zod'
import type { Decline, DeclineCode } from '../core/decline.ts'
import { assert } from '../core/errors.ts'
import type { Money } from '../core/money.ts'
import type { Events, InstrumentSeen, Outcome, ProcessorEvent, Refusal } from './contract.ts'
import { parseExactJson } from './exact-json.ts'

/**
 * A table written by meaning, read by word: each meaning with the words that have it, with white space between. The rows
 * only say how it is laid out. No word can stand there twice.
 */
export function words<T extends string>(
  ...rows: readonly Readonly<Partial<Record<T, string>>>[]
): Readonly<Record<string, T>> {
  // Without a prototype: `constructor` is no word of anybody's.
  const table: Record<string, T> = Object.create(null)
  for (const row of rows) {
    for (const meaning in row) {
      for (const word of row[meaning]?.split(/\s+/) ?? []) {
        assert(!(word in table), `${word} stands in a table twice`)
        table[word] = meaning
      }
    }
  }
  return table
}

/** What else was said beside the state. */
type Told = {
  readonly reference?: string | undefined
  readonly amount?: Money | undefined
  readonly decline?: Decline
  readonly instrument?: InstrumentSeen | undefined
}

/**
 * The outcome of a state, by its meaning in the adapter's table: the names of our outcomes, `cancelled` and `expired`.
 * Any other meaning is unknown, as a word is that no table has, and so is money without a name or an amount.
 */
export function outcomeAs(meaning: string | undefined, { reference, amount, decline, instrument }: Told): Outcome {
  const named = reference === undefined ? {} : { reference }
  const shown = instrument === undefined ? {} : { instrument }
  switch (meaning) {
    case 'pending':
      return { kind: 'pending', ...named }
    case 'declined':
      return { kind: 'declined', ...named, decline: decline ?? { code: 'generic_decline' }, ...shown }
    case 'cancelled':
    case 'expired':
      return { kind: 'voided', ...named, why: meaning }
    case 'succeeded':
    case 'authorized':
    case 'returned':
      if (reference === undefined || amount === undefined) return unmapped(reference)
      return { kind: meaning, reference, amount, ...(meaning !== 'returned' && shown) }
    default:
      return unmapped(reference)
  }
}

/** A decline by the processor's code, never by its text: `unmapped`, which stops, where the table hasn't got it, and `none` where no code was told. */
export const declineBy = (
  table: Readonly<Record<string, DeclineCode>>,
  processorCode: string | undefined,
  none: DeclineCode = 'generic_decline',
): Decline =>
  processorCode === undefined ? { code: none } : { code: table[processorCode] ?? 'unmapped', processorCode }

/** Nothing was sent, or nothing was done: the request can't be said in the processor's words. */
export const REFUSED: Outcome = { kind: 'not_sent', reason: 'vouched_rejection', code: 'invalid_request' }

/** What stands where a card's token should: a number above all. It stays in the house. */
export const NO_TOKEN: Outcome = { kind: 'declined', decline: { code: 'token_invalid_or_expired' } }

/** An answer that contradicts what was asked. */
export const MALFORMED: Outcome = { kind: 'unknown', reason: 'malformed' }

/** More than one thing under our reference, or a key that was seen before: for people, or for the next look-up. */
export const TWICE: Outcome = { kind: 'unknown', reason: 'duplicate_request' }

/** A word that none of the adapter's tables has, or that says nothing of the money. */
export const unmapped = (reference?: string): Outcome => ({
  kind: 'unknown',
  reason: 'unmapped',
  ...(reference !== undefined && { reference }),
})

/** What a look-up by our own reference says: the one thing that it found. */
export function theOnly<T, R>(found: readonly T[], read: (one: T) => R): R | Outcome {
  const [one, second] = found
  if (one === undefined) return { kind: 'not_found' }
  return second === undefined ? read(one) : TWICE
}

/** True for a page that a player may be sent to: whatever else a processor calls a URL (`javascript:`) is none. */
export const isPage = (url: string | null | undefined): url is string => /^https?:\/\//.test(url ?? '')

/** Schemes and funding where a processor's word differs from `core/card.ts`: one word means one thing, whoever says it. */
const CARD_WORDS = words(
  { mastercard: 'mc', unionpay: 'cup', bancontact: 'bcmc', cartes_bancaires: 'cartebancaire' },
  { debit: 'deferred_debit' },
)

/** What an answer tells of an instrument: only short texts, so no object and no page gets in; brand and funding in our words. */
export function instrumentOf(told: Readonly<Partial<Record<keyof InstrumentSeen, unknown>>>): InstrumentSeen {
  const texts = Object.entries(told).flatMap(([name, value]) => {
    if (typeof value !== 'string' || value.length > 64) return []
    const word = value.toLowerCase()
    return [[name, name === 'brand' || name === 'funding' ? (CARD_WORDS[word] ?? word) : value] as const]
  })
  return Object.fromEntries(texts)
}

/** A webhook's bytes read by `schema`, once they are verified. */
export function heard<T>(schema: z.ZodType<T>, body: Uint8Array, read: (told: T) => Events): Events {
  const parsed = schema.safeParse(parseExactJson(body)?.value)
  return parsed.success ? read(parsed.data) : refused('malformed')
}

/** A webhook that is not believed. */
export const refused = (why: Refusal): Events => ({ kind: 'refused', why })

/** A webhook that is believed, with what it tells. */
export const verified = (...events: readonly ProcessorEvent[]): Events => ({ kind: 'verified', events })
