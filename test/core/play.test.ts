import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Fault } from '../../src/core/errors.ts'
import { bonus, cash } from '../../src/core/ledger/chart.ts'
import { money } from '../../src/core/money.ts'
import {
  betParts,
  PARTS,
  type Parts,
  type Play,
  partsOf,
  playKey,
  playPosting,
  sameRequest,
} from '../../src/core/play.ts'
import { books } from './ledger/books.ts'

const move: Play = {
  playerId: 'p1',
  type: 'bet',
  amount: money('EUR', 700n),
  reference: 'round-1',
  relatedReference: null,
}
const minor = fc.bigInt({ min: 0n, max: 1_000n })

describe('a bet', () => {
  it('takes cash as far as it goes, then bonus, exactly its amount and never more than there is', () => {
    fc.assert(
      fc.property(minor, minor, minor, (stake, inCash, inBonus) => {
        const available = { cash: inCash, bonus: inBonus }
        if (stake > inCash + inBonus) {
          expect(() => betParts(stake, available)).toThrow(Fault)
          return
        }
        const parts = betParts(stake, available)
        expect(parts.cash + parts.bonus).toBe(stake)
        expect(parts.cash <= inCash && parts.bonus <= inBonus && parts.bonus >= 0n).toBe(true)
        expect(parts.bonus === 0n || parts.cash === inCash).toBe(true)
      }),
    )
  })

  it('of all there is, is taken; of a cent more, refused by its code', () => {
    expect(betParts(12n, { cash: 7n, bonus: 5n })).toEqual({ cash: 7n, bonus: 5n })
    expect(() => betParts(13n, { cash: 7n, bonus: 5n })).toThrow(
      expect.objectContaining({ code: 'insufficient_funds' }),
    )
  })
})

describe('in the books', () => {
  const start = () => {
    const ledger = books()
    ledger.post(playPosting('win', { ...move, type: 'win', reference: 'w' }, PARTS.win(700n)))
    ledger.post(playPosting('bonus_grant', { ...move, type: 'bonus_grant', reference: 'b' }, PARTS.bonus_grant(700n)))
    return ledger
  }
  const wallet = ({ net }: ReturnType<typeof books>) => [net(cash('p1'), 'EUR'), net(bonus('p1'), 'EUR')]

  it.each([
    ['bet', { cash: 500n, bonus: 200n }, [200n, 500n], 'gaming:revenue', 0n],
    ['win', PARTS.win(700n), [1_400n, 700n], 'gaming:revenue', -1_400n],
    ['bonus_grant', PARTS.bonus_grant(700n), [700n, 1_400n], 'bonus:cost', 1_400n],
    ['bonus_convert', PARTS.bonus_convert(700n), [1_400n, 0n], 'bonus:cost', 700n],
    ['bonus_forfeit', PARTS.bonus_forfeit(700n), [700n, 0n], 'bonus:cost', 0n],
  ] as const)('a %s of 7.00 moves what it says', (type, parts: Parts, left, other, there) => {
    const ledger = start()
    expect(ledger.post(playPosting(type, { ...move, type }, parts))).toBe('posted')
    expect(wallet(ledger)).toEqual(left)
    expect(ledger.net(other, 'EUR')).toBe(there)
    expect(ledger.imbalance()).toEqual([])
  })

  it('one reference is one fact, whatever kind of move comes under it', () => {
    const ledger = start()
    ledger.post(playPosting('win', { ...move, type: 'win' }, PARTS.win(700n)))
    expect(ledger.post(playPosting('bonus_convert', move, PARTS.bonus_convert(700n)))).toBe('exists')
    expect(playKey('round-1')).toBe(playPosting('win', move, PARTS.win(700n)).key)
  })
})

describe('what the ledger remembers', () => {
  it('tells the request and its parts again', () => {
    fc.assert(
      fc.property(minor, minor, (inCash, inBonus) => {
        fc.pre(inCash + inBonus > 0n)
        const parts = { cash: inCash, bonus: inBonus }
        const { facts = {} } = playPosting('bet', move, parts)
        expect(partsOf(facts)).toEqual(parts)
        expect(sameRequest(facts, move)).toBe(true)
      }),
    )
    expect(partsOf({})).toEqual({ cash: 0n, bonus: 0n })
  })

  it('is text that stays as it is for ever', () => {
    expect(playPosting('bet', move, { cash: 500n, bonus: 200n }).facts).toStrictEqual({
      type: 'bet',
      player: 'p1',
      asset: 'EUR',
      minor: '700',
      related: '',
      cash: '500',
      bonus: '200',
    })
    const { facts } = playPosting('bet', { ...move, relatedReference: 'round-0' }, { cash: 700n, bonus: 0n })
    expect(facts).toMatchObject({ related: 'round-0' })
  })

  it.each([
    ['type', { type: 'win' }],
    ['player', { playerId: 'p2' }],
    ['asset', { amount: money('SEK', 700n) }],
    ['amount', { amount: money('EUR', 701n) }],
    ['related reference', { relatedReference: 'round-0' }],
  ] as const)('knows another request by its %s', (_name, change) => {
    const { facts = {} } = playPosting('bet', move, { cash: 700n, bonus: 0n })
    expect(sameRequest(facts, { ...move, ...change })).toBe(false)
  })

  it('takes a request for the same however the wallet made it split', () => {
    const { facts = {} } = playPosting('bet', { ...move, relatedReference: 'round-0' }, { cash: 0n, bonus: 700n })
    expect(sameRequest(facts, { ...move, relatedReference: 'round-0' })).toBe(true)
    expect(sameRequest(facts, move)).toBe(false)
  })
})
