import { describe, expect, it } from 'vitest'
import { chargeBody, outcomeOfList, outcomeOfReply, payoutBody, refundBody } from '../../src/adapters/sandbox/map.ts'
import type { OperationReply } from '../../src/adapters/sandbox/wire.ts'

const amount = { asset: 'EUR', minor: 1_250n }

const reply = (change: Partial<OperationReply> = {}): OperationReply => ({
  id: 'ref_1',
  kind: 'charge',
  our_ref: 'att_1',
  amount: '12.50',
  currency: 'EUR',
  status: 'approved',
  ...change,
})
const worth = (change: Partial<OperationReply>) => outcomeOfReply(reply(change), 'att_1')

describe('an operation', () => {
  it.each([
    ['approved', { kind: 'succeeded', reference: 'ref_1', amount }],
    ['pending', { kind: 'pending', reference: 'ref_1' }],
    ['declined', { kind: 'declined', reference: 'ref_1', decline: { code: 'unmapped' } }],
    ['expired', { kind: 'voided', reference: 'ref_1', why: 'expired' }],
    ['reversed', { kind: 'returned', reference: 'ref_1', amount }],
    ['requires_action', { kind: 'unknown', reason: 'malformed', reference: 'ref_1' }],
    ['moon_phase', { kind: 'unknown', reason: 'unmapped', reference: 'ref_1' }],
  ])('that is %s comes to %o', (status, outcome) => {
    expect(worth({ status })).toEqual(outcome)
  })

  it.each([
    ['another reference', { our_ref: 'att_2' }],
    ['an amount that is none', { amount: '12,50' }],
    ['a part of a cent', { amount: '12.505' }],
    ['a currency that is none', { currency: 'XXX' }],
    ['a network that the coin has not', { currency: 'USDT', network: 'moon', amount: '1' }],
  ])('of %s proves nothing', (_name, change) => {
    expect(worth(change)).toEqual({ kind: 'unknown', reason: 'malformed' })
  })

  it('of a coin is of its network', () => {
    expect(worth({ currency: 'USDT', network: 'tron', amount: '1' })).toMatchObject({
      ...{ kind: 'succeeded', amount: { asset: 'USDT-tron', minor: 1_000_000n } },
    })
  })

  it.each([
    ['do_not_honor', 'do_not_honor'],
    ['insufficient_funds', 'insufficient_funds'],
    ['lost_card', 'lost_card'],
    ['stolen_card', 'stolen_card'],
    ['issuer_unavailable', 'issuer_unavailable'],
    ['token_invalid', 'token_invalid_or_expired'],
    ['authentication_failed', 'authentication_failed'],
    ['cancelled_by_payer', 'cancelled_by_player'],
    ['float_insufficient', 'payout_float_insufficient'],
    ['refund_exceeds_captured', 'invalid_request'],
    ['charge_not_captured', 'invalid_request'],
    ['currency_mismatch', 'invalid_request'],
    ['moon_phase', 'unmapped'],
  ])('that is declined as %s is %s to us', (decline_code, code) => {
    expect(worth({ status: 'declined', decline_code })).toMatchObject({
      decline: { code, processorCode: decline_code },
    })
  })

  it('that needs the player shows a page by GET, or a place to pay to as it was told', () => {
    const acted = (action: NonNullable<OperationReply['action']>) => worth({ status: 'requires_action', action })
    for (const type of ['three_ds', 'redirect'] as const)
      expect(acted({ type, url: 'https://x.example/' })).toEqual({
        ...{ kind: 'requires_action', reference: 'ref_1' },
        action: { type, url: 'https://x.example/', method: 'GET' },
      })
    const to = { address: 'bc1', network: 'bitcoin', amount: '1', uri: 'bitcoin:bc1' }
    const place = { type: 'display_crypto', ...to, expires_at: '2026-11-25T00:00:00Z' } as const
    expect(acted(place)).toEqual({ kind: 'requires_action', reference: 'ref_1', action: place })
  })

  it('tells its instrument', () => {
    const instrument = { token: 'tok_1', fingerprint: 'f', brand: 'mc', last4: '0008' }
    expect(worth({ instrument })).toMatchObject({ instrument: { ...instrument, brand: 'mastercard' } })
  })
})

