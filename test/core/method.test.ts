import { describe, expect, it } from 'vitest'
import { accountOf, type Destination, maskedOf } from '../../src/core/method.ts'

const card: Destination = { type: 'card', token: 'tok_1' }
const wallet: Destination = { type: 'wallet', wallet: 'skrill', account: 'ada@example.com' }
const bank: Destination = { type: 'bank', iban: 'FI2112345600000785', name: 'Ada Lovelace' }
const coin: Destination = { type: 'crypto', asset: 'XRP', network: 'ripple', address: 'r9', tag: '7' }

describe('two destinations are one account', () => {
  it('whoever is said to hold it', () => expect(accountOf({ ...bank, name: 'A. Lovelace' })).toBe(accountOf(bank)))

  it('only when every part of it is the same', () => {
    const { tag: _, ...untagged } = coin
    const all: readonly Destination[] = [
      card,
      { ...card, token: 'tok_2' },
      wallet,
      { ...wallet, wallet: 'neteller' },
      { ...wallet, account: 'bob@example.com' },
      bank,
      { ...bank, iban: 'FI2112345600000786' },
      coin,
      { ...coin, asset: 'USDT' },
      { ...coin, network: 'tron' },
      { ...coin, address: 'r8' },
      { ...coin, tag: '8' },
      untagged,
    ]
    expect(new Set(all.map(accountOf)).size).toBe(all.length)
    expect(accountOf(untagged)).toBe('crypto:XRP:ripple:r9:')
  })
})

it.each([
  [bank, { type: 'bank', iban: 'FI21…85', name: 'Ada Lovelace' }],
  [coin, { type: 'crypto', asset: 'XRP', network: 'ripple', address: 'FI21…85' }],
  [wallet, { type: 'wallet', wallet: 'skrill', account: 'FI21…85' }],
  [card, { type: 'card' }],
])('shows of %o its masked account and nothing else of it', (destination, shown) => {
  expect(maskedOf(destination, 'FI21…85')).toStrictEqual(shown)
})

it('shows of a card what its processor tells, and never its token', () => {
  const seen = { brand: 'visa', last4: '1111', expiry: '12/28' }
  expect(maskedOf(card, null, seen)).toStrictEqual({ type: 'card', ...seen })
  expect(maskedOf(card, null, { last4: '1111' })).toStrictEqual({ type: 'card', last4: '1111' })
})
