import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  ID_PREFIXES,
  isId,
  timeOfId,
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

it('carries its time and every random bit that the version and variant leave', () => {
  fc.assert(
    fc.property(time, bytes, (now, random) => {
      const made = uuidV7(now, random)
      expect(timeOfId('deposit', typeId('deposit', made))).toBe(now)
      expect([(made[6] ?? 0) & 0x0f, (made[8] ?? 0) & 0x3f]).toEqual([(random[0] ?? 0) & 0x0f, (random[2] ?? 0) & 0x3f])
      expect([made[7], ...made.subarray(9)]).toEqual([random[1], ...random.subarray(3)])
    }),
  )
})

it.each([
  ['no time', -1, 10],
  ['a part of a millisecond', 1.5, 10],
  ['too few random bytes', 0, 9],
])('makes no id of %s', (_what, now, length) =>
  expect(() => uuidV7(now, new Uint8Array(length))).toThrow('assertion failed'),
)

it('takes more random bytes than it needs', () =>
  expect(uuidV7(0, new Uint8Array(16).fill(0xff))).toEqual(uuidV7(0, new Uint8Array(10).fill(0xff))))

it.each([
  '0110c853-1d09-52d8-d73e-1194e95b5f1',
  '0110c853-1d09-52d8-d73e-1194e95b5f19a',
  'g110c853-1d09-52d8-d73e-1194e95b5f19',
  '',
])('makes no id of %j', (text) => expect(() => typeIdOfUuid('journal', text)).toThrow('assertion failed'))

it('tells nothing of another kind of id', () => {
  const refund = typeIdOfUuid('refund', '0110c853-1d09-52d8-d73e-1194e95b5f19')
  expect([uuidOfTypeId('deposit', refund), timeOfId('deposit', refund)]).toEqual([undefined, undefined])
  expect(uuidOfTypeId('refund', refund)).toBe('0110c853-1d09-52d8-d73e-1194e95b5f19')
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
  'dep_x0123456789abcdefghjkmnpqrs',
  'dep_01234567890123456789012345\n',
  '../etc/passwd',
  'dep_0123456789abcdefghjkmnpqr\u0000',
])('does not take %j for a deposit', (text) => expect(isId('deposit', text)).toBe(false))

it('has one prefix per kind', () => {
  expect(new Set(Object.values(ID_PREFIXES)).size).toBe(Object.keys(ID_PREFIXES).length)
})
