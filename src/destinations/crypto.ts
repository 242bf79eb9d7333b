import { sha256 } from '@noble/hashes/sha2.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { base58, base58xrp, bech32, bech32m } from '@scure/base'
import type { Destination } from '../adapters/contract.ts'
import { assetOf } from '../core/currencies.ts'
import type { DestinationCheck, DestinationProblem } from './check.ts'

type Crypto = Extract<Destination, { type: 'crypto' }>

/** An address as its network reads it: its one spelling with the bytes that it stands for, or why it isn't one. */
type Read =
  | { readonly kind: 'address'; readonly text: string; readonly bytes: Uint8Array }
  | { readonly kind: 'problem'; readonly code: DestinationProblem }

/** The sums and prefixes of a Bitcoin-like network. Bitcoin: https://github.com/bitcoin/bips, Litecoin: https://github.com/litecoin-project/litecoin src/kernel/chainparams.cpp; read 2026-11-22. */
type BitcoinLike = {
  readonly versions: readonly number[]
  readonly hrp: string
  readonly testVersions: readonly number[]
  readonly testHrps: readonly string[]
  readonly ambiguousVersions: readonly number[]
}

const BITCOIN: BitcoinLike = {
  versions: [0x00, 0x05],
  hrp: 'bc',
  testVersions: [0x6f, 0xc4],
  testHrps: ['tb', 'bcrt', 'sb'],
  ambiguousVersions: [],
}

const LITECOIN: BitcoinLike = {
  versions: [0x30, 0x32],
  hrp: 'ltc',
  testVersions: [0x6f, 0x3a, 0xc4],
  testHrps: ['tltc', 'rltc'],
  // The old script addresses look exactly like Bitcoin's: the form that begins with M says the network.
  ambiguousVersions: [0x05],
}

const NETWORKS: Readonly<Record<string, (address: string) => Read>> = {
  bitcoin: (address) => readBitcoinLike(address, BITCOIN),
  litecoin: (address) => readBitcoinLike(address, LITECOIN),
  ethereum: readEvm,
  bsc: readEvm,
  tron: readTron,
  ripple: readXrp,
}

/** Contracts of the coins themselves: a token sent to its own contract is lost. By asset and network. */
const TOKEN_CONTRACTS: Readonly<Record<string, string>> = {
  'USDT/ethereum': '0xdAC17F958D2ee523a2206206994597C13D831ec7',
  'USDC/ethereum': '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48',
  'USDT/bsc': '0x55d398326f99059fF775485246999027B3197955',
  'USDT/tron': 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t',
}

const DETAILS = {
  address_malformed: 'That is not an address of the network.',
  address_checksum: 'The address has a wrong check sum: a character is mistyped.',
  address_testnet: 'The address belongs to a test network.',
  address_wrong_network: 'The address belongs to another network.',
  address_unspendable: 'Nobody, or everybody, could spend what is sent to that address.',
  address_token_contract: "That is the coin's own contract: what is sent there is lost.",
  address_ambiguous: 'The address is an old form that two networks share: use the current form.',
} as const satisfies Partial<Record<DestinationProblem, string>>

/** Checks address, network, asset and tag together. */
export function checkCrypto(destination: Crypto): DestinationCheck {
  const { asset, network, address, tag } = destination
  const read = NETWORKS[network]
  if (read === undefined || assetOf(asset, network) === undefined) {
    return invalid('asset_unknown', 'That coin is not known on that network.')
  }
  const seen = read(address)
  if (seen.kind === 'problem') return invalid(blame(seen.code, address, network))
  if (isUnspendable(seen.bytes)) return invalid('address_unspendable')
  if (TOKEN_CONTRACTS[`${asset}/${network}`] === seen.text) return invalid('address_token_contract')
  const tagProblem = checkTag(network, tag)
  if (tagProblem) return tagProblem
  const masked = `${seen.text.slice(0, 6)}...${seen.text.slice(-4)}`
  return { kind: 'valid', normalized: { ...destination, address: seen.text }, masked }
}

/** An address that doesn't read here but does on another network tells a person more than "malformed". */
function blame(code: DestinationProblem, address: string, network: string): DestinationProblem {
  if (code !== 'address_malformed' && code !== 'address_checksum') return code
  const elsewhere = Object.entries(NETWORKS).some(
    ([name, read]) => name !== network && read(address).kind === 'address',
  )
  return elsewhere ? 'address_wrong_network' : code
}

/** A destination tag is a 32-bit number, one spelling each. Only the XRP ledger has one here. */
function checkTag(network: string, tag: string | undefined): DestinationCheck | undefined {
  if (tag === undefined) return undefined
  if (network !== 'ripple') return invalid('tag_not_used', 'That network has no destination tags.')
  if (/^(0|[1-9]\d{0,9})$/.test(tag) && Number(tag) <= 0xffff_ffff) return undefined
  return invalid('tag_malformed', 'A destination tag is a whole number below 2^32.')
}

function invalid(code: DestinationProblem, detail?: string): DestinationCheck {
  const known: Readonly<Partial<Record<DestinationProblem, string>>> = DETAILS
  return { kind: 'invalid', code, detail: detail ?? known[code] ?? 'The destination is invalid.' }
}

