import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  ID_PREFIXES,
  isId,
  kindOfId,
  typeId,
  typeIdOfUuid,
  uuidOfTypeId,
  uuidText,
  uuidV7,
} from '../../src/core/ids.ts'

const bytes = fc.uint8Array({ minLength: 10, maxLength: 10 })
const time = fc.integer({ min: 0, max: 2 ** 48 - 1 })

it('writes a UUIDv7 with its version and variant, whatever the random bytes', () => {
  fc.assert(
    fc.property(time, bytes, (now, random) => {
      expect(uuidText(uuidV7(now, random))).toMatch(
        /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      )
    }),
  )
})

it('goes to a TypeID and back', () => {
  fc.assert(
    fc.property(time, bytes, (now, random) => {
      const uuid = uuidText(uuidV7(now, random))
      expect(uuidOfTypeId('journal', typeIdOfUuid('journal', uuid))).toBe(uuid)
    }),
  )
})

it('sorts by time', () => {
  fc.assert(
    fc.property(time, time, bytes, bytes, (a, b, left, right) => {
      fc.pre(a < b)
      expect(typeId('deposit', uuidV7(a, left)) < typeId('deposit', uuidV7(b, right))).toBe(true)
    }),
  )
})

it('agrees with the specification of TypeID', () => {
  // Valid vectors of https://github.com/jetify-com/typeid/blob/main/spec/valid.yml
  expect(typeIdOfUuid('deposit', '00000000-0000-0000-0000-000000000000')).toBe('dep_00000000000000000000000000')
  expect(typeIdOfUuid('deposit', 'ffffffff-ffff-ffff-ffff-ffffffffffff')).toBe('dep_7zzzzzzzzzzzzzzzzzzzzzzzzz')
  expect(typeIdOfUuid('deposit', '0110c853-1d09-52d8-d73e-1194e95b5f19')).toBe('dep_0123456789abcdefghjkmnpqrs')
})

it.each([
  'dep_8zzzzzzzzzzzzzzzzzzzzzzzzz',
  'dep_0123456789ABCDEFGHJKMNPQRS',
  'wdr_0123456789abcdefghjkmnpqrs',
  'dep_',
  'dep_0123456789abcdefghjkmnpqrsx',
  '../etc/passwd',
  'dep_0123456789abcdefghjkmnpqr\u0000',
])('does not take %j for a deposit', (text) => expect(isId('deposit', text)).toBe(false))

it('has one prefix per kind', () => {
  expect(new Set(Object.values(ID_PREFIXES)).size).toBe(Object.keys(ID_PREFIXES).length)
  expect(kindOfId('wdr_0123456789abcdefghjkmnpqrs')).toBe('withdrawal')
})
