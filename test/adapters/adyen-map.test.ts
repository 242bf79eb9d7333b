import { describe, expect, it } from 'vitest'
import { amountBody, cardBody, paymentOutcome, transferOutcome } from '../../src/adapters/adyen/map.ts'
import type { Payment, Transfer } from '../../src/adapters/adyen/wire.ts'
import { hostedFields } from '../support/adyen.ts'

const amount = { asset: 'EUR', minor: 1_000n }
const asked = { attempt: 'att_1', amount }

const payment = (
  change: Partial<Payment> & Pick<Payment, 'resultCode'>,
  capture: 'immediate' | 'manual' = 'immediate',
) => paymentOutcome({ pspReference: 'psp_1', ...change }, asked, { capture })

describe('a result code', () => {
  it.each([
    ['succeeded', 'Authorised PartiallyAuthorised'],
    ['declined', 'Refused Error'],
    ['voided', 'Cancelled'],
    ['pending', 'Pending Received'],
    ['unknown', 'RedirectShopper IdentifyShopper ChallengeShopper PresentToShopper'],
    ['unknown', 'AuthenticationFinished AuthenticationNotRequired Success MoonPhase'],
  ])('comes to %s where nothing else is said: %s', (kind, codes) => {
    for (const resultCode of codes.split(' '))
      expect([resultCode, payment({ resultCode }).kind]).toEqual([resultCode, kind])
  })

  it('waits for the capture on an account that captures by hand, and declines there as elsewhere', () => {
    expect(payment({ resultCode: 'Authorised' }, 'manual').kind).toBe('authorized')
    expect(payment({ resultCode: 'Refused' }, 'manual').kind).toBe('declined')
    expect(payment({ resultCode: 'Authorised' }, 'immediate').kind).toBe('succeeded')
  })

  it('proves nothing in an answer about another payment', () => {
    const malformed = { kind: 'unknown', reason: 'malformed' }
    expect(payment({ resultCode: 'Authorised', merchantReference: 'att_2' })).toEqual(malformed)
    expect(payment({ resultCode: 'Authorised', merchantReference: '' })).toEqual(malformed)
    expect(payment({ resultCode: 'Authorised', merchantReference: 'att_1' }).kind).toBe('succeeded')
  })

  it('is of the amount that Adyen names, of the one asked where it names none, and of none for a fraction of ours', () => {
    expect(payment({ resultCode: 'Authorised' })).toMatchObject({ amount })
    const named = (currency: string, value: number) =>
      payment({ resultCode: 'Authorised', amount: { currency, value } })
    expect(named('ISK', 100_000)).toMatchObject({ amount: { asset: 'ISK', minor: 1_000n } })
    expect(named('ISK', 100_001)).toEqual({ kind: 'unknown', reason: 'unmapped', reference: 'psp_1' })
  })
})

it('our amount leaves in the units that Adyen counts in', () => {
  expect(amountBody({ asset: 'EUR', minor: 1_250n })).toEqual({ currency: 'EUR', value: 1_250 })
  expect(amountBody({ asset: 'ISK', minor: 1_000n })).toEqual({ currency: 'ISK', value: 100_000 })
  expect(() => amountBody({ asset: 'IDR', minor: 1n })).toThrow()
})

describe('a page to go to', () => {
  const url = 'https://checkoutshopper-test.adyen.com/x'
  const action = { type: 'redirect', method: 'GET', url }

  it('is opened by GET, which is what a redirect without a method means', () => {
    const opened = { kind: 'requires_action', action: { type: 'three_ds', url, method: 'GET' } }
    expect(payment({ resultCode: 'RedirectShopper', action })).toEqual(opened)
    expect(payment({ resultCode: 'RedirectShopper', action: { type: 'redirect', url } })).toEqual(opened)
  })

  it.each([
    ['by POST', { ...action, method: 'POST' }],
    ['by a script of theirs', { ...action, type: 'threeDS2' }],
    ['at no address', { type: 'redirect', method: 'GET' }],
    ['at an address that is none', { ...action, url: 'javascript:alert(1)' }],
  ])('is none %s', (_name, other) => {
    expect(payment({ resultCode: 'RedirectShopper', action: other })).toEqual({
      ...{ kind: 'unknown', reason: 'unmapped', reference: 'psp_1' },
    })
  })

  it('is not opened for a payment that has its result', () => {
    expect(payment({ resultCode: 'Refused', action }).kind).toBe('declined')
    expect(payment({ resultCode: 'Authorised', action }).kind).toBe('succeeded')
  })
})

describe('a refusal', () => {
  const declineOf = (refusalReasonCode: string | undefined, resultCode = 'Refused') => {
    const outcome = payment({ resultCode, ...(refusalReasonCode !== undefined && { refusalReasonCode }) })
    return outcome.kind === 'declined' ? outcome.decline : outcome.kind
  }

  it.each([
    ['generic_decline', '2'],
    ['refer_to_issuer', '3'],
    ['issuer_unavailable', '4 9'],
    ['restricted_card', '5 25'],
    ['expired_card', '6'],
    ['invalid_request', '7 21'],
    ['invalid_card_number', '8'],
    ['card_not_supported', '10'],
    ['authentication_failed', '11'],
    ['insufficient_funds', '12'],
    ['suspected_fraud_issuer', '14 31'],
    ['cancelled_by_player', '15 16'],
    ['processor_risk_decline', '20 22'],
    ['transaction_not_permitted', '23'],
    ['incorrect_cvc', '24'],
    ['revocation_of_authorization', '26'],
    ['do_not_honor', '27'],
    ['amount_limit_exceeded', '28'],
    ['frequency_limit_exceeded', '29'],
    ['avs_mismatch', '32'],
    ['authentication_required', '33 38'],
    ['three_ds_unavailable', '39 42'],
    ['scheme_retry_blocked', '46'],
    // 1 and 13 were never given out; nobody knows what 99 is.
    ['unmapped', '1 13 99'],
  ])('is %s for the reason %s', (code, reasons) => {
    for (const reason of reasons.split(' ')) expect(declineOf(reason)).toEqual({ code, processorCode: reason })
  })

  it("without a reason is nobody's word, and an error is not the issuer's", () => {
    expect(declineOf(undefined)).toEqual({ code: 'generic_decline' })
    expect(declineOf(undefined, 'Error')).toEqual({ code: 'issuer_unavailable' })
    expect(declineOf('12', 'Error')).toEqual({ code: 'insufficient_funds', processorCode: '12' })
  })
})

