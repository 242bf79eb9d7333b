import type { z } from 'zod'
import type { DeclineCode } from '../core/decline.ts'
import type { ChargeMethod, Destination, MethodType } from '../core/method.ts'
import type { Money } from '../core/money.ts'
import type { Flow, NotSentReason, Outcome, Phase, UnknownReason } from '../core/outcome.ts'

export type { ChargeMethod, Destination, MethodType } from '../core/method.ts'
export type { Flow, InstrumentSeen, NextAction, NotSentReason, Outcome, Phase, UnknownReason } from '../core/outcome.ts'

/**
 * The contract between the gateway and a processor. An adapter says facts as data and speaks seven verbs; a verb that a
 * processor lacks is absent. Every answer is an `Outcome`: what is *known* to have happened, never what we hope.
 */

/** What the gateway asks of a processor. `charge` takes money in, `payOut` sends it out; `capture` and `cancel` end an authorization. */
export type Operation = 'charge' | 'resume' | 'find' | 'capture' | 'cancel' | 'refund' | 'payOut'

/** The little of a player that processors ask for. */
export type PlayerAtProcessor = {
  readonly id: string
  readonly country: string
  readonly name?: string
  readonly email?: string
}

/**
 * The end of an attempt's own time, ms since 1970: past it nothing of the request may be written, however long the process
 * slept in between, because a look-up may have ruled by then that it never was. Absent where there is no such ruling.
 */
export type Timed = { readonly sendBeforeMs?: number }

/** A deposit to be taken. `attempt` is our reference and the root of the idempotency key; `returnUrl` and `webhookUrl` are the gateway's own. */
export type Charge = Timed & {
  readonly attempt: string
  readonly payment: string
  readonly amount: Money
  readonly method: ChargeMethod
  readonly player: PlayerAtProcessor
  readonly returnUrl: string
  readonly webhookUrl: string
  readonly client?: { readonly ip?: string; readonly userAgent?: string }
  /** True when the last answer asked for strong authentication: ask for it outright. */
  readonly stepUp?: boolean
  /** True when the player asked to keep the instrument: the answer's `instrument.token` then names it. */
  readonly save?: boolean
}

/** A charge to be carried on after the player came back from a page. `params` are what the page handed back: untrusted, for the processor's eyes only. */
export type Resume = {
  readonly attempt: string
  /** Theirs; empty where a processor names a payment only once the player is back. */
  readonly reference: string
  readonly amount: Money
  readonly params: Readonly<Record<string, string>>
}

/**
 * A look-up by our own reference, with theirs where it is known. It may finish what was begun under that reference (a
 * replay, the second step of a payout) but never begins anything under another.
 */
export type Find = {
  readonly attempt: string
  readonly flow: Flow
  readonly amount: Money
  readonly reference?: string
  /** The first request again, word for word: for processors whose only look-up is a replay under the same idempotency key, and for payouts in two steps. */
  readonly original?: Charge | Refund | PayOut
}

/**
 * The end of an authorization: its capture, or its cancellation. The answer speaks of the payment: `succeeded` when it is
 * captured, `voided` when it is cancelled, `pending` when the order was only received and the word comes by webhook. A
 * refused order that leaves the authorization standing is `unknown`, never `declined`.
 */
export type Modification = {
  readonly attempt: string
  readonly payment: string
  readonly amount: Money
  /** The processor's own name of the authorization. */
  readonly reference: string
}

/** A refund of part or all of a captured deposit. */
export type Refund = Timed & {
  readonly attempt: string
  readonly payment: string
  readonly amount: Money
  readonly original: { readonly attempt: string; readonly reference: string; readonly amount: Money }
  readonly webhookUrl: string
}

/** A withdrawal to be sent. `origin` is the deposit that it pays back, where the rail asks for it (closed loop, card refunds). */
export type PayOut = Timed & {
  readonly attempt: string
  readonly payment: string
  readonly amount: Money
  readonly destination: Destination
  readonly player: PlayerAtProcessor
  readonly webhookUrl: string
  readonly origin?: { readonly reference: string; readonly amount: Money }
}

/** A dispute over a deposit that had succeeded. The money moves at `chargeback`; the stages around it are news for people. */
export type DisputeNews = {
  readonly reference: string
  readonly stage: 'inquiry' | 'chargeback' | 'pre_arbitration' | 'arbitration'
  readonly status:
    | 'opened'
    | 'evidence_due'
    | 'evidence_submitted'
    | 'accepted'
    | 'won'
    | 'lost'
    | 'withdrawn'
    | 'expired'
  readonly amount: Money
}

