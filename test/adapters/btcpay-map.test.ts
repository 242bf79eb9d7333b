import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  endedOutcome,
  fits,
  invoiceOutcome,
  payAction,
  payoutOutcome,
  refundOutcome,
  refusal,
  theOne,
} from '../../src/adapters/btcpay/map.ts'
import type { Invoice, PaymentMethods, Payout, PullPayment } from '../../src/adapters/btcpay/wire.ts'
import { formatAmount } from '../../src/core/money.ts'
import { BTC_ADDRESS, btcpayPayOut } from '../support/btcpay.ts'

const amount = { asset: 'BTC', minor: 1_250n }
const asked = { attempt: 'att_1', amount }
const MALFORMED = { kind: 'unknown', reason: 'malformed' }

const invoice = (change: Partial<Invoice> = {}): Invoice => ({
  id: 'inv_1',
  amount: '0.0000125',
  paidAmount: '0',
  currency: 'BTC',
  checkoutLink: 'https://btcpay.example/i/inv_1',
  createdTime: 1_795_000_000,
  expirationTime: 1_795_003_600,
  status: 'New',
  additionalStatus: 'None',
  metadata: { orderId: 'att_1' },
  ...change,
})

describe('an invoice', () => {
  const worth = (change: Partial<Invoice>) => invoiceOutcome(invoice(change), asked)

  it('of another order is no answer, and one that names none is held for ours', () => {
    for (const orderId of ['att_2', '']) expect(worth({ status: 'Settled', metadata: { orderId } })).toEqual(MALFORMED)
    for (const metadata of [undefined, null, {}, { orderId: null }])
      expect(worth({ status: 'Processing', metadata })?.kind).toBe('pending')
  })

  it('that is open says nothing by itself, unless it asks for something else than we did', () => {
    expect(worth({})).toBeUndefined()
    for (const other of [{ currency: 'LTC' }, { amount: '0.0000126' }, { amount: null }, { amount: 'x' }])
      expect(worth(other)).toEqual({ ...MALFORMED, reference: 'inv_1' })
  })

  it('that is settled is worth what was paid, not what was asked, and nothing known in another currency', () => {
    const paid = (change: Partial<Invoice>) => worth({ status: 'Settled', ...change })
    expect(paid({ paidAmount: '0.5' })).toEqual({
      ...{ kind: 'succeeded', reference: 'inv_1', amount: { asset: 'BTC', minor: 50_000_000n } },
    })
    for (const paidAmount of ['0', null, undefined])
      expect(paid({ paidAmount })).toMatchObject({ kind: 'succeeded', amount: { minor: 0n } })
    expect(paid({ currency: 'LTC', paidAmount: '1' })).toMatchObject({ kind: 'unknown', reason: 'unmapped' })
  })

  it.each(['Expired', 'Invalid'])('that is %s is over only when nothing at all was paid', (status) => {
    expect(worth({ status })).toEqual({ kind: 'voided', reference: 'inv_1', why: 'expired' })
    for (const additionalStatus of ['PaidPartial', 'PaidLate', 'Marked', 'MoonPhase'])
      expect(worth({ status, additionalStatus })).toBeUndefined()
  })

  it('in a state that nobody documented is unknown', () => {
    expect(worth({ status: 'MoonPhase' })).toEqual({ kind: 'unknown', reason: 'unmapped', reference: 'inv_1' })
  })
})

type Rail = PaymentMethods[number]
const rail = (change: Partial<Rail> = {}): Rail => ({
  paymentMethodId: 'BTC-CHAIN',
  destination: BTC_ADDRESS,
  paymentLink: `bitcoin:${BTC_ADDRESS}`,
  due: '0.0000125',
  ...change,
})

