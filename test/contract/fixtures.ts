import type { Charge, Outcome, PayOut, ProcessorEvent, Refund, Resume } from '../../src/adapters/contract.ts'
import type { Money } from '../../src/core/money.ts'
import type { Answer, SeenRequest } from './scripted-server.ts'

/**
 * What an engineer gives to have an adapter judged: the processor's answers, as its documents show them, and what each
 * must come to. Answers are given over a real local HTTP server that stands in for all of the adapter's hosts.
 */
export type AdapterFixtures = {
  /** Settings of a test account. The hosts that follow from them are replaced by the local server. */
  readonly config: unknown
  /** Every secret in it: none may show in a record, an outcome or a URL. */
  readonly canaries: readonly string[]
  /** Ledger codes of assets to try, so that each number of decimals the processor takes is seen: `['JPY', 'EUR', 'KWD', 'BTC']`. */
  readonly assets: readonly string[]
  /** Text that stands in the request's body for an amount: `'"amount":"12.50"'`, `'"value":1250'`. */
  amountOnWire(amount: Money): string
  readonly charge?: VerbFixture & { readonly ask?: Partial<Charge> }
  readonly payOut?: VerbFixture & { readonly ask?: Partial<PayOut> }
  readonly refund?: VerbFixture & { readonly ask?: Partial<Refund> }
  /** The ends of an authorization, each in one piece; `declined` is none of their cases, see `Modification`. */
  readonly capture?: VerbFixture
  readonly cancel?: VerbFixture
  readonly resume?: Pick<VerbFixture, 'cases'> & { readonly ask?: Partial<Resume> }
  /** `cases` by what the processor says when asked; `not_found` is required. */
  readonly find?: Pick<VerbFixture, 'cases'>
  readonly webhook: WebhookFixture
  /** Where a processor sends webhooks that are signed in more than one way: the others, by name. */
  readonly otherWebhooks?: Readonly<Record<string, WebhookFixture>>
  /** Cases of this suite that the processor can't have, by their name, each with the reason: `{ 'charge: pending': 'always immediate' }`. */
  readonly lacks?: Readonly<Record<string, string>>
}

/** What was asked, for an answer to repeat. */
export type Asked = { readonly attempt: string; readonly amount: Money; readonly reference?: string }

/** The processor's side of one verb: an answer to every request that the adapter makes for it. A fresh one per call, so it may count. */
export type Answers = (asked: Asked) => (request: SeenRequest) => Answer

/** What a case must come to: members of the outcome. */
export type Expected = { readonly kind: Outcome['kind'] } & Readonly<Record<string, unknown>>

/** A money verb. */
export type VerbFixture = {
  /** By what the processor says. `approved`, `declined`, `pending` and `unmapped` (a state out of no document) are required, more are welcome. */
  readonly cases: Readonly<Record<string, { readonly answers: Answers; readonly expect: Expected }>>
  /** A well-formed answer of the fullest kind. Its outcome carries the amount, when the processor's answers do. */
  readonly good: Answers
  /** Good answers that lie about one thing; `lacks` says why one can't be told: `'charge: wrong amount'`. */
  readonly lies?: Partial<Record<'amount' | 'currency' | 'reference', Answers>>
}

/** A fact for a webhook to tell. */
export type ToldFact = { readonly attempt: string; readonly reference: string; readonly amount: Money }

/** Who signs, with what, and when. */
export type Signing = { readonly secret: string; readonly nowMs: number }

/** A webhook as the processor would send it; header names in lower case. */
export type Made = { readonly body: string; readonly headers: Readonly<Record<string, string>> }

/** The processor's webhooks. */
export type WebhookFixture = {
  /** Two secrets of the form that the processor issues, and one of another account. */
  readonly secrets: readonly [string, string]
  readonly foreignSecret: string
  /** A true webhook that tells a fact. */
  make(fact: ToldFact, signing: Signing): Made
  /** What the one event of it must be: members of the event. */
  expect(fact: ToldFact): Partial<ProcessorEvent> | Readonly<Record<string, unknown>>
  /** Signs any bytes as they are; absent when the signature stands inside the body. */
  sign?(body: string, signing: Signing): Readonly<Record<string, string>>
  /** Webhooks altered after they were signed, each of which must be refused. Needed when not every byte of the body is signed. */
  tampered?(made: Made): Readonly<Record<string, Made>>
  /** A true webhook of another account with the same secret; absent when the signature alone tells accounts apart. */
  wrongAccount?(fact: ToldFact, signing: Signing): Made
  /** A true webhook in a state out of no document. */
  unmapped?(fact: ToldFact, signing: Signing): Made
  /** The header that carries the signature; absent when it stands inside the body. */
  readonly header?: string
  /** True when the signed content holds a time. */
  readonly timestamped: boolean
}
