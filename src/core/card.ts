import { COUNTRIES } from './countries.ts'

/** Schemes, in the words of rules and of every adapter. */
export const CARD_BRANDS = [
  'visa',
  'mastercard',
  'maestro',
  'amex',
  'diners',
  'discover',
  'jcb',
  'unionpay',
  'dankort',
  'bancontact',
  'cartes_bancaires',
] as const

/** What stands behind a card. */
export const CARD_FUNDINGS = ['credit', 'debit', 'prepaid', 'charge'] as const

/** What is known of a card besides its token, never a number: its scheme, what stands behind it, its issuer's country (ISO 3166-1 alpha-2). */
export type CardFacts = { readonly brand?: string; readonly funding?: string; readonly country?: string }

const BRANDS: ReadonlySet<string> = new Set(CARD_BRANDS)
const FUNDINGS: ReadonlySet<string> = new Set(CARD_FUNDINGS)

/** The facts that rules can use: a word that no rule could name is left out. */
export function cardFactsOf({ brand, funding, country }: CardFacts): CardFacts {
  return {
    ...(brand !== undefined && BRANDS.has(brand) && { brand }),
    ...(funding !== undefined && FUNDINGS.has(funding) && { funding }),
    ...(country !== undefined && COUNTRIES.has(country) && { country }),
  }
}

/** The cards that the names in hand belong to already. `renewed`: the token's card has another fingerprint at this very processor. */
export type CardsNamed = {
  readonly byToken: string | undefined
  readonly byFingerprint: string | undefined
  readonly renewed: boolean
}

/**
 * Which card it is. A token is a name that somebody may give to the next card (an updater, a renewal); a processor's
 * fingerprint is the card itself, as that processor sees it. `card` undefined: one that was never seen. `absorbs`: a
 * card that turns out to be the same one under another name.
 */
export function identifyCard({ byToken, byFingerprint, renewed }: CardsNamed): {
  readonly card: string | undefined
  readonly absorbs?: string
} {
  if (byFingerprint === undefined) return { card: renewed ? undefined : byToken }
  if (byToken === undefined || byToken === byFingerprint || renewed) return { card: byFingerprint }
  return { card: byFingerprint, absorbs: byToken }
}
