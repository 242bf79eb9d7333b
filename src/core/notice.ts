/**
 * Notices to operators by Standard Webhooks 1.0.0: what is sent, how it is signed, when it is tried again.
 * Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, read 2026-11-22.
 */

/** What came of one try, for people and programs; never the receiver's own words. */
export type DeliveryTry = {
  readonly at: string
  /** `delivered`, `gone`, `http_error`, `redirected`, or why there was no answer. */
  readonly result: string
  /** The HTTP status, when there was one. */
  readonly status: number | null
  readonly duration_ms: number
}

/** The end of one POST. `retryAfter` is the header as it came. */
export type NoticeAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfter?: string }
  | { readonly kind: 'failed'; readonly why: string }

/** Whether a URL may receive notices; `detail` says why not, without naming what was found behind it. */
export type UrlVerdict =
  | { readonly kind: 'safe'; readonly url: string }
  | { readonly kind: 'unsafe'; readonly detail: string }

/** What a try means for the delivery. `restMs`: the receiver can't keep up, so the whole endpoint waits that long. `busy`: it was none, as many others are on their way there. */
export type TryVerdict =
  | { readonly kind: 'busy' }
  | { readonly kind: 'delivered' }
  | { readonly kind: 'gone' }
  | { readonly kind: 'again'; readonly result: string; readonly restMs?: number }

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000]

/** The wait before each try, from the one before: the specification's own table, 75 h 35 m in all. */
export const RETRY_DELAYS_MS = [
  0,
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
] as const
/** A receiver that was down must not meet all that waits for it in one second. */
const JITTER = 0.1
/** A receiver that names no time of rest. */
const DEFAULT_REST_MS = MINUTE
/** What a receiver may ask for at most: it must not be able to silence us. */
const MAX_REST_MS = HOUR
/** A receiver that says this can't keep up: the specification asks to slow down. */
const OVERLOADED: ReadonlySet<number> = new Set([429, 502, 504])

/** The wait before try number `tries` (0 is the first), ms, or undefined when there are no more. `random` is from 0 to 1. */
export function retryDelayMs(tries: number, random: number): number | undefined {
  const delay = RETRY_DELAYS_MS[tries]
  return delay === undefined ? undefined : Math.round(delay * (1 + JITTER * random))
}

/** What an answer means. Only 2xx is a success; a redirect is a failure, for it could lead anywhere; 410 asks for no more. */
export function verdictOf(answer: NoticeAnswer, nowMs: number): TryVerdict {
  if (answer.kind === 'failed') return failed(answer.why)
  const { status, retryAfter } = answer
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  if (status === 410) return { kind: 'gone' }
  const result = status >= 300 && status < 400 ? 'redirected' : 'http_error'
  if (!OVERLOADED.has(status)) return { kind: 'again', result }
  return { kind: 'again', result, restMs: Math.min(MAX_REST_MS, restOf(retryAfter, nowMs) ?? DEFAULT_REST_MS) }
}

/** Each try at a receiver that hangs holds a worker for as long as we wait: it rests, so that the others get their turn. */
const failed = (why: string): TryVerdict => {
  if (why === 'overloaded') return { kind: 'busy' }
  return { kind: 'again', result: why, ...(why === 'timeout' && { restMs: DEFAULT_REST_MS }) }
}

/** Retry-After (RFC 9110 section 10.2.3): whole seconds, or a date. */
function restOf(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\d{1,9}$/.test(header)) return Number(header) * SECOND
  const date = / GMT$/.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs)
}

/** A pattern of types: all of them, all of one resource, or one. */
export const TYPE_PATTERN = /^(?:\*|[a-z_]{1,32}\.(?:\*|[a-z_]{1,32}))$/

/** Whether a type is among those that an endpoint asked for. */
export const wants = (patterns: readonly string[], type: string): boolean =>
  patterns.some(
    (pattern) =>
      pattern === '*' || pattern === type || (pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1))),
  )

/** A notice as it is stored. */
export type Notice = {
  readonly id: string
  readonly type: string
  readonly sequence: number
  readonly data: Readonly<Record<string, unknown>>
  readonly createdAt: Date
}

/** The specification asks for less than 20 KB. */
const MAX_BODY_BYTES = 20_000

/** The body of a notice. Where it would be too large, the operator's own metadata is left out: it is at the resource. */
export function noticeBody({ id, type, sequence, data, createdAt }: Notice, apiVersion: string): string {
  const about = { id, type, timestamp: createdAt.toISOString(), api_version: apiVersion, sequence }
  const whole = JSON.stringify({ ...about, data })
  if (new TextEncoder().encode(whole).length < MAX_BODY_BYTES) return whole
  return JSON.stringify({ ...about, data: { ...data, metadata: {} }, truncated: ['/data/metadata'] })
}

/** Bytes of a new secret: the specification takes 24 to 64. */
export const SECRET_BYTES = 32
const PREFIX = 'whsec_'

/** A secret as the operator gets it, of random bytes. */
export const webhookSecret = (random: Uint8Array): string => PREFIX + base64(random)

/** The headers of a try. Every live secret signs, so that the receiver can change over without a gap. */
export async function signedHeaders(
  secrets: readonly string[],
  { id, body, nowMs }: { readonly id: string; readonly body: string; readonly nowMs: number },
): Promise<Readonly<Record<string, string>>> {
  const timestamp = Math.floor(nowMs / SECOND).toString()
  const signatures = await Promise.all(secrets.map((secret) => signatureOf(secret, `${id}.${timestamp}.${body}`)))
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}

async function signatureOf(secret: string, content: string): Promise<string> {
  const bytes = Uint8Array.from(atob(secret.slice(PREFIX.length)), (char) => char.charCodeAt(0))
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const mac = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(content))
  return `v1,${base64(new Uint8Array(mac))}`
}

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes))
