import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type DisputeWord, decidingWord, STAGES, STATUSES, standing } from '../../src/core/dispute.ts'

const word = fc.record({ stage: fc.constantFrom(...STAGES), status: fc.constantFrom(...STATUSES) })
const said = (...pairs: readonly string[]): DisputeWord[] =>
  pairs.map((pair) => {
    const stage = STAGES.find((one) => pair.startsWith(`${one} `))
    const status = STATUSES.find((one) => pair.endsWith(` ${one}`))
    if (!stage || !status) throw new Error(pair)
    return { stage, status }
  })

it('stands where it stands in whatever order it was told', () => {
  const orders = fc
    .array(word, { minLength: 1, maxLength: 8 })
    .chain((words) => fc.tuple(fc.constant(words), fc.shuffledSubarray(words, { minLength: words.length })))
  fc.assert(
    fc.property(orders, ([words, other]) => {
      expect(standing(other)).toEqual(standing(words))
      expect(decidingWord(other)).toEqual(decidingWord(words))
    }),
  )
})

it('stands at its newest word: a later stage beats a later status', () => {
  expect(standing(said('chargeback opened', 'chargeback won', 'chargeback evidence_due'))).toEqual({
    stage: 'chargeback',
    status: 'won',
  })
  expect(standing(said('pre_arbitration opened', 'chargeback lost'))).toEqual({
    stage: 'pre_arbitration',
    status: 'opened',
  })
  expect(() => standing([])).toThrow('a dispute without a word')
})

it.each([
  ['an inquiry', ['inquiry opened', 'inquiry lost'], undefined],
  ['the notice of a chargeback', ['chargeback evidence_due'], undefined],
  ['a chargeback', ['chargeback opened', 'chargeback evidence_submitted'], 'opened'],
  ['a chargeback that was won', ['chargeback opened', 'chargeback won'], 'won'],
  ['a second chargeback', ['chargeback opened', 'chargeback won', 'chargeback lost'], 'lost'],
  ['what follows a won chargeback', ['chargeback opened', 'chargeback won', 'pre_arbitration opened'], 'won'],
  ['a pre-arbitration that was lost', ['chargeback opened', 'chargeback won', 'pre_arbitration lost'], 'lost'],
  ['an arbitration that was won', ['chargeback opened', 'chargeback lost', 'arbitration won'], 'won'],
])('says where the money is after %s', (_name, words, status) => {
  expect(decidingWord(said(...words))?.status).toBe(status)
})
