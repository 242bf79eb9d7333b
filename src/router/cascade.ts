import type { Flow, Outcome } from '../adapters/contract.ts'
import { DECLINES, type DeclineCode } from '../core/decline.ts'
import { type CardDeclines, schemeAllows } from '../core/scheme.ts'
import type { Plan, Planned } from './plan.ts'

/** More tries than this cost the player's patience and the scheme's goodwill, and gain nothing. */
export const MAX_ATTEMPTS = 4
/** The player waits in front of a page: past this the next answer comes too late. */
export const MAX_CASCADE_MS = 30_000

/** What a decline's row may say about the next step. */
export type Advice = (typeof DECLINES)[DeclineCode]['next']

/** An operator's own word on a decline, for one processor or (without one) for all. */
export type DeclineOverride = { readonly code: DeclineCode; readonly processor?: string; readonly next: Advice }

/** An attempt that was made: where, and how it ended as far as the next step needs it. */
export type Tried = {
  readonly connectionId: string
  /** The definitive decline that it ended with. */
  readonly decline?: DeclineCode
  readonly stepUp?: boolean
  /** True when a breaker or a full bulkhead kept it back: such a try costs nothing and isn't counted. */
  readonly keptBack?: boolean
}

/** What the cascade looks at. `attempts` are all those made so far, the one that gave `last` included. */
export type CascadeInput = {
  readonly plan: Plan
  readonly attempts: readonly Tried[]
  /** What the latest attempt came to; null before the first. */
  readonly last: Outcome | null
  readonly nowMs: number
  readonly startedAtMs: number
  readonly flow: Flow
  readonly overrides?: readonly DeclineOverride[]
  /** The card's brand and its declines, this payment's among them, for the scheme's limits. */
  readonly card?: CardDeclines & { readonly brand?: string }
}

/** Why a cascade ends. `in_hand`: the last attempt stands (done, waiting or with the player); `unknown`: money may have moved. */
export type StopWhy =
  | 'in_hand'
  | 'unknown'
  | 'final_decline'
  | 'player_must_act'
  | 'try_later'
  | 'once_used'
  | 'step_up_used'
  | 'scheme_guard'
  | 'payout_stays'
  | 'refund_stays'
  | 'attempts_exhausted'
  | 'time_exhausted'
  | 'no_route'

/** The next step of a payment. */
export type NextStep =
  | { readonly kind: 'go'; readonly connection: Planned; readonly stepUp?: boolean }
  | { readonly kind: 'stop'; readonly why: StopWhy }

type Verdict = 'next' | 'step_up' | StopWhy

const stop = (why: StopWhy): NextStep => ({ kind: 'stop', why })

/**
 * Says where a payment goes next. It goes on only when the last attempt certainly moved no money and the reason is one
 * that another processor may see differently: proof that nothing left, or a definitive decline whose row says so.
 * Pure; the caller runs one attempt at a time.
 */
export function nextStep(input: CascadeInput): NextStep {
  const { plan, attempts, last, nowMs, startedAtMs } = input
  const verdict = last === null ? 'next' : verdictOn(last, input)
  if (verdict !== 'next' && verdict !== 'step_up') return stop(verdict)
  if (attempts.filter(({ keptBack }) => !keptBack).length >= MAX_ATTEMPTS) return stop('attempts_exhausted')
  if (attempts.length > 0 && nowMs - startedAtMs >= MAX_CASCADE_MS) return stop('time_exhausted')
  if (verdict === 'step_up') return stepUp(input)
  const tried = new Set(attempts.map(({ connectionId }) => connectionId))
  const connection = plan.route.find(({ connectionId }) => !tried.has(connectionId))
  return connection ? { kind: 'go', connection } : stop('no_route')
}

function verdictOn(last: Outcome, input: CascadeInput): Verdict {
  if (last.kind === 'unknown' || last.kind === 'not_found') return 'unknown'
  if (last.kind !== 'not_sent' && last.kind !== 'declined') return 'in_hand'
  // A refund belongs to the processor that took the money: there is no other door to knock at.
  if (input.flow === 'refund') return 'refund_stays'
  if (last.kind === 'not_sent') return last.code === undefined ? 'next' : afterRejection(last.code, input)
  return input.flow === 'withdrawal' ? afterPayoutDecline(last.decline.code) : afterDecline(last.decline.code, input)
}

/** A vouched rejection moved nothing: it goes on unless its row says that others would refuse it too. */
function afterRejection(code: DeclineCode, input: CascadeInput): Verdict {
  const advice = adviceOn(code, input)
  return advice === 'once' ? 'next' : advice === 'step_up' ? 'final_decline' : AFTER[advice]
}

/** A payout that was refused for want of balance may go elsewhere; any other refusal is for people to read. */
const afterPayoutDecline = (code: DeclineCode): Verdict =>
  code === 'payout_float_insufficient' ? 'next' : 'payout_stays'

function afterDecline(code: DeclineCode, input: CascadeInput): Verdict {
  const advice = adviceOn(code, input)
  if (advice !== 'next' && advice !== 'once' && advice !== 'step_up') return AFTER[advice]
  if (input.card && !schemeAllows(input.card.brand, input.card)) return 'scheme_guard'
  if (advice === 'step_up') return 'step_up'
  return onceUsed(input) ? 'once_used' : 'next'
}

/** `once` is a single further try in the whole payment: after it, no decline goes on. */
const onceUsed = (input: CascadeInput): boolean =>
  input.attempts
    .slice(0, -1)
    .some(({ connectionId, decline }) => decline !== undefined && adviceOn(decline, input, connectionId) === 'once')

const AFTER = {
  next: 'next',
  same: 'try_later',
  player: 'player_must_act',
  never: 'final_decline',
} as const satisfies Record<'next' | 'same' | 'player' | 'never', Verdict>

/** What the taxonomy or the operator's word over it says. The narrower override (with a processor) wins. */
function adviceOn(code: DeclineCode, input: CascadeInput, at?: string): Advice {
  const row = DECLINES[code]
  if (!mayOverride(code)) return row.next
  const connectionId = at ?? input.attempts.at(-1)?.connectionId
  const processor = input.plan.route.find((entry) => entry.connectionId === connectionId)?.processor
  const mine = (input.overrides ?? []).filter((override) => override.code === code)
  const chosen =
    mine.find((override) => override.processor !== undefined && override.processor === processor) ??
    mine.find((override) => override.processor === undefined)
  return chosen?.next ?? row.next
}

/** True when operators may have their own word on a code. A scheme's ban, compliance and codes that nobody knows stay as they are: what they would loosen isn't theirs. */
export function mayOverride(code: DeclineCode): boolean {
  const row: { category: string; scheme?: string } = DECLINES[code]
  return row.scheme === undefined && row.category !== 'compliance' && row.category !== 'unmapped'
}

function stepUp({ plan, attempts }: CascadeInput): NextStep {
  const last = attempts.at(-1)
  const connection = plan.route.find(({ connectionId }) => connectionId === last?.connectionId)
  if (!last || last.stepUp || !connection) return stop('step_up_used')
  return { kind: 'go', connection, stepUp: true }
}
