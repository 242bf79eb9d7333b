import type { Decline, DeclineCode } from './decline.ts'
import type { Money } from './money.ts'

/** The subjects that an attempt can be about. */
export type Flow = 'deposit' | 'withdrawal' | 'refund'

/** What the player or the page must do next. A closed union: never raw HTML or script. */
export type NextAction =
  | { readonly type: 'hosted_fields'; readonly url: string }
  | { readonly type: 'redirect'; readonly url: string; readonly method: 'GET' | 'POST' }
  | { readonly type: 'three_ds'; readonly url: string; readonly method: 'GET' | 'POST' }
  | {
      readonly type: 'display_bank_transfer'
      readonly iban: string
      readonly bic?: string
      readonly name: string
      readonly payment_reference: string
    }
  | {
      readonly type: 'display_crypto'
      readonly address: string
      readonly network: string
      readonly tag?: string
      readonly amount: string
      readonly uri: string
      readonly expires_at: string
    }
  | { readonly type: 'display_qr'; readonly payload: string }
  | { readonly type: 'collect_input'; readonly schema: Readonly<Record<string, unknown>> }
  | { readonly type: 'poll'; readonly after_ms: number }

/** Proof that nothing reached the processor. */
export type NotSentReason = 'connect_failed' | 'tls_or_dns_failed' | 'circuit_open' | 'overloaded' | 'vouched_rejection'

/** Why we don't know whether money moved. */
export type UnknownReason =
  | 'timeout'
  | 'reset'
  | 'http_5xx'
  | 'malformed'
  | 'too_large'
  | 'unmapped'
  | 'duplicate_request'
  | 'interrupted'

/** How far a call got before it ended: the evidence that cascade safety rests on. */
export type Phase = 'not_connected' | 'connected' | 'written' | 'headers' | 'body'

/** What the processor tells about an instrument, never a number: a fingerprint, facts in the words of `core/card.ts`, and what may be shown. */
export type InstrumentSeen = {
  readonly token?: string
  readonly fingerprint?: string
  readonly brand?: string
  readonly last4?: string
  readonly expiry?: string
  readonly country?: string
  readonly funding?: string
  readonly holder?: string
}

/**
 * What is known of an operation. `amount` is what the processor says it moved: `settle` compares it with what was asked.
 * `not_found` only answers `find`, and proves nothing until the adapter's `notFoundIsFinalAfterMs`.
 */
export type Outcome =
  | {
      readonly kind: 'succeeded'
      readonly reference: string
      readonly amount: Money
      readonly fee?: Money
      readonly instrument?: InstrumentSeen
    }
  | {
      readonly kind: 'authorized'
      readonly reference: string
      readonly amount: Money
      readonly instrument?: InstrumentSeen
    }
  | { readonly kind: 'requires_action'; readonly reference?: string; readonly action: NextAction }
  | { readonly kind: 'pending'; readonly reference?: string }
  | {
      readonly kind: 'declined'
      readonly reference?: string
      readonly decline: Decline
      readonly instrument?: InstrumentSeen
    }
  | { readonly kind: 'voided'; readonly reference?: string; readonly why: 'cancelled' | 'expired' }
  | { readonly kind: 'returned'; readonly reference: string; readonly amount: Money }
  | { readonly kind: 'not_sent'; readonly reason: NotSentReason; readonly code?: DeclineCode }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'unknown'; readonly reason: UnknownReason; readonly phase?: Phase; readonly reference?: string }
