import { Fault } from '../core/errors.ts'
import { holdsPan, isCardDataName } from '../core/pan.ts'
import type { BodyBounds } from './endpoint.ts'

/**
 * Bounds of a request body unless its endpoint says otherwise. 32 KB is ten times the largest honest payment; 8 levels
 * and 128 members are twice what any resource has; 1024 characters hold any URL that we take.
 */
export const BODY_BOUNDS: BodyBounds = { bytes: 32_768, depth: 8, keys: 128, stringChars: 1024, strings: {} }

/** A JSON value as it was read. Objects have only members of their own. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** Names that JavaScript gives a meaning of its own. They are data of no one. */
const RESERVED: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
/** A run of characters that stand for themselves. Control characters, quotes and backslashes end it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them inside strings, so they must be named.
const PLAIN = /[^"\\\u0000-\u001f]*/y
const WORDS = [
  ['true', true],
  ['false', false],
  ['null', null],
] as const
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}
/** No number that we take is longer; a longer one only costs time. */
const NUMBER_CHARS = 64

type Reader = { readonly text: string; readonly bounds: BodyBounds; at: number; keys: number; readonly path: string[] }

/**
 * Reads one JSON value strictly, in one pass: what two readers could understand differently (a member twice, a byte-order
 * mark, half a surrogate pair) is refused, as are names with a meaning in JavaScript, depth, number and length beyond the
 * bounds, NUL, and card data under any name. Throws `Fault`; no message holds what was sent.
 */
export function readJson(text: string, bounds: BodyBounds = BODY_BOUNDS): Json {
  const reader: Reader = { text, bounds, at: 0, keys: 0, path: [] }
  skipSpace(reader)
  const value = readValue(reader, 1)
  skipSpace(reader)
  if (reader.at < text.length) throw syntax(reader, 'there is text after the value')
  return value
}

function readValue(reader: Reader, depth: number): Json {
  const letter = reader.text[reader.at]
  if (letter === '{' || letter === '[') {
    if (depth > reader.bounds.depth)
      throw new Fault('malformed_request', `The body is nested deeper than ${reader.bounds.depth} levels.`)
    return letter === '{' ? readObject(reader, depth) : readArray(reader, depth)
  }
  if (letter === '"') return readText(reader)
  if (letter === '-' || (letter !== undefined && letter >= '0' && letter <= '9')) return readNumber(reader)
  for (const [word, value] of WORDS) {
    if (!reader.text.startsWith(word, reader.at)) continue
    reader.at += word.length
    return value
  }
  throw syntax(reader, letter === undefined ? 'a value is missing' : 'a value was expected')
}

function readObject(reader: Reader, depth: number): Json {
  const object: Record<string, Json> = {}
  reader.at += 1
  skipSpace(reader)
  if (take(reader, '}')) return object
  for (;;) {
    if (reader.text[reader.at] !== '"') throw syntax(reader, 'a member name in double quotes was expected')
    const key = readKey(reader)
    if (Object.hasOwn(object, key))
      throw new Fault('duplicate_key', `The body has a member twice in one object, at byte ${reader.at}.`)
    skipSpace(reader)
    if (!take(reader, ':')) throw syntax(reader, 'a colon was expected')
    skipSpace(reader)
    reader.path.push(key)
    object[key] = readValue(reader, depth + 1)
    reader.path.pop()
    skipSpace(reader)
    if (take(reader, '}')) return object
    if (!take(reader, ',')) throw syntax(reader, 'a comma or } was expected')
    skipSpace(reader)
  }
}

function readArray(reader: Reader, depth: number): Json {
  const array: Json[] = []
  reader.at += 1
  skipSpace(reader)
  if (take(reader, ']')) return array
  for (;;) {
    reader.path.push(String(array.length))
    array.push(readValue(reader, depth + 1))
    reader.path.pop()
    skipSpace(reader)
    if (take(reader, ']')) return array
    if (!take(reader, ',')) throw syntax(reader, 'a comma or ] was expected')
    skipSpace(reader)
  }
}

