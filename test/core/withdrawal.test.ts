import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CHAIN, type CheckName, type Verdict, type WithdrawalFacts, walkChain } from '../../src/core/withdrawal.ts'

const eur = (minor: bigint) => ({ asset: 'EUR', minor })
const at = new Date('2026-11-22T10:00:00.000Z')

/** A withdrawal that nothing speaks against. Each case changes a part of it. */
const caller = { mayWithdraw: true }
const player = { kycStatus: 'verified', amlStatus: 'clear', pep: false, name: 'Ada Lovelace' }
const destination = { problem: null, holder: 'Ada Lovelace', usedBefore: true, shared: false }
const policy = {
  minimum: 100n,
  large: 500_000n,
  excluded: 'allow_own_funds',
  sharedDestination: 'review',
  cancellable: true,
} as const
const fine: WithdrawalFacts = {
  caller,
  player,
  amount: eur(2_000n),
  available: eur(5_000n),
  wholeBalance: false,
  exclusion: null,
  destination,
  policy,
}
const excluded = { type: 'self_exclusion' }
const walk = (facts: WithdrawalFacts, approved: readonly string[] = [], execute = true) =>
  walkChain(facts, at, { execute, approved: new Set(approved) })

const passed = { status: 'passed', code: null } as const
const review = (code: string) => ({ status: 'review', code }) as const
const failed = (code: string) => ({ status: 'failed', code }) as const

describe('each check', () => {
  const cases: readonly (readonly [string, CheckName, Partial<WithdrawalFacts>, { status: string; code: unknown }])[] =
    [
      ['a caller with the scope', 'authenticated', {}, passed],
      ['a caller without it', 'authenticated', { caller: { mayWithdraw: false } }, failed('forbidden')],
      ['a verified player', 'kyc', {}, passed],
      ['a player not verified yet', 'kyc', { player: { ...player, kycStatus: 'pending' } }, review('kyc_required')],
      ['a rejected player', 'kyc', { player: { ...player, kycStatus: 'rejected' } }, failed('kyc_required')],
      ['all the cash there is', 'available', { amount: eur(5_000n) }, passed],
      ['a cent more than there is', 'available', { amount: eur(5_001n) }, failed('insufficient_funds')],
      ['money that is on hold for it already', 'available', { available: null }, passed],
      ['the minimum itself', 'minimum', { amount: eur(100n) }, passed],
      ['a cent below the minimum', 'minimum', { amount: eur(99n) }, failed('below_minimum')],
      ['all of too little', 'minimum', { amount: eur(99n), wholeBalance: true }, failed('below_minimum')],
      ['part of too little, leaving', 'minimum', { amount: eur(99n), exclusion: excluded }, failed('below_minimum')],
      ['all of too little, leaving', 'minimum', { amount: eur(99n), wholeBalance: true, exclusion: excluded }, passed],
      ['a player who plays', 'self_exclusion', { policy: { ...policy, excluded: 'block' } }, passed],
      [
        'an excluded player where that blocks',
        'self_exclusion',
        { exclusion: excluded, policy: { ...policy, excluded: 'block' } },
        failed('self_excluded'),
      ],
      [
        'an excluded player where people look',
        'self_exclusion',
        { exclusion: excluded, policy: { ...policy, excluded: 'hold_for_review' } },
        review('self_excluded'),
      ],
      [
        'an excluded player paid where never before',
        'self_exclusion',
        { exclusion: excluded, destination: { ...destination, usedBefore: false } },
        review('self_excluded'),
      ],
      [
        "an excluded player's own money",
        'self_exclusion',
        { exclusion: excluded },
        { status: 'passed', code: 'self_excluded_return_of_funds' },
      ],
      ['a player with an open AML case', 'aml', { player: { ...player, amlStatus: 'review' } }, review('aml_hold')],
      ['a politically exposed player', 'aml', { player: { ...player, pep: true } }, review('pep')],
      ['the largest sum that goes by itself', 'aml', { amount: eur(500_000n) }, passed],
      ['a cent more than that', 'aml', { amount: eur(500_001n) }, review('large_payout')],
      [
        'an excluded player',
        'responsible_gambling',
        { exclusion: excluded },
        { status: 'passed', code: 'cancel_disabled' },
      ],
      [
        'a licence without a way back',
        'responsible_gambling',
        { policy: { ...policy, cancellable: false } },
        { status: 'passed', code: 'cancel_disabled' },
      ],
      ['a player who may cancel', 'responsible_gambling', {}, passed],
      [
        'an account that can not be',
        'destination',
        { destination: { ...destination, problem: 'checksum', shared: true } },
        failed('destination_invalid'),
      ],
      [
        'an account that another player has',
        'destination',
        { destination: { ...destination, shared: true } },
        review('destination_shared'),
      ],
      [
        'a shared account where that is allowed',
        'destination',
        { destination: { ...destination, shared: true }, policy: { ...policy, sharedDestination: 'allow' } },
        passed,
      ],
      [
        "somebody else's account",
        'destination',
        { destination: { ...destination, holder: 'Charles Babbage' } },
        review('name_mismatch'),
      ],
      ['an account without a holder', 'destination', { destination: { ...destination, holder: null } }, passed],
      ['a player without a name', 'destination', { player: { ...player, name: null } }, passed],
      ['the last step', 'execute', {}, passed],
    ]
  it.each(cases)('says of %s at %s', (_what, name, change, verdict) => {
    const found: Verdict | undefined = CHAIN.find((one) => one.name === name)?.check({ ...fine, ...change })
    expect(found).toEqual(verdict)
  })
})

