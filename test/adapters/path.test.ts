import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isSafePath, path } from '../../src/adapters/path.ts'

it('every part is encoded, literals are not', () => {
  expect(path`/v1/charges/${'a/b?c#d'}/x?ref=${'å&='}`).toBe('/v1/charges/a%2Fb%3Fc%23d/x?ref=%C3%A5%26%3D')
})

it.each([
  '',
  'v1/x',
  '//evil.example/x',
  'http://evil.example/',
  '/v1/../admin',
  '/v1/%2E%2E/admin',
  '/v1/.%2E/admin',
  '/v1/./x',
  '/v1/a%2Fb',
  '/v1/a%5Cb',
  '/v1\\x',
  '/v1/a b',
  '/v1/a\r\nx-evil: 1',
  '/v1/a%0Ab',
  '/v1/a%00',
  '/v1/a%1F',
  '/v1/a%7F',
  '/v1/x?y=%0A',
  '/v1/%2E/x',
  '/v1/x%2F',
  '/v1/%2e%2e/x',
  "/v1/it's",
  '/v1/a;b',
  '/v1/x#y',
  '/v1/å',
  '/v1/%',
  '/v1/%zz',
  '/v1/@evil.example//x',
  `/${'x'.repeat(2_048)}`,
])('%j is not sent', (text) => {
  expect(isSafePath(text)).toBe(false)
})

it.each([
  '/',
  '/v1/charges',
  '/v1/charges?our_ref=att_1&x=%C3%A5',
  '/v1/a..b/c',
  '/v1/x:y@z',
  '/v1/.../x',
  '/v1/x?to=/../a//b&c=%2F%5C',
  '/v1/a%8A%2Db',
  `/${'x'.repeat(2_047)}`,
])('%j is sent', (text) => {
  expect(isSafePath(text)).toBe(true)
})

it('no part, however wicked, opens another endpoint', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (part) => {
      const made = path`/v1/charges/${part}/refunds`
      if (!isSafePath(made)) return
      const { pathname, origin, search } = new URL(made, 'http://processor.example')
      expect(origin).toBe('http://processor.example')
      expect(search).toBe('')
      expect(pathname.split('/')).toHaveLength(5)
      expect(pathname.endsWith('/refunds')).toBe(true)
    }),
    { examples: [['..'], ['.'], ['../..'], ['\ud800'], ['%2e%2e'], ['']] },
  )
})
