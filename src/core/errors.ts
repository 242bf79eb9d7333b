/**
 * Every refusal that a caller can act on, by its public code. `api/problem.ts` maps each one to a status, a title and
 * advice, and fails to compile when one is missing; the docs page and the client type are made from the same list.
 */
export const CODES = [
  // 400: syntax and headers
  'malformed_json',
  'duplicate_key',
  'malformed_request',
  'idempotency_key_missing',
  'idempotency_key_invalid',
  'unsupported_version',
  // 401, 403: who and what may
  'unauthenticated',
  'invalid_client',
  'insufficient_scope',
  'forbidden',
  // OAuth's own words, RFC 6749 section 5.2
  'invalid_request',
  'unsupported_grant_type',
  'invalid_scope',
  // 404, 405
  'not_found',
  'method_not_allowed',
  // 409: the state of something that exists
  'request_in_progress',
  'duplicate_reference',
  'conflict',
  'version_conflict',
  'illegal_state',
  'four_eyes_required',
  // 412, 413, 415
  'precondition_failed',
  'payload_too_large',
  'unsupported_media_type',
  // 422: schema and business
  'validation_failed',
  'amount_invalid',
  'currency_unsupported',
  'pan_not_accepted',
  'idempotency_key_reused',
  'player_not_found',
  'connection_not_found',
  'instrument_not_found',
  'insufficient_funds',
  'below_minimum',
  'kyc_required',
  'self_excluded',
  'limit_exceeded',
  'aml_hold',
  'destination_invalid',
  'method_not_available',
  'no_route',
  'refund_exceeds_captured',
  'currency_mismatch',
  'related_not_found',
  'rolled_back',
  'ruleset_invalid',
  'unsafe_url',
  'not_supported',
  // 401 on the webhook door
  'signature_invalid',
  // 429
  'rate_limited',
  // 500, 503
  'internal',
  'unavailable',
  'overloaded',
] as const

/** The public code of a refusal; stable for ever, one docs page each. */
export type Code = (typeof CODES)[number]

/** Where in the request the fault lies: an RFC 6901 JSON pointer, a code and a sentence for a person. */
export type FieldError = { readonly pointer: string; readonly code: string; readonly detail: string }

/** What a fault may carry beside its code: field errors, and members that its problem document shows as they are. */
export type FaultExtra = {
  readonly errors?: readonly FieldError[]
  readonly members?: Readonly<Record<string, unknown>>
  readonly retryAfterSeconds?: number
}

/** A refusal that the caller can act on. Thrown anywhere, mapped to HTTP in one place. `detail` reaches the client: no secret, no SQL, no echo of input. */
export class Fault extends Error {
  readonly code: Code
  readonly extra: FaultExtra

  constructor(code: Code, detail: string, extra: FaultExtra = {}) {
    super(detail)
    this.name = 'Fault'
    this.code = code
    this.extra = extra
  }
}

/** A mistake of ours, not of the caller: ends the request as `internal`. Stays on in production. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`)
}