/** One thing that a processor told us by webhook. `id` is theirs and de-duplicates for ever; `attempt` is our reference where it is in the event. */
export type ProcessorEvent = {
  readonly id: string
  readonly flow: Flow
  readonly attempt?: string
  readonly reference?: string
  /** The processor's own time of the fact, ms since 1970, for ordering. */
  readonly atMs?: number
  /** What the event itself proves; `unknown` when it only says that something happened. */
  readonly outcome: Outcome
  /** True when the event is only a bell, without amounts: ask `find` now, by the reference. */
  readonly lookUp?: true
  readonly dispute?: DisputeNews
}

/** Why a webhook was not believed. */
export type Refusal = 'signature_missing' | 'signature_invalid' | 'stale' | 'wrong_account' | 'malformed'

/** The verified content of a webhook. There is no third answer: what is not verified is refused. */
export type Events =
  | { readonly kind: 'verified'; readonly events: readonly ProcessorEvent[] }
  | { readonly kind: 'refused'; readonly why: Refusal }

/** A webhook as it came: the raw bytes, header names in lower case. */
export type InboundWebhook = {
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, string>>
  /** Live secrets, newest first: two while one is being rotated. */
  readonly secrets: readonly string[]
  readonly nowMs: number
}

/** A request of an adapter, relative to its host. `attempt` is the idempotency key, with a suffix where one attempt writes more than once; GET takes none. */
export type Request = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly attempt?: string
  readonly json?: unknown
  readonly form?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** Another of the adapter's hosts, by name; the first one when absent. */
  readonly host?: string
  /** Where an answer may be larger than usual: a list that the processor gives only whole. */
  readonly maxAnswerBytes?: number
}

/** What came of a request: an answer that fits the schema, proof that it never left, or no knowledge. */
export type Sent<T> =
  | { readonly kind: 'answer'; readonly status: number; readonly body: T }
  | { readonly kind: 'not_sent'; readonly reason: NotSentReason; readonly code?: DeclineCode; readonly phase: Phase }
  | { readonly kind: 'unknown'; readonly reason: UnknownReason; readonly phase: Phase; readonly status?: number }

/** The one way in which bytes leave: races a deadline, caps the answer, says how far it got. Never throws for what a processor does. */
export type Send = <T>(schema: z.ZodType<T>, request: Request) => Promise<Sent<T>>

/** What a verb is given besides its request. */
export type Io = { readonly send: Send; readonly nowMs: number }

/** What a processor can do and how it behaves, as data; the capability matrix and the router read it. */
export type Facts = {
  readonly id: string
  readonly title: string
  /** The official documents that the adapter was written from, with the date they were read. */
  readonly source: string
  readonly methods: Readonly<Partial<Record<MethodType, MethodFacts>>>
  readonly idempotency: {
    /** Where our key goes. `none`: the processor has no idempotency, so the adapter finds before it creates. */
    readonly by: 'header' | 'reference' | 'none'
    readonly header?: string
    /** How long the processor remembers a key, hours. */
    readonly windowHours: number
  }
  /** How an unknown outcome is resolved: by a look-up under our reference, by replaying the same key inside its window, or by people. */
  readonly unknownResolvedBy: Resolution
  /** Where one flow is resolved in another way than the rest. */
  readonly unknownResolvedByFlow?: Readonly<Partial<Record<Flow, Resolution>>>
  /** From this age on, ms, "not found" proves that nothing happened; null: it never does. */
  readonly notFoundIsFinalAfterMs: number | null
  /** Statuses that the processor's documents vouch for as "nothing happened", with our code for each. */
  readonly vouchedRejections: Readonly<Record<number, DeclineCode>>
  /** Our own deadline for one call, ms. */
  readonly timeoutMs: number
  /** Where the processor counts in other decimals than ISO 4217. */
  readonly minorUnitOverrides?: Readonly<Record<string, number>>
}

/** A way out of an unknown outcome. */
export type Resolution = 'find' | 'replay' | 'review'

/** What one method can do at a processor. Countries are ISO 3166-1 alpha-2; `'all'` where the processor sets no bound. */
export type MethodFacts = {
  readonly deposit: boolean
  readonly withdraw: boolean
  readonly refund: boolean
  readonly currencies: readonly string[] | 'all'
  readonly countries: readonly string[] | 'all'
  readonly brands?: readonly string[]
}

