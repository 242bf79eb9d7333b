import { type Code, Fault, type FieldError } from '../core/errors.ts'

/** How a code is told over HTTP. `help` is what its docs page advises; `oauth` is the word of RFC 6749 that clients of the token endpoint look for. */
export type CodeEntry = {
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 412 | 413 | 415 | 422 | 429 | 500 | 503
  readonly title: string
  readonly retryable: boolean
  readonly help: string
  readonly oauth?: string
}

const entry = (status: CodeEntry['status'], title: string, help: string, more: Partial<CodeEntry> = {}): CodeEntry => ({
  status,
  title,
  help,
  retryable: false,
  ...more,
})

const RETRY = { retryable: true } as const

/** Every code with its status, its words and its advice: the source of the answers, of the docs pages and of the client's type. */
export const PROBLEMS: Readonly<Record<Code, CodeEntry>> = {
  malformed_json: entry(
    400,
    'The body is not JSON',
    'Send one JSON value in UTF-8 without a byte-order mark, comments, trailing commas or text after the value.',
  ),
  duplicate_key: entry(
    400,
    'A member stands twice in one JSON object',
    'Two members of one name mean different things to different readers. Send each member once.',
  ),
  malformed_request: entry(
    400,
    'The request is malformed',
    'A header, the path or the query breaks the rules of HTTP or exceeds its bounds. The detail says which.',
  ),
  idempotency_key_missing: entry(
    400,
    'The Idempotency-Key header is missing',
    'Every call that may move money needs an Idempotency-Key: 16 to 255 of A-Z a-z 0-9 . _ : -. Make one per intent, store it before the call, and send the same one when you repeat the call.',
  ),
  idempotency_key_invalid: entry(
    400,
    'The Idempotency-Key header is malformed',
    'Use 16 to 255 of A-Z a-z 0-9 . _ : -, bare or in double quotes, and send the header once.',
  ),
  unsupported_version: entry(
    400,
    'This Paycage-Version does not exist',
    'Leave the header out to get the version that the client is pinned to, or send a date from the changelog.',
  ),
  unauthenticated: entry(
    401,
    'There is no valid access token',
    'Get a token from POST /oauth/token and send it as Authorization: Bearer. Tokens live 15 minutes; get a new one when one is refused.',
    { oauth: 'invalid_token' },
  ),
  invalid_client: entry(
    401,
    'The client could not be authenticated',
    'Check client id and secret or assertion. A secret is refused when it is older than 90 days, an assertion when it was used before.',
    { oauth: 'invalid_client' },
  ),
  insufficient_scope: entry(
    403,
    'The token lacks a scope',
    'The WWW-Authenticate header names the scope. Ask for it at /oauth/token, or have it granted to the client.',
    { oauth: 'insufficient_scope' },
  ),
  forbidden: entry(403, 'This may not be done', 'The caller is known, but this act is not open to it.'),
  invalid_request: entry(
    400,
    'The OAuth request is malformed',
    'Send a form (application/x-www-form-urlencoded) with each parameter once.',
    { oauth: 'invalid_request' },
  ),
  unsupported_grant_type: entry(
    400,
    'This grant type is not offered',
    'Only client_credentials is offered: there is no password grant and no implicit flow.',
    { oauth: 'unsupported_grant_type' },
  ),
  invalid_scope: entry(
    400,
    'The scope is unknown or not granted to this client',
    'Ask only for scopes that the client was given; leave the parameter out to get all of them.',
    { oauth: 'invalid_scope' },
  ),
  not_found: entry(
    404,
    'There is no such thing here',
    "The id does not exist, or it is another operator's: both are answered alike.",
  ),
  method_not_allowed: entry(405, 'This path does not take that method', 'The Allow header lists the methods.'),
  request_in_progress: entry(
    409,
    'The first request with this key is still being worked on',
    'Wait as Retry-After says, then repeat the same request with the same key.',
    RETRY,
  ),
  duplicate_reference: entry(
    409,
    'This reference was used before',
    'A reference is unique per operator for ever. The answer names what it belongs to: read that instead.',
  ),
  conflict: entry(409, 'Something else changed it first', 'Read the resource again, then decide anew.'),
  version_conflict: entry(
    409,
    'It was edited since you read it',
    'Read it again, apply your change to what it is now, and send its version as expected_version.',
  ),
  illegal_state: entry(
    409,
    'It is not in a state that allows this',
    'Read the resource: its status says what may still be done with it.',
  ),
  four_eyes_required: entry(
    409,
    'A second person must do this',
    'Whoever asked for it or edited it last may not approve it.',
  ),
  precondition_failed: entry(412, 'The If-Match condition does not hold', 'Read it again and send its current ETag.'),
  payload_too_large: entry(
    413,
    'The body is too large',
    'Bodies are at most 32 KB; webhooks and files have bounds of their own.',
  ),
  unsupported_media_type: entry(
    415,
    'The body is of a type that is not taken here',
    'Send application/json (forms at /oauth) without a Content-Encoding.',
  ),
  validation_failed: entry(
    422,
    'The request does not fit its schema',
    'The errors list says where, by JSON pointer, and what is wrong there. Unknown members are refused.',
  ),
  amount_invalid: entry(
    422,
    'The amount is not valid',
    'An amount is a positive decimal string in major units, such as "12.50", with no more decimals than its currency has. It is never a JSON number, and never rounded.',
  ),
  currency_unsupported: entry(
    422,
    'This currency is not supported here',
    'Use an upper-case code that the operator and a connection for this method take.',
  ),
  pan_not_accepted: entry(
    422,
    'Card data must not be sent to this API',
    'The request holds a card number, a security code or track data. It was neither stored nor logged. Use hosted fields and send the token that they give.',
  ),
  idempotency_key_reused: entry(
    422,
    'This key was used for another request',
    'A key belongs to one request. Make a new key for a new intent; repeat a request unchanged.',
  ),
  player_not_found: entry(422, 'There is no such player', 'Create the player with PUT /v1/players/{player_id} first.'),
  connection_not_found: entry(422, 'There is no such connection', 'List them with GET /v1/connections.'),
  instrument_not_found: entry(
    422,
    'There is no such instrument for this player',
    'List them with GET /v1/players/{player_id}/instruments.',
  ),
  insufficient_funds: entry(
    422,
    'The balance does not cover this',
    'Only cash can be withdrawn or staked: held and bonus money cannot. See GET /v1/players/{player_id}/wallet.',
  ),
  below_minimum: entry(422, 'The amount is below the minimum', 'Ask for more, or use another method.'),
  kyc_required: entry(422, 'The player is not verified enough', 'Raise the player’s verification, then try again.'),
  self_excluded: entry(
    422,
    'The player is excluded',
    'The player, a register or the operator closed the door. Nothing may be taken until the exclusion ends.',
  ),
  limit_exceeded: entry(422, 'A limit would be exceeded', 'The answer names the limit and when there is room again.'),
  aml_hold: entry(422, 'It is held for review', 'A person has to look at it; nothing can be done over the API.'),
  destination_invalid: entry(
    422,
    'The destination is not valid',
    'A check digit, a length or a network is wrong. Ask the player again: nothing was sent.',
  ),
  method_not_available: entry(
    422,
    'This method is not available',
    'POST /v1/players/{player_id}/payment_options says which methods are, and why the others are not.',
  ),
  no_route: entry(
    422,
    'No connection can take this payment',
    'Each connection was ruled out; the decision of the payment says why, one by one.',
  ),
  refund_exceeds_captured: entry(
    422,
    'The refunds would exceed what was taken',
    'The sum of all refunds of a deposit never exceeds its amount. List the refunds that stand.',
  ),
  currency_mismatch: entry(422, 'The currencies differ', 'Use the currency of what this refers to.'),
  related_not_found: entry(
    422,
    'What this refers to does not exist',
    'A win or a rollback must name a bet of the same player by its reference.',
  ),
  rolled_back: entry(422, 'It was rolled back', 'A bet that was rolled back takes no win.'),
  ruleset_invalid: entry(
    422,
    'The rules have errors',
    'The errors list says which rule, where, and what would be right.',
  ),
  unsafe_url: entry(
    422,
    'This URL is not allowed',
    'Use https, a host name with a public address, and the standard port.',
  ),
  not_supported: entry(422, 'This is not supported here', 'The processor or the method cannot do it.'),
  signature_invalid: entry(
    401,
    'The signature is not valid',
    'The webhook was not signed with the secret of this connection, or too long ago, or its bytes were changed on the way.',
  ),
  rate_limited: entry(429, 'Too many requests', 'Wait as Retry-After says. RateLimit shows what is left.', RETRY),
  internal: entry(
    500,
    'Something broke on our side',
    'Repeat the call with the same Idempotency-Key: money moves at most once. Tell the operator of the gateway the request id.',
    RETRY,
  ),
  unavailable: entry(
    503,
    'The gateway is not ready',
    'It is starting or stopping. Repeat the call with the same key.',
    RETRY,
  ),
  overloaded: entry(
    503,
    'The gateway is busy',
    'Wait as Retry-After says, then repeat the call with the same key.',
    RETRY,
  ),
}

