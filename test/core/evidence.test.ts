import { describe, expect, it } from 'vitest'
import { declineOf, isNews, learnedFrom, phaseOf, reasonOf } from '../../src/core/evidence.ts'
import type { Outcome } from '../../src/core/outcome.ts'

const succeeded: Outcome = { kind: 'succeeded', reference: 'r1', amount: { asset: 'EUR', minor: 1n } }
const declined: Outcome = { kind: 'declined', decline: { code: 'do_not_honor', processorCode: '05' } }
const timeout: Outcome = { kind: 'unknown', reason: 'timeout' }
const notSent = (reason: Extract<Outcome, { kind: 'not_sent' }>['reason']): Outcome => ({ kind: 'not_sent', reason })

describe('an attempt', () => {
  it("learns the processor's reference and the time of the fact, where they are told", () => {
    expect(learnedFrom(succeeded, 5)).toEqual({ processorReference: 'r1', factAtMs: 5 })
    expect(learnedFrom(succeeded, undefined)).toEqual({ processorReference: 'r1' })
    expect(learnedFrom(declined, 0)).toEqual({ factAtMs: 0 })
    expect(learnedFrom({ kind: 'not_found' }, undefined)).toEqual({})
  })

  it.each([
    ['its first reference', { processorReference: 'r1' }, { reference: null, atMs: null }, true],
    ['its reference again', { processorReference: 'r1' }, { reference: 'r1', atMs: null }, false],
    ['another reference, which is for people', { processorReference: 'r2' }, { reference: 'r1', atMs: null }, false],
    ['its first time', { factAtMs: 0 }, { reference: null, atMs: null }, true],
    ['a later time', { factAtMs: 6 }, { reference: 'r1', atMs: 5n }, true],
    ['the same time again', { processorReference: 'r1', factAtMs: 5 }, { reference: 'r1', atMs: 5n }, false],
    ['an earlier time', { factAtMs: 4 }, { reference: 'r1', atMs: 5n }, false],
    [
      'an earlier time, but its first reference',
      { processorReference: 'r1', factAtMs: 4 },
      { reference: null, atMs: 5n },
      true,
    ],
    ['nothing', {}, { reference: null, atMs: null }, false],
  ])('that is told %s has news or not', (_, learned, { reference, atMs }, news) => {
    expect(isNews({ processorReference: reference, factAtMs: atMs }, learned)).toBe(news)
  })

  it.each([
    ['connect_failed', 'connect_failed'],
    ['tls_or_dns_failed', 'tls_or_dns_failed'],
    ['circuit_open', 'circuit_open'],
    ['overloaded', 'rate_limited'],
    ['vouched_rejection', 'invalid_request'],
  ] as const)('that never left for %s shows %s as its decline', (reason, code) => {
    expect(declineOf(notSent(reason))).toEqual({ code })
  })

  it('shows the decline that was told, and none where nobody declined', () => {
    expect(declineOf(declined)).toEqual({ code: 'do_not_honor', processorCode: '05' })
    expect(declineOf({ kind: 'not_sent', reason: 'vouched_rejection', code: 'invalid_credentials' })).toEqual({
      code: 'invalid_credentials',
    })
    for (const outcome of [succeeded, timeout]) expect(declineOf(outcome)).toBeUndefined()
  })

  it('of which nobody knows how far it got counts as written: the safe side', () => {
    expect(phaseOf(notSent('circuit_open'))).toBe('not_connected')
    expect(phaseOf(timeout)).toBe('written')
    expect(phaseOf({ ...timeout, phase: 'headers' })).toBe('headers')
    expect(phaseOf(succeeded)).toBe('body')
  })

  it('gives its reason in one word, a contradiction before what was said', () => {
    expect(reasonOf(timeout, undefined)).toBe('timeout')
    expect(reasonOf(notSent('overloaded'), undefined)).toBe('overloaded')
    expect(reasonOf(timeout, 'amount_mismatch')).toBe('amount_mismatch')
    for (const outcome of [succeeded, declined]) expect(reasonOf(outcome, undefined)).toBeUndefined()
  })
})
