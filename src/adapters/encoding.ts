import { parseExactJson } from './exact-json.ts'

/** The JSON inside base64url text, padded or not; undefined when the text is none. Numbers as parseExactJson gives them. */
export function jsonOfBase64url(text: string): unknown {
  const bare = text.replace(/={1,2}$/, '')
  if (!/^[A-Za-z0-9_-]*$/.test(bare) || bare.length % 4 === 1) return undefined
  const letters = atob(bare.replaceAll('-', '+').replaceAll('_', '/'))
  return parseExactJson(Uint8Array.from(letters, (letter) => letter.charCodeAt(0)))?.value
}

/** Bytes in lower-case hexadecimal. */
export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

// Letters that Unicode doesn't take apart, as passports spell them. Source: ICAO Doc 9303 part 3 section 6, read 2026-11-22.
const SPELT: ReadonlyMap<string, string> = new Map([
  ...['ßss', 'øo', 'ØO', 'æae', 'ÆAE', 'œoe', 'ŒOE', 'łl', 'ŁL', 'đd', 'ĐD', 'ðd', 'ÐD', 'þth', 'ÞTH', 'ıi', "’'"].map(
    (pair): [string, string] => [pair.slice(0, 1), pair.slice(1)],
  ),
])

/** A person's name in ASCII, for rails that know no other letters; undefined when some of its letters can't be spelt so. */
export function asciiName(name: string): string | undefined {
  const plain = name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^\x20-\x7e]/gu, (letter) => SPELT.get(letter) ?? letter)
  return /^[\x20-\x7e]*[A-Za-z][\x20-\x7e]*$/.test(plain) ? plain : undefined
}
