import type { Destination } from '../adapters/contract.ts'

/** Why money can't go there. The text before the first underscore says which part is wrong. */
export type DestinationProblem =
  | 'card_number'
  | 'card_token'
  | 'wallet_account'
  | 'name_missing'
  | 'iban_malformed'
  | 'iban_country'
  | 'iban_length'
  | 'iban_checksum'
  | 'asset_unknown'
  | 'address_malformed'
  | 'address_checksum'
  | 'address_testnet'
  | 'address_wrong_network'
  | 'address_unspendable'
  | 'address_token_contract'
  | 'address_ambiguous'
  | 'tag_malformed'
  | 'tag_not_used'

/** A destination that can be paid, in its one canonical spelling and masked for people; or why it can't. `detail` never echoes the input. */
export type DestinationCheck =
  | { readonly kind: 'valid'; readonly normalized: Destination; readonly masked: string }
  | { readonly kind: 'invalid'; readonly code: DestinationProblem; readonly detail: string }
