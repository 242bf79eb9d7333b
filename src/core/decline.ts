/**
 * The decline taxonomy: what a refusal means and what may be done next, as one table. A processor's codes map into it
 * in the adapter (by code, never by message text); the router reads `next` from it. Scheme rules: Visa's categories of
 * declines and Mastercard's merchant advice codes as of 2025.
 */
export const DECLINES = {
  // The issuer says no for now.
  insufficient_funds: { category: 'issuer_soft', next: 'player' },
  do_not_honor: { category: 'issuer_soft', next: 'once' },
  issuer_unavailable: { category: 'issuer_soft', next: 'next' },
  try_again_later: { category: 'issuer_soft', next: 'same' },
  refer_to_issuer: { category: 'issuer_soft', next: 'never' },
  amount_limit_exceeded: { category: 'issuer_soft', next: 'player' },
  frequency_limit_exceeded: { category: 'issuer_soft', next: 'same' },
  cross_border_declined: { category: 'issuer_soft', next: 'next' },
  generic_decline: { category: 'issuer_soft', next: 'once' },
  // The issuer's policy.
  gambling_blocked_by_issuer: { category: 'issuer_policy', next: 'never' },
  online_use_disabled: { category: 'issuer_policy', next: 'player' },
  // Strong customer authentication.
  authentication_required: { category: 'auth', next: 'step_up', byIssuer: true },
  authentication_failed: { category: 'auth', next: 'never' },
  authentication_abandoned: { category: 'auth', next: 'player' },
  three_ds_unavailable: { category: 'auth', next: 'next' },
  exemption_rejected: { category: 'auth', next: 'step_up', byIssuer: true },
  // The instrument itself.
  invalid_card_number: { category: 'instrument_hard', next: 'player' },
  expired_card: { category: 'instrument_hard', next: 'player' },
  invalid_expiry: { category: 'instrument_hard', next: 'player' },
  incorrect_cvc: { category: 'instrument_hard', next: 'player' },
  lost_card: { category: 'instrument_hard', next: 'never', scheme: 'visa_category_1' },
  stolen_card: { category: 'instrument_hard', next: 'never', scheme: 'visa_category_1' },
  pickup_card: { category: 'instrument_hard', next: 'never', scheme: 'visa_category_1' },
  account_closed: { category: 'instrument_hard', next: 'never', scheme: 'visa_category_1' },
  card_not_supported: { category: 'instrument_hard', next: 'next' },
  restricted_card: { category: 'instrument_hard', next: 'next' },
  transaction_not_permitted: { category: 'instrument_hard', next: 'never' },
  revocation_of_authorization: { category: 'instrument_hard', next: 'never', scheme: 'visa_category_1' },
  token_invalid_or_expired: { category: 'instrument_hard', next: 'player', byIssuer: false },
  avs_mismatch: { category: 'instrument_hard', next: 'player' },
  // Fraud and risk.
  suspected_fraud_issuer: { category: 'fraud', next: 'step_up', byIssuer: true },
  processor_risk_decline: { category: 'fraud', next: 'never' },
  operator_blocklist: { category: 'fraud', next: 'never' },
  velocity_limit: { category: 'fraud', next: 'never' },
  // Compliance.
  sanctions_hit: { category: 'compliance', next: 'never' },
  aml_hold: { category: 'compliance', next: 'never' },
  kyc_required: { category: 'compliance', next: 'player' },
  self_excluded: { category: 'compliance', next: 'never' },
  rg_limit: { category: 'compliance', next: 'never' },
  jurisdiction_blocked: { category: 'compliance', next: 'never' },
  underage: { category: 'compliance', next: 'never' },
  scheme_retry_blocked: { category: 'compliance', next: 'never' },
  name_mismatch: { category: 'compliance', next: 'never' },
  // Our own account at the processor is not set up for it.
  invalid_credentials: { category: 'config', next: 'next', alert: true },
  merchant_inactive: { category: 'config', next: 'next', alert: true },
  method_not_enabled: { category: 'config', next: 'next', alert: true },
  currency_not_enabled: { category: 'config', next: 'next', alert: true },
  // Our own request was wrong.
  invalid_request: { category: 'integration', next: 'never', alert: true },
  unsupported_operation: { category: 'integration', next: 'next', alert: true },
  signature_or_crypto_error: { category: 'integration', next: 'never', alert: true },
  // Nothing left the house.
  connect_failed: { category: 'technical_not_sent', next: 'next' },
  tls_or_dns_failed: { category: 'technical_not_sent', next: 'next', alert: true },
  circuit_open: { category: 'technical_not_sent', next: 'next' },
  rate_limited: { category: 'technical_not_sent', next: 'next' },
  processor_maintenance: { category: 'technical_not_sent', next: 'next' },
  // The player's side.
  cancelled_by_player: { category: 'player', next: 'never' },
  session_expired: { category: 'player', next: 'player' },
  wallet_insufficient_balance: { category: 'wallet', next: 'player' },
  wallet_account_unverified: { category: 'wallet', next: 'player' },
  voucher_invalid_or_used: { category: 'wallet', next: 'player' },
  bank_account_invalid: { category: 'bank', next: 'player' },
  bank_account_closed: { category: 'bank', next: 'player' },
  bank_rail_unavailable: { category: 'bank', next: 'next' },
  crypto_underpaid: { category: 'crypto', next: 'player' },
  crypto_overpaid: { category: 'crypto', next: 'player' },
  crypto_wrong_network: { category: 'crypto', next: 'never' },
  crypto_address_invalid: { category: 'crypto', next: 'player' },
  crypto_address_sanctioned: { category: 'compliance', next: 'never' },
  // Payouts.
  payout_float_insufficient: { category: 'payout', next: 'next' },
  payout_beneficiary_invalid: { category: 'payout', next: 'player' },
  payout_returned: { category: 'payout', next: 'never' },
  closed_loop_required: { category: 'payout', next: 'player' },
  // The router's own, and what a table doesn't know.
  no_route: { category: 'router', next: 'never' },
  unmapped: { category: 'unmapped', next: 'never' },
} as const satisfies Record<string, DeclineRow>

