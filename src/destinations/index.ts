import type { Destination } from '../adapters/contract.ts'
import type { DestinationCheck, DestinationProblem } from './check.ts'
import { checkCrypto } from './crypto.ts'
import { checkIban } from './iban.ts'

// A processor's own name of a saved card, or hosted fields: printable ASCII, as long as the longest encrypted fields that a processor takes.
const TOKEN = /^[\x21-\x7e]{1,16384}$/
const DIGITS_ONLY = /^\d(?:[ ./_-]?\d){11,18}$/
const ACCOUNT = /^[^\s@]{1,64}(?:@[^\s@]{1,190})?$/

/** Can money be sent there at all? Pure: says nothing of whose account it is, nor of sanctions. Mainnet only. */
export function checkDestination(destination: Destination): DestinationCheck {
  switch (destination.type) {
    case 'bank':
      return checkBank(destination)
    case 'crypto':
      return checkCrypto(destination)
    case 'card':
      if (DIGITS_ONLY.test(destination.token)) return refused('card_number', 'A card number is never accepted.')
      if (!TOKEN.test(destination.token)) return refused('card_token', 'The card must be named by a token.')
      return { kind: 'valid', normalized: destination, masked: 'card' }
    case 'wallet':
      if (!ACCOUNT.test(destination.account)) return refused('wallet_account', 'The wallet account is malformed.')
      return {
        kind: 'valid',
        normalized: destination,
        masked: `${destination.wallet} ${maskAccount(destination.account)}`,
      }
  }
}

function checkBank(destination: Extract<Destination, { type: 'bank' }>): DestinationCheck {
  const name = destination.name.normalize('NFC').trim().replaceAll(/\s+/g, ' ')
  // A name that can't be printed, or has no letter, belongs to nobody that a bank could pay.
  if (!/\p{L}/u.test(name) || /\p{C}/u.test(name) || name.length > 140) {
    return refused('name_missing', "The account holder's name is missing or malformed.")
  }
  const read = checkIban(destination.iban)
  if (read.kind === 'invalid') return refused(read.code, read.detail)
  return { kind: 'valid', normalized: { type: 'bank', iban: read.iban, name }, masked: read.masked }
}

function maskAccount(account: string): string {
  const [local = '', domain] = account.split('@')
  return domain === undefined ? `****${local.slice(-2)}` : `${local.slice(0, 1)}****@${domain}`
}

const refused = (code: DestinationProblem, detail: string): DestinationCheck => ({ kind: 'invalid', code, detail })
