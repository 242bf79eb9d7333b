import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openCipher } from '../../src/platform/cipher.ts'

const bytes = (fill: number) => new Uint8Array(32).fill(fill)
const text = (value: string) => new TextEncoder().encode(value)
const read = (value: Uint8Array) => new TextDecoder().decode(value)
const IBAN = 'FI2112345600000785'
const HERE = 'opr_a|instrument|account|ins_1'

it('opens what it sealed, whatever the bytes', async () => {
  const cipher = await openCipher({ masters: [bytes(1)], index: bytes(9) })
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.string(), async (plaintext, aad) => {
      expect(await cipher.open(await cipher.seal(plaintext, aad), aad)).toEqual(plaintext)
    }),
    { numRuns: 100 },
  )
})

it('never seals one value twice to the same text, nor uses an IV again', async () => {
  const cipher = await openCipher({ masters: [bytes(1)], index: bytes(9) })
  const sealed = await Promise.all(Array.from({ length: 2000 }, () => cipher.seal(text(IBAN), HERE)))
  expect(new Set(sealed).size).toBe(2000)
  for (const part of [2, 3, 4]) expect(new Set(sealed.map((value) => value.split('|')[part])).size).toBe(2000)
  expect(sealed.join()).not.toContain(IBAN)
})

it.each(['opr_b|instrument|account|ins_1', 'opr_a|instrument|account|ins_2', 'opr_a|player|name|ins_1', ''])(
  'does not open a value that was moved to %j',
  async (there) => {
    const cipher = await openCipher({ masters: [bytes(1)], index: bytes(9) })
    const sealed = await cipher.seal(text(IBAN), HERE)
    await expect(cipher.open(sealed, there)).rejects.toThrow()
  },
)

it('does not open a value with any one character changed, dropped or doubled', async () => {
  const cipher = await openCipher({ masters: [bytes(1)], index: bytes(9) })
  const sealed = await cipher.seal(text(IBAN), HERE)
  for (let at = 0; at < sealed.length; at += 1) {
    const other = sealed[at] === 'A' ? 'B' : 'A'
    for (const forged of [other, '', `${sealed[at]}${sealed[at]}`]) {
      await expect(cipher.open(sealed.slice(0, at) + forged + sealed.slice(at + 1), HERE)).rejects.toThrow()
    }
  }
})

it('does not open one value with the header or the wrapped key of another', async () => {
  const cipher = await openCipher({ masters: [bytes(1)], index: bytes(9) })
  const one = (await cipher.seal(text(IBAN), HERE)).split('|')
  const two = (await cipher.seal(text('other'), HERE)).split('|')
  for (let part = 2; part < one.length; part += 1) {
    await expect(cipher.open(one.with(part, two[part] ?? '').join('|'), HERE)).rejects.toThrow()
  }
})

it('opens old values after the master key changed, and wraps them anew without touching the data', async () => {
  const before = await openCipher({ masters: [bytes(1)], index: bytes(9) })
  const during = await openCipher({ masters: [bytes(2), bytes(1)], index: bytes(9) })
  const after = await openCipher({ masters: [bytes(2)], index: bytes(9) })
  const sealed = await before.seal(text(IBAN), HERE)
  expect(read(await during.open(sealed, HERE))).toBe(IBAN)
  await expect(after.open(sealed, HERE)).rejects.toThrow('unknown master key')
  const rewrapped = await during.rewrap(sealed)
  expect(read(await after.open(rewrapped, HERE))).toBe(IBAN)
  expect(rewrapped.split('|').at(-1)).toBe(sealed.split('|').at(-1))
  expect(await during.rewrap(rewrapped)).toBe(rewrapped)
})

it('indexes equal accounts equally inside one scope, and unlike across scopes and keys', async () => {
  const cipher = await openCipher({ masters: [bytes(1)], index: bytes(9) })
  const other = await openCipher({ masters: [bytes(1)], index: bytes(8) })
  const index = await cipher.blindIndex(IBAN, 'opr_a|instrument|account')
  expect(index).toBe(await cipher.blindIndex(IBAN, 'opr_a|instrument|account'))
  const others = [
    await cipher.blindIndex(IBAN, 'opr_b|instrument|account'),
    await other.blindIndex(IBAN, 'opr_a|instrument|account'),
    await cipher.blindIndex(`account${IBAN}`, 'opr_a|instrument|'),
  ]
  expect(others).not.toContain(index)
})

it('keeps the index when the master key changes', async () => {
  const [before, after] = await Promise.all(
    [1, 2].map((fill) => openCipher({ masters: [bytes(fill)], index: bytes(9) })),
  )
  expect(await before?.blindIndex(IBAN, 's')).toBe(await after?.blindIndex(IBAN, 's'))
})
