import type { DeclineCode } from '../../core/decline.ts'
import type { Money } from '../../core/money.ts'
import { fromMinor, unitsOf } from '../amounts.ts'
import type { Asked, InstrumentSeen, Outcome } from '../contract.ts'
import { jsonOfBase64url } from '../encoding.ts'
import { declineBy, instrumentOf, isPage, MALFORMED, outcomeAs, words } from '../outcomes.ts'
import type { AdyenConfig } from './index.ts'
import { type Amount, HostedFields, type Payment, type Transfer } from './wire.ts'

/** Decimals that differ from ISO 4217. Source: https://docs.adyen.com/development-resources/currency-codes, 2026-11-22. */
export const MINOR_UNITS: Readonly<Record<string, number>> = { CLP: 2, CVE: 0, IDR: 0, ISK: 2 }

/** Our amount in Adyen's words. */
export const amountBody = (amount: Money) => ({ currency: amount.asset, value: unitsOf(amount, MINOR_UNITS) })

/** Adyen's amount in ours; undefined for a fraction of our smallest unit. */
export const moneyOf = (amount: Amount): Money | undefined => fromMinor(amount.currency, amount.value, MINOR_UNITS)

/** A card as Adyen takes it: a stored method's id, or hosted fields in base64url JSON. Undefined for all else, so for any number. */
export function cardBody(token: string): Record<string, unknown> | undefined {
  if (/^(?!\d*$)[A-Z0-9]{16}$/.test(token)) return { type: 'scheme', storedPaymentMethodId: token }
  const fields = HostedFields.safeParse(jsonOfBase64url(token))
  return fields.success ? { ...fields.data, type: 'scheme' } : undefined
}

/** Every `resultCode` of the specification; `odd` are flows that we never start. */
export const RESULTS = words(
  { succeeded: 'Authorised PartiallyAuthorised', declined: 'Refused Error', cancelled: 'Cancelled' },
  { pending: 'Pending Received', odd: 'AuthenticationFinished AuthenticationNotRequired Success' },
  { action: 'RedirectShopper IdentifyShopper ChallengeShopper PresentToShopper' },
)

/** `refusalReasonCode`, never its text. Source: https://docs.adyen.com/development-resources/refusal-reasons, 2026-11-22. */
const REFUSALS = words<DeclineCode>(
  { generic_decline: '2', refer_to_issuer: '3', issuer_unavailable: '4 9', restricted_card: '5 25', expired_card: '6' },
  { invalid_request: '7 21', invalid_card_number: '8', card_not_supported: '10', authentication_failed: '11' },
  { insufficient_funds: '12', suspected_fraud_issuer: '14 31', cancelled_by_player: '15 16', incorrect_cvc: '24' },
  { processor_risk_decline: '20 22', transaction_not_permitted: '23', revocation_of_authorization: '26' },
  { do_not_honor: '27', amount_limit_exceeded: '28', frequency_limit_exceeded: '29', avs_mismatch: '32' },
  { authentication_required: '33 38', three_ds_unavailable: '39 42', scheme_retry_blocked: '46' },
)

/** The answer of /payments and /payments/details. */
export function paymentOutcome(body: Payment, asked: Asked, { capture }: Pick<AdyenConfig, 'capture'>): Outcome {
  const { resultCode, pspReference: reference, refusalReasonCode } = body
  if ((body.merchantReference ?? asked.attempt) !== asked.attempt) return MALFORMED
  const meaning = RESULTS[resultCode]
  const { type, method = 'GET', url } = body.action ?? {}
  // Only a page to go to by GET, as we ask for: anything else needs Adyen's script or a form with their data. Without a
  // reference: Adyen may name the payment anew once the player is back.
  if (meaning === 'action' && type === 'redirect' && method === 'GET' && isPage(url))
    return { kind: 'requires_action', action: { type: 'three_ds', url, method } }
  return outcomeAs(meaning === 'succeeded' && capture === 'manual' ? 'authorized' : meaning, {
    reference,
    amount: body.amount ? moneyOf(body.amount) : asked.amount,
    // `Error` is final by the documents, and no word of the issuer.
    decline: declineBy(REFUSALS, refusalReasonCode, resultCode === 'Error' ? 'issuer_unavailable' : undefined),
    instrument: seen(body.additionalData ?? {}),
  })
}

