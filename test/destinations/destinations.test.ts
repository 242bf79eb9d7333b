import fc from 'fast-check'
import { expect, it } from 'vitest'
import { checkDestination } from '../../src/destinations/index.ts'

const bank = (iban: string, name = 'Aino Virtanen') => checkDestination({ type: 'bank', iban, name })
const codeOf = (result: ReturnType<typeof checkDestination>) => (result.kind === 'invalid' ? result.code : 'valid')

// The examples of the SWIFT IBAN registry, one country each.
const REGISTRY = [
  'AD1200012030200359100100',
  'AT611904300234573201',
  'BE68539007547034',
  'CH9300762011623852957',
  'CY17002001280000001200527600',
  'DE89370400440532013000',
  'DK5000400440116243',
  'EE382200221020145685',
  'ES9121000418450200051332',
  'FI2112345600000785',
  'FR1420041010050500013M02606',
  'GB29NWBK60161331926819',
  'IE29AIBK93115212345678',
  'IT60X0542811101000000123456',
  'LT121000011101001000',
  'LV80BANK0000435195001',
  'MT84MALT011000012345MTLCAST001S',
  'NL91ABNA0417164300',
  'NO9386011117947',
  'PL61109010140000071219812874',
  'PT50000201231234567890154',
  'SE4550000000058398257466',
]

it.each(REGISTRY)('takes the registry example %s', (iban) => {
  expect(bank(iban)).toMatchObject({ kind: 'valid', normalized: { iban } })
})

it.each(REGISTRY)('refuses %s with any one digit of its sum or account changed', (iban) => {
  for (let at = 2; at < iban.length; at += 1) {
    const digit = iban[at] ?? ''
    if (!/\d/.test(digit)) continue
    expect(codeOf(bank(iban.slice(0, at) + ((Number(digit) + 1) % 10) + iban.slice(at + 1)))).not.toBe('valid')
  }
})

it.each([
  ['GB29 NWBK 6016 1331 9268 19', 'valid'],
  ['gb29nwbk60161331926819', 'valid'],
  ['GB29NWBK6016133192681', 'iban_length'],
  ['GB29-NWBK-6016-1331-9268-19', 'iban_malformed'],
  ['US64SVBKUS6S3300958879', 'iban_country'],
  ['ZZ29NWBK60161331926819', 'iban_country'],
  ['GB99NWBK60161331926819', 'iban_checksum'],
  ['GB00NWBK60161331926819', 'iban_checksum'],
  ['', 'iban_malformed'],
  ['4111111111111111', 'iban_malformed'],
  ['GB29NWBK60161331926819\u0000', 'iban_malformed'],
])('says of the IBAN %s: %s', (iban, expected) => {
  expect(codeOf(bank(iban))).toBe(expected)
})

it('writes an IBAN in its electronic form and shows the country and four letters of it', () => {
  expect(bank('fi21 1234 5600 0007 85', '  Aino   Virtanen ')).toEqual({
    kind: 'valid',
    normalized: { type: 'bank', iban: 'FI2112345600000785', name: 'Aino Virtanen' },
    masked: 'FI****0785',
  })
})

it.each(['', '   ', '12345', 'Aino\u0000', 'A'.repeat(141)])('refuses the holder name %j', (name) => {
  expect(codeOf(bank('FI2112345600000785', name))).toBe('name_missing')
})

it.each([
  ['tok_123', 'valid'],
  ['4111111111111111', 'card_number'],
  ['4111 1111 1111 1111', 'card_number'],
  ['4111-1111.1111/1111', 'card_number'],
  ['', 'card_token'],
  ['a b', 'card_token'],
])('says of the card token %s: %s', (token, expected) => {
  expect(codeOf(checkDestination({ type: 'card', token }))).toBe(expected)
})

it('masks a wallet account and refuses one with spaces', () => {
  expect(checkDestination({ type: 'wallet', wallet: 'skrill', account: 'aino@example.com' })).toMatchObject({
    masked: 'skrill a****@example.com',
  })
  expect(codeOf(checkDestination({ type: 'wallet', wallet: 'skrill', account: 'a b@example.com' }))).toBe(
    'wallet_account',
  )
})

it('never throws and never echoes what was typed', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 8, maxLength: 80 }), (text) => {
      const result = bank(text)
      expect(result.kind === 'invalid' && !result.detail.includes(text)).toBe(true)
    }),
  )
})
