import type { z } from 'zod'
import type { Connected, Facts, NotSentReason, Phase, Request, Sent, UnknownReason } from './contract.ts'
import { parseExactJson } from './exact-json.ts'
import { type HttpCall, type HttpEnd, type HttpFailure, type HttpPort, neverWritten } from './http.ts'
import { isSafePath } from './path.ts'

/** A processor's answer is a few kilobytes; a megabyte is already an attack or a wrong page. */
export const MAX_ANSWER_BYTES = 1_048_576
/** What an idempotency key may be: the strictest of the processors takes 64 characters. */
const IDEMPOTENCY_KEY = /^[A-Za-z0-9._:-]{1,64}$/

/** What is recorded of a call: no body, no header, no query. */
export type CallRecord = {
  readonly processor: string
  readonly method: string
  readonly path: string
  readonly result: 'answer' | 'refused' | 'not_sent' | 'unknown'
  readonly reason?: NotSentReason | UnknownReason
  readonly status?: number
  readonly phase: Phase
  readonly durationMs: number
}

/** What a sender is made of: the way out, the adapter's facts, and the operator's account at the processor. */
export type SenderParts = {
  readonly http: HttpPort
  readonly facts: Facts
  readonly connected: Connected
  /** Our deadline for one call; the facts' own when absent. */
  readonly deadlineMs?: number
  /** The time, ms since 1970; the system's when absent. */
  readonly nowMs?: () => number
  readonly timer?: Timer
  readonly onCall?: (record: CallRecord) => void
}

/** Fires once after `ms`, unless the function that it gives is called before; the system's when absent. */
export type Timer = (ms: number, fire: () => void) => () => void

const systemTimer: Timer = (ms, fire) => {
  const timer = setTimeout(fire, ms)
  return () => clearTimeout(timer)
}

/** What a port's failure means before a byte was written: proof that nothing happened. */
const BEFORE_WRITING = {
  connect_failed: { reason: 'connect_failed', code: 'connect_failed' },
  dns_failed: { reason: 'tls_or_dns_failed', code: 'tls_or_dns_failed' },
  tls_failed: { reason: 'tls_or_dns_failed', code: 'tls_or_dns_failed' },
  address_refused: { reason: 'tls_or_dns_failed', code: 'tls_or_dns_failed' },
  overloaded: { reason: 'overloaded', code: 'connect_failed' },
  timeout: { reason: 'connect_failed', code: 'connect_failed' },
  reset: { reason: 'connect_failed', code: 'connect_failed' },
  too_large: { reason: 'connect_failed', code: 'connect_failed' },
  malformed: { reason: 'connect_failed', code: 'connect_failed' },
} as const satisfies Record<HttpFailure, { reason: NotSentReason; code: string }>

/** What a failure means once bytes were written: nobody knows what they did. */
const AFTER_WRITING = {
  connect_failed: 'reset',
  dns_failed: 'reset',
  tls_failed: 'reset',
  address_refused: 'reset',
  overloaded: 'reset',
  timeout: 'timeout',
  reset: 'reset',
  too_large: 'too_large',
  malformed: 'malformed',
} as const satisfies Record<HttpFailure, UnknownReason>

/** `Send` with the end of the attempt's own time: past it nothing is written. */
export type TimedSend = <T>(schema: z.ZodType<T>, request: Request, sendBeforeMs?: number) => Promise<Sent<T>>

/**
 * Makes the `send` of one account at one processor. Each call is written at most once, is raced against our deadline,
 * and ends as an answer that fits the schema, as a refusal, as proof that it never left, or as unknown; a call given up
 * before it was written is never written later. Nothing that the other side does makes it throw.
 */
export function createSend(parts: SenderParts): TimedSend {
  const { http, facts, connected, deadlineMs = facts.timeoutMs, nowMs = Date.now, timer = systemTimer, onCall } = parts
  return async function send<T>(
    schema: z.ZodType<T>,
    request: Request,
    sendBeforeMs = Number.POSITIVE_INFINITY,
  ): Promise<Sent<T>> {
    const startedMs = performance.now()
    const call = callOf(facts, connected, request)
    const mayWrite = () => nowMs() < sendBeforeMs
    // The attempt's time runs from its commit: what was slept away before the call is gone.
    const leftMs = Math.min(deadlineMs, sendBeforeMs - nowMs())
    // A reference like `..` that a processor made up must not choose another of its endpoints. Nothing left the house.
    const sent: Sent<T> = call
      ? classify(schema, facts, await withDeadline(http, { ...call, mayWrite }, leftMs, timer))
      : { kind: 'not_sent', reason: 'vouched_rejection', code: 'invalid_request', phase: 'not_connected' }
    onCall?.({
      processor: facts.id,
      method: methodOf(request),
      path: request.path.split('?', 1)[0] ?? '',
      result: sent.kind,
      ...('phase' in sent ? { phase: sent.phase, reason: sent.reason } : { phase: 'body' }),
      ...('status' in sent && sent.status !== undefined && { status: sent.status }),
      durationMs: performance.now() - startedMs,
    })
    return sent
  }
}

