import { type Money, sameMoney } from './money.ts'
import type { Outcome } from './outcome.ts'

/**
 * The life of one attempt: which facts move it where. Everything that a processor says, by whatever way it came, passes
 * through `advance`; what it does not know as legal is kept aside for people, never applied.
 */
export type AttemptStatus =
  | 'sending'
  | 'requires_action'
  | 'pending'
  | 'authorized'
  | 'succeeded'
  | 'unknown'
  | 'integrity_hold'
  | 'not_sent'
  | 'declined'
  | 'voided'
  | 'returned'
  | 'late_success'

/** While an attempt is in one of these, money may be moving: no second one may exist (the database's partial unique index says the same). */
export const LIVE: ReadonlySet<AttemptStatus> = new Set([
  'sending',
  'requires_action',
  'pending',
  'authorized',
  'succeeded',
  'unknown',
  'integrity_hold',
])

/** Live and still waiting for the processor's last word: these are looked up. */
export const OPEN: ReadonlySet<AttemptStatus> = new Set([
  'sending',
  'requires_action',
  'pending',
  'authorized',
  'unknown',
])

/** Without a last word, from the processor or from people. */
export const WAITING: ReadonlySet<AttemptStatus> = new Set([...OPEN, 'integrity_hold'])

/** By which way a fact came. An `answer` is of the call itself, a `find` of a look-up; `review` is two people's word. */
export type Source = 'answer' | 'webhook' | 'find' | 'review'

/** What a processor said of an attempt. `notFoundIsFinal`: by the adapter's facts a "not found" now proves that nothing happened. */
export type Said = { readonly outcome: Outcome; readonly source: Source; readonly notFoundIsFinal?: boolean }

/** An attempt as far as its next state depends on it. */
export type AttemptFacts = { readonly status: AttemptStatus; readonly amount: Money; readonly reference: string | null }

/** What a fact does to an attempt. `stays`: it is no news; `quarantined`: it contradicts what is known; `held`: it doesn't fit what was asked. */
export type Advance =
  | { readonly kind: 'moves'; readonly to: AttemptStatus }
  | { readonly kind: 'stays'; readonly why: 'same' | 'older' | 'no_evidence' }
  | { readonly kind: 'quarantined'; readonly why: string }
  | { readonly kind: 'held'; readonly why: 'amount_mismatch' | 'reference_mismatch' }

/** Where each outcome wants to take an attempt, before legality. */
const TARGET = {
  succeeded: 'succeeded',
  authorized: 'authorized',
  requires_action: 'requires_action',
  pending: 'pending',
  declined: 'declined',
  voided: 'voided',
  returned: 'returned',
  not_sent: 'not_sent',
  not_found: 'not_sent',
  unknown: 'unknown',
} as const satisfies Record<Outcome['kind'], AttemptStatus>

/** From each state, the states that evidence may move it to. What is in neither table is a contradiction. */
const LEGAL: Record<AttemptStatus, readonly AttemptStatus[]> = {
  sending: [
    'requires_action',
    'pending',
    'authorized',
    'succeeded',
    'not_sent',
    'declined',
    'voided',
    'returned',
    'unknown',
  ],
  requires_action: ['pending', 'authorized', 'succeeded', 'declined', 'voided', 'returned', 'unknown'],
  pending: ['authorized', 'succeeded', 'declined', 'voided', 'returned'],
  authorized: ['succeeded', 'declined', 'voided', 'returned'],
  // `returned` of what we never saw succeed: it went and came back, and the news of its success may still be on the way.
  unknown: ['requires_action', 'pending', 'authorized', 'succeeded', 'not_sent', 'declined', 'voided', 'returned'],
  succeeded: ['returned'],
  declined: ['late_success'],
  not_sent: ['late_success'],
  voided: ['late_success'],
  late_success: ['returned'],
  returned: [],
  // Only people get it out of there: see isEvidence.
  integrity_hold: ['succeeded', 'not_sent', 'declined'],
}

