import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseExactJson } from '../../src/adapters/exact-json.ts'

const read = (text: string) => parseExactJson(Buffer.from(text))?.value

it.each([
  ['12.50', '12.50'],
  ['1e3', '1e3'],
  ['1.0', '1.0'],
  ['-0', '-0'],
  ['9007199254740993', '9007199254740993'],
  ['0.1', '0.1'],
  ['100000000000000000000.000000000000000001', '100000000000000000000.000000000000000001'],
])('the number %s comes as the text that stood there', (text, expected) => {
  expect(read(`{"a":[${text}]}`)).toEqual({ a: [expected] })
})

it('safe integers stay numbers, other values stay what they are', () => {
  expect(read('{"a":1250,"b":-3,"c":0,"d":"12.50","e":null,"f":true}')).toEqual({
    a: 1250,
    b: -3,
    c: 0,
    d: '12.50',
    e: null,
    f: true,
  })
})

it('no amount in minor units loses a digit, however long', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), (minor) => {
      expect(BigInt(String(read(String(minor))))).toBe(minor)
    }),
  )
})

it('reads any JSON as it does number by number', () => {
  const slowly = (text: string) => read(`[0.5,${text}]`)
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc.integer().map(String),
    fc.constantFrom('-0', '0', '1E5', '-0.0'),
  )
  const spaced = fc.tuple(fc.constantFrom('', ' ', '\n', '\t'), number).map(([space, text]) => `{"a":${space}${text}}`)
  fc.assert(
    fc.property(fc.oneof(fc.json(), spaced, number), (text) => {
      expect(slowly(text)).toEqual(['0.5', read(text)])
    }),
  )
})

it.each(['', '{', '{"a":1}x', "{'a':1}", '\ufeff{}', 'NaN', '01'])('%j is no JSON', (text) => {
  expect(parseExactJson(Buffer.from(text, 'utf8'))?.value).toEqual(text === '\ufeff{}' ? {} : undefined)
})

it('bytes that are no UTF-8 are no JSON', () => {
  expect(parseExactJson(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined()
})