function readKey(reader: Reader): string {
  const key = readString(reader)
  reader.keys += 1
  if (reader.keys > reader.bounds.keys)
    throw new Fault('malformed_request', `The body has more than ${reader.bounds.keys} members.`)
  // The name itself may be the card number, so it stands in no pointer.
  if (isCardDataName(key) || holdsPan(key)) throw panFault(pointer(reader.path))
  if (key.length > reader.bounds.stringChars || key.includes('\u0000') || RESERVED.has(key))
    throw invalid(reader, 'unknown_member', 'A member has a name that is not accepted.')
  return key
}

function readText(reader: Reader): string {
  const text = readString(reader)
  const most = reader.bounds.strings[reader.path.at(-1) ?? ''] ?? reader.bounds.stringChars
  if (text.length > most) throw invalid(reader, 'too_long', `Must be at most ${most} characters long.`)
  // PostgreSQL can't store it and no honest text has it.
  if (text.includes('\u0000')) throw invalid(reader, 'invalid_character', 'Must not hold the character NUL.')
  if (holdsPan(text)) throw panFault(pointer(reader.path))
  return text
}

function readNumber(reader: Reader): number {
  NUMBER.lastIndex = reader.at
  const raw = NUMBER.exec(reader.text)?.[0]
  if (raw === undefined) throw syntax(reader, 'a number is malformed')
  reader.at += raw.length
  if (raw.length > NUMBER_CHARS)
    throw invalid(reader, 'too_long', `Must be a number of at most ${NUMBER_CHARS} digits.`)
  if (holdsPan(raw)) throw panFault(pointer(reader.path))
  const value = Number(raw)
  if (!Number.isFinite(value)) throw invalid(reader, 'too_big', 'Must be a smaller number.')
  return value
}

function readString(reader: Reader): string {
  let text = ''
  reader.at += 1
  for (;;) {
    PLAIN.lastIndex = reader.at
    text += PLAIN.exec(reader.text)?.[0] ?? ''
    reader.at = PLAIN.lastIndex
    if (take(reader, '"')) break
    if (!take(reader, '\\')) throw syntax(reader, 'a string is not closed or holds a control character')
    text += readEscape(reader)
  }
  if (!text.isWellFormed()) throw syntax(reader, 'a string holds half of a surrogate pair')
  return text
}

function readEscape(reader: Reader): string {
  const letter = reader.text[reader.at] ?? ''
  reader.at += 1
  if (letter !== 'u') {
    const plain = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined
    if (plain === undefined) throw syntax(reader, 'an escape is not known')
    return plain
  }
  const hex = reader.text.slice(reader.at, reader.at + 4)
  if (!/^[0-9a-fA-F]{4}$/.test(hex)) throw syntax(reader, 'an escape is malformed')
  reader.at += 4
  return String.fromCharCode(Number.parseInt(hex, 16))
}

function skipSpace(reader: Reader): void {
  for (;;) {
    const code = reader.text.charCodeAt(reader.at)
    if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return
    reader.at += 1
  }
}

function take(reader: Reader, letter: string): boolean {
  if (reader.text[reader.at] !== letter) return false
  reader.at += 1
  return true
}

const syntax = (reader: Reader, why: string): Fault =>
  new Fault('malformed_json', `The body is not valid JSON: ${why}, at character ${reader.at}.`)

const invalid = (reader: Reader, code: string, detail: string): Fault =>
  new Fault('validation_failed', 'The request does not fit its schema.', {
    errors: [{ pointer: pointer(reader.path), code, detail }],
  })

/** The refusal of card data. It says where, never what. */
export const panFault = (at: string): Fault =>
  new Fault(
    'pan_not_accepted',
    'The request holds card data. It was neither stored nor logged; send a token instead.',
    {
      errors: [{ pointer: at, code: 'pan_not_accepted', detail: 'Must not be card data.' }],
    },
  )

/** An RFC 6901 JSON pointer. */
export const pointer = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
