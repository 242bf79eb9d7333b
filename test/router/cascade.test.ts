import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Flow, NotSentReason, Outcome, UnknownReason } from '../../src/adapters/contract.ts'
import { DECLINES, type DeclineCode } from '../../src/core/decline.ts'
import {
  type Advice,
  type CascadeInput,
  type DeclineOverride,
  MAX_ATTEMPTS,
  MAX_CASCADE_MS,
  mayOverride,
  nextStep,
  type Tried,
} from '../../src/router/cascade.ts'
import type { Plan } from '../../src/router/plan.ts'

const planOf = (...labels: string[]): Plan => ({
  rulesetVersion: 1,
  ruleId: 'r',
  route: labels.map((label) => ({
    connectionId: `con_${label}`,
    processor: `p_${label}`,
    label,
    code: 'ordered',
    reason: 'test',
  })),
  leftOut: [],
})

const CODES = Object.keys(DECLINES).filter((key): key is DeclineCode => key in DECLINES)
const EUR = { asset: 'EUR', minor: 100n }
const declined = (code: DeclineCode): Outcome => ({ kind: 'declined', decline: { code } })
const notSent = (reason: NotSentReason, code?: DeclineCode): Outcome => ({
  kind: 'not_sent',
  reason,
  ...(code && { code }),
})

const step = (attempts: Tried[], last: Outcome | null, changes: Partial<CascadeInput> = {}) => {
  const next = nextStep({
    plan: planOf('a', 'b', 'c', 'd', 'e', 'f'),
    attempts,
    last,
    nowMs: 1_000,
    startedAtMs: 0,
    flow: 'deposit',
    ...changes,
  })
  return next.kind === 'stop' ? next.why : next.stepUp ? `${next.connection.label} with step-up` : next.connection.label
}

const at = (label: string, decline?: DeclineCode, more: Partial<Tried> = {}): Tried => ({
  connectionId: `con_${label}`,
  ...(decline && { decline }),
  ...more,
})

/** Every outcome that there is, of every kind, reason and code. */
const NOT_SENT: readonly NotSentReason[] = [
  'connect_failed',
  'tls_or_dns_failed',
  'circuit_open',
  'overloaded',
  'vouched_rejection',
]
const UNKNOWN: readonly UnknownReason[] = [
  'timeout',
  'reset',
  'http_5xx',
  'malformed',
  'too_large',
  'unmapped',
  'duplicate_request',
  'interrupted',
]
const OUTCOMES: readonly Outcome[] = [
  { kind: 'succeeded', reference: 'x', amount: EUR },
  { kind: 'authorized', reference: 'x', amount: EUR },
  { kind: 'requires_action', action: { type: 'poll', after_ms: 1 } },
  { kind: 'pending' },
  { kind: 'voided', why: 'cancelled' },
  { kind: 'voided', why: 'expired' },
  { kind: 'returned', reference: 'x', amount: EUR },
  { kind: 'not_found' },
  ...UNKNOWN.map((reason): Outcome => ({ kind: 'unknown', reason })),
  ...UNKNOWN.map((reason): Outcome => ({ kind: 'unknown', reason, phase: 'not_connected' })),
  ...NOT_SENT.map((reason) => notSent(reason)),
  ...NOT_SENT.flatMap((reason) => CODES.map((code) => notSent(reason, code))),
  ...CODES.map(declined),
]

/** Money's law in words of its own, apart from the code under test. */
function lawAllows(outcome: Outcome, flow: Flow): boolean {
  if (flow === 'refund') return false
  if (outcome.kind === 'not_sent') return true
  if (outcome.kind !== 'declined') return false
  if (flow === 'withdrawal') return outcome.decline.code === 'payout_float_insufficient'
  return ['next', 'once', 'step_up'].includes(DECLINES[outcome.decline.code].next)
}

const codeOf = (outcome: Outcome): DeclineCode | undefined =>
  outcome.kind === 'declined' ? outcome.decline.code : undefined

