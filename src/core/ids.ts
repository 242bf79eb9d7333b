import { assert } from './errors.ts'

/**
 * Ids are TypeIDs over UUIDv7: a prefix that says what the thing is, and 26 characters of Crockford base32 that sort by
 * time. Source: https://github.com/jetify-com/typeid/tree/main/spec (0.3.0, read 2026-11-22).
 */
export const ID_PREFIXES = {
  deposit: 'dep',
  withdrawal: 'wdr',
  attempt: 'att',
  refund: 'rfd',
  dispute: 'dsp',
  instrument: 'ins',
  connection: 'con',
  ruleset: 'rst',
  reservation: 'rsv',
  decision: 'dec',
  event: 'evt',
  webhookEndpoint: 'whe',
  webhookDelivery: 'whd',
  review: 'rvw',
  ledgerAccount: 'lac',
  journal: 'jrn',
  entry: 'ent',
  request: 'req',
  client: 'cli',
  key: 'key',
  reconciliation: 'rec',
  operator: 'opr',
  limit: 'lim',
  job: 'job',
  inboundWebhook: 'inb',
  incident: 'inc',
} as const

/** What an id can name. */
export type IdKind = keyof typeof ID_PREFIXES

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const SUFFIX = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/

/** Makes ids; the one place that a clock and a random source come together with a prefix. */
export type NewId = (kind: IdKind) => string

/** Makes a bare UUIDv7 in its hyphened form, for the ledger, whose ids are also the time-partition key. */
export type NewUuid = () => string

/** A UUIDv7 of 16 bytes: 48 bits of Unix milliseconds, then 74 random bits. `random` gives at least 10 bytes. Source: RFC 9562 section 5.7. */
export function uuidV7(nowMs: number, random: Uint8Array): Uint8Array {
  assert(
    random.length >= 10 && Number.isSafeInteger(nowMs) && nowMs >= 0,
    'uuidV7 takes a time in ms and 10 random bytes',
  )
  const bytes = new Uint8Array(16)
  let time = nowMs
  for (let index = 5; index >= 0; index -= 1) {
    bytes[index] = time % 256
    time = Math.floor(time / 256)
  }
  bytes.set(random.subarray(0, 10), 6)
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return bytes
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The hyphened hexadecimal form of 16 bytes. */
export function uuidText(bytes: Uint8Array): string {
  let hex = ''
  for (const byte of bytes) hex += HEX[byte]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The TypeID of a kind and 16 bytes. */
export function typeId(kind: IdKind, bytes: Uint8Array): string {
  return `${ID_PREFIXES[kind]}_${encode(bytes)}`
}

/** The TypeID of a kind and a UUID in its hyphened form. */
export function typeIdOfUuid(kind: IdKind, uuid: string): string {
  const hex = uuid.replaceAll('-', '')
  assert(/^[0-9a-f]{32}$/.test(hex), 'not a UUID')
  return typeId(
    kind,
    Uint8Array.from({ length: 16 }, (_, index) => Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16)),
  )
}

/** The UUID inside a TypeID, hyphened, or undefined when the text is not an id of that kind. */
export function uuidOfTypeId(kind: IdKind, text: string): string | undefined {
  if (!isId(kind, text)) return undefined
  let value = 0n
  for (const letter of text.slice(text.indexOf('_') + 1)) value = value * 32n + BigInt(ALPHABET.indexOf(letter))
  const hex = value.toString(16).padStart(32, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** When an id was made, ms since 1970, or undefined when the text is not an id of that kind. */
export function timeOfId(kind: IdKind, text: string): number | undefined {
  const uuid = uuidOfTypeId(kind, text)
  return uuid === undefined ? undefined : Number.parseInt(uuid.replaceAll('-', '').slice(0, 12), 16)
}

/** True when the text is a well-formed id of that kind. */
export function isId(kind: IdKind, text: string): boolean {
  const prefix = `${ID_PREFIXES[kind]}_`
  return text.startsWith(prefix) && SUFFIX.test(text.slice(prefix.length))
}

/** 26 letters of five bits each for 128 bits: the first letter has two of nothing before it. */
function encode(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let waiting = 2
  for (const byte of bytes) {
    bits = (bits << 8) | byte
    waiting += 8
    while (waiting >= 5) {
      waiting -= 5
      text += ALPHABET[(bits >> waiting) & 31]
    }
    bits &= (1 << waiting) - 1
  }
  return text
}
