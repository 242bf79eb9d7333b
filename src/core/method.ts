import type { CardFacts } from './card.ts'

/** A rail that money moves on. */
export type MethodType = 'card' | 'wallet' | 'bank' | 'crypto'

/** The instrument or rail of a deposit. A card is a processor's or hosted-fields token: there is no member for a number. `hint`: what the operator's own hosted fields told it of the card. */
export type ChargeMethod =
  | { readonly type: 'card'; readonly token: string; readonly hint?: CardFacts }
  | { readonly type: 'wallet'; readonly wallet: string }
  | { readonly type: 'bank'; readonly country: string }
  | { readonly type: 'crypto'; readonly asset: string; readonly network: string }

/** Where a payout goes. `token` is a saved instrument's own name at the processor. */
export type Destination =
  | { readonly type: 'card'; readonly token: string }
  | { readonly type: 'wallet'; readonly wallet: string; readonly account: string }
  | { readonly type: 'bank'; readonly iban: string; readonly name: string }
  | {
      readonly type: 'crypto'
      readonly asset: string
      readonly network: string
      readonly address: string
      readonly tag?: string
    }

/** What makes two accounts one: the account, not the spelling of its holder. */
export function accountOf(destination: Destination): string {
  switch (destination.type) {
    case 'card':
      return `card:${destination.token}`
    case 'wallet':
      return `wallet:${destination.wallet}:${destination.account}`
    case 'bank':
      return `bank:${destination.iban}`
    case 'crypto':
      return `crypto:${destination.asset}:${destination.network}:${destination.address}:${destination.tag ?? ''}`
  }
}

/** What may be shown of a card beside its token's existence. */
export type CardSeen = {
  readonly brand?: string | undefined
  readonly last4?: string | undefined
  readonly expiry?: string | undefined
  readonly funding?: string | undefined
  readonly country?: string | undefined
}

/** What of a destination may be shown; `account` is its masked form, null where it is no account at all. */
export function maskedOf(
  destination: Destination,
  account: string | null,
  { brand, last4, expiry, funding, country }: CardSeen = {},
): Record<string, unknown> {
  switch (destination.type) {
    case 'bank':
      return { type: 'bank', iban: account, name: destination.name }
    case 'crypto':
      return { type: 'crypto', asset: destination.asset, network: destination.network, address: account }
    case 'wallet':
      return { type: 'wallet', wallet: destination.wallet, account }
    case 'card':
      return {
        type: 'card',
        ...(brand !== undefined && { brand }),
        ...(last4 !== undefined && { last4 }),
        ...(expiry !== undefined && { expiry }),
        ...(funding !== undefined && { funding }),
        ...(country !== undefined && { bin_country: country }),
      }
  }
}
