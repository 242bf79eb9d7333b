import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson, decideKey, LEASE_MS, refusalMeans } from '../../src/core/idempotency.ts'

const now = new Date('2026-11-22T10:00:00Z')
const later = (ms: number) => new Date(now.getTime() + ms)
const running = {
  fingerprint: 'f',
  state: 'running',
  fence: 3n,
  leaseUntil: later(LEASE_MS),
  createdAt: now,
  status: null,
  body: null,
  headers: null,
} as const
const done = { ...running, state: 'done', status: 201, body: '{"id":1}', headers: {} } as const

describe('a key that is taken', () => {
  it('replays its answer word for word', () =>
    expect(decideKey(done, 'f', now)).toEqual({ kind: 'replay', status: 201, body: '{"id":1}', headers: {} }))
  it('replays the headers that were kept, and none where none were', () => {
    const etag = { etag: '"7"' }
    expect(decideKey({ ...done, headers: etag }, 'f', now)).toMatchObject({ headers: etag })
    expect(decideKey({ ...done, headers: null }, 'f', now)).toMatchObject({ headers: {} })
  })
  it('never replays half an answer, nor one of a run that goes on', () => {
    const half = [
      { ...done, status: null },
      { ...done, body: null },
      { ...running, status: 201, body: '{}' },
    ]
    for (const saved of half) {
      expect(decideKey(saved, 'f', now)).toEqual({ kind: 'busy' })
      expect(decideKey(saved, 'f', later(LEASE_MS))).toEqual({ kind: 'take_over', fence: 3n })
    }
  })
  it('is busy while its worker is alive', () => expect(decideKey(running, 'f', now)).toEqual({ kind: 'busy' }))
  it('is taken over when the lease has run out, not a moment before', () => {
    expect(decideKey(running, 'f', later(LEASE_MS - 1))).toEqual({ kind: 'busy' })
    expect(decideKey(running, 'f', later(LEASE_MS))).toEqual({ kind: 'take_over', fence: 3n })
  })
  it.each([running, done])('refuses another request before anything else', (saved) =>
    expect(decideKey(saved, 'g', later(10 * LEASE_MS))).toEqual({ kind: 'mismatch' }),
  )
})

describe('the canonical text', () => {
  it('is that of RFC 8785 for its example of sorting', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '1': 'One',
      '\u0080': 'Control',
      '\u00f6': 'O umlaut',
    }
    expect(Object.keys(JSON.parse(canonicalJson(value)))).toEqual(['1', '\r', '\u0080', '\u00f6', '\u20ac'])
  })

  it.each([
    [{ b: [1, { d: null, c: 'x' }], a: true }, '{"a":true,"b":[1,{"c":"x","d":null}]}'],
    [{ b: undefined, a: 1 }, '{"a":1}'],
    [{}, '{}'],
    [[], '[]'],
    [undefined, 'null'],
    [1e21, '1e+21'],
  ])('of %o is %s', (value, text) => expect(canonicalJson(value)).toBe(text))

  it('is the same however the members were ordered, and reads back as the same value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse())
        expect(canonicalJson(reversed)).toBe(canonicalJson(value))
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })
})

it('keeps a refusal of the business, frees the key on what was never decided, and goes on with what is unfinished', () => {
  for (const code of ['insufficient_funds', 'duplicate_reference', 'self_excluded'] as const)
    expect(refusalMeans(code)).toBe('final')
  for (const code of [
    'unauthenticated',
    'insufficient_scope',
    'validation_failed',
    'amount_invalid',
    'pan_not_accepted',
    'rate_limited',
  ] as const)
    expect(refusalMeans(code)).toBe('free')
  for (const code of ['overloaded', 'internal', 'unavailable', 'request_in_progress'] as const)
    expect(refusalMeans(code)).toBe('unfinished')
})
