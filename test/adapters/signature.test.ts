import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  fromBase64,
  fromHex,
  hmac,
  isFresh,
  readTimestamped,
  sameBytes,
  signedByAny,
} from '../../src/adapters/signature.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

it('the HMAC is that of RFC 4231, test case 2', () => {
  expect(hex(hmac('sha256', 'Jefe', 'what do ya want for nothing?'))).toBe(
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  )
})

it('parts are signed as one run of bytes, whatever bytes they are', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), fc.string({ minLength: 1 }), (a, b, key) => {
      expect(hex(hmac('sha512', key, a, b))).toBe(
        createHmac('sha512', key)
          .update(Buffer.concat([a, b]))
          .digest('hex'),
      )
    }),
  )
})

it('different lengths are not equal, and no error', () => {
  expect(sameBytes(new Uint8Array(32), new Uint8Array(31))).toBe(false)
  expect(sameBytes(new Uint8Array(0), new Uint8Array(32))).toBe(false)
  expect(sameBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true)
})

it.each([
  '',
  'ab',
  'zz'.repeat(32),
  `${'ab'.repeat(31)}a`,
  `${'ab'.repeat(32)}00`,
  `${'ab'.repeat(31)}g0`,
  ` ${'ab'.repeat(32)}`,
])('hex %j of 32 bytes is refused, not cut', (text) => {
  expect(fromHex(text, 32)).toBeUndefined()
})

it.each([
  ['not padded', Buffer.alloc(32).toString('base64').replace('=', '')],
  ['too long', Buffer.alloc(33).toString('base64')],
  ['with a line break', `${Buffer.alloc(32).toString('base64').slice(0, 43)}\n`],
  ['not canonical', `${'A'.repeat(42)}B=`],
  ['url-safe', Buffer.alloc(32, 0xff).toString('base64url').padEnd(44, '=')],
])('base64 that is %s is refused', (_name, text) => {
  expect(fromBase64(text, 32)).toBeUndefined()
})

it('base64 and hex give back the bytes that went in', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      expect(fromBase64(Buffer.from(bytes).toString('base64'), 32)).toEqual(bytes)
      expect(fromHex(hex(bytes), 32)).toEqual(bytes)
      expect(fromHex(hex(bytes).toUpperCase(), 32)).toEqual(bytes)
    }),
  )
})

const V1 = `v1=${'ab'.repeat(32)}`

it('a header of time and signatures is read', () => {
  const read = readTimestamped(`t=1795399200,${V1},v0=ignored, v1=${'cd'.repeat(32)}`, 32)
  expect(read?.timestamp).toBe('1795399200')
  expect(read?.signatures.map(hex)).toEqual(['ab'.repeat(32), 'cd'.repeat(32)])
})

it('eight signatures and 2,048 characters are read, and not a character more', () => {
  const eight = `t=1795399200,${Array.from({ length: 8 }, () => V1).join(',')}`
  expect(readTimestamped(eight, 32)?.signatures).toHaveLength(8)
  const long = `t=1795399200,${V1},v0=`.padEnd(2_048, '0')
  expect(readTimestamped(long, 32)?.signatures).toHaveLength(1)
  expect(readTimestamped(`${long}0`, 32)).toBeUndefined()
})

it.each([
  ['no time', V1],
  ['no signature', 't=1795399200'],
  ['only a scheme we do not know', 't=1795399200,v2=ab'],
  ['a time with letters behind', `t=1795399200abc,${V1}`],
  ['a time with letters before', `t=x1795399200,${V1}`],
  ['a signed time', `t=+795399200,${V1}`],
  ['a float', `t=1795399.20,${V1}`],
  ['an exponent', `t=1795399e10,${V1}`],
  ['milliseconds', `t=1795399200000,${V1}`],
  ['two times', `t=1795399200,t=1795399201,${V1}`],
  ['nine signatures', `t=1795399200,${Array.from({ length: 9 }, () => V1).join(',')}`],
  ['one short signature among good ones', `t=1795399200,${V1},v1=ab`],
  ['200,000 signatures', `t=1795399200,${`${V1},`.repeat(200_000)}`],
  ['Arabic digits', `t=١٧٩٥٣٩٩٢٠٠,${V1}`],
])('a header with %s is refused', (_name, header) => {
  expect(readTimestamped(header, 32)).toBeUndefined()
})

it('any live secret and any given signature will do; no secret lets nothing in', () => {
  const given = [new Uint8Array(32), hmac('sha256', 'new', 'body')]
  expect(signedByAny('sha256', ['old', 'new'], given, ['body'])).toBe(true)
  expect(signedByAny('sha256', ['new', 'old'], given.toReversed(), ['body'])).toBe(true)
  expect(signedByAny('sha256', ['old'], given, ['body'])).toBe(false)
  expect(signedByAny('sha256', [], given, ['body'])).toBe(false)
  expect(signedByAny('sha256', ['new'], [], ['body'])).toBe(false)
})

it('a secret or a signature that could not be read fits nothing, and keeps none of the others out', () => {
  const signature = hmac('sha256', 'new', 'body')
  expect(signedByAny('sha256', [undefined], [undefined], ['body'])).toBe(false)
  expect(signedByAny('sha256', [undefined], [signature], ['body'])).toBe(false)
  expect(signedByAny('sha256', ['new'], [undefined], ['body'])).toBe(false)
  expect(signedByAny('sha256', [undefined, 'new'], [undefined, signature], ['body'])).toBe(true)
})

it('a time is fresh within five minutes either way', () => {
  expect(isFresh('1795399200', 1_795_399_500_000)).toBe(true)
  expect(isFresh('1795399200', 1_795_399_500_001)).toBe(false)
  expect(isFresh('1795399200', 1_795_398_900_000)).toBe(true)
  expect(isFresh('1795399200', 1_795_398_899_999)).toBe(false)
  for (const [spelt, nowMs] of [
    ['999999999', 999_999_999_000],
    ['10000000000', 10_000_000_000_000],
    ['1795399200 ', 1_795_399_200_000],
    [' 1795399200', 1_795_399_200_000],
  ] as const)
    expect(isFresh(spelt, nowMs)).toBe(false)
})