describe('the law', () => {
  it('goes on after nothing but proof or a definitive decline that says so, for every outcome and flow', () => {
    const seen = { go: 0, stop: 0 }
    for (const outcome of OUTCOMES) {
      for (const flow of ['deposit', 'withdrawal', 'refund'] as const) {
        const next = nextStep({
          plan: planOf('a', 'b', 'c'),
          attempts: [at('a', codeOf(outcome))],
          last: outcome,
          nowMs: 1,
          startedAtMs: 0,
          flow,
        })
        seen[next.kind] += 1
        if (next.kind === 'go') expect([outcome, flow, lawAllows(outcome, flow)]).toEqual([outcome, flow, true])
      }
    }
    expect(Object.keys(seen)).toEqual(['go', 'stop'])
    expect(seen.go).toBeGreaterThan(30)
    expect(seen.stop).toBeGreaterThan(300)
  })

  it('holds whatever was tried before, whatever the operator overrides and whatever the card has behind it', () => {
    const advice = fc.constantFrom<Advice[]>('next', 'once', 'same', 'step_up', 'player', 'never')
    const override: fc.Arbitrary<DeclineOverride> = fc.record({ code: fc.constantFrom(...CODES), next: advice })
    const tried: fc.Arbitrary<Tried> = fc
      .tuple(fc.constantFrom('a', 'b', 'c'), fc.option(fc.constantFrom(...CODES), { nil: undefined }), fc.boolean())
      .map(([label, code, keptBack]) => at(label, code, { keptBack }))
    fc.assert(
      fc.property(
        fc.constantFrom(...OUTCOMES),
        fc.constantFrom<Flow[]>('deposit', 'withdrawal', 'refund'),
        fc.array(tried, { maxLength: 6 }),
        fc.array(override, { maxLength: 5 }),
        fc.integer({ min: 0, max: 60_000 }),
        (last, flow, before, overrides, nowMs) => {
          const attempts = [...before, at('d', codeOf(last))]
          const next = nextStep({
            plan: planOf('a', 'b', 'c', 'd', 'e'),
            attempts,
            last,
            nowMs,
            startedAtMs: 0,
            flow,
            overrides,
          })
          if (next.kind === 'stop') return
          expect(['not_sent', 'declined']).toContain(last.kind)
          expect(flow).not.toBe('refund')
          if (flow === 'withdrawal' && last.kind === 'declined')
            expect(last.decline.code).toBe('payout_float_insufficient')
          if (last.kind === 'declined' && flow === 'deposit' && !mayOverride(last.decline.code))
            expect(lawAllows(last, flow)).toBe(true)
          expect(attempts.filter(({ keptBack }) => !keptBack).length).toBeLessThan(MAX_ATTEMPTS)
          expect(nowMs).toBeLessThan(MAX_CASCADE_MS)
          if (!next.stepUp)
            expect(attempts.map(({ connectionId }) => connectionId)).not.toContain(next.connection.connectionId)
          else expect(next.connection.connectionId).toBe('con_d')
        },
      ),
      { numRuns: 5_000 },
    )
  })
})

