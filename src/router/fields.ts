import type { MethodType } from '../adapters/contract.ts'
import { CARD_BRANDS, CARD_FUNDINGS } from '../core/card.ts'
import { COUNTRIES } from '../core/countries.ts'
import { ASSETS, assetByCode } from '../core/currencies.ts'
import type { Money } from '../core/money.ts'
import type { CardDeclines } from '../core/scheme.ts'

/** What is known of a payment when its route is planned. Absent members are unknown, not false. */
export type RouteFacts = {
  readonly direction: 'deposit' | 'withdrawal'
  readonly method: MethodType
  readonly amount: Money
  readonly playerId: string
  /** ISO 3166-1 alpha-2. */
  readonly playerCountry: string
  readonly segment?: string
  readonly licence?: string
  readonly firstDeposit?: boolean
  readonly depositsSoFar?: number
  readonly brand?: string
  readonly funding?: string
  readonly binCountry?: string
  readonly wallet?: string
  readonly cryptoAsset?: string
  readonly network?: string
  readonly clientCountry?: string
  readonly atMs: number
  /** Connections that the player's money came in through, the preferred first: closed-loop payouts go back there. */
  readonly depositedThrough?: readonly string[]
  /** The card's declines so far, for the schemes' retry limits. */
  readonly cardDeclines?: CardDeclines
}

/** The moment of a payment on the operator's own clock. */
export type LocalTime = { readonly hour: number; readonly minute: number; readonly weekday: number }

/** What kind of value a field has: it decides which operators fit. */
export type FieldType = 'word' | 'number' | 'boolean' | 'money'

/** A fact that rules may use: its type, the values it can have where that is known, and how it is read. */
export type Field = {
  readonly type: FieldType
  readonly about: string
  /** All possible values, or undefined when any word fits. */
  readonly domain?: ReadonlySet<string>
  /** What the domain is called in messages: `an ISO 4217 currency`. */
  readonly domainName?: string
  /** Inclusive bounds of a number. */
  readonly range?: readonly [number, number]
  /** True when every payment has it. */
  readonly always?: true
  read(facts: RouteFacts, time: () => LocalTime): string | number | boolean | Money | undefined
}

/** Days as rules name them, Monday first. */
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

const currencies = new Set(ASSETS.map(({ currency }) => currency))
const cryptoAssets = new Set(ASSETS.filter(({ network }) => network !== undefined).map(({ currency }) => currency))
const networks = new Set(ASSETS.flatMap(({ network }) => network ?? []))

const country = (about: string, read: Field['read'], always?: true): Field => ({
  type: 'word',
  about,
  domain: COUNTRIES,
  domainName: 'an ISO 3166-1 alpha-2 country',
  read,
  ...(always && { always }),
})

const words = (about: string, values: readonly string[], domainName: string, read: Field['read']): Field => ({
  type: 'word',
  about,
  domain: new Set(values),
  domainName,
  read,
})

/** Every fact that a rule may use, by its name in the language. None of them comes as it is from a browser. */
export const FIELDS: Readonly<Record<string, Field>> = {
  direction: {
    ...words('deposit or withdrawal', ['deposit', 'withdrawal'], 'deposit or withdrawal', (facts) => facts.direction),
    always: true,
  },
  method: {
    ...words(
      'the rail',
      ['card', 'wallet', 'bank', 'crypto'],
      'a method: card, wallet, bank or crypto',
      (facts) => facts.method,
    ),
    always: true,
  },
  currency: {
    type: 'word',
    about: 'ISO 4217 code, or the coin',
    domain: currencies,
    domainName: 'a currency that the gateway counts',
    always: true,
    read: (facts) => assetByCode(facts.amount.asset)?.currency,
  },
  amount: {
    type: 'money',
    about: 'the amount, compared within one currency',
    always: true,
    read: (facts) => facts.amount,
  },
  player_country: country("the player's country", (facts) => facts.playerCountry, true),
  client_country: country("the country of the player's address on the internet", (facts) => facts.clientCountry),
  bin_country: country("the country of the card's issuer", (facts) => facts.binCountry),
  brand: words("the card's scheme", CARD_BRANDS, 'a card brand such as visa or mastercard', (facts) => facts.brand),
  funding: words(
    'what stands behind the card',
    CARD_FUNDINGS,
    'credit, debit, prepaid or charge',
    (facts) => facts.funding,
  ),
  wallet: { type: 'word', about: 'the e-wallet by name', read: (facts) => facts.wallet },
  crypto_asset: {
    type: 'word',
    about: 'the coin',
    domain: cryptoAssets,
    domainName: 'a coin that the gateway counts',
    read: (facts) => facts.cryptoAsset,
  },
  network: {
    type: 'word',
    about: "the coin's network",
    domain: networks,
    domainName: 'a network that the gateway knows',
    read: (facts) => facts.network,
  },
  segment: { type: 'word', about: "the operator's own segment of the player", read: (facts) => facts.segment },
  licence: { type: 'word', about: 'the licence that the player plays under', read: (facts) => facts.licence },
  first_deposit: {
    type: 'boolean',
    about: 'no deposit of the player has succeeded yet',
    read: (facts) => facts.firstDeposit,
  },
  deposits_so_far: {
    type: 'number',
    about: "the player's deposits that succeeded",
    range: [0, 1_000_000],
    read: (facts) => facts.depositsSoFar,
  },
  hour: {
    type: 'number',
    about: "the hour on the operator's clock",
    range: [0, 23],
    always: true,
    read: (_, time) => time().hour,
  },
  weekday: {
    ...words(
      "the day on the operator's clock",
      WEEKDAYS,
      'mon, tue, wed, thu, fri, sat or sun',
      (_, time) => WEEKDAYS[time().weekday],
    ),
    always: true,
  },
}
