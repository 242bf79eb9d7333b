import { describe, expect, it } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import {
  type Advance,
  type AttemptFacts,
  type AttemptStatus,
  advance,
  LIVE,
  LOOK_UP_LADDER_MS,
  nextLookUpMs,
  OPEN,
  type Said,
  type Source,
} from '../../src/core/payment.ts'

const amount = { asset: 'EUR', minor: 4_000n }
const other = { asset: 'EUR', minor: 4_001n }
const reference = 'r1'
const OUTCOMES: Readonly<Record<string, Outcome>> = {
  action: { kind: 'requires_action', action: { type: 'poll', after_ms: 1 } },
  pending: { kind: 'pending', reference },
  authorized: { kind: 'authorized', reference, amount },
  succeeded: { kind: 'succeeded', reference, amount },
  declined: { kind: 'declined', reference, decline: { code: 'do_not_honor' } },
  voided: { kind: 'voided', reference, why: 'expired' },
  returned: { kind: 'returned', reference, amount },
}
const NOT_SENT: Outcome = { kind: 'not_sent', reason: 'connect_failed' }
const NOT_FOUND: Outcome = { kind: 'not_found' }
const UNKNOWN: Outcome = { kind: 'unknown', reason: 'timeout' }
const ALL = [
  'sending',
  'requires_action',
  'pending',
  'authorized',
  'unknown',
  'succeeded',
  'declined',
  'not_sent',
  'voided',
  'late_success',
  'returned',
  'integrity_hold',
] as const satisfies readonly AttemptStatus[]

const facts = (status: AttemptStatus, change: Partial<AttemptFacts> = {}): AttemptFacts => ({
  status,
  amount,
  reference,
  ...change,
})

/** What came of it in a word: where it moves, why it stays, `!` for a contradiction, `held` for what doesn't fit. */
const word = (step: Advance): string =>
  step.kind === 'moves' ? step.to : step.kind === 'stays' ? step.why : step.kind === 'held' ? `held ${step.why}` : '!'
const told = (status: AttemptStatus, outcome: Outcome, source: Source, others: Partial<Said> = {}) =>
  word(advance(facts(status), { outcome, source, ...others }))

/** The map of an attempt: each line is a state and what the news in the head of the table makes of it. */
const MAP = `
                | action          | pending | authorized | succeeded    | declined | voided | returned
sending         | requires_action | pending | authorized | succeeded    | declined | voided | returned
requires_action | same            | pending | authorized | succeeded    | declined | voided | returned
pending         | older           | same    | authorized | succeeded    | declined | voided | returned
authorized      | older           | older   | same       | succeeded    | declined | voided | returned
unknown         | requires_action | pending | authorized | succeeded    | declined | voided | returned
succeeded       | older           | older   | older      | same         | !        | !      | returned
declined        | older           | older   | !          | late_success | same     | older  | !
not_sent        | !               | !       | !          | late_success | !        | !      | !
voided          | older           | older   | older      | late_success | older    | same   | !
late_success    | older           | older   | older      | older        | !        | !      | returned
returned        | older           | older   | older      | older        | !        | !      | same
`
const cells = (line: string) => line.split('|').map((cell) => cell.trim())
const [head = '', ...lines] = MAP.trim().split('\n')
const news = cells(head).slice(1)

describe('the life of an attempt', () => {
  for (const [name, ...moves] of lines.map(cells)) {
    const status = ALL.find((one) => one === name)
    it.each(news.map((said, index) => [said, moves[index]] as const))(`${name}, told "%s", is %s`, (said, move) => {
      const outcome = OUTCOMES[said]
      if (status === undefined || outcome === undefined) throw new Error(`${name} ${said}`)
      // By whatever way it came: a processor's word is its word.
      for (const source of ['answer', 'webhook', 'find'] as const) expect(told(status, outcome, source)).toBe(move)
    })
  }

  it('names a contradiction by both its ends', () =>
    expect(advance(facts('succeeded'), { outcome: { kind: 'voided', why: 'expired' }, source: 'webhook' })).toEqual({
      kind: 'quarantined',
      why: "succeeded can't become voided",
    }))
})

