/** A rail that money moves on. */
export type MethodType = 'card' | 'wallet' | 'bank' | 'crypto'

/** The instrument or rail of a deposit. A card is a processor's or hosted-fields token: there is no member for a number. */
export type ChargeMethod =
  | { readonly type: 'card'; readonly token: string }
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
