import { describe, expect, it } from 'vitest'
import { FIELDS, type RouteFacts, WEEKDAYS } from '../../src/router/fields.ts'
import { deposit } from '../support/routing.ts'

const THURSDAY_NOON = { hour: 12, minute: 0, weekday: 3 } as const
const read = (name: string, facts: RouteFacts) => FIELDS[name]?.read(facts, () => THURSDAY_NOON)

const KNOWN: Readonly<Record<string, readonly [Partial<RouteFacts>, unknown]>> = {
  direction: [{ direction: 'withdrawal' }, 'withdrawal'],
  method: [{ method: 'bank' }, 'bank'],
  currency: [{ amount: { asset: 'USDT-tron', minor: 5n } }, 'USDT'],
  amount: [{ amount: { asset: 'SEK', minor: 5n } }, { asset: 'SEK', minor: 5n }],
  player_country: [{ playerCountry: 'SE' }, 'SE'],
  client_country: [{ clientCountry: 'NO' }, 'NO'],
  bin_country: [{ binCountry: 'DK' }, 'DK'],
  brand: [{ brand: 'visa' }, 'visa'],
  funding: [{ funding: 'prepaid' }, 'prepaid'],
  wallet: [{ wallet: 'skrill' }, 'skrill'],
  crypto_asset: [{ cryptoAsset: 'BTC' }, 'BTC'],
  network: [{ network: 'tron' }, 'tron'],
  segment: [{ segment: 'vip' }, 'vip'],
  licence: [{ licence: 'mga' }, 'mga'],
  first_deposit: [{ firstDeposit: false }, false],
  deposits_so_far: [{ depositsSoFar: 7 }, 7],
  hour: [{}, 12],
  weekday: [{}, 'thu'],
}

describe('a fact that rules may use', () => {
  it('is one of these', () => {
    expect(Object.keys(FIELDS).sort()).toEqual(Object.keys(KNOWN).sort())
  })

  it.each(Object.entries(KNOWN))('%s is read from its own place, and is of its type', (name, [facts, value]) => {
    expect(read(name, deposit(facts))).toEqual(value)
    const { type = '', domain, range } = FIELDS[name] ?? {}
    const types: Readonly<Record<string, string>> = {
      word: 'string',
      number: 'number',
      boolean: 'boolean',
      money: 'object',
    }
    expect(typeof value).toBe(types[type])
    if (domain) expect([...domain]).toContain(value)
    if (range) expect(value).toSatisfy((number: number) => number >= range[0] && number <= range[1])
  })

  it('is said to be always there exactly where a payment of which little is known has it', () => {
    for (const [name, { always }] of Object.entries(FIELDS))
      expect([name, always === true]).toEqual([name, read(name, deposit()) !== undefined])
  })

  it('is explained in words, and so is what its values may be', () => {
    for (const { about, domain, domainName } of Object.values(FIELDS)) {
      expect(about).toMatch(/[a-z]{3}/)
      if (domain) expect(domainName).toMatch(/[a-z]{3}/)
      else expect(domainName).toBeUndefined()
    }
  })
})

describe('what its values may be', () => {
  const allowed = (name: string, ...values: readonly string[]) =>
    values.map((value) => FIELDS[name]?.domain?.has(value))

  it.each([
    ['direction', ['deposit', 'withdrawal'], ['refund', '']],
    ['method', ['card', 'wallet', 'bank', 'crypto'], ['cash', '']],
    ['currency', ['EUR', 'USDT', 'BTC'], ['USDT-tron', 'XXX']],
    ['player_country', ['FI', 'MT'], ['XX', 'fi']],
    ['client_country', ['FI'], ['XX']],
    ['bin_country', ['FI'], ['XX']],
    ['brand', ['visa', 'mastercard'], ['Visa', 'mc']],
    ['funding', ['credit', 'debit', 'prepaid'], ['cash']],
    ['crypto_asset', ['BTC', 'USDT'], ['EUR', 'USDT-tron']],
    ['network', ['bitcoin', 'tron'], ['EUR', 'BTC']],
    ['weekday', WEEKDAYS, ['monday', 'Mon']],
  ])('for %s are %j and not %j', (name, good, bad) => {
    expect(allowed(name, ...good)).toEqual(good.map(() => true))
    expect(allowed(name, ...bad)).toEqual(bad.map(() => false))
  })

  it('is any word for the names that operators give', () => {
    for (const name of ['wallet', 'segment', 'licence']) expect(FIELDS[name]?.domain).toBeUndefined()
  })

  it('is bounded for numbers', () => {
    expect(FIELDS.hour?.range).toEqual([0, 23])
    expect(FIELDS.deposits_so_far?.range).toEqual([0, 1_000_000])
  })
})

it('a day is told by its name, Monday first', () => {
  const names = Array.from({ length: 7 }, (_, weekday) =>
    FIELDS.weekday?.read(deposit(), () => ({ hour: 0, minute: 0, weekday })),
  )
  expect(names).toEqual([...WEEKDAYS])
})
