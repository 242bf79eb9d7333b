import { describe, expect, it } from 'vitest'
import {
  decisionOf,
  presentAttempt,
  presentDecision,
  presentDeposit,
  presentDispute,
  presentRefund,
  presentWithdrawal,
} from '../../src/core/present.ts'

const at = (second: number) => `2026-11-22T10:00:0${second}.000Z`
const [createdAt, updatedAt, settledAt] = [new Date(at(1)), new Date(at(2)), new Date(at(3))]
const entry = { connectionId: 'con_1', processor: 'adyen', label: 'main', code: 'rule', reason: 'first' }
const other = { connectionId: 'con_2', processor: 'btcpay', label: 'coins', code: 'method_unsupported', reason: 'card' }
const decision = {
  rulesetVersion: 7,
  ruleId: 'cards',
  route: [entry, { ...entry, connectionId: 'con_3' }],
  leftOut: [other],
}
const decline = { code: 'do_not_honor', processorCode: '05' } as const
const payment = {
  id: 'dep_1',
  status: 'processing',
  playerId: 'p1',
  asset: 'EUR',
  amount: 1_250n,
  reference: 'order-1',
  methodType: 'card',
  method: { type: 'card', token: 'tok_secret' },
  instrumentId: null,
  saveInstrument: false,
  destinationMasked: null,
  checks: null,
  decline: null,
  nextAction: { type: 'poll', after_ms: 5 },
  decision,
  connectionId: 'con_1',
  refunded: 250n,
  chargedBack: 1n,
  returnUrl: null,
  metadata: { a: 'b' },
  createdAt,
  updatedAt,
  settledAt: null,
} as const

describe('a deposit', () => {
  it('is shown whole, its token never', () => {
    expect(presentDeposit({ ...payment, settledAt })).toStrictEqual({
      id: 'dep_1',
      status: 'processing',
      amount: '12.50',
      currency: 'EUR',
      player_id: 'p1',
      reference: 'order-1',
      method: { type: 'card' },
      processor: 'adyen',
      connection_id: 'con_1',
      decline: null,
      next_action: null,
      refunded_amount: '2.50',
      charged_back_amount: '0.01',
      return_url: null,
      metadata: { a: 'b' },
      created_at: at(1),
      updated_at: at(2),
      settled_at: at(3),
    })
  })

  it('tells what the player must do only while there is something to do', () => {
    const next = (status: string) => presentDeposit({ ...payment, status }).next_action
    expect(next('requires_action')).toEqual({ type: 'poll', after_ms: 5 })
    for (const status of ['processing', 'succeeded', 'expired']) expect(next(status)).toBeNull()
  })

  it('names a saved instrument, and one that it saves once it has succeeded', () => {
    const method = (change: object) => presentDeposit({ ...payment, ...change }).method
    const saving = { instrumentId: 'ins_1', saveInstrument: true }
    expect(method({ instrumentId: 'ins_1' })).toEqual({ type: 'card', instrument_id: 'ins_1' })
    expect(method(saving)).toEqual({ type: 'card' })
    expect(method({ ...saving, status: 'succeeded' })).toEqual({ type: 'card', instrument_id: 'ins_1' })
  })

  it('shows another method as it is, and the bare type of one that is forgotten', () => {
    const method = (change: object) => presentDeposit({ ...payment, ...change }).method
    expect(method({ method: { type: 'wallet', wallet: 'skrill' } })).toEqual({ type: 'wallet', wallet: 'skrill' })
    expect(method({ method: null, methodType: 'bank' })).toEqual({ type: 'bank' })
  })

  it('shows a decline in our words, and no processor where none was asked', () => {
    expect(presentDeposit({ ...payment, decline, decision: null })).toMatchObject({
      decline: { code: 'do_not_honor', processor_code: '05' },
      processor: null,
      settled_at: null,
    })
    expect(presentDeposit({ ...payment, connectionId: 'con_9' }).processor).toBeNull()
  })
})