describe('an invoice that had ended', () => {
  const ended = (...methods: Rail[]) => endedOutcome(invoice(), 'BTC', methods)
  const paid = (...payments: readonly [string, string][]) =>
    rail({ payments: payments.map(([value, status]) => ({ value, status })) })

  it('is worth every payment that arrived, to the last digit', () => {
    const values = fc.array(fc.bigInt({ min: 0n, max: 10n ** 14n }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(values, (minors) => {
        const minor = minors.reduce((sum, one) => sum + one, 0n)
        const payments = minors.map((one): [string, string] => [formatAmount({ asset: 'BTC', minor: one }), 'Settled'])
        const nothing = { kind: 'voided', reference: 'inv_1', why: 'expired' }
        const outcome = { kind: 'succeeded', reference: 'inv_1', amount: { asset: 'BTC', minor } }
        expect(ended(paid(...payments))).toEqual(minor > 0n ? outcome : nothing)
      }),
    )
  })

  it('counts what was lost for nothing, and waits while anything is coming', () => {
    expect(ended(paid(['0.1', 'Invalid'], ['0.2', 'Settled']))).toMatchObject({ amount: { minor: 20_000_000n } })
    expect(ended(paid(['0.1', 'Invalid']))).toMatchObject({ kind: 'voided' })
    expect(ended(paid(['0.1', 'Processing'], ['0.2', 'Settled']))).toEqual({ kind: 'pending', reference: 'inv_1' })
  })

  it('counts no other rail, and a rail without payments for nothing', () => {
    const lightning = { ...paid(['0.1', 'Settled']), paymentMethodId: 'BTC-LN' }
    for (const methods of [[], [lightning], [rail()], [rail({ payments: null })], [lightning, paid()]])
      expect(ended(...methods)).toMatchObject({ kind: 'voided' })
  })

  it('is not known when one payment is no amount', () => {
    expect(ended(paid(['0.1', 'Settled'], ['x', 'Settled']))).toEqual({
      ...{ kind: 'unknown', reason: 'unmapped', reference: 'inv_1' },
    })
  })
})

describe('where the player pays', () => {
  const action = (methods: PaymentMethods, change: Partial<Invoice> = {}) =>
    payAction(invoice(change), 'BTC', 'bitcoin', methods)
  const shown = {
    ...{ type: 'display_crypto', address: BTC_ADDRESS, network: 'bitcoin', amount: '0.00001250' },
    ...{ uri: `bitcoin:${BTC_ADDRESS}`, expires_at: new Date(1_795_003_600_000).toISOString() },
  }

  it('is the address of the rail that was asked for, with what is due now', () => {
    const lightning = rail({ paymentMethodId: 'BTC-LN', destination: 'lnbc1' })
    expect(action([lightning, rail()])).toEqual({ kind: 'requires_action', reference: 'inv_1', action: shown })
    expect(action([rail({ due: '0.00001' })])).toMatchObject({ action: { amount: '0.00001000' } })
  })

  it('is the bare address where there is no link', () => {
    for (const paymentLink of [null, undefined])
      expect(action([rail({ paymentLink })])).toMatchObject({ action: { ...shown, uri: BTC_ADDRESS } })
  })

  it.each([
    ['no rail', []],
    ['another rail', [rail({ paymentMethodId: 'BTC-LN' })]],
    ['no address', [rail({ destination: null })]],
    ['an empty address', [rail({ destination: '' })]],
    ['no amount', [rail({ due: null })]],
    ['an amount that is none', [rail({ due: 'x' })]],
  ])("is BTCPay's own page with %s, or nowhere yet", (_name, methods) => {
    const page = { type: 'redirect', url: 'https://btcpay.example/i/inv_1', method: 'GET' }
    expect(action(methods)).toEqual({ kind: 'requires_action', reference: 'inv_1', action: page })
    for (const checkoutLink of [null, 'javascript:alert(1)'])
      expect(action(methods, { checkoutLink })).toEqual({ kind: 'pending', reference: 'inv_1' })
  })
})

it('of several under one reference ours is the one that moved, else the oldest; two that moved are for people', () => {
  const one = (numbers: readonly number[]) =>
    theOne(
      numbers,
      (number) => number >= 10,
      (a, b) => a - b,
    )
  expect(one([3, 1, 2])).toBe(1)
  expect(one([3, 12, 1])).toBe(12)
  expect(one([12, 1, 11])).toBeUndefined()
  expect(one([])).toBeUndefined()
  const given = Object.freeze([2, 1])
  expect(one(given)).toBe(1)
})

const payout = (change: Partial<Payout> = {}): Payout => ({
  id: 'po_1',
  revision: 0,
  destination: BTC_ADDRESS,
  originalCurrency: 'BTC',
  originalAmount: '0.002',
  state: 'AwaitingApproval',
  metadata: { attempt: btcpayPayOut().attempt },
  ...change,
})

describe('a payout', () => {
  it.each([
    ['AwaitingApproval', { kind: 'pending', reference: 'po_1' }],
    ['AwaitingPayment', { kind: 'pending', reference: 'po_1' }],
    ['InProgress', { kind: 'pending', reference: 'po_1' }],
    ['Completed', { kind: 'succeeded', reference: 'po_1', amount: { asset: 'BTC', minor: 200_000n } }],
    ['Cancelled', { kind: 'voided', reference: 'po_1', why: 'cancelled' }],
    ['MoonPhase', { kind: 'unknown', reason: 'unmapped', reference: 'po_1' }],
  ])('in %s is %o', (state, outcome) => {
    expect(payoutOutcome(payout({ state }))).toEqual(outcome)
  })

  it('of an amount that is none is not known to have moved', () => {
    expect(payoutOutcome(payout({ state: 'Completed', originalAmount: 'x' }))).toMatchObject({ kind: 'unknown' })
  })

  it('is approved only when it is what was asked for, in every part', () => {
    expect(fits(payout(), btcpayPayOut())).toBe(true)
    for (const wrong of [
      { metadata: { attempt: 'att_2' } },
      { metadata: null },
      { destination: '1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2' },
      { originalCurrency: 'LTC' },
      { originalAmount: '0.00200001' },
      { originalAmount: 'x' },
    ])
      expect([wrong, fits(payout(wrong), btcpayPayOut())]).toEqual([wrong, false])
    const bank = { type: 'bank', iban: 'FI2112345600000785', name: 'A' } as const
    expect(fits(payout(), { ...btcpayPayOut(), destination: bank })).toBe(false)
  })
})

describe('a refund, which the player claims', () => {
  const pull = (change: Partial<PullPayment> = {}): PullPayment => ({
    id: 'pp_1',
    name: 'att_1',
    archived: false,
    viewLink: 'https://btcpay.example/pull-payments/pp_1',
    ...change,
  })
  const claim = (state: string, originalAmount = '0.0000125') => payout({ state, originalAmount })
  const worth = (claims: readonly Payout[], change?: Partial<PullPayment>) => refundOutcome(pull(change), claims, asked)
  const page = {
    ...{ kind: 'requires_action', reference: 'pp_1' },
    action: { type: 'redirect', url: 'https://btcpay.example/pull-payments/pp_1', method: 'GET' },
  }

  it('waits on a page until it is claimed, and is over when it is taken back before', () => {
    expect(worth([])).toEqual(page)
    expect(worth([claim('Cancelled')])).toEqual(page)
    expect(worth([], { archived: true })).toEqual({ kind: 'voided', reference: 'pp_1', why: 'cancelled' })
    for (const viewLink of [null, 'javascript:alert(1)'])
      expect(worth([], { viewLink })).toEqual({ kind: 'pending', reference: 'pp_1' })
  })

  it('is done when all of it is paid, in one claim or in several', () => {
    const done = { kind: 'succeeded', reference: 'pp_1', amount }
    expect(worth([claim('Completed')])).toEqual(done)
    expect(worth([claim('Completed', '0.00001'), claim('Completed', '0.0000025')], { archived: true })).toEqual(done)
    expect(worth([claim('Completed', '0.0000126')])).toMatchObject({ kind: 'succeeded', amount: { minor: 1_260n } })
  })

  it.each(['AwaitingApproval', 'AwaitingPayment', 'InProgress'])('is pending while a claim is in %s', (state) => {
    for (const archived of [false, true])
      expect(worth([claim('Cancelled'), claim(state)], { archived })).toEqual({ kind: 'pending', reference: 'pp_1' })
  })

  it('is pending when a part is paid, even when the rest is taken back', () => {
    const part = [claim('Completed', '0.00001249')]
    for (const archived of [false, true])
      expect(worth(part, { archived })).toEqual({ kind: 'pending', reference: 'pp_1' })
  })

  it('is not known when a claim is in no documented state or of no amount', () => {
    const unknown = { kind: 'unknown', reason: 'unmapped', reference: 'pp_1' }
    expect(worth([claim('Completed'), claim('MoonPhase')])).toEqual(unknown)
    expect(worth([claim('Completed', 'x')])).toEqual(unknown)
  })

  it('of another name is no answer, and one without a name is held for ours', () => {
    for (const name of ['att_2', '']) expect(worth([claim('Completed')], { name })).toEqual(MALFORMED)
    for (const name of [null, undefined])
      expect(worth([claim('Completed')], { name })).toMatchObject({ kind: 'succeeded' })
  })
})

it.each([
  ['overdraft', 'payout_float_insufficient'],
  ['duplicate-destination', 'payout_beneficiary_invalid'],
  ['amount-too-low', 'amount_limit_exceeded'],
  ['payment-method-not-supported', 'method_not_enabled'],
])('the problem %s is a decline: %s', (processorCode, code) => {
  expect(refusal({ code: processorCode, message: 'x' })).toEqual({ kind: 'declined', decline: { code, processorCode } })
})

it('any other problem proves that nothing was made, and declines nothing', () => {
  for (const problem of [
    { code: 'moon-phase', message: 'x' },
    { code: '', message: 'x' },
    [{ path: 'a', message: 'x' }],
  ])
    expect(refusal(problem)).toEqual({ kind: 'not_sent', reason: 'vouched_rejection', code: 'invalid_request' })
})