describe('step by step', () => {
  it('begins with the first account and ends when none is left', () => {
    expect(step([], null)).toBe('a')
    expect(step([at('a')], notSent('connect_failed'))).toBe('b')
    expect(step([at('a')], notSent('connect_failed'), { plan: planOf('a') })).toBe('no_route')
    expect(step([], null, { plan: planOf() })).toBe('no_route')
  })

  it('never goes on when money may have moved', () => {
    expect(step([at('a')], { kind: 'unknown', reason: 'timeout' })).toBe('unknown')
    expect(step([at('a')], { kind: 'not_found' })).toBe('unknown')
  })

  it('leaves a payment where it stands when it is done, waits or is with the player', () => {
    const action = { type: 'poll', after_ms: 1 } as const
    const standing: readonly Outcome[] = [
      { kind: 'succeeded', reference: 'x', amount: EUR },
      { kind: 'pending' },
      { kind: 'requires_action', action },
    ]
    for (const last of standing)
      for (const flow of ['deposit', 'withdrawal', 'refund'] as const)
        expect(step([at('a')], last, { flow })).toBe('in_hand')
  })

  it('tries a soft decline once elsewhere and no more', () => {
    expect(step([at('a', 'do_not_honor')], declined('do_not_honor'))).toBe('b')
    expect(step([at('a', 'do_not_honor'), at('b', 'do_not_honor')], declined('do_not_honor'))).toBe('once_used')
    expect(step([at('a', 'do_not_honor'), at('b', 'issuer_unavailable')], declined('issuer_unavailable'))).toBe(
      'once_used',
    )
  })

  it('does not count what never left as the single further try', () => {
    expect(step([at('a', 'do_not_honor'), at('b')], notSent('connect_failed'))).toBe('c')
  })

  it('asks for strong authentication at the same account, a single time', () => {
    expect(step([at('a', 'authentication_required')], declined('authentication_required'))).toBe('a with step-up')
    const again = [at('a', 'authentication_required'), at('a', 'authentication_required', { stepUp: true })]
    expect(step(again, declined('authentication_required'))).toBe('step_up_used')
    const refused = [at('a', 'authentication_required'), at('a', 'issuer_unavailable', { stepUp: true })]
    expect(step(refused, declined('issuer_unavailable'))).toBe('b')
  })

  it.each([
    ['lost_card', 'final_decline'],
    ['insufficient_funds', 'player_must_act'],
    ['try_again_later', 'try_later'],
    ['unmapped', 'final_decline'],
  ] as const)('stops on %s', (code, why) => {
    expect(step([at('a', code)], declined(code))).toBe(why)
  })

  it('stops after four tries, not counting those that a breaker kept back', () => {
    const tries = ['a', 'b', 'c', 'd'].map((label) => at(label))
    expect(step(tries, notSent('connect_failed'))).toBe('attempts_exhausted')
    const kept = [at('a', undefined, { keptBack: true }), ...tries.slice(1)]
    expect(step(kept, notSent('connect_failed'))).toBe('e')
  })

  it.each([
    ['invalid_credentials', 'b'],
    ['generic_decline', 'b'],
    ['authentication_required', 'final_decline'],
    ['invalid_request', 'final_decline'],
    ['token_invalid_or_expired', 'player_must_act'],
    ['frequency_limit_exceeded', 'try_later'],
  ] as const)('after a rejection that moved nothing, %s leads to %s, for a payout too', (code, to) => {
    for (const flow of ['deposit', 'withdrawal'] as const)
      expect(step([at('a')], notSent('vouched_rejection', code), { flow })).toBe(to)
  })

  it('asks for strong authentication within the same bounds as for anything else', () => {
    const last = declined('authentication_required')
    const fourth = [at('b'), at('c'), at('d'), at('a', 'authentication_required')]
    expect(step(fourth, last)).toBe('attempts_exhausted')
    expect(step([at('a', 'authentication_required')], last, { nowMs: 30_000 })).toBe('time_exhausted')
    expect(step([at('gone', 'authentication_required')], last)).toBe('step_up_used')
  })

  it('gives the first try its turn however late it comes, and counts time from the beginning of the payment', () => {
    expect(step([], null, { nowMs: 90_000 })).toBe('a')
    const later = { startedAtMs: 50_000 }
    expect(step([at('a')], notSent('connect_failed'), { nowMs: 79_999, ...later })).toBe('b')
    expect(step([at('a')], notSent('connect_failed'), { nowMs: 80_000, ...later })).toBe('time_exhausted')
  })

  it('stops at thirty seconds', () => {
    expect(step([at('a')], notSent('connect_failed'), { nowMs: 29_999 })).toBe('b')
    expect(step([at('a')], notSent('connect_failed'), { nowMs: 30_000 })).toBe('time_exhausted')
  })

  it('sends a payout elsewhere for want of balance only', () => {
    const flow = 'withdrawal'
    expect(step([at('a', 'payout_float_insufficient')], declined('payout_float_insufficient'), { flow })).toBe('b')
    expect(step([at('a', 'issuer_unavailable')], declined('issuer_unavailable'), { flow })).toBe('payout_stays')
    expect(step([at('a')], notSent('overloaded'), { flow })).toBe('b')
  })

  it('keeps a refund where the money is', () => {
    expect(step([at('a')], notSent('connect_failed'), { flow: 'refund' })).toBe('refund_stays')
  })

  it("ends where the card's scheme allows no further try", () => {
    const soft = [at('a', 'issuer_unavailable')]
    const next = (card: NonNullable<CascadeInput['card']>) => step(soft, declined('issuer_unavailable'), { card })
    expect(next({ brand: 'visa', today: 19, sameAmount30Days: 19 })).toBe('b')
    expect(next({ brand: 'visa', today: 1, sameAmount30Days: 20 })).toBe('scheme_guard')
    expect(next({ today: 10, sameAmount30Days: 1 })).toBe('scheme_guard')
    expect(next({ brand: 'visa', today: 1, sameAmount30Days: 1, banned: true })).toBe('scheme_guard')
    const card = { brand: 'visa', today: 1, sameAmount30Days: 20 }
    const stepUp = [at('a', 'authentication_required')]
    expect(step(stepUp, declined('authentication_required'), { card })).toBe('scheme_guard')
    expect(step([at('a', 'insufficient_funds')], declined('insufficient_funds'), { card })).toBe('player_must_act')
  })
})

describe("the operator's own word", () => {
  const overrides: DeclineOverride[] = [
    { code: 'do_not_honor', next: 'never' },
    { code: 'do_not_honor', processor: 'p_b', next: 'next' },
    { code: 'lost_card', next: 'next' },
    { code: 'self_excluded', next: 'next' },
    { code: 'unmapped', next: 'next' },
  ]

  it('stands over the table, the narrower word over the wider', () => {
    expect(step([at('a', 'do_not_honor')], declined('do_not_honor'), { overrides })).toBe('final_decline')
    expect(step([at('b', 'do_not_honor')], declined('do_not_honor'), { overrides })).toBe('a')
  })

  it('is heard about the processor that declined, each time it declined', () => {
    const once = (processor: string): DeclineOverride[] => [{ code: 'issuer_unavailable', processor, next: 'once' }]
    const both = [at('a', 'issuer_unavailable'), at('b', 'issuer_unavailable')]
    expect(step(both, declined('issuer_unavailable'))).toBe('c')
    expect(step(both, declined('issuer_unavailable'), { overrides: once('p_a') })).toBe('once_used')
    expect(step(both, declined('issuer_unavailable'), { overrides: once('p_b') })).toBe('c')
    expect(step(both, declined('issuer_unavailable'), { overrides: once('p_z') })).toBe('c')
  })

  it('about one code says nothing of another', () => {
    expect(step([at('a', 'issuer_unavailable')], declined('issuer_unavailable'), { overrides })).toBe('b')
  })

  it("can't lift a scheme's ban, a duty or what nobody knows", () => {
    for (const code of ['lost_card', 'self_excluded', 'unmapped'] as const) {
      expect(step([at('a', code)], declined(code), { overrides })).toBe('final_decline')
    }
  })
})
