import { expect, it } from 'vitest'
import { declineBy, instrumentOf, isPage, outcomeAs, theOnly, words } from '../../src/adapters/outcomes.ts'

const amount = { asset: 'EUR', minor: 1_250n }
const told = { reference: 'ref_1', amount, decline: { code: 'do_not_honor' }, instrument: { last4: '1111' } } as const

it.each([
  ['succeeded', { kind: 'succeeded', reference: 'ref_1', amount, instrument: { last4: '1111' } }],
  ['authorized', { kind: 'authorized', reference: 'ref_1', amount, instrument: { last4: '1111' } }],
  ['returned', { kind: 'returned', reference: 'ref_1', amount }],
  ['pending', { kind: 'pending', reference: 'ref_1' }],
  [
    'declined',
    { kind: 'declined', reference: 'ref_1', decline: { code: 'do_not_honor' }, instrument: { last4: '1111' } },
  ],
  ['cancelled', { kind: 'voided', reference: 'ref_1', why: 'cancelled' }],
  ['expired', { kind: 'voided', reference: 'ref_1', why: 'expired' }],
  ['odd', { kind: 'unknown', reason: 'unmapped', reference: 'ref_1' }],
  [undefined, { kind: 'unknown', reason: 'unmapped', reference: 'ref_1' }],
])('the meaning %s comes to %o', (meaning, outcome) => {
  expect(outcomeAs(meaning, told)).toEqual(outcome)
})

it('money without a name or an amount is not known to have moved', () => {
  for (const meaning of ['succeeded', 'authorized', 'returned']) {
    expect(outcomeAs(meaning, { reference: 'ref_1' })).toEqual({
      ...{ kind: 'unknown', reason: 'unmapped', reference: 'ref_1' },
    })
    expect(outcomeAs(meaning, { amount })).toEqual({ kind: 'unknown', reason: 'unmapped' })
  }
})

it('a table knows its words and no others, not even those of every object', () => {
  const table = words({ pending: 'NEW  OPEN', odd: 'MOON\n  PHASE' })
  expect({ ...table }).toEqual({ NEW: 'pending', OPEN: 'pending', MOON: 'odd', PHASE: 'odd' })
  for (const word of ['constructor', '__proto__', 'toString', '']) expect(table[word]).toBeUndefined()
})

it('no word can have two meanings', () => {
  expect(() => words({ pending: 'NEW' }, { odd: 'OLD NEW' })).toThrow('NEW stands in a table twice')
})

it('a decline is mapped by its code, and one that no table has stops', () => {
  const table = words({ insufficient_funds: '51' })
  expect(declineBy(table, '51')).toEqual({ code: 'insufficient_funds', processorCode: '51' })
  expect(declineBy(table, '52')).toEqual({ code: 'unmapped', processorCode: '52' })
  expect(declineBy(table, undefined)).toEqual({ code: 'generic_decline' })
  expect(declineBy(table, undefined, 'issuer_unavailable')).toEqual({ code: 'issuer_unavailable' })
})

it('a look-up says what the one thing is; none is not found, and two are for people', () => {
  const read = (reference: string) => ({ kind: 'pending', reference }) as const
  expect(theOnly(['a'], read)).toEqual({ kind: 'pending', reference: 'a' })
  expect(theOnly([], read)).toEqual({ kind: 'not_found' })
  expect(theOnly(['a', 'b'], read)).toEqual({ kind: 'unknown', reason: 'duplicate_request' })
})

it.each(['javascript:alert(1)', 'data:text/html,x', '//x.example', ' https://x.example', '', null, undefined])(
  'the player is not sent to %j',
  (url) => expect(isPage(url)).toBe(false),
)
it('the player is sent to a page', () => expect(isPage('https://pay.example/x')).toBe(true))

it('keeps short texts of an instrument and nothing else', () => {
  const fields = { brand: 'visa', last4: 1_111, expiry: { month: 3 }, country: undefined, holder: 'x'.repeat(65) }
  expect(instrumentOf(fields)).toEqual({ brand: 'visa' })
})

it.each([
  [
    { brand: 'mc', funding: 'CREDIT' },
    { brand: 'mastercard', funding: 'credit' },
  ],
  [
    { brand: 'Visa', funding: 'DEFERRED_DEBIT' },
    { brand: 'visa', funding: 'debit' },
  ],
  [
    { brand: 'somebank', fingerprint: 'AbC' },
    { brand: 'somebank', fingerprint: 'AbC' },
  ],
])('an instrument told as %o is %o in our words', (fields, seen) => {
  expect(instrumentOf(fields)).toEqual(seen)
})