/** An adapter bound to one operator's account: its verbs, and what `send` needs to reach the processor. */
export type Connected = {
  readonly hosts: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly webhookSecrets: readonly string[]
  charge?(charge: Charge, io: Io): Promise<Outcome>
  resume?(resume: Resume, io: Io): Promise<Outcome>
  find?(find: Find, io: Io): Promise<Outcome>
  capture?(modification: Modification, io: Io): Promise<Outcome>
  cancel?(modification: Modification, io: Io): Promise<Outcome>
  refund?(refund: Refund, io: Io): Promise<Outcome>
  payOut?(payOut: PayOut, io: Io): Promise<Outcome>
  events(webhook: InboundWebhook): Promise<Events>
}

/** A processor's adapter as the rest of the house sees it. `connect` checks the account's settings and throws a ZodError-free `Fault` through the caller when they don't fit. */
export type Adapter = {
  readonly facts: Facts
  /** JSON Schema-able description of the account's settings, for the console and docs. */
  readonly config: z.ZodType
  readonly operations: readonly Operation[]
  connect(config: unknown): Connected
}

/** How an adapter is written: the same as `Adapter`, with the type of its own settings. */
export type AdapterDefinition<C> = {
  readonly facts: Facts
  readonly config: z.ZodType<C>
  hosts(config: C): Readonly<Record<string, string>>
  headers(config: C): Readonly<Record<string, string>>
  webhookSecrets(config: C): readonly string[]
  charge?(charge: Charge, io: Io, config: C): Promise<Outcome>
  resume?(resume: Resume, io: Io, config: C): Promise<Outcome>
  find?(find: Find, io: Io, config: C): Promise<Outcome>
  capture?(modification: Modification, io: Io, config: C): Promise<Outcome>
  cancel?(modification: Modification, io: Io, config: C): Promise<Outcome>
  refund?(refund: Refund, io: Io, config: C): Promise<Outcome>
  payOut?(payOut: PayOut, io: Io, config: C): Promise<Outcome>
  /** Verifies the raw bytes first, then reads them. There is no default. */
  events(webhook: InboundWebhook, config: C): Promise<Events>
}

/** Turns a definition into an adapter: hides the type of its settings, so that the list of adapters is one plain array. */
export function defineAdapter<C>(definition: AdapterDefinition<C>): Adapter {
  const verbs = ['charge', 'resume', 'find', 'capture', 'cancel', 'refund', 'payOut'] as const
  return {
    facts: definition.facts,
    config: definition.config,
    operations: verbs.filter((verb) => definition[verb] !== undefined),
    connect(input) {
      const config = definition.config.parse(input)
      const { charge, resume, find, capture, cancel, refund, payOut, events } = definition
      return {
        hosts: definition.hosts(config),
        headers: definition.headers(config),
        webhookSecrets: definition.webhookSecrets(config),
        ...(charge && { charge: (request, io) => charge(request, io, config) }),
        ...(resume && { resume: (request, io) => resume(request, io, config) }),
        ...(find && { find: (request, io) => find(request, io, config) }),
        ...(capture && { capture: (request, io) => capture(request, io, config) }),
        ...(cancel && { cancel: (request, io) => cancel(request, io, config) }),
        ...(refund && { refund: (request, io) => refund(request, io, config) }),
        ...(payOut && { payOut: (request, io) => payOut(request, io, config) }),
        events: (webhook) => events(webhook, config),
      }
    },
  }
}

/** Reads an answer with `read`; what never left or isn't known passes through as it is. */
export function outcomeOf<T>(sent: Sent<T>, read: (body: T, status: number) => Outcome): Outcome {
  if (sent.kind === 'answer') return read(sent.body, sent.status)
  if (sent.kind === 'not_sent') return { kind: 'not_sent', reason: sent.reason, ...(sent.code && { code: sent.code }) }
  return { kind: 'unknown', reason: sent.reason, phase: sent.phase }
}

/** Nothing was sent: the request can't be said in the processor's words. */
export const REFUSED: Outcome = { kind: 'not_sent', reason: 'vouched_rejection', code: 'invalid_request' }

/** An answer that contradicts what was asked. */
export const MALFORMED: Outcome = { kind: 'unknown', reason: 'malformed' }

/** A word that none of the adapter's tables has, or that says nothing of the money. */
export const unmapped = (reference?: string): Outcome => ({
  kind: 'unknown',
  reason: 'unmapped',
  ...(reference !== undefined && { reference }),
})

/** A webhook that is not believed. */
export const refused = (why: Refusal): Events => ({ kind: 'refused', why })

/** A webhook that is believed, with what it tells. */
export const verified = (...events: readonly ProcessorEvent[]): Events => ({ kind: 'verified', events })
