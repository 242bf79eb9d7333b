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

/** What every answer is held against: our own reference, and the amount that was asked. */
export type Asked = { readonly attempt: string; readonly amount: Money }

/**
 * The end of an attempt's own time, ms since 1970: past it nothing of the request may be written, however long the process
 * slept in between, because a look-up may have ruled by then that it never was. Absent where there is no such ruling.
 */
export type Timed = Asked & { readonly sendBeforeMs?: number }

/** A deposit to be taken. `attempt` is our reference and the root of the idempotency key; `returnUrl` and `webhookUrl` are the gateway's own. */
export type Charge = Timed & {
  readonly payment: string
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
export type Resume = Asked & {
  /** Theirs; empty where a processor names a payment only once the player is back. */
  readonly reference: string
  readonly params: Readonly<Record<string, string>>
}

/**
 * A look-up by our own reference, with theirs where it is known. It may finish what was begun under that reference (a
 * replay, the second step of a payout) but never begins anything under another.
 */
export type Find = Asked & {
  readonly flow: Flow
  readonly reference?: string
  /** The first request again, word for word: for processors whose only look-up is a replay under the same idempotency key, and for payouts in two steps. */
  readonly original?: Charge | Refund | PayOut
}

/**
 * The end of an authorization: its capture, or its cancellation. The answer speaks of the payment: `succeeded` when it is
 * captured, `voided` when it is cancelled, `pending` when the order was only received and the word comes by webhook. A
 * refused order that leaves the authorization standing is `unknown`, never `declined`.
 */
export type Modification = Asked & {
  readonly payment: string
  /** The processor's own name of the authorization. */
  readonly reference: string
}

/** A refund of part or all of a captured deposit. */
export type Refund = Timed & {
  readonly payment: string
  readonly original: Asked & { readonly reference: string }
  readonly webhookUrl: string
}

/** A withdrawal to be sent. `origin` is the deposit that it pays back, where the rail asks for it (closed loop, card refunds). */
export type PayOut = Timed & {
  readonly payment: string
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
  readonly attempt?: string | undefined
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
  /** Absent: POST for what has a body, GET for what has none. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
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

/** What came of a request: an answer that fits the schema, a 4xx that no fact vouches for with whatever JSON it had, proof that it never left, or no knowledge. */
export type Sent<T> =
  | { readonly kind: 'answer'; readonly status: number; readonly body: T }
  | { readonly kind: 'refused'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'not_sent'; readonly reason: NotSentReason; readonly code?: DeclineCode; readonly phase: Phase }
  | { readonly kind: 'unknown'; readonly reason: UnknownReason; readonly phase: Phase; readonly status?: number }

/** The one way in which bytes leave: races a deadline, caps the answer, says how far it got. Never throws for what a processor does. */
export type Send = <T>(schema: z.ZodType<T>, request: Request) => Promise<Sent<T>>

/** What a verb is given besides its request. */
export type Io = { readonly send: Send; readonly nowMs: number }

/** What a 4xx answer proves, when none of the facts vouches for its status. */
export type ReadRefusal = (body: unknown, status: number) => Outcome

/** What an adapter's verb is given besides its request: `Io`, the account's settings, and the short way to ask. */
export type Line<C> = Io & {
  readonly config: C
  /** Sends, and reads what came: a good answer by `read`, a 4xx by the adapter's `refusal`. All else is told as it is. */
  ask<T>(schema: z.ZodType<T>, request: Request, read: (body: T) => Outcome | Promise<Outcome>): Promise<Outcome>
}

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
  /** How an unknown outcome is resolved: by the adapter's `find` under our reference, by replaying the same key inside its window (the contract does that), or by people. */
  readonly unknownResolvedBy: Resolution
  /** Where one flow is resolved in another way than the rest. */
  readonly unknownResolvedByFlow?: Readonly<Partial<Record<Flow, Resolution>>>
  /** From this age on, ms, "not found" proves that nothing happened; null: it never does. */
  readonly notFoundIsFinalAfterMs: number | null
  /** Statuses that the processor's documents vouch for as "nothing happened", with our code for each. */
  readonly vouchedRejections: Readonly<Record<number, DeclineCode>>
  /** Our own deadline for one call, ms. */
  readonly timeoutMs: number
  /** For a processor that takes whole numbers of units: the currencies that it counts in other decimals than ISO 4217. An amount that can't be said so never comes to a verb. */
  readonly minorUnits?: Readonly<Record<string, number>>
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

/** One verb of a bound account. */
export type Verb<R> = (request: R, io: Io) => Promise<Outcome>

/** An adapter bound to one operator's account: its verbs, and what `send` needs to reach the processor. */
export type Connected = {
  readonly hosts: Readonly<Record<string, string>>
  /** What every request to a host carries: the account's key above all. */
  headers(host: string): Readonly<Record<string, string>>
  readonly webhookSecrets: readonly string[]
  readonly charge?: Verb<Charge> | undefined
  readonly resume?: Verb<Resume> | undefined
  readonly find?: Verb<Find> | undefined
  readonly capture?: Verb<Modification> | undefined
  readonly cancel?: Verb<Modification> | undefined
  readonly refund?: Verb<Refund> | undefined
  readonly payOut?: Verb<PayOut> | undefined
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
