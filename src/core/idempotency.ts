import type { Code } from './errors.ts'

/** What is saved under an Idempotency-Key. */
export type SavedKey = {
  readonly fingerprint: string
  readonly state: 'running' | 'done'
  readonly fence: bigint
  readonly leaseUntil: Date
  readonly createdAt: Date
  readonly status: number | null
  readonly body: string | null
}

/** How long one worker may be silent before another takes its request over: several times the longest sensible request. */
export const LEASE_MS = 30_000

/** What to do with a request whose key is taken. */
export type KeyDecision =
  | { readonly kind: 'replay'; readonly status: number; readonly body: string }
  | { readonly kind: 'busy' }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'take_over'; readonly fence: bigint }

/** Decides on a request by what is saved under its key. Another request under the same key is refused before anything else. */
export function decideKey(saved: SavedKey, fingerprint: string, now: Date): KeyDecision {
  if (saved.fingerprint !== fingerprint) return { kind: 'mismatch' }
  if (saved.state === 'done' && saved.status !== null && saved.body !== null) {
    return { kind: 'replay', status: saved.status, body: saved.body }
  }
  if (saved.leaseUntil.getTime() > now.getTime()) return { kind: 'busy' }
  return { kind: 'take_over', fence: saved.fence }
}

/** Refusals that leave the key free: nothing was decided about the request, so the same one may come again. */
const KEY_FREE: ReadonlySet<Code> = new Set([
  'unauthenticated',
  'insufficient_scope',
  'validation_failed',
  'amount_invalid',
  'pan_not_accepted',
  'rate_limited',
  'overloaded',
  'unavailable',
  'internal',
])

/** True when a refusal with this code is a final answer of the request and is replayed. */
export const isFinalRefusal = (code: Code): boolean => !KEY_FREE.has(code)

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