describe('a look-up', () => {
  const found = (ids: readonly string[], reference?: string) =>
    outcomeOfList(
      ids.map((id) => reply({ id })),
      'att_1',
      reference,
    )

  it('says what the only one is, and asks people about two', () => {
    expect(found([])).toEqual({ kind: 'not_found' })
    expect(found(['ref_1'])).toMatchObject({ kind: 'succeeded', reference: 'ref_1' })
    expect(found(['ref_1', 'ref_2'])).toEqual({ kind: 'unknown', reason: 'duplicate_request' })
  })

  it('knows ours among others by its name, and takes others for no proof that ours is not', () => {
    expect(found(['ref_1', 'ref_2'], 'ref_2')).toMatchObject({ kind: 'succeeded', reference: 'ref_2' })
    expect(found(['ref_2', 'ref_2'], 'ref_2')).toEqual({ kind: 'unknown', reason: 'duplicate_request' })
    expect(found(['ref_1'], 'ref_2')).toEqual({ kind: 'unknown', reason: 'malformed' })
    expect(found([], 'ref_2')).toEqual({ kind: 'not_found' })
  })
})

describe('what leaves', () => {
  const urls = { returnUrl: 'https://pay.example/return', webhookUrl: 'https://pay.example/hook' }
  const player = { id: 'p1', country: 'FI', name: 'Aino', email: 'aino@example.com' }
  const order = { attempt: 'att_1', payment: 'dep_1', amount, player, ...urls }
  const said = { our_ref: 'att_1', amount: '12.50', currency: 'EUR', player_ref: 'p1', webhook_url: urls.webhookUrl }

  it.each([
    [{ type: 'card', token: 'tok_1' }],
    [{ type: 'wallet', wallet: 'skrill' }],
    [{ type: 'bank', country: 'FI' }],
    [{ type: 'crypto', asset: 'BTC', network: 'bitcoin' }],
  ] as const)('for a charge by %o is that, and no word more', (method) => {
    const smuggled = Object.assign({ number: '4111111111111111' }, method)
    expect(chargeBody({ ...order, method: smuggled })).toEqual({ ...said, method, return_url: urls.returnUrl })
  })

  it('asks for strong authentication where it must, and only there', () => {
    const method = { type: 'card', token: 'tok_1' } as const
    expect(chargeBody({ ...order, method, stepUp: true })).toMatchObject({ step_up: true })
    expect(chargeBody({ ...order, method, stepUp: false })).not.toHaveProperty('step_up')
  })

  it.each([
    [{ type: 'card', token: 'tok_1' }],
    [{ type: 'wallet', wallet: 'skrill', account: 'a@x.example' }],
    [{ type: 'bank', iban: 'FI2112345600000785', name: 'Aino' }],
    [{ type: 'crypto', asset: 'XRP', network: 'ripple', address: 'r1', tag: '7' }],
    [{ type: 'crypto', asset: 'BTC', network: 'bitcoin', address: 'bc1' }],
  ] as const)('for a payout to %o is that, and no word more', (destination) => {
    const smuggled = Object.assign({ number: '4111111111111111' }, destination)
    const body = payoutBody({ ...order, destination: smuggled })
    expect(body).toEqual({ ...said, destination })
    expect(Object.keys(body.destination).sort()).toEqual(Object.keys(destination).sort())
  })

  it('for a refund names the charge', () => {
    const original = { attempt: 'att_0', reference: 'ref_9', amount }
    const { player_ref: _, ...rest } = said
    expect(refundBody({ ...order, original })).toEqual({ ...rest, charge: 'ref_9' })
  })
})
