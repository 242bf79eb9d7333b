import fc from 'fast-check'
import { expect, it } from 'vitest'
import { BODY_BOUNDS, readJson } from '../../src/api/json.ts'
import { faultOf, refusal } from '../support/faults.ts'

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

it.each([
  ['nothing', ''],
  ['space only', ' \n'],
  ['a byte-order mark', '\ufeff{}'],
  ['text after the value', '{} x'],
  ['two values', '{}{}'],
  ['a trailing comma in an object', '{"a":1,}'],
  ['a trailing comma in an array', '[1,]'],
  ['a bare name', '{a:1}'],
  ['single quotes', "{'a':1}"],
  ['a comment', '{/* */}'],
  ['an unclosed object', '{"a":1'],
  ['an unclosed string', '{"a":"b'],
  ['a control character in a string', '"a\nb"'],
  ['an unknown escape', '"\\x41"'],
  ['half an escape', '"\\u00"'],
  ['a lone high surrogate', '"\\ud800"'],
  ['a lone low surrogate', '"\\udc00"'],
  ['a lone surrogate in a name', '{"\\ud800":1}'],
  ['a leading zero', '01'],
  ['a plus sign', '+1'],
  ['a bare point', '.5'],
  ['a point without digits', '1.'],
  ['a hexadecimal number', '0x10'],
  ['NaN', 'NaN'],
  ['Infinity', '-Infinity'],
  ['undefined', 'undefined'],
  ['a word with an end', 'trueish'],
  ['a no-break space', '\u00a0{}'],
])('refuses %s as malformed', (_what, text) => {
  expect(refusal(() => readJson(text))).toBe('malformed_json')
})

it('refuses a member that stands twice, however it is written', () => {
  for (const text of ['{"amount":"10.00","amount":"1.00"}', '{"a":1,"\\u0061":2}', '{"x":[{"y":{"a":1,"a":1}}]}'])
    expect(refusal(() => readJson(text))).toBe('duplicate_key')
})

it('takes the same name in two objects', () => {
  expect(readJson('{"a":{"a":1},"b":{"a":2}}')).toEqual({ a: { a: 1 }, b: { a: 2 } })
})

it.each(['__proto__', 'constructor', 'prototype', '\\u005f_proto__'])('refuses the member %s anywhere', (name) => {
  for (const text of [`{"${name}":{"polluted":true}}`, `{"metadata":{"${name}":1}}`, `[{"${name}":1}]`])
    expect(refusal(() => readJson(text))).toBe('validation_failed')
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
})

it('takes eight levels and refuses nine', () => {
  expect(readJson(nested(8))).toEqual([[[[[[[[]]]]]]]])
  expect(refusal(() => readJson(nested(9)))).toBe('malformed_request')
})

it('ends at the ninth level of a hundred thousand, without reading on', () => {
  expect(refusal(() => readJson('['.repeat(100_000)))).toBe('malformed_request')
  expect(refusal(() => readJson('{"a":'.repeat(100_000)))).toBe('malformed_request')
})

it('takes 128 members in all and refuses 129', () => {
  const members = (count: number) => `{${Array.from({ length: count }, (_, index) => `"k${index}":1`).join(',')}}`
  expect(Object.keys(Object(readJson(members(128))))).toHaveLength(128)
  expect(refusal(() => readJson(members(129)))).toBe('malformed_request')
  expect(refusal(() => readJson(`[${members(64)},${members(65)}]`))).toBe('malformed_request')
})

it('takes 1024 characters in a string, and more only in the member that may be longer', () => {
  const text = (length: number) => JSON.stringify({ rules: 'x'.repeat(length), note: 'y' })
  expect(readJson(text(1024))).toEqual({ rules: 'x'.repeat(1024), note: 'y' })
  expect(faultOf(() => readJson(text(1025)))?.extra.errors).toEqual([
    { pointer: '/rules', code: 'too_long', detail: 'Must be at most 1024 characters long.' },
  ])
  expect(readJson(text(2000), { ...BODY_BOUNDS, strings: { rules: 2000 } })).toBeTruthy()
  expect(refusal(() => readJson(text(2001), { ...BODY_BOUNDS, strings: { rules: 2000 } }))).toBe('validation_failed')
})

it('refuses NUL, which the database could not store', () => {
  expect(faultOf(() => readJson('{"a":["b\\u0000"]}'))?.extra.errors?.[0]).toMatchObject({
    pointer: '/a/0',
    code: 'invalid_character',
  })
})

it('refuses a number that is no number or that nobody needs', () => {
  expect(refusal(() => readJson('{"n":1e999}'))).toBe('validation_failed')
  expect(refusal(() => readJson(`{"n":${'1'.repeat(65)}}`))).toBe('validation_failed')
})

it('finds a card number in a string, a number and a name, and never echoes it', () => {
  for (const text of [
    '{"metadata":{"note":"4111111111111111"}}',
    '{"metadata":{"note":4111111111111111}}',
    '{"metadata":{"note":"4111-1111 1111.1111"}}',
    '{"metadata":{"note":"\\u0034111111111111111"}}',
    '{"metadata":{"4111111111111111":"x"}}',
    '{"metadata":{"note":"４１１１１１１１１１１１１１１１"}}',
  ]) {
    const fault = faultOf(() => readJson(text))
    expect(fault?.code).toBe('pan_not_accepted')
    expect(JSON.stringify([fault?.message, fault?.extra])).not.toMatch(/\d{6}|１１/)
  }
})

it.each(['cvv', 'CVC', 'card_number', 'cardNumber', 'pan', 'track2', 'pin'])(
  'refuses the card data member %s whatever it holds',
  (name) => {
    expect(refusal(() => readJson(JSON.stringify({ method: { [name]: 'x' } })))).toBe('pan_not_accepted')
  },
)

it('reads what JSON.parse reads, for every value within the bounds', () => {
  const safe = { maxDepth: 5, maxKeys: 5, withNullPrototype: false } as const
  fc.assert(
    fc.property(
      fc.object({
        ...safe,
        values: [fc.string({ unit: 'binary', maxLength: 40 }), fc.double(), fc.boolean(), fc.constant(null)],
      }),
      (value) => {
        const text = JSON.stringify(value)
        const fault = faultOf(() => readJson(text))
        // What is refused is refused for a reason of ours, and never as malformed.
        if (fault !== undefined) return fault.code !== 'malformed_json' && fault.code !== 'duplicate_key'
        expect(readJson(text)).toEqual(JSON.parse(text))
        return true
      },
    ),
    { numRuns: 2000 },
  )
})

it('refuses all that JSON.parse refuses, for any text', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"a"',
    '"b"',
    ':',
    ',',
    '1',
    '-',
    '.',
    'e',
    'true',
    'null',
    ' ',
    '\\',
    '"',
    '\u0000',
    '0',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = parts.join('')
      const fault = faultOf(() => readJson(text))
      if (fault !== undefined) return true
      return Object.is(JSON.stringify(JSON.parse(text)), JSON.stringify(readJson(text)))
    }),
    { numRuns: 20_000 },
  )
})
