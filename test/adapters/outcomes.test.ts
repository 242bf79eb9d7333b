import { expect, it } from 'vitest'
import { z } from 'zod'
import {
  declineBy,
  heard,
  instrumentOf,
  isPage,
  outcomeAs,
  theOnly,
  verified,
  words,
} from '../../src/adapters/outcomes.ts'

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

it('what was not told is not there, not even as nothing', () => {
  expect(outcomeAs('pending', {})).toStrictEqual({ kind: 'pending' })
  expect(outcomeAs('odd', {})).toStrictEqual({ kind: 'unknown', reason: 'unmapped' })
  expect(outcomeAs('declined', {})).toStrictEqual({ kind: 'declined', decline: { code: 'generic_decline' } })
  expect(outcomeAs('succeeded', { reference: 'ref_1', amount })).toStrictEqual({
    ...{ kind: 'succeeded', reference: 'ref_1', amount },
  })
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

it.each([
  'javascript:alert(1)',
  'data:text/html,x',
  'ftp://x.example',
  'xhttps://x.example',
  '//x.example',
  ' https://x.example',
  '',
  null,
  undefined,
])('the player is not sent to %j', (url) => expect(isPage(url)).toBe(false))
it.each(['https://pay.example/x', 'http://127.0.0.1:8080/x'])('the player is sent to %s', (url) =>
  expect(isPage(url)).toBe(true),
)

it('keeps short texts of an instrument and nothing else', () => {
  const fields = { brand: 'visa', last4: 1_111, expiry: { month: 3 }, country: undefined, holder: 'x'.repeat(65) }
  expect(instrumentOf(fields)).toEqual({ brand: 'visa' })
  expect(instrumentOf({ fingerprint: 'x'.repeat(64) })).toEqual({ fingerprint: 'x'.repeat(64) })
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
    { brand: 'SomeBank', fingerprint: 'MC' },
    { brand: 'somebank', fingerprint: 'MC' },
  ],
  [{ brand: 'cup' }, { brand: 'unionpay' }],
  [{ brand: 'bcmc' }, { brand: 'bancontact' }],
  [{ brand: 'cartebancaire' }, { brand: 'cartes_bancaires' }],
])('an instrument told as %o is %o in our words', (fields, seen) => {
  expect(instrumentOf(fields)).toEqual(seen)
})

it('a body is read only as what the schema says, with every digit of its numbers', () => {
  const Told = z.object({ id: z.string(), n: z.string() })
  const read = (text: string) =>
    heard(Told, Buffer.from(text), ({ id, n }) =>
      verified({ id: `${id}:${n}`, flow: 'deposit', outcome: { kind: 'pending' } }),
    )
  expect(read('{"id":"e","n":9007199254740993}')).toEqual({
    ...{ kind: 'verified', events: [{ id: 'e:9007199254740993', flow: 'deposit', outcome: { kind: 'pending' } }] },
  })
  for (const text of ['', 'null', '{"id":"e"}', '{"id":"e","n":1}'])
    expect(read(text)).toEqual({ kind: 'refused', why: 'malformed' })
})