it('walks in the order that the guide names, and stamps each verdict', () => {
  const { result, checks, reasons, ...others } = walk(fine)
  expect([result, reasons, others]).toEqual(['passed', [], {}])
  expect(checks.map(({ name }) => name)).toEqual([
    'authenticated',
    'kyc',
    'available',
    'minimum',
    'self_exclusion',
    'aml',
    'responsible_gambling',
    'destination',
    'execute',
  ])
  expect(new Set(checks.map(({ status, at: when }) => `${status} ${when}`))).toEqual(
    new Set(['passed 2026-11-22T10:00:00.000Z']),
  )
})

const statuses = (facts: WithdrawalFacts, approved: readonly string[] = [], execute = true) =>
  Object.fromEntries(walk(facts, approved, execute).checks.map(({ name, status }) => [name, status]))

it('stops at the first refusal, names it, and looks at nothing behind it', () => {
  const facts = { ...fine, amount: eur(50n), player: { ...player, kycStatus: 'pending', pep: true } }
  expect(walk(facts)).toMatchObject({
    result: 'failed',
    refusal: 'below_minimum',
    reasons: [
      { check: 'kyc', code: 'kyc_required' },
      { check: 'minimum', code: 'below_minimum' },
    ],
  })
  expect(walk(facts).checks.slice(4)).toEqual(
    ['self_exclusion', 'aml', 'responsible_gambling', 'destination', 'execute'].map((name) => ({
      name,
      status: 'skipped',
      code: null,
      at: at.toISOString(),
    })),
  )
})

it('gathers all that people must look at, and does not execute before they have', () => {
  const facts = { ...fine, player: { ...player, kycStatus: 'pending', pep: true } }
  expect(walk(facts)).toMatchObject({
    result: 'review',
    reasons: [
      { check: 'kyc', code: 'kyc_required' },
      { check: 'aml', code: 'pep' },
    ],
  })
  expect(walk(facts)).not.toHaveProperty('refusal')
  expect(statuses(facts)).toMatchObject({ kyc: 'review', aml: 'review', destination: 'passed', execute: 'skipped' })
})

it('passes what people have approved, and nothing else', () => {
  const facts = { ...fine, player: { ...player, kycStatus: 'pending', pep: true } }
  expect(walk(facts, ['kyc_required', 'pep'])).toMatchObject({ result: 'passed', reasons: [] })
  expect(statuses(facts, ['kyc_required', 'pep'])).toMatchObject({ kyc: 'passed', aml: 'passed', execute: 'passed' })
  expect(walk(facts, ['kyc_required']).reasons).toEqual([{ check: 'aml', code: 'pep' }])
  // An approval is no pardon: a player rejected since then is refused by the same code.
  const rejected = { ...fine, player: { ...player, kycStatus: 'rejected' } }
  expect(walk(rejected, ['kyc_required'])).toMatchObject({ result: 'failed', refusal: 'kyc_required' })
  expect(statuses(rejected, ['kyc_required'])).toMatchObject({ kyc: 'failed' })
})

it('leaves the last step to the payout itself', () => {
  expect(walk(fine, [], false).result).toBe('passed')
  expect(statuses(fine, [], false)).toMatchObject({ destination: 'passed', execute: 'skipped' })
})

it('never passes with a refusal or an open question in it, whatever the facts', () => {
  const anyFacts: fc.Arbitrary<WithdrawalFacts> = fc.record({
    caller: fc.record({ mayWithdraw: fc.boolean() }),
    player: fc.record({
      kycStatus: fc.constantFrom('verified', 'pending', 'rejected'),
      amlStatus: fc.constantFrom('clear', 'review'),
      pep: fc.boolean(),
      name: fc.constantFrom('Ada Lovelace', null),
    }),
    amount: fc.bigInt({ min: 1n, max: 1_000n }).map(eur),
    available: fc.option(fc.bigInt({ min: 0n, max: 1_000n }).map(eur)),
    wholeBalance: fc.boolean(),
    exclusion: fc.constantFrom(null, excluded),
    destination: fc.record({
      problem: fc.constantFrom(null, 'checksum'),
      holder: fc.constantFrom(null, 'Ada Lovelace', 'Charles Babbage'),
      usedBefore: fc.boolean(),
      shared: fc.boolean(),
    }),
    policy: fc.record({
      minimum: fc.bigInt({ min: 0n, max: 500n }),
      large: fc.bigInt({ min: 0n, max: 1_000n }),
      excluded: fc.constantFrom('allow_own_funds', 'hold_for_review', 'block'),
      sharedDestination: fc.constantFrom('review', 'allow'),
      cancellable: fc.boolean(),
    }),
  })
  const codes = fc.subarray(['kyc_required', 'self_excluded', 'aml_hold', 'pep', 'large_payout', 'name_mismatch'])
  fc.assert(
    fc.property(anyFacts, codes, fc.boolean(), (facts, approved, execute) => {
      const { result, checks, reasons, refusal } = walk(facts, approved, execute)
      expect(result === 'passed').toBe(reasons.length === 0)
      expect(result === 'failed').toBe(refusal !== undefined)
      expect(checks).toHaveLength(CHAIN.length)
      if (result === 'failed') return
      // The money is there or on hold for it already, and the player is not refused.
      expect(facts.available === null || facts.amount.minor <= facts.available.minor).toBe(true)
      expect(facts.caller.mayWithdraw && facts.player.kycStatus !== 'rejected').toBe(true)
      expect(checks.at(-1)?.status).toBe(execute && result === 'passed' ? 'passed' : 'skipped')
    }),
  )
})
