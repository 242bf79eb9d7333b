import fc from 'fast-check'
import { expect, it } from 'vitest'
import { point } from '../../src/router/hash.ts'

const MASK = 0xffff_ffffn

/** The same two published functions in whole numbers of any size, apart from the code under test. */
function reference(text: string): number {
  let hash = 0x811c_9dc5n
  for (const unit of text.split('')) hash = ((hash ^ BigInt(unit.charCodeAt(0))) * 0x0100_0193n) & MASK
  hash = ((hash ^ (hash >> 16n)) * 0x85eb_ca6bn) & MASK
  hash = ((hash ^ (hash >> 13n)) * 0xc2b2_ae35n) & MASK
  return Number(hash ^ (hash >> 16n)) / 2 ** 32
}

it('is FNV-1a under the finalizer of MurmurHash3, for every text, and below one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      expect(point(text)).toBe(reference(text))
      expect(point(text)).toBeGreaterThanOrEqual(0)
      expect(point(text)).toBeLessThan(1)
    }),
  )
})

it('stays what it was: a player must not move because the gateway was updated', () => {
  expect(['', 'stage/2/player-1', 'r/explore/player-1/0'].map(point)).toEqual([
    ...[0.6689221884589642, 0.48537343367934227, 0.21760405134409666],
  ])
})