/** The media type of every refusal: RFC 9457. */
export const PROBLEM_TYPE = 'application/problem+json'

/** The body of a refusal. */
export type ProblemBody = {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
  readonly code: Code
  readonly request_id: string
  readonly retryable: boolean
  readonly errors?: readonly FieldError[]
}

/** The body of a fault. Members that the fault carries stand beside the standard ones and never over them. */
export function problemBody(fault: Fault, requestId: string): ProblemBody & Readonly<Record<string, unknown>> {
  const { status, title, retryable, oauth } = PROBLEMS[fault.code]
  return {
    ...fault.extra.members,
    ...(oauth !== undefined && { error: oauth, error_description: fault.message }),
    type: `/docs/errors/${fault.code}`,
    title,
    status,
    detail: fault.message,
    instance: `urn:paycage:request:${requestId}`,
    code: fault.code,
    request_id: requestId,
    retryable,
    ...(fault.extra.errors !== undefined && { errors: fault.extra.errors }),
  }
}

/** The headers that go with a refusal: a challenge on 401 and 403 (RFC 6750), and how long to wait. */
export function problemHeaders(fault: Fault): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE }
  const wait = fault.extra.retryAfterSeconds ?? DEFAULT_WAIT_SECONDS[fault.code]
  if (wait !== undefined) headers['retry-after'] = String(wait)
  const challenge = CHALLENGES[fault.code]
  if (challenge !== undefined) headers['www-authenticate'] = challenge
  const scope = fault.extra.members?.scope
  if (fault.code === 'insufficient_scope' && typeof scope === 'string')
    headers['www-authenticate'] = `Bearer realm="paycage", error="insufficient_scope", scope="${scope}"`
  const allow = fault.extra.members?.allow
  if (fault.code === 'method_not_allowed' && Array.isArray(allow)) headers.allow = allow.join(', ')
  return headers
}

/** What a caller sees of a mistake of ours: no message, no stack; the request id finds the log line. */
export const internalFault = (): Fault => new Fault('internal', 'The request could not be completed.')

const DEFAULT_WAIT_SECONDS: Partial<Record<Code, number>> = {
  request_in_progress: 1,
  rate_limited: 1,
  unavailable: 5,
  overloaded: 1,
}

const CHALLENGES: Partial<Record<Code, string>> = {
  unauthenticated: 'Bearer realm="paycage", error="invalid_token"',
  invalid_client: 'Basic realm="paycage"',
  signature_invalid: 'Signature',
}
