import { Fault } from '../core/errors.ts'
import type { EdgeContext } from './edge.ts'
import type { BodyBounds, Endpoint } from './endpoint.ts'
import { BODY_BOUNDS, readJson } from './json.ts'
import { readForm } from './query.ts'

/** Webhooks of processors carry whole resources; none that we know passes 100 KB. */
const RAW_BYTES = 262_144

const NOTHING = new Uint8Array()
const JSON_TYPE = /^application\/json(?:\s*;\s*charset="?utf-8"?)?\s*$/i
const FORM_TYPE = /^application\/x-www-form-urlencoded(?:\s*;\s*charset="?utf-8"?)?\s*$/i

/** A body as it came and as it reads. `value` is undefined when there was none. */
export type ReadBody = { readonly bytes: Uint8Array; readonly value: unknown }

/** Reads the body of a request as its endpoint wants it: type, encoding, size and syntax are checked here, meaning later. */
export async function readBody(c: EdgeContext, endpoint: Endpoint): Promise<ReadBody> {
  if (endpoint.method === 'get') return { bytes: NOTHING, value: undefined }
  const encoding = c.req.header('content-encoding')
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new Fault('unsupported_media_type', 'Send the body without a Content-Encoding.')
  const bounds = boundsOf(endpoint)
  const bytes = await readBytes(c, bounds.bytes)
  if (endpoint.bodyType === 'bytes') return { bytes, value: undefined }
  const optional = endpoint.body === undefined || endpoint.body.safeParse(undefined).success
  if (bytes.length === 0 && optional) return { bytes, value: undefined }
  const form = endpoint.bodyType === 'form'
  if (!(form ? FORM_TYPE : JSON_TYPE).test(c.req.header('content-type') ?? ''))
    throw new Fault(
      'unsupported_media_type',
      `Send the body as ${form ? 'application/x-www-form-urlencoded' : 'application/json'}.`,
    )
  const text = decode(bytes)
  return { bytes, value: form ? readForm(text) : readJson(text, bounds) }
}

/** The bounds of an endpoint's body. */
function boundsOf(endpoint: Endpoint): BodyBounds {
  const bytes = endpoint.bodyType === 'bytes' ? RAW_BYTES : BODY_BOUNDS.bytes
  return { ...BODY_BOUNDS, bytes, ...endpoint.bounds }
}

/** Counts while it reads: a body that says it is small, or says nothing, is cut off where it gets too large. */
async function readBytes(c: EdgeContext, most: number): Promise<Uint8Array> {
  const declared = c.req.header('content-length')
  if (declared !== undefined && Number(declared) > most) throw tooLarge(most)
  // Node's parser ends such a body where it says; reading it whole costs half of what a stream does.
  if (declared !== undefined && isFromNode(c)) return new Uint8Array(await c.req.raw.arrayBuffer())
  const { body } = c.req.raw
  if (body === null) return NOTHING
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.byteLength
    if (length > most) {
      await reader.cancel()
      throw tooLarge(most)
    }
    chunks.push(value)
  }
  return join(chunks, length)
}

/** What the Node server hands over beside a request. */
const isFromNode = ({ env }: EdgeContext): boolean => typeof env === 'object' && env !== null && 'incoming' in env

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [first] = chunks
  if (first !== undefined && chunks.length === 1) return first
  const all = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.byteLength
  }
  return all
}

const tooLarge = (most: number): Fault => new Fault('payload_too_large', `The body is larger than ${most} bytes.`)

/** UTF-8, strictly: a replacement character would be text that nobody sent. */
function decode(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  // A byte that is no UTF-8 reads as U+FFFD. An honest U+FFFD is encoded as it came.
  if (text.includes('\uFFFD') && !sameBytes(new TextEncoder().encode(text), bytes)) throw notUtf8()
  return text
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index])

const notUtf8 = (): Fault => new Fault('malformed_request', 'The body is not UTF-8.')
