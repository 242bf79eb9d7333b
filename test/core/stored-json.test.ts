import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fromStored, toStoredJson } from '../../src/core/stored-json.ts'

it('gives back whole numbers of any size, wherever they stand', () => {
  const leaf = fc.oneof(fc.bigInt(), fc.string(), fc.integer(), fc.boolean(), fc.constant(null))
  const name = fc.string().filter((text) => text !== '__proto__')
  const { value: anyValue } = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, leaf, fc.array(tie('value')), fc.dictionary(name, tie('value'))),
  }))
  fc.assert(
    fc.property(anyValue, (value) => {
      expect(fromStored(JSON.parse(toStoredJson(value)))).toEqual(value)
    }),
  )
})

it('writes a whole number as text, and takes nothing else for one', () => {
  expect(toStoredJson({ amount: 10n ** 20n })).toBe('{"amount":{"$minor":"100000000000000000000"}}')
  expect(fromStored({ amount: { $minor: 5 } })).toEqual({ amount: { $minor: 5 } })
})