describe('a withdrawal', () => {
  const check = { name: 'kyc', status: 'passed', code: null, at: at(1) } as const
  it('shows its masked destination and its checks', () => {
    const destinationMasked = { type: 'bank', iban: 'FI21…85' }
    expect(presentWithdrawal({ ...payment, destinationMasked, checks: [check], decline })).toStrictEqual({
      id: 'dep_1',
      status: 'processing',
      amount: '12.50',
      currency: 'EUR',
      player_id: 'p1',
      reference: 'order-1',
      destination: destinationMasked,
      checks: [check],
      processor: 'adyen',
      connection_id: 'con_1',
      decline: expect.objectContaining({ code: 'do_not_honor' }),
      metadata: { a: 'b' },
      created_at: at(1),
      updated_at: at(2),
      settled_at: null,
    })
  })
  it('without either shows the type and nothing', () => {
    expect(presentWithdrawal({ ...payment, settledAt })).toMatchObject({
      destination: { type: 'card' },
      checks: [],
      decline: null,
      settled_at: at(3),
    })
  })
})

it('shows an attempt with its reason, before and after it ended', () => {
  const attempt = {
    id: 'att_1',
    n: 1,
    connectionId: 'con_1',
    processor: 'adyen',
    status: 'declined',
    decline,
    reason: null,
    processorReference: 'r1',
    phase: 'body',
    startedAt: createdAt,
    endedAt: settledAt,
  }
  expect(presentAttempt(attempt)).toStrictEqual({
    id: 'att_1',
    n: 1,
    connection_id: 'con_1',
    processor: 'adyen',
    status: 'declined',
    decline: expect.objectContaining({ code: 'do_not_honor' }),
    reason: null,
    processor_reference: 'r1',
    phase: 'body',
    started_at: at(1),
    ended_at: at(3),
  })
  expect(presentAttempt({ ...attempt, decline: null, endedAt: null })).toMatchObject({ decline: null, ended_at: null })
})

it('shows a refund', () => {
  const refund = {
    id: 'rfd_1',
    depositId: 'dep_1',
    playerId: 'p1',
    asset: 'JPY',
    amount: 500n,
    status: 'declined',
    reason: 'asked',
    reference: 'back-1',
    duplicateOf: null,
    decline,
    createdAt,
    updatedAt,
  }
  expect(presentRefund(refund)).toStrictEqual({
    id: 'rfd_1',
    deposit_id: 'dep_1',
    player_id: 'p1',
    status: 'declined',
    amount: '500',
    currency: 'JPY',
    reason: 'asked',
    reference: 'back-1',
    duplicate_of: null,
    decline: expect.objectContaining({ code: 'do_not_honor' }),
    created_at: at(1),
    updated_at: at(2),
  })
  expect(presentRefund({ ...refund, decline: null }).decline).toBeNull()
})

it('shows a dispute with what it took', () => {
  const dispute = {
    id: 'dsp_1',
    depositId: 'dep_1',
    playerId: 'p1',
    connectionId: 'con_1',
    reference: 'case-1',
    asset: 'EUR',
    amount: 1_000n,
    stage: 'chargeback',
    status: 'opened',
    taken: 400n,
    createdAt,
    updatedAt,
  }
  expect(presentDispute(dispute)).toStrictEqual({
    id: 'dsp_1',
    deposit_id: 'dep_1',
    player_id: 'p1',
    connection_id: 'con_1',
    processor_reference: 'case-1',
    stage: 'chargeback',
    status: 'opened',
    amount: '10.00',
    currency: 'EUR',
    taken_amount: '4.00',
    created_at: at(1),
    updated_at: at(2),
  })
})

describe('why this route', () => {
  it('names every account: the chosen ones in their order, the others with their reason', () => {
    expect(presentDecision(payment)).toStrictEqual({
      payment_id: 'dep_1',
      ruleset_version: 7,
      rule_id: 'cards',
      connection_id: 'con_1',
      candidates: [
        ['con_1', 'adyen', 'main', 'chosen', 1, 'rule', 'first'],
        ['con_3', 'adyen', 'main', 'chosen', 2, 'rule', 'first'],
        ['con_2', 'btcpay', 'coins', 'left_out', null, 'method_unsupported', 'card'],
      ].map(([connection_id, processor, label, outcome, position, code, reason]) => ({
        connection_id,
        processor,
        label,
        outcome,
        position,
        code,
        reason,
      })),
    })
  })

  it('says nothing where nothing was planned, and reads no plan out of something else', () => {
    expect(presentDecision({ id: 'dep_1', decision: null, connectionId: null })).toStrictEqual({
      payment_id: 'dep_1',
      ruleset_version: null,
      rule_id: null,
      connection_id: null,
      candidates: [],
    })
    for (const wrong of [{}, { route: 'x', leftOut: [] }, { route: [] }, { leftOut: [] }])
      expect(decisionOf(wrong)).toBeUndefined()
    expect(decisionOf(decision)).toBe(decision)
  })
})