describe('what does not fit', () => {
  const pays = (sum: typeof amount, ref: string): Outcome => ({ kind: 'succeeded', reference: ref, amount: sum })
  const said = (status: AttemptStatus, outcome: Outcome, change: Partial<AttemptFacts> = {}) =>
    advance(facts(status, change), { outcome, source: 'webhook' })

  it.each([
    'sending',
    'requires_action',
    'pending',
    'authorized',
    'unknown',
    'declined',
    'not_sent',
    'voided',
  ] as const)('a success of another amount, currency or reference is kept from %s for people', (status) => {
    expect(said(status, pays(other, reference))).toEqual({ kind: 'held', why: 'amount_mismatch' })
    expect(said(status, pays({ asset: 'SEK', minor: 4_000n }, reference))).toEqual({
      kind: 'held',
      why: 'amount_mismatch',
    })
    expect(said(status, pays(amount, 'r2'))).toEqual({ kind: 'held', why: 'reference_mismatch' })
  })

  it.each(['succeeded', 'late_success', 'returned'] as const)(
    'another success after %s is money that moved twice, and never "the same"',
    (status) => {
      expect(said(status, pays(other, reference))).toEqual({
        kind: 'quarantined',
        why: 'another success: amount_mismatch',
      })
      expect(said(status, pays(amount, 'r2'))).toEqual({
        kind: 'quarantined',
        why: 'another success: reference_mismatch',
      })
    },
  )

  it('a return of another amount is kept for people, and one told again is no news', () => {
    expect(said('succeeded', { kind: 'returned', reference, amount: other })).toEqual({
      kind: 'held',
      why: 'amount_mismatch',
    })
    expect(word(said('returned', { kind: 'returned', reference, amount: other }))).toBe('same')
  })

  it('a first reference is learned, and news without one fits', () => {
    expect(word(said('sending', pays(amount, 'r2'), { reference: null }))).toBe('succeeded')
    expect(word(said('pending', { kind: 'declined', decline: { code: 'do_not_honor' } }))).toBe('declined')
    expect(word(said('sending', { kind: 'pending', reference: 'r2' }))).toBe('held reference_mismatch')
  })
})

describe('evidence', () => {
  const only = (taken: readonly AttemptStatus[], to: string) =>
    Object.fromEntries(ALL.map((status) => [status, taken.includes(status) ? to : 'no_evidence']))
  const each = (outcome: Outcome, source: Source, others: Partial<Said> = {}) =>
    Object.fromEntries(ALL.map((status) => [status, told(status, outcome, source, others)]))

  it('that a call was never sent is the call’s own, while it is being sent', () => {
    expect(each(NOT_SENT, 'answer')).toEqual(only(['sending'], 'not_sent'))
    for (const source of ['webhook', 'find'] as const) expect(each(NOT_SENT, source)).toEqual(only([], ''))
  })

  it('that an answer was lost is the call’s own, and a failed look-up says nothing', () => {
    expect(each(UNKNOWN, 'answer')).toEqual(only(['sending', 'requires_action'], 'unknown'))
    for (const source of ['webhook', 'find'] as const) expect(each(UNKNOWN, source)).toEqual(only([], ''))
  })

  it('that nothing is there counts by a look-up, after its time, and only where nothing else was heard', () => {
    const final = { notFoundIsFinal: true }
    expect(each(NOT_FOUND, 'find', final)).toEqual(only(['sending', 'unknown'], 'not_sent'))
    expect(each(NOT_FOUND, 'find')).toEqual(only([], ''))
    for (const source of ['answer', 'webhook'] as const) expect(each(NOT_FOUND, source, final)).toEqual(only([], ''))
  })

  it('of a processor moves nothing that people hold, but they hear that it came back', () => {
    for (const [name, outcome] of Object.entries(OUTCOMES))
      for (const source of ['answer', 'webhook', 'find'] as const)
        expect(told('integrity_hold', outcome, source)).toBe(name === 'returned' ? '!' : 'no_evidence')
  })

  it('of people ends what they hold: it succeeded, was declined or was never sent', () => {
    const review = Object.fromEntries(
      Object.entries({ ...OUTCOMES, not_sent: NOT_SENT, unknown: UNKNOWN }).map(([name, outcome]) => [
        name,
        told('integrity_hold', outcome, 'review'),
      ]),
    )
    expect(review).toEqual({
      action: 'older',
      pending: 'older',
      authorized: 'older',
      succeeded: 'succeeded',
      declined: 'declined',
      voided: '!',
      returned: '!',
      not_sent: 'not_sent',
      unknown: 'older',
    })
  })

  it('of people that nothing was sent ends what nobody knows, and contradicts what was heard', () => {
    expect(each(NOT_SENT, 'review')).toEqual({
      sending: 'not_sent',
      unknown: 'not_sent',
      integrity_hold: 'not_sent',
      not_sent: 'same',
      declined: 'older',
      requires_action: '!',
      pending: '!',
      authorized: '!',
      succeeded: '!',
      voided: '!',
      late_success: '!',
      returned: '!',
    })
  })
})

it('lets another attempt follow only where no money can be moving any more', () => {
  expect(ALL.filter((status) => !LIVE.has(status))).toEqual([
    'declined',
    'not_sent',
    'voided',
    'late_success',
    'returned',
  ])
  // People look after what is on hold, and what succeeded has its last word.
  expect(ALL.filter((status) => LIVE.has(status) && !OPEN.has(status))).toEqual(['succeeded', 'integrity_hold'])
})

it('looks up after 5 s, 30 s, 2 m, 10 m, 30 m, 2 h, 6 h and daily for a week, then hands over to people', () => {
  const [minute, hour] = [60_000, 3_600_000]
  const ladder = [5_000, 30_000, 2 * minute, 10 * minute, 30 * minute, 2 * hour, 6 * hour, ...Array(7).fill(24 * hour)]
  expect(LOOK_UP_LADDER_MS.map((_wait, done) => nextLookUpMs(done))).toEqual(ladder)
  expect(nextLookUpMs(ladder.length)).toBeUndefined()
})
