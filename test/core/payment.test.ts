import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Posting } from '../../src/core/ledger/posting.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { type AttemptStatus, advance, LIVE, OPEN, type Source } from '../../src/core/payment.ts'
import { effectsOf } from '../../src/core/settlement.ts'

const AMOUNT = { asset: 'EUR', minor: 4_000n }
const OTHER = { asset: 'EUR', minor: 4_001n }
const REFERENCE = 'r1'
const OUTCOMES: readonly Outcome[] = [
  { kind: 'succeeded', reference: REFERENCE, amount: AMOUNT },
  { kind: 'succeeded', reference: REFERENCE, amount: OTHER },
  { kind: 'succeeded', reference: 'r2', amount: AMOUNT },
  { kind: 'authorized', reference: REFERENCE, amount: AMOUNT },
  { kind: 'requires_action', action: { type: 'poll', after_ms: 1 } },
  { kind: 'pending', reference: REFERENCE },
  { kind: 'declined', decline: { code: 'do_not_honor' } },
  { kind: 'voided', why: 'expired' },
  { kind: 'voided', why: 'cancelled' },
  { kind: 'returned', reference: REFERENCE, amount: AMOUNT },
  { kind: 'not_sent', reason: 'connect_failed' },
  { kind: 'not_found' },
  { kind: 'unknown', reason: 'timeout' },
]
const STATUSES: readonly AttemptStatus[] = [
  'sending',
  'requires_action',
  'pending',
  'authorized',
  'succeeded',
  'unknown',
  'integrity_hold',
  'not_sent',
  'declined',
  'voided',
  'returned',
  'late_success',
]
const said = fc.record({
  outcome: fc.constantFrom(...OUTCOMES),
  source: fc.constantFrom<Source>('answer', 'webhook', 'find', 'review'),
  notFoundIsFinal: fc.boolean(),
})

it('has an answer for every state, outcome and source', () => {
  for (const status of STATUSES)
    for (const outcome of OUTCOMES)
      for (const source of ['answer', 'webhook', 'find', 'review'] as const)
        for (const notFoundIsFinal of [false, true])
          expect(
            advance({ status, amount: AMOUNT, reference: REFERENCE }, { outcome, source, notFoundIsFinal }).kind,
          ).toMatch(/^(moves|stays|quarantined|held)$/)
})

it('moves nothing on a failed look-up, on a "not found" that proves nothing, and never without evidence out of the hands of people', () => {
  for (const status of STATUSES) {
    const facts = { status, amount: AMOUNT, reference: REFERENCE }
    expect(advance(facts, { outcome: { kind: 'unknown', reason: 'timeout' }, source: 'find' }).kind).not.toBe('moves')
    expect(advance(facts, { outcome: { kind: 'not_found' }, source: 'find', notFoundIsFinal: false }).kind).toBe(
      'stays',
    )
    for (const outcome of OUTCOMES)
      for (const source of ['answer', 'webhook', 'find'] as const)
        expect(
          advance({ ...facts, status: 'integrity_hold' }, { outcome, source, notFoundIsFinal: true }).kind,
        ).not.toBe('moves')
  }
})

it('takes no success of another amount or reference for ours', () => {
  for (const status of STATUSES)
    for (const outcome of OUTCOMES.slice(1, 3))
      expect(advance({ status, amount: AMOUNT, reference: REFERENCE }, { outcome, source: 'webhook' }).kind).not.toBe(
        'moves',
      )
})

/** The books of one payment: accounts by code, and the keys that were posted. */
function books() {
  const accounts = new Map<string, bigint>()
  const keys = new Set<string>()
  const at = (code: string) => accounts.get(code) ?? 0n
  return {
    /** Credits less debits. */
    at,
    has: (key: string) => keys.has(key),
    keys: () => [...keys],
    post({ key, transfers }: Posting) {
      if (keys.has(key)) return
      keys.add(key)
      for (const { debit, credit, amount } of transfers) {
        expect(amount.minor > 0n && debit !== credit).toBe(true)
        accounts.set(debit, at(debit) - amount.minor)
        accounts.set(credit, at(credit) + amount.minor)
      }
      expect([...accounts.values()].reduce((sum, one) => sum + one, 0n)).toBe(0n)
      // What the chart bounds at zero.
      for (const code of [
        'player:p:cash',
        'player:p:held',
        'suspense',
        'connection:c0:payable',
        'connection:c1:payable',
        'connection:c2:payable',
      ]) {
        expect(at(code) >= 0n, `${code} after ${key}`).toBe(true)
      }
    },
  }
}

type Flow = 'deposit' | 'withdrawal' | 'refund'
const BEGIN = 10_000n
const GOES_ON: Record<Flow, boolean> = { deposit: true, withdrawal: true, refund: false }

