import { sha256 } from '@noble/hashes/sha2.js'
import { base58, base58xrp, bech32, bech32m, createBase58check } from '@scure/base'
import { Address } from '@scure/btc-signer'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkDestination } from '../../src/destinations/index.ts'

const check = (asset: string, network: string, address: string, tag?: string) =>
  checkDestination({ type: 'crypto', asset, network, address, ...(tag === undefined ? {} : { tag }) })
const codeOf = (result: ReturnType<typeof checkDestination>) => (result.kind === 'invalid' ? result.code : 'valid')
const addressOf = (result: ReturnType<typeof checkDestination>) =>
  result.kind === 'valid' && result.normalized.type === 'crypto' ? result.normalized.address : 'none'

// https://github.com/bitcoin/bips/blob/master/bip-0350.mediawiki#test-vectors-for-v0-v16-native-segregated-witness-addresses
const BIP350_VALID: readonly (readonly [string, string])[] = [
  ['BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', 'valid'],
  ['tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7', 'address_testnet'],
  // Well formed, but no wallet can spend these programs today: v1 of 40 bytes, v16, v2.
  ['bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y', 'address_unspendable'],
  ['BC1SW50QGDZ25J', 'address_unspendable'],
  ['bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs', 'address_unspendable'],
  ['tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy', 'address_testnet'],
  ['tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c', 'address_testnet'],
  ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0', 'valid'],
]
const BIP350_INVALID = [
  'tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut',
  'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd',
  'tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf',
  'BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL',
  'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh',
  'tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47',
  'bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4',
  'BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R',
  'bc1pw5dgrnzv',
  'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav',
  'BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P',
  'tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq',
  'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf',
  'tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j',
  'bc1gmk9yu',
]
// https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki#test-vectors (the version 0 ones still hold)
const BIP173_INVALID = [
  'tc1qw508d6qejxtdg4y5r3zarvary0c5xw7kg3g4ty',
  'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5',
  'BC13W508D6QEJXTDG4Y5R3ZARVARY0C5XW7KN40WF2',
  'bc1rw5uspcuh',
  'bc10w508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kw5rljs90',
  'BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P',
  'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sL5k7',
  'bc1zw508d6qejxtdg4y5r3zarvaryvqyzf3du',
  'tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3pjxtptv',
  'bc1gmk9yu',
]
// https://github.com/ethereum/ERCs/blob/master/ERCS/erc-55.md#test-cases
const ERC55 = [
  '0x52908400098527886E0F7030069857D2E4169EE7',
  '0x8617E340B3D01FA5F11F306F4090FD50E238070D',
  '0xde709f2102306220921060314715629080e2fb77',
  '0x27b1fdb04752bbc536007a920d24acb045561c26',
  '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
  '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
  '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
  '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
]
const encode = createBase58check(sha256).encode
const versioned = (version: number, fill: number) => encode(Uint8Array.from([version, ...Array(20).fill(fill)]))

describe('Bitcoin', () => {
  it.each(BIP350_VALID)('takes the valid BIP-350 vector %s as %s', (address, expected) => {
    expect(codeOf(check('BTC', 'bitcoin', address))).toBe(expected)
  })
  it.each([...BIP350_INVALID, ...BIP173_INVALID])('refuses the invalid vector %s', (address) => {
    expect(codeOf(check('BTC', 'bitcoin', address))).not.toBe('valid')
  })
  it('lower-cases a segwit address and masks it', () => {
    expect(check('BTC', 'bitcoin', 'BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4')).toMatchObject({
      normalized: { address: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4' },
      masked: 'bc1qw5...f3t4',
    })
  })
  it('refuses a taproot output whose key is not on the curve, and the one that anyone may spend', () => {
    // The BIP-340 vector of an x that is no point, as a mainnet address; then pay-to-anchor.
    const offCurve = Address().encode({
      type: 'tr',
      pubkey: Uint8Array.from(Buffer.from('4a298dacae57395a15d0795ddbfd1dcb564da82b0f269bc70a74f8220429ba1d', 'hex')),
    })
    expect(codeOf(check('BTC', 'bitcoin', offCurve))).toBe('address_unspendable')
    expect(codeOf(check('BTC', 'bitcoin', 'bc1pfeessrawgf'))).toBe('address_unspendable')
  })
  it.each([
    ['1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2', 'valid'],
    ['3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy', 'valid'],
    ['1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3', 'address_checksum'],
    ['mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn', 'address_testnet'],
    ['2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc', 'address_testnet'],
    ['1111111111111111111114oLvT2', 'address_unspendable'],
    ['0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', 'address_wrong_network'],
    ['TJRabPrwbZy45sbavfcjinPJC18kjpRTv8', 'address_wrong_network'],
    ['', 'address_malformed'],
    ['bc1', 'address_checksum'],
  ])('says of %s: %s', (address, expected) => {
    expect(codeOf(check('BTC', 'bitcoin', address))).toBe(expected)
  })
  it('takes no witness program that btc-signer refuses, and of version 0 just the same', () => {
    const known = (address: string) => {
      try {
        return Address().decode(address) !== undefined
      } catch {
        return false
      }
    }
    let taken = 0
    fc.assert(
      fc.property(
        fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 16 })),
        fc
          .oneof(fc.constantFrom(20, 32), fc.integer({ min: 2, max: 40 }))
          .chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
        (version, program) => {
          fc.pre(program.some((byte) => byte > 1))
          const coder = version === 0 ? bech32 : bech32m
          const address = coder.encode('bc', [version, ...coder.toWords(program)])
          const accepted = codeOf(check('BTC', 'bitcoin', address)) === 'valid'
          // Of taproot we take fewer: btc-signer doesn't ask whether the key is a point.
          if (accepted || version !== 1) expect([address, accepted]).toEqual([address, known(address)])
          if (accepted) taken += 1
        },
      ),
      { numRuns: 500 },
    )
    expect(taken).toBeGreaterThan(20)
  })
  it('agrees with btc-signer on every key hash', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        fc.constantFrom('wpkh', 'pkh', 'sh'),
        (hash, type) => {
          fc.pre(hash.slice(0, 19).some((byte) => byte > 0))
          const address = Address().encode({ type, hash })
          expect(addressOf(check('BTC', 'bitcoin', address))).toBe(address)
        },
      ),
    )
  })
})