const problem = (code: DestinationProblem): Read => ({ kind: 'problem', code })

// All zeros, or all zeros but a last 1 (XRP's ACCOUNT_ONE): keys that nobody can hold.
const isUnspendable = (bytes: Uint8Array): boolean =>
  bytes.subarray(0, -1).every((byte) => byte === 0) && (bytes.at(-1) ?? 0) <= 1

function readBitcoinLike(address: string, network: BitcoinLike): Read {
  const hrp = address.slice(0, address.lastIndexOf('1')).toLowerCase()
  if (network.testHrps.includes(hrp)) return problem('address_testnet')
  if (hrp === network.hrp) return readSegwit(address)
  const payload = base58check(address, base58)
  if (payload === 'malformed') return problem('address_malformed')
  if (payload === 'checksum') return problem('address_checksum')
  const version = payload[0] ?? -1
  if (payload.length !== 21) return problem('address_malformed')
  if (network.testVersions.includes(version)) return problem('address_testnet')
  if (network.ambiguousVersions.includes(version)) return problem('address_ambiguous')
  if (!network.versions.includes(version)) return problem('address_malformed')
  return { kind: 'address', text: address, bytes: payload.subarray(1) }
}

/** BIP-173 and BIP-350, and stricter: only the programs that wallets can spend today, so version 0 and taproot keys on the curve. */
function readSegwit(address: string): Read {
  const old = bech32.decodeUnsafe(address)
  const decoded = old ?? bech32m.decodeUnsafe(address)
  if (!decoded) return problem('address_checksum')
  const [version, ...words] = decoded.words
  const program = bech32.fromWordsUnsafe(words)
  if (!program || version === undefined || (version === 0) !== Boolean(old)) return problem('address_checksum')
  const text = address.toLowerCase()
  if (version === 0 && (program.length === 20 || program.length === 32))
    return { kind: 'address', text, bytes: program }
  if (version !== 1 || program.length !== 32) return problem('address_unspendable')
  return isOnCurve(program) ? { kind: 'address', text, bytes: program } : problem('address_unspendable')
}

// The prime of secp256k1, SEC 2 section 2.4.1.
const P = 2n ** 256n - 2n ** 32n - 977n

/** Is there a point of secp256k1 with this x? If not, a taproot output with it can never be spent. Euler's criterion on x^3 + 7. */
function isOnCurve(bytes: Uint8Array): boolean {
  const x = BigInt(`0x${bytesToHex(bytes)}`)
  return x < P && power((x ** 3n + 7n) % P, (P - 1n) / 2n) === 1n
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = base
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % P
    square = (square * square) % P
  }
  return result
}

/** ERC-55: a mixed-case address carries its check sum; one of a single case carries none and is legal. */
function readEvm(address: string): Read {
  if (!/^0x[0-9a-fA-F]{40}$/.test(address)) return problem('address_malformed')
  const digits = address.slice(2)
  const lower = digits.toLowerCase()
  const hash = bytesToHex(keccak_256(utf8ToBytes(lower)))
  const text = `0x${Array.from(lower, (digit, at) => (Number.parseInt(hash[at] ?? '0', 16) >= 8 ? digit.toUpperCase() : digit)).join('')}`
  if (digits !== lower && digits !== digits.toUpperCase() && address !== text) return problem('address_checksum')
  // The customary place to burn coins.
  if (lower.endsWith('dead') && /^0+dead$/.test(lower)) return problem('address_unspendable')
  return { kind: 'address', text, bytes: hexToBytes(lower) }
}

/** TRON: base58check of 0x41 and 20 bytes, so it begins with T. */
function readTron(address: string): Read {
  const payload = base58check(address, base58)
  if (payload === 'malformed') return problem('address_malformed')
  if (payload === 'checksum') return problem('address_checksum')
  if (payload.length === 21 && payload[0] === 0xa0) return problem('address_testnet')
  if (payload.length !== 21 || payload[0] !== 0x41) return problem('address_malformed')
  return { kind: 'address', text: address, bytes: payload.subarray(1) }
}

/** XRP ledger classic address: base58check in its own alphabet, 0x00 and 20 bytes, so it begins with r. */
function readXrp(address: string): Read {
  const payload = base58check(address, base58xrp)
  if (payload === 'malformed') return problem('address_malformed')
  if (payload === 'checksum') return problem('address_checksum')
  if (payload.length !== 21 || payload[0] !== 0x00) return problem('address_malformed')
  return { kind: 'address', text: address, bytes: payload.subarray(1) }
}

// Both alphabets have the same letters in another order. They are checked first, since the decoders throw; no address has 64.
const BASE58 = /^[1-9A-HJ-NP-Za-km-z]{5,64}$/

function base58check(text: string, coder: typeof base58): Uint8Array | 'malformed' | 'checksum' {
  if (!BASE58.test(text)) return 'malformed'
  const bytes = coder.decode(text)
  const payload = bytes.subarray(0, -4)
  if (payload.length === 0) return 'malformed'
  const sum = sha256(sha256(payload))
  return bytes.subarray(-4).every((byte, at) => byte === sum[at]) ? payload : 'checksum'
}
