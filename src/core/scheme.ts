import { DECLINES, type DeclineCode } from './decline.ts'

/** The days in which schemes count declines for one amount, and those that rows are kept for: a margin for clocks and time zones. */
export const SCHEME_WINDOW_DAYS = 30
export const DECLINES_KEPT_DAYS = SCHEME_WINDOW_DAYS + 5

/** A card's declines at its scheme: of this amount in 30 days, of any amount today (UTC), and whether its issuer said "never again". */
export type CardDeclines = {
  readonly sameAmount30Days: number
  readonly today: number
  readonly banned?: true
}

type Limits = { readonly sameAmount30Days: number; readonly today?: number; readonly ban?: true }

/**
 * How often a scheme lets a refused card be tried again. Visa: 20 in 30 days for the same amount, and never after a
 * category 1 decline. Mastercard: 10 a day, 35 in 30 days for the same amount. Source: the schemes' rules on excessive
 * retries, as of 2025.
 */
export const SCHEME_LIMITS: Readonly<Record<string, Limits>> = {
  visa: { sameAmount30Days: 20, ban: true },
  mastercard: { sameAmount30Days: 35, today: 10 },
  maestro: { sameAmount30Days: 35, today: 10 },
}

/** A brand that nobody told may be any: the narrower bounds of all. */
const UNKNOWN_BRAND: Limits = { sameAmount30Days: 20, today: 10, ban: true }

/** True while the card's scheme allows another try with it. */
export function schemeAllows(brand: string | undefined, declines: CardDeclines): boolean {
  const limits = brand === undefined ? UNKNOWN_BRAND : SCHEME_LIMITS[brand]
  if (!limits) return true
  if (limits.ban && declines.banned) return false
  return declines.sameAmount30Days < limits.sameAmount30Days && declines.today < (limits.today ?? Infinity)
}

/** True for a decline after which Visa lets the card never be tried again (category 1). */
export const bansCard = (code: DeclineCode): boolean => 'scheme' in DECLINES[code]

/** The day (UTC) of a time in ms, as `2026-11-25`. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** Today, and the oldest day that the window reaches into. */
export const schemeDays = (nowMs: number): { today: string; since: string } => ({
  today: dayOf(nowMs),
  since: dayOf(nowMs - SCHEME_WINDOW_DAYS * 86_400_000),
})