describe('a card', () => {
  it.each(['M5N7TQ4TG5PFWR50', 'ABCDEFGHIJKLMNOP', '000000000000000A'])('that Adyen keeps is named by %s', (token) => {
    expect(cardBody(token)).toEqual({ type: 'scheme', storedPaymentMethodId: token })
  })

  it.each([
    'M5N7TQ4TG5PFWR5',
    'M5N7TQ4TG5PFWR500',
    'm5n7tq4tg5pfwr50',
    'M5N7TQ4TG5PFWR5\n',
    ' M5N7TQ4TG5PFWR50',
    '4111111111111111',
    '',
  ])('is not kept under %j', (token) => {
    expect(cardBody(token)).toBeUndefined()
  })

  it('in hosted fields goes on as it came, as a card and nothing else', () => {
    const body = cardBody(hostedFields({ type: undefined }))
    expect(body).toMatchObject({ type: 'scheme', holderName: 'Aino Virtanen' })
    expect(body).toEqual(cardBody(hostedFields()))
  })

  it('is told by its token, and by each of its features in the place of that one', () => {
    const additionalData = {
      'tokenization.storedPaymentMethodId': 'M5N7TQ4TG5PFWR50',
      alias: 'H123456789012345',
      paymentMethod: 'visa',
      cardSummary: '0008',
      expiryDate: '3/2030',
      cardIssuingCountry: 'MT',
      fundingSource: 'PREPAID',
    }
    expect(payment({ resultCode: 'Authorised', additionalData })).toMatchObject({
      instrument: {
        ...{ token: 'M5N7TQ4TG5PFWR50', fingerprint: 'H123456789012345', brand: 'visa', last4: '0008' },
        ...{ expiry: '3/2030', country: 'MT', funding: 'prepaid' },
      },
    })
  })
})

describe('a transfer', () => {
  const transfer = (change: Partial<Transfer>) =>
    transferOutcome({ id: 'tr_1', status: 'booked', amount: { currency: 'EUR', value: 1_000 }, ...change })

  it.each([
    ['succeeded', 'booked bankTransfer credited'],
    ['declined', 'refused rejected failed error expired'],
    ['pending', 'received authorised pending pendingApproval approvalPending pendingExecution bookingPending'],
    ['pending', 'bankTransferPending'],
    ['returned', 'returned reversed'],
    ['voided', 'cancelled'],
    ['unknown', 'undefined chargeback refunded captured internalTransfer feePending moonPhase'],
  ])('is %s when it is %s', (kind, statuses) => {
    for (const status of statuses.split(' ')) expect([status, transfer({ status }).kind]).toEqual([status, kind])
  })

  it('that a bank turned down came back if it had been booked, and only then', () => {
    const booked = { events: [{ status: 'received' }, { status: 'booked' }] }
    expect(transfer({ status: 'failed', ...booked })).toEqual({ kind: 'returned', reference: 'tr_1', amount })
    expect(transfer({ status: 'failed', events: [{ status: 'received' }, {}] }).kind).toBe('declined')
    expect(transfer({ status: 'failed', events: [] }).kind).toBe('declined')
    expect(transfer({ status: 'pending', ...booked }).kind).toBe('pending')
    expect(transfer({ status: 'booked', ...booked }).kind).toBe('succeeded')
  })

  it.each([
    ['payout_float_insufficient', 'notEnoughBalance'],
    [
      'bank_account_invalid',
      'transferInstrumentDoesNotExist counterpartyAccountNotFound invalidAccount invalidToAccount',
    ],
    ['bank_account_closed', 'counterpartyAccountClosed counterpartyAccountBlocked'],
    [
      'bank_rail_unavailable',
      'counterpartyBankTimedOut counterpartyBankUnavailable routeNotFound unableToRouteTransaction',
    ],
    ['payout_beneficiary_invalid', 'counterpartyAddressRequired refusedByCounterpartyBank refusedByCustomer'],
    ['amount_limit_exceeded', 'amountLimitExceeded withdrawalAmountExceeded invalidAmount'],
    ['merchant_inactive', 'accountHierarchyNotActive balanceAccountTemporarilyBlockedByTransactionRule'],
    ['processor_risk_decline', 'declinedByTransactionRule declinedByBapValidation fraud fraudCancelled'],
    ['unmapped', 'approved moonPhase'],
  ])('is declined as %s for %s', (code, reasons) => {
    for (const reason of reasons.split(' '))
      expect(transfer({ status: 'failed', reason })).toMatchObject({ decline: { code, processorCode: reason } })
  })

  it('that says no reason is declined by its state, which nobody mapped', () => {
    expect(transfer({ status: 'refused' })).toMatchObject({ decline: { code: 'unmapped', processorCode: 'refused' } })
  })

  it('of a fraction of our smallest unit is not known to have moved', () => {
    expect(transfer({ amount: { currency: 'ISK', value: 150 } })).toMatchObject({ kind: 'unknown', reason: 'unmapped' })
  })
})