type DeclineRow = {
  readonly category: string
  /** next: another processor now; once: another processor, but a single time; same: the same one later; step_up: again with strong authentication; player: the player must act; never. */
  readonly next: 'next' | 'once' | 'same' | 'step_up' | 'player' | 'never'
  /** A scheme's own ban on retrying this card. */
  readonly scheme?: 'visa_category_1'
  /** Whether the issuer said it, where that is not as in the rest of its category. */
  readonly byIssuer?: boolean
  /** Operations must look at it: the fault is in our set-up. */
  readonly alert?: true
}

/** A normalized reason for a refusal. */
export type DeclineCode = keyof typeof DECLINES

/** The family of a reason. */
export type DeclineCategory = (typeof DECLINES)[DeclineCode]['category']

/** Categories in which the card's issuer spoke, through its scheme. A code that nobody knows is counted: the narrow side. */
const ISSUER_CATEGORIES: ReadonlySet<DeclineCategory> = new Set([
  'issuer_soft',
  'issuer_policy',
  'instrument_hard',
  'unmapped',
])

/** True for a decline that the scheme saw and counts: not what we, the operator or the processor's own risk check refused. */
export function isByIssuer(code: DeclineCode): boolean {
  const row: DeclineRow & { category: DeclineCategory } = DECLINES[code]
  return row.byIssuer ?? ISSUER_CATEGORIES.has(row.category)
}

/** A definitive no: our code, with the processor's own code beside it for support. */
export type Decline = { readonly code: DeclineCode; readonly processorCode?: string }

/** How a decline stands in the API. `retryable` is for the operator: may the player try again with something else or later. */
export function presentDecline(decline: Decline): {
  code: DeclineCode
  category: DeclineCategory
  retryable: boolean
  advice: DeclineRow['next']
  processor_code: string | null
} {
  const row: DeclineRow & { category: DeclineCategory } = DECLINES[decline.code]
  return {
    code: decline.code,
    category: row.category,
    retryable: row.next !== 'never',
    advice: row.next,
    processor_code: decline.processorCode ?? null,
  }
}