describe('Litecoin', () => {
  it.each([
    [versioned(0x30, 7), 'valid'],
    [versioned(0x32, 7), 'valid'],
    [versioned(0x05, 7), 'address_ambiguous'],
    [versioned(0x6f, 7), 'address_testnet'],
    [versioned(0x00, 7), 'address_wrong_network'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'address_wrong_network'],
  ])('says of %s: %s', (address, expected) => {
    expect(codeOf(check('LTC', 'litecoin', address))).toBe(expected)
  })
})

describe('Ethereum and its kin', () => {
  it.each(ERC55)('takes the ERC-55 vector %s and gives it its check sum', (address) => {
    expect(addressOf(check('ETH', 'ethereum', address)).toLowerCase()).toBe(address.toLowerCase())
    expect(addressOf(check('ETH', 'ethereum', address.toLowerCase()))).toBe(
      addressOf(check('ETH', 'ethereum', `0x${address.slice(2).toUpperCase()}`)),
    )
  })
  it.each(ERC55.slice(4))('refuses %s with the case of any one letter turned', (address) => {
    for (const [at, letter] of Array.from(address).entries()) {
      if (at < 2 || !/[a-f]/i.test(letter)) continue
      const turned = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
      expect(codeOf(check('ETH', 'ethereum', address.slice(0, at) + turned + address.slice(at + 1)))).toBe(
        'address_checksum',
      )
    }
  })
  it('refuses the burn addresses and the contract of the coin itself', () => {
    expect(codeOf(check('ETH', 'ethereum', `0x${'0'.repeat(40)}`))).toBe('address_unspendable')
    expect(codeOf(check('ETH', 'ethereum', '0x000000000000000000000000000000000000dEaD'))).toBe('address_unspendable')
    const usdt = '0xdac17f958d2ee523a2206206994597c13d831ec7'
    expect(codeOf(check('USDT', 'ethereum', usdt))).toBe('address_token_contract')
    expect(codeOf(check('ETH', 'ethereum', usdt))).toBe('valid')
  })
  it('refuses a coin on a network that it is not on, and a tag', () => {
    expect(codeOf(check('USDC', 'tron', 'TJRabPrwbZy45sbavfcjinPJC18kjpRTv8'))).toBe('asset_unknown')
    expect(codeOf(check('ETH', 'ethereum', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', '7'))).toBe('tag_not_used')
    expect(codeOf(check('ETH', 'constructor', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'))).toBe('asset_unknown')
  })
})

describe('TRON', () => {
  it.each([
    ['TJRabPrwbZy45sbavfcjinPJC18kjpRTv8', 'valid'],
    ['TJRabPrwbZy45sbavfcjinPJC18kjpRTv9', 'address_checksum'],
    ['0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', 'address_wrong_network'],
    ['TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t', 'address_token_contract'],
    [versioned(0x41, 0), 'address_unspendable'],
    [versioned(0xa0, 5), 'address_testnet'],
  ])('says of %s: %s', (address, expected) => {
    expect(codeOf(check('USDT', 'tron', address))).toBe(expected)
  })
})

describe('XRP', () => {
  const genesis = 'rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh'
  it.each([
    [genesis, undefined, 'valid'],
    [genesis, '0', 'valid'],
    [genesis, '4294967295', 'valid'],
    [genesis, '4294967296', 'tag_malformed'],
    [genesis, '007', 'tag_malformed'],
    [genesis, '-1', 'tag_malformed'],
    [genesis, '', 'tag_malformed'],
    ['rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTj', undefined, 'address_checksum'],
    ['rrrrrrrrrrrrrrrrrrrrrhoLvTp', undefined, 'address_unspendable'],
    ['rrrrrrrrrrrrrrrrrrrrBZbvji', undefined, 'address_unspendable'],
    ['1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2', undefined, 'address_wrong_network'],
  ])('says of %s with tag %s: %s', (address, tag, expected) => {
    expect(codeOf(check('XRP', 'ripple', address, tag))).toBe(expected)
  })
})

it('never throws and never takes noise, whatever is typed', () => {
  const networks = fc.constantFrom(
    ['BTC', 'bitcoin'],
    ['LTC', 'litecoin'],
    ['ETH', 'ethereum'],
    ['USDT', 'tron'],
    ['XRP', 'ripple'],
  )
  const noise = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => base58.encode(bytes)),
    fc.uint8Array({ maxLength: 60 }).map((bytes) => base58xrp.encode(bytes)),
  )
  fc.assert(
    fc.property(networks, noise, ([asset = '', network = ''], address) => {
      expect(codeOf(check(asset, network, address))).not.toBe('valid')
    }),
    { numRuns: 2000 },
  )
})