/** News that came after better news: it tells of a time before the state that we know, and is harmless. */
const OLDER: Record<AttemptStatus, readonly AttemptStatus[]> = {
  sending: [],
  requires_action: [],
  pending: ['requires_action'],
  authorized: ['requires_action', 'pending'],
  unknown: [],
  succeeded: ['requires_action', 'pending', 'authorized'],
  declined: ['requires_action', 'pending', 'not_sent', 'voided'],
  not_sent: [],
  voided: ['requires_action', 'pending', 'authorized', 'declined'],
  late_success: ['requires_action', 'pending', 'authorized', 'succeeded'],
  returned: ['requires_action', 'pending', 'authorized', 'succeeded'],
  integrity_hold: ['requires_action', 'pending', 'authorized', 'unknown'],
}

const contradiction = (from: AttemptStatus, to: AttemptStatus): Advance => ({
  kind: 'quarantined',
  why: `${from} can't become ${to}`,
})

const TAKEN: ReadonlySet<AttemptStatus> = new Set(['succeeded', 'late_success', 'returned'])
const GAVE_UP: ReadonlySet<AttemptStatus> = new Set(['declined', 'not_sent', 'voided'])

/** The next state of an attempt on what was said, as a value. Pure and total: every pair of state and outcome has an answer. */
export function advance(attempt: AttemptFacts, { outcome, source, notFoundIsFinal = false }: Said): Advance {
  const wanted = TARGET[outcome.kind]
  if (!isEvidence(attempt.status, outcome, source, notFoundIsFinal)) {
    // That it came back is evidence unless people hold it: they are about to say what became of it, and must hear that.
    return wanted === 'returned' ? contradiction(attempt.status, wanted) : { kind: 'stays', why: 'no_evidence' }
  }

  // A success after we had given up is money all the same: accepted, but under its own name.
  const to = wanted === 'succeeded' && GAVE_UP.has(attempt.status) ? 'late_success' : wanted
  const mismatch = mismatchOf(attempt, outcome)
  // Told of a success again, but not of the same one: money moved twice under one reference of ours.
  const twin = wanted === 'succeeded' && TAKEN.has(attempt.status) && mismatch !== undefined
  if (twin) return { kind: 'quarantined', why: `another success: ${mismatch}` }
  if (to === attempt.status) return { kind: 'stays', why: 'same' }
  if (OLDER[attempt.status].includes(to)) return { kind: 'stays', why: 'older' }
  if (!LEGAL[attempt.status].includes(to)) return contradiction(attempt.status, to)
  return mismatch === undefined ? { kind: 'moves', to } : { kind: 'held', why: mismatch }
}

/** An error of a look-up says nothing about the payment; only the call itself can prove that it was never sent or lost its answer. */
function isEvidence(status: AttemptStatus, outcome: Outcome, source: Source, notFoundIsFinal: boolean): boolean {
  if (status === 'integrity_hold') return source === 'review'
  switch (outcome.kind) {
    case 'not_sent':
      return source === 'review' || (source === 'answer' && status === 'sending')
    case 'unknown':
      return source === 'answer' && (status === 'sending' || status === 'requires_action')
    case 'not_found':
      return source === 'find' && notFoundIsFinal && (status === 'unknown' || status === 'sending')
    default:
      return true
  }
}

function mismatchOf(attempt: AttemptFacts, outcome: Outcome): 'amount_mismatch' | 'reference_mismatch' | undefined {
  if ('amount' in outcome && !sameMoney(outcome.amount, attempt.amount)) return 'amount_mismatch'
  if ('reference' in outcome && outcome.reference !== undefined && attempt.reference !== null) {
    if (outcome.reference !== attempt.reference) return 'reference_mismatch'
  }
  return undefined
}

/**
 * When an attempt without a last word is looked up again, ms after the look-up before: close together while the player
 * waits, then as long as processors take to settle. After the last one it goes to people; it never expires by itself.
 */
export const LOOK_UP_LADDER_MS = [
  5_000,
  30_000,
  2 * 60_000,
  10 * 60_000,
  30 * 60_000,
  2 * 3_600_000,
  6 * 3_600_000,
  ...Array.from({ length: 7 }, () => 24 * 3_600_000),
] as const

/** The wait before look-up number `done` (0 is the first), or undefined when people must take over. */
export const nextLookUpMs = (done: number): number | undefined => LOOK_UP_LADDER_MS[done]
