import { createHmac, timingSafeEqual } from 'node:crypto'

/** A longer signature header is refused unread: 8 signatures of SHA-512 in hex fit four times. */
const MAX_HEADER_CHARS = 2_048
/** More signatures than this in one header are refused: comparing 200,000 of them costs a quarter of a second. */
const MAX_SIGNATURES = 8
/** Unix seconds, strictly: `parseInt` would also take `1795361853abc`, `+1…` and `1e9`. */
const UNIX_SECONDS = /^\d{10}$/
/** How far a signed time may lie from ours, either way. */
export const TOLERANCE_MS = 300_000

/** The digests that processors sign with. */
export type Digest = 'sha256' | 'sha512'

/** The HMAC of raw bytes. `key` is used as it is: decode it first where a processor's keys are hex or base64. */
export function hmac(digest: Digest, key: string | Uint8Array, ...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const mac = createHmac(digest, key)
  for (const part of parts) mac.update(part)
  return mac.digest()
}

/** Compares in a time that doesn't depend on the content; different lengths are simply not equal. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)

/** Reads hex of exactly `length` bytes, in either case; anything else is undefined (Buffer would cut at the first wrong character). */
export function fromHex(text: string, length: number): Uint8Array | undefined {
  return text.length === length * 2 && /^[0-9a-fA-F]*$/.test(text)
    ? new Uint8Array(Buffer.from(text, 'hex'))
    : undefined
}

/** Reads padded canonical base64 of exactly `length` bytes; anything else is undefined. */
export function fromBase64(text: string, length: number): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === length && bytes.toString('base64') === text ? new Uint8Array(bytes) : undefined
}

/** True when any given digest is the HMAC of the parts under any live secret; what couldn't be read is undefined, and fits nothing. Every pair is computed and compared, so the time tells nothing of which one fits. */
export function signedByAny(
  digest: Digest,
  secrets: readonly (string | Uint8Array | undefined)[],
  given: readonly (Uint8Array | undefined)[],
  parts: readonly (string | Uint8Array)[],
): boolean {
  let found = false
  for (const secret of secrets) {
    const expected = secret && hmac(digest, secret, ...parts)
    for (const candidate of given) found = (expected && candidate && sameBytes(expected, candidate)) || found
  }
  return found
}

/** What a `t=…,v1=…` header says: the signed time as it was spelt, and the digests. Undefined when it is not of that form. */
export function readTimestamped(
  header: string,
  digestBytes: number,
): { readonly timestamp: string; readonly signatures: readonly Uint8Array[] } | undefined {
  if (header.length > MAX_HEADER_CHARS) return undefined
  const fields = header.split(',').map((field) => field.trim())
  const times = fields.filter((field) => field.startsWith('t=')).map((field) => field.slice(2))
  const spelt = fields.filter((field) => field.startsWith('v1=')).map((field) => field.slice(3))
  const [timestamp = ''] = times
  if (times.length !== 1 || !UNIX_SECONDS.test(timestamp)) return undefined
  if (spelt.length === 0 || spelt.length > MAX_SIGNATURES) return undefined
  const signatures = spelt.flatMap((text) => fromHex(text, digestBytes) ?? [])
  return signatures.length === spelt.length ? { timestamp, signatures } : undefined
}

/** True when a strict Unix time lies within the tolerance of now, before or after. */
export function isFresh(timestamp: string, nowMs: number, toleranceMs = TOLERANCE_MS): boolean {
  return UNIX_SECONDS.test(timestamp) && Math.abs(nowMs - Number(timestamp) * 1_000) <= toleranceMs
}