/** Plays facts about up to three attempts of one payment, as `settle` would, and gives the books at the end. */
function play(flow: Flow, facts: readonly { attempt: number; said: Parameters<typeof advance>[1] }[]) {
  const ledger = books()
  const opening = {
    key: 'opening',
    kind: 'x',
    transfers: [{ debit: 'adjustments', credit: 'player:p:cash', amount: { asset: 'EUR', minor: BEGIN } }],
  }
  ledger.post(opening)
  const hold = {
    key: 'hold',
    kind: 'x',
    transfers: [{ debit: 'player:p:cash', credit: 'player:p:held', amount: AMOUNT }],
  }
  if (flow !== 'deposit') ledger.post(hold)
  let status = 'processing'
  const attempts: AttemptStatus[] = ['sending']
  for (const { attempt, said: fact } of facts) {
    const from = attempts[attempt]
    if (from === undefined) continue
    const step = advance({ status: from, amount: AMOUNT, reference: from === 'sending' ? null : REFERENCE }, fact)
    if (step.kind === 'stays' || step.kind === 'quarantined' || (step.kind === 'held' && !OPEN.has(from))) continue
    const to = step.kind === 'held' ? 'integrity_hold' : step.to
    const id = `a${attempt}`
    const paid = status === 'succeeded' || status === 'paid'
    const goesOn =
      !paid &&
      GOES_ON[flow] &&
      fact.source === 'answer' &&
      (to === 'declined' || to === 'not_sent') &&
      attempts.length < 3 &&
      attempt === attempts.length - 1
    const sent = `withdrawal:pay:sent:${id}`
    const effects = effectsOf(flow, {
      id: 'pay',
      attempt: id,
      player: 'p',
      connection: `c${attempt}`,
      amount: AMOUNT,
      status,
      from,
      to,
      goesOn,
      declinedBefore: attempts.includes('declined'),
      cash: ledger.at('player:p:cash'),
      sent: ledger.has(sent) && !ledger.has(`withdrawal:pay:unsent:${id}`),
      otherLive: attempts.some((one, n) => n !== attempt && LIVE.has(one)),
      inSuspense: ledger.has(`deposit:pay:duplicate:${id}`),
    })
    for (const posting of effects.postings ?? []) ledger.post(posting)
    attempts[attempt] = to
    status = effects.status ?? status
    // A payout of which nothing left is tried again.
    if (goesOn || (status === 'approved' && attempts.length < 3)) {
      attempts.push('sending')
      if (status === 'approved') status = 'processing'
    }
    expect(attempts.filter((one) => LIVE.has(one)).length <= 1).toBe(true)
  }
  const taken = attempts.filter((one) => one === 'succeeded' || one === 'late_success').length
  return { ledger, status, attempts, taken: BigInt(taken) }
}

const facts = fc.array(fc.record({ attempt: fc.integer({ min: 0, max: 2 }), said }), { maxLength: 25 })

it('credits a deposit once however often it succeeds, keeps every other capture in suspense, and takes back only what it gave', () => {
  fc.assert(
    fc.property(facts, (list) => {
      const { ledger, attempts, taken } = play('deposit', list)
      const players = ledger.at('player:p:cash') - BEGIN + ledger.at('player:p:receivable') + ledger.at('suspense')
      expect(players).toBe(taken * AMOUNT.minor)
      expect(ledger.keys().filter((key) => key === 'deposit:pay:settled').length <= 1).toBe(true)
      attempts.forEach((_status, n) => {
        const captured = attempts[n] === 'succeeded' || attempts[n] === 'late_success' ? AMOUNT.minor : 0n
        expect(-ledger.at(`connection:c${n}:receivable`)).toBe(captured)
      })
    }),
    { numRuns: 3_000 },
  )
})

it('takes each payout from the player once, and leaves nothing on hold when all has ended', () => {
  fc.assert(
    fc.property(facts, (list) => {
      const { ledger, status, attempts, taken } = play('withdrawal', list)
      const all = ledger.at('player:p:cash') + ledger.at('player:p:held') + ledger.at('player:p:receivable')
      const onTheWay = [0, 1, 2].reduce((sum, n) => sum + ledger.at(`connection:c${n}:payable`), 0n)
      expect(all + onTheWay).toBe(BEGIN - taken * AMOUNT.minor)
      const ended =
        !attempts.some((one) => OPEN.has(one) || one === 'integrity_hold') &&
        status !== 'approved' &&
        status !== 'processing'
      if (ended) expect([ledger.at('player:p:held'), onTheWay]).toEqual([0n, 0n])
    }),
    { numRuns: 3_000 },
  )
})

it('takes each refund from the player once, and leaves nothing on hold when it has ended', () => {
  fc.assert(
    fc.property(facts, (list) => {
      const { ledger, attempts, taken } = play('refund', list)
      const all = ledger.at('player:p:cash') + ledger.at('player:p:held') + ledger.at('player:p:receivable')
      expect(all).toBe(BEGIN - taken * AMOUNT.minor)
      if (!attempts.some((one) => OPEN.has(one) || one === 'integrity_hold'))
        expect(ledger.at('player:p:held')).toBe(0n)
    }),
    { numRuns: 3_000 },
  )
})
