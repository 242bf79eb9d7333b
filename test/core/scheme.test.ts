import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CARD_BRANDS, cardFactsOf, identifyCard } from '../../src/core/card.ts'
import { DECLINES, type DeclineCode, isByIssuer } from '../../src/core/decline.ts'
import { bansCard, SCHEME_LIMITS, schemeAllows, schemeDays } from '../../src/core/scheme.ts'

const CODES = Object.keys(DECLINES).filter((key): key is DeclineCode => key in DECLINES)
const anyBrand = fc.constantFrom(undefined, ...CARD_BRANDS)
const declines = fc.record({ sameAmount30Days: fc.nat(60), today: fc.nat(60) })

describe("a scheme's limits", () => {
  it('are 20 of one amount for Visa, 10 a day and 35 of one amount for Mastercard, and none where no scheme set any', () => {
    expect(schemeAllows('visa', { sameAmount30Days: 19, today: 99 })).toBe(true)
    expect(schemeAllows('visa', { sameAmount30Days: 20, today: 0 })).toBe(false)
    expect(schemeAllows('mastercard', { sameAmount30Days: 34, today: 9 })).toBe(true)
    expect(schemeAllows('mastercard', { sameAmount30Days: 35, today: 0 })).toBe(false)
    expect(schemeAllows('mastercard', { sameAmount30Days: 0, today: 10 })).toBe(false)
    expect(schemeAllows('amex', { sameAmount30Days: 999, today: 999, banned: true })).toBe(true)
  })

  it('hold Visa to "never again", and Mastercard, which has no such word, not', () => {
    const banned = { sameAmount30Days: 1, today: 1, banned: true } as const
    expect(['visa', undefined].map((one) => schemeAllows(one, banned))).toEqual([false, false])
    expect(schemeAllows('mastercard', banned)).toBe(true)
  })

  it('never let more declines pass what fewer did not', () => {
    fc.assert(
      fc.property(anyBrand, declines, fc.nat(5), fc.nat(5), (of, few, more, today) => {
        const many = { sameAmount30Days: few.sameAmount30Days + more, today: few.today + today }
        return schemeAllows(of, few) || !schemeAllows(of, many)
      }),
    )
  })

  it('let a card of unknown brand pass only where every scheme with limits would', () => {
    fc.assert(
      fc.property(declines, fc.boolean(), (counted, banned) => {
        const seen = { ...counted, ...(banned && { banned }) }
        return !schemeAllows(undefined, seen) || Object.keys(SCHEME_LIMITS).every((of) => schemeAllows(of, seen))
      }),
    )
  })

  it('look back over thirty whole days, whatever the hour', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), (nowMs) => {
        const { today, since } = schemeDays(nowMs)
        return Date.parse(today) <= nowMs && Date.parse(since) <= nowMs - 30 * 86_400_000
      }),
    )
  })
})

describe('what a scheme counts', () => {
  it('is what the issuer said, not what we, the operator or the processor’s risk check refused', () => {
    expect(['do_not_honor', 'expired_card', 'suspected_fraud_issuer', 'unmapped'].filter(counted)).toHaveLength(4)
    const ours = ['processor_risk_decline', 'operator_blocklist', 'scheme_retry_blocked', 'invalid_credentials']
    const never = [...ours, 'authentication_failed', 'token_invalid_or_expired', 'connect_failed', 'no_route']
    expect(never.filter(counted)).toEqual([])
  })

  it('holds every code that bans a card', () => {
    expect(CODES.filter((code) => bansCard(code) && !isByIssuer(code))).toEqual([])
    expect(CODES.filter(bansCard)).toContain('stolen_card')
  })

  const counted = (code: string): boolean => CODES.some((known) => known === code && isByIssuer(known))
})

describe('a card', () => {
  it('is known by its fingerprint before its token, and by its token where there is none', () => {
    const named = { byToken: 't', byFingerprint: undefined, renewed: false }
    expect(identifyCard(named)).toEqual({ card: 't' })
    expect(identifyCard({ ...named, byFingerprint: 't' })).toEqual({ card: 't' })
    expect(identifyCard({ ...named, byFingerprint: 'f' })).toEqual({ card: 'f', absorbs: 't' })
    expect(identifyCard({ byToken: undefined, byFingerprint: undefined, renewed: false })).toEqual({ card: undefined })
  })

  it('is another one when its token comes back with another fingerprint of the same processor', () => {
    expect(identifyCard({ byToken: 't', byFingerprint: undefined, renewed: true })).toEqual({ card: undefined })
    expect(identifyCard({ byToken: 't', byFingerprint: 'f', renewed: true })).toEqual({ card: 'f' })
  })

  it('has the facts that rules can name and no others', () => {
    expect(cardFactsOf({ brand: 'visa', funding: 'debit', country: 'MT' })).toEqual({
      brand: 'visa',
      funding: 'debit',
      country: 'MT',
    })
    expect(cardFactsOf({ brand: 'testcard', funding: 'DEBIT', country: 'EU' })).toEqual({})
  })
})
