import { assert } from '../core/errors.ts'

/** Encrypts what may not be read in the database. `aad` names the place (`tenant|table|column|row`): a value moved elsewhere doesn't open. */
export type Cipher = {
  /** The sealed form of the bytes, as text. */
  seal(plaintext: Uint8Array, aad: string): Promise<string>
  /** The bytes again. Throws when a single bit differs, or the place does, or the master key is gone. */
  open(sealed: string, aad: string): Promise<Uint8Array>
  /** The same value under the newest master key; the data inside isn't touched. Returns it as it is when it is new already. */
  rewrap(sealed: string): Promise<string>
  /** A keyed index of a value, equal for equal values of one scope (`tenant|table|column`): finds an account without storing it. */
  blindIndex(value: string, scope: string): Promise<string>
}

/** Keys of 32 bytes. `masters` are newest first: the first one seals, all of them open. */
export type CipherKeys = { readonly masters: readonly Uint8Array[]; readonly index: Uint8Array }

const VERSION = 'v1'
const KEY_BYTES = 32
/** 96 bits, the size GCM is made for. Each data key seals one value only, so that no (key, IV) pair comes twice. */
const IV_BYTES = 12
const DEK_ID_BYTES = 9
const KEK_ID_LENGTH = 12

type Kek = { readonly id: string; readonly key: CryptoKey }
type Bytes = Uint8Array<ArrayBuffer>

/**
 * AES-256-GCM envelopes: a fresh data key per value, itself sealed by a key-encryption key that is derived from the master
 * key. The text is `v1|kek_id|dek_id|iv|wrap_iv|wrapped_dek|ciphertext`, all in base64url. Source: NIST SP 800-38D.
 */
export async function openCipher({ masters, index }: CipherKeys): Promise<Cipher> {
  assert(masters.length > 0, 'a cipher needs a master key')
  const keks = await Promise.all(masters.map(deriveKek))
  const [newest] = keks
  assert(newest, 'a cipher needs a master key')
  const indexKey = await importHmac(index)

  const unwrap = async (envelope: Envelope): Promise<Bytes> => {
    const kek = keks.find(({ id }) => id === envelope.kekId)
    if (!kek) throw new Error(`sealed under an unknown master key ${envelope.kekId}`)
    return decrypt(kek.key, envelope.wrapIv, envelope.wrappedDek, wrapAad(envelope.kekId, envelope.dekId))
  }
  const wrap = async (dek: Bytes, dekId: string) => {
    const wrapIv = random(IV_BYTES)
    return { kekId: newest.id, wrapIv, wrappedDek: await encrypt(newest.key, wrapIv, dek, wrapAad(newest.id, dekId)) }
  }
  return {
    async seal(plaintext, aad) {
      const dek = random(KEY_BYTES)
      const dekId = encode(random(DEK_ID_BYTES))
      const iv = random(IV_BYTES)
      const ciphertext = await encrypt(await importAes(dek), iv, new Uint8Array(plaintext), dataAad(dekId, iv, aad))
      return format({ dekId, iv, ciphertext, ...(await wrap(dek, dekId)) })
    },
    async open(sealed, aad) {
      const envelope = parse(sealed)
      const dek = await importAes(await unwrap(envelope))
      return decrypt(dek, envelope.iv, envelope.ciphertext, dataAad(envelope.dekId, envelope.iv, aad))
    },
    async rewrap(sealed) {
      const envelope = parse(sealed)
      if (envelope.kekId === newest.id) return sealed
      return format({ ...envelope, ...(await wrap(await unwrap(envelope), envelope.dekId)) })
    },
    async blindIndex(value, scope) {
      // The pair as JSON: no two different pairs have the same text.
      const mac = await crypto.subtle.sign('HMAC', indexKey, utf8(JSON.stringify([scope, value])))
      return encode(new Uint8Array(mac))
    },
  }
}

type Envelope = {
  readonly kekId: string
  readonly dekId: string
  readonly iv: Bytes
  readonly wrapIv: Bytes
  readonly wrappedDek: Bytes
  readonly ciphertext: Bytes
}

function format({ kekId, dekId, iv, wrapIv, wrappedDek, ciphertext }: Envelope): string {
  return [VERSION, kekId, dekId, ...[iv, wrapIv, wrappedDek, ciphertext].map(encode)].join('|')
}

function parse(sealed: string): Envelope {
  const [version, kekId, dekId, iv, wrapIv, wrappedDek, ciphertext, ...rest] = sealed.split('|')
  if (version !== VERSION || !kekId || !dekId || !iv || !wrapIv || !wrappedDek || !ciphertext || rest.length > 0)
    throw new Error('not a sealed value')
  return {
    kekId,
    dekId,
    iv: decode(iv),
    wrapIv: decode(wrapIv),
    wrappedDek: decode(wrappedDek),
    ciphertext: decode(ciphertext),
  }
}

// The key-encryption key isn't in the data's own associated data, so that re-wrapping leaves the data as it is.
const dataAad = (dekId: string, iv: Bytes, aad: string) => utf8(`${VERSION}|${dekId}|${encode(iv)}|${aad}`)
const wrapAad = (kekId: string, dekId: string) => utf8(`${VERSION}|${kekId}|${dekId}`)

async function deriveKek(master: Uint8Array): Promise<Kek> {
  assert(master.length === KEY_BYTES, 'a master key has 32 bytes')
  const secret = await crypto.subtle.importKey('raw', new Uint8Array(master), 'HKDF', false, ['deriveBits'])
  const derive = async (info: string) =>
    new Uint8Array(
      await crypto.subtle.deriveBits(
        { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: utf8(info) },
        secret,
        KEY_BYTES * 8,
      ),
    )
  const [id, key] = await Promise.all([derive('paycage kek id'), derive('paycage kek')])
  return { id: encode(id).slice(0, KEK_ID_LENGTH), key: await importAes(key) }
}

const importAes = (raw: Bytes) => crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt'])

function importHmac(raw: Uint8Array): Promise<CryptoKey> {
  assert(raw.length === KEY_BYTES, 'an index key has 32 bytes')
  return crypto.subtle.importKey('raw', new Uint8Array(raw), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
}

const gcm = (iv: Bytes, additionalData: Bytes) => ({ name: 'AES-GCM', iv, additionalData, tagLength: 128 })

const encrypt = async (key: CryptoKey, iv: Bytes, plaintext: Bytes, aad: Bytes) =>
  new Uint8Array(await crypto.subtle.encrypt(gcm(iv, aad), key, plaintext))

const decrypt = async (key: CryptoKey, iv: Bytes, ciphertext: Bytes, aad: Bytes) =>
  new Uint8Array(await crypto.subtle.decrypt(gcm(iv, aad), key, ciphertext))

const random = (length: number): Bytes => crypto.getRandomValues(new Uint8Array(length))
const utf8 = (text: string): Bytes => new TextEncoder().encode(text)

const encode = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

function decode(text: string): Bytes {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
  // Base64 has several spellings of one value in its last letter; a sealed value has one.
  if (encode(bytes) !== text) throw new Error('not a sealed value')
  return bytes
}