/** The method of a request: POST for what has a body, unless it says otherwise. */
export const methodOf = ({ method, json, form }: Request): string =>
  method ?? (json === undefined && form === undefined ? 'GET' : 'POST')

/** The call of a request, or undefined when it must not be sent. */
function callOf(facts: Facts, connected: Connected, request: Request): HttpCall | undefined {
  const name = request.host ?? Object.keys(connected.hosts)[0] ?? ''
  const host = connected.hosts[name]
  const method = methodOf(request)
  const { header } = facts.idempotency
  const key = method !== 'GET' && header !== undefined ? request.attempt : undefined
  if (host === undefined || !isSafePath(request.path)) return undefined
  if (key !== undefined && !IDEMPOTENCY_KEY.test(key)) return undefined
  const content =
    request.json !== undefined
      ? { type: 'application/json', body: JSON.stringify(request.json) }
      : request.form && {
          type: 'application/x-www-form-urlencoded',
          body: new URLSearchParams(request.form).toString(),
        }
  return {
    method,
    url: host.replace(/\/+$/, '') + request.path,
    headers: lowerCased({
      accept: 'application/json',
      'user-agent': 'paycage',
      ...connected.headers(name),
      ...request.headers,
      // Last, so that no adapter undoes them: a compressed answer could grow past any cap while it is unpacked.
      'accept-encoding': 'identity',
      ...(content && { 'content-type': content.type }),
      ...(key !== undefined && header !== undefined && { [header]: key }),
    }),
    ...(content && { body: content.body }),
    maxBytes: request.maxAnswerBytes ?? MAX_ANSWER_BYTES,
  }
}

const lowerCased = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/** Ends with the call or with the deadline, whichever is first; a deadline also gives the call up for good. */
function withDeadline(http: HttpPort, call: HttpCall, deadlineMs: number, timer: Timer): Promise<HttpEnd> {
  if (deadlineMs <= 0) return Promise.resolve({ kind: 'failed', why: 'timeout', phase: 'not_connected' })
  const exchange = http.start(call)
  return new Promise((settle) => {
    const stop = timer(deadlineMs, () => settle({ kind: 'failed', why: 'timeout', phase: exchange.cancel() }))
    exchange.end.then((end) => {
      stop()
      settle(end)
    })
  })
}

function classify<T>(schema: z.ZodType<T>, facts: Facts, end: HttpEnd): Sent<T> {
  if (end.kind === 'failed') {
    if (neverWritten(end.phase)) return { kind: 'not_sent', ...BEFORE_WRITING[end.why], phase: end.phase }
    const status = end.status === undefined ? {} : { status: end.status }
    return { kind: 'unknown', reason: AFTER_WRITING[end.why], phase: end.phase, ...status }
  }
  const { status } = end
  const vouched = facts.vouchedRejections[status]
  if (vouched) return { kind: 'not_sent', reason: 'vouched_rejection', code: vouched, phase: 'body' }
  if (status >= 500) return { kind: 'unknown', reason: 'http_5xx', phase: 'body', status }
  const malformed: Sent<T> = { kind: 'unknown', reason: 'malformed', phase: 'body', status }
  // A redirect is never followed: it could carry our key to another host, and it says nothing of the money.
  if (status < 200 || (status >= 300 && status < 400)) return malformed
  const json = end.body.length === 0 ? { value: null } : parseExactJson(end.body)
  // Its own kind, so that no error can be read as a good answer, nor an empty look-up.
  if (status >= 400) return { kind: 'refused', status, body: json?.value }
  const parsed = json && schema.safeParse(json.value)
  return parsed?.success ? { kind: 'answer', status, body: parsed.data } : malformed
}
