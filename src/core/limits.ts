/**
 * Responsible-gambling limits. A limit counts what was reserved or taken in its window; a deposit reserves under the
 * player's lock before a processor is asked, so that parallel deposits can't pass together.
 */
export const LIMIT_METRICS = ['deposit_gross', 'deposit_net', 'loss'] as const
/** What a limit counts: money in; money in less money out; bets less wins. */
export type LimitMetric = (typeof LIMIT_METRICS)[number]

export const LIMIT_PERIODS = ['day', 'week', 'month', 'rolling_24h', 'rolling_7d', 'rolling_30d'] as const
/** Calendar windows are in UTC, weeks begin on Monday; rolling ones end now. */
export type LimitPeriod = (typeof LIMIT_PERIODS)[number]

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const START: Record<LimitPeriod, (now: Date) => Date> = {
  day: (now) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate())),
  // getUTCDay is 0 on Sunday; (day + 6) % 7 is 0 on Monday.
  week: (now) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() - ((now.getUTCDay() + 6) % 7))),
  month: (now) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1)),
  rolling_24h: (now) => new Date(now.getTime() - DAY_MS),
  rolling_7d: (now) => new Date(now.getTime() - 7 * DAY_MS),
  rolling_30d: (now) => new Date(now.getTime() - 30 * DAY_MS),
}

/** When the window that holds `now` began. */
export const windowStart = (period: LimitPeriod, now: Date): Date => START[period](now)

/** A limit with what its window has used, minor units. */
export type LimitUse = {
  readonly id: string
  readonly metric: LimitMetric
  readonly period: LimitPeriod
  readonly amount: bigint
  readonly used: bigint
}

/** The first limit that a deposit of `minor` would break, or undefined. The lowest of simultaneous limits wins by itself, since each is checked. */
export const brokenLimit = (limits: readonly LimitUse[], minor: bigint): LimitUse | undefined =>
  limits.find(({ amount, used }) => used + minor > amount)

/** How long a loosened limit waits, by licence. Sources: UKGC RTS 12 (24 h), Spelinspektionen 2021-12-13 (72 h), GlüStV 2021 (7 days). Elsewhere the 24 hours that most regulators ask for. */
const COOL_OFF_MS: Readonly<Record<string, number>> = { SE: 72 * HOUR_MS, DE: 7 * DAY_MS, ES: 7 * DAY_MS }
const DEFAULT_COOL_OFF_MS = 24 * HOUR_MS

/** When a new limit begins to count: a tighter one at once, a looser one (or none, `null`) after the cool-off. */
export function limitEffectiveAt(current: bigint | null, next: bigint | null, licence: string | null, now: Date): Date {
  const tighter = next !== null && (current === null || next <= current)
  if (tighter) return now
  return new Date(now.getTime() + ((licence === null ? undefined : COOL_OFF_MS[licence]) ?? DEFAULT_COOL_OFF_MS))
}