/** Of the answer's `additionalData`, which comes over their authenticated channel; a webhook's is not signed and never read. */
function seen(data: Readonly<Record<string, unknown>>): InstrumentSeen {
  const { alias: fingerprint, paymentMethod: brand, cardSummary: last4, expiryDate: expiry } = data
  const { cardIssuingCountry: country, fundingSource: funding, 'tokenization.storedPaymentMethodId': token } = data
  return instrumentOf({ token, fingerprint, brand, last4, expiry, country, funding })
}

/** Every `status` of a transfer; `odd` is what can't happen to a payout of ours. */
export const TRANSFER_STATUSES = words(
  { succeeded: 'booked bankTransfer credited', declined: 'refused rejected failed error expired' },
  { pending: 'received authorised pending pendingApproval approvalPending pendingExecution bookingPending' },
  { pending: 'bankTransferPending', returned: 'returned reversed', cancelled: 'cancelled' },
  {
    odd: `adviceAuthorised adviceRefused atmWithdrawal atmWithdrawalReversalPending atmWithdrawalReversed
    authAdjustmentAuthorised authAdjustmentError authAdjustmentRefused captured capturedExternally capturePending
    captureReversalPending captureReversed chargeback chargebackExternally chargebackPending chargebackReversalPending
    chargebackReversed depositCorrection depositCorrectionPending dispute disputeClosed disputeExpired
    disputeNeedsReview fee feePending interchangeAdjusted internalTransfer internalTransferPending invoiceDeduction
    invoiceDeductionPending manualCorrectionPending manuallyCorrected matchedStatement matchedStatementPending
    merchantPayin merchantPayinPending merchantPayinReversed merchantPayinReversedPending miscCost miscCostPending
    paymentCost paymentCostPending refunded refundedExternally refundPending refundReversalPending refundReversed
    reserveAdjustment reserveAdjustmentPending secondChargeback secondChargebackPending undefined`,
  },
)

/** A transfer's `reason`: the rows that say something of a bank payout. The rest is unmapped, and stops. */
const TRANSFER_REASONS = words<DeclineCode>(
  { payout_float_insufficient: 'notEnoughBalance', bank_account_invalid: 'transferInstrumentDoesNotExist' },
  { bank_account_invalid: 'counterpartyAccountNotFound invalidAccount invalidToAccount' },
  { bank_account_closed: 'counterpartyAccountClosed counterpartyAccountBlocked' },
  { bank_rail_unavailable: 'counterpartyBankTimedOut counterpartyBankUnavailable routeNotFound' },
  { bank_rail_unavailable: 'unableToRouteTransaction', payout_beneficiary_invalid: 'counterpartyAddressRequired' },
  { payout_beneficiary_invalid: 'refusedByCounterpartyBank refusedByCustomer' },
  { amount_limit_exceeded: 'amountLimitExceeded withdrawalAmountExceeded invalidAmount' },
  { merchant_inactive: 'accountHierarchyNotActive balanceAccountTemporarilyBlockedByTransactionRule' },
  { processor_risk_decline: 'declinedByTransactionRule declinedByBapValidation fraud fraudCancelled' },
)

/** The answer of /transfers, of its look-up and of its webhook. */
export function transferOutcome({ id: reference, reason, status, events, amount }: Transfer): Outcome {
  const meaning = TRANSFER_STATUSES[status]
  // A bank may turn down what was booked already: then the money comes back.
  const isBack = meaning === 'declined' && events?.some((event) => event.status === 'booked')
  const decline = declineBy(TRANSFER_REASONS, reason ?? status)
  return outcomeAs(isBack ? 'returned' : meaning, { reference, amount: moneyOf(amount), decline })
}
