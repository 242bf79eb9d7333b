import type { Code } from './errors.ts'

/** What is saved under an Idempotency-Key. */
export type SavedKey = {
  readonly fingerprint: string
  /** `free`: given back by a run that had done nothing; the row stays, so that its fence goes on rising. */
  readonly state: 'running' | 'done' | 'free'
  readonly fence: bigint
  readonly leaseUntil: Date
  readonly createdAt: Date
  readonly status: number | null
  readonly body: string | null
  readonly headers: Readonly<Record<string, string>> | null
}

/** How long one worker may be silent before another takes its request over: several times the longest sensible request. */
export const LEASE_MS = 30_000

/** An answer as it is kept and given again, to the byte. */
export type KeptAnswer = {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

/** What to do with a request whose key is taken. */
export type KeyDecision =
  | ({ readonly kind: 'replay' } & KeptAnswer)
  | { readonly kind: 'busy' }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'take_over'; readonly fence: bigint }

/** Decides on a request by what is saved under its key. Another request under the same key is refused before anything else. */
export function decideKey(saved: SavedKey, fingerprint: string, now: Date): KeyDecision {
  if (saved.fingerprint !== fingerprint) return { kind: 'mismatch' }
  if (saved.state === 'done' && saved.status !== null && saved.body !== null) {
    return { kind: 'replay', status: saved.status, body: saved.body, headers: saved.headers ?? {} }
  }
  if (saved.leaseUntil.getTime() > now.getTime()) return { kind: 'busy' }
  return { kind: 'take_over', fence: saved.fence }
}

/** Refusals before anything was decided about the request: the key is free for another one. */
const KEY_FREE: ReadonlySet<Code> = new Set([
  'unauthenticated',
  'insufficient_scope',
  'validation_failed',
  'amount_invalid',
  'pan_not_accepted',
  'rate_limited',
])

/** Refusals out of the middle of the work: money may be on its way, so the next request goes on with the same run. */
const UNFINISHED: ReadonlySet<Code> = new Set(['overloaded', 'unavailable', 'internal', 'request_in_progress'])

/** What a refusal means for its key: the final answer, kept and replayed; nothing done; or work that is to be gone on with. */
export const refusalMeans = (code: Code): 'final' | 'free' | 'unfinished' =>
  KEY_FREE.has(code) ? 'free' : UNFINISHED.has(code) ? 'unfinished' : 'final'

/** The status of an answer that is none yet: something was begun and goes on. It is never kept. */
export const UNFINISHED_STATUS = 202

/**
 * The canonical text of JSON (RFC 8785): members sorted by UTF-16 units, no white space, so that one request is one
 * fingerprint however it was written. Takes what JSON.parse gives; numbers and strings are written as ECMAScript does.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}
