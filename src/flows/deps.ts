import type {
  Charge,
  Events,
  Facts,
  Find,
  InboundWebhook,
  Modification,
  Operation,
  PayOut,
  Refund,
  Resume,
} from '../adapters/contract.ts'
import type { NewId, NewUuid } from '../core/ids.ts'
import type { LedgerPort } from '../core/ledger/port.ts'
import type { Destination, MethodType } from '../core/method.ts'
import type { NoticeAnswer, UrlVerdict } from '../core/notice.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Db } from '../db/client.ts'
import type { Inbox } from '../db/inbox.ts'
import type { RoutingTable } from '../router/active.ts'

/** What a flow may reach. Ask for a `Pick` of it when less is needed. */
export type Deps = {
  readonly db: Db
  /** For postings that are the only thing written; those that belong to other rows go with these in one transaction. */
  readonly ledger: LedgerPort
  readonly inbox: Inbox
  readonly clock: Clock
  readonly newId: NewId
  readonly newUuid: NewUuid
  readonly processors: Processors
  readonly routing: Routing
  readonly cipher: Cipher
  readonly notices: Notices
  readonly checkDestination: (destination: Destination) => DestinationVerdict
  /** Whether an operator's connection may name this secret. */
  readonly mayUseSecret: (ref: string, operatorId: string) => boolean
  /** Where processors and players reach this gateway, without a slash at the end. */
  readonly publicUrl: string
  readonly log: Log
  readonly metrics: Metrics
}

/** The time, ms since 1970; injected so that tests and simulations own it. */
export type Clock = { nowMs(): number }

/** A structured log. `fields` pass an allow-list before anything is written; `event` is a constant, never built from input. */
export type Log = Record<
  'debug' | 'info' | 'warn' | 'error',
  (event: string, fields?: Readonly<Record<string, unknown>>) => void
>

/** Counters, gauges and histograms by their full names (`paycage_payments_total`); labels are bounded sets, never ids. */
export type Metrics = {
  count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void
  gauge(name: string, value: number, labels?: Readonly<Record<string, string>>): void
  observe(name: string, value: number, labels?: Readonly<Record<string, string>>): void
}

/** Seals what may not be read in the database. `aad` names the place: a value that was moved elsewhere doesn't open. */
export type Cipher = {
  seal(plaintext: Uint8Array, aad: string): Promise<string>
  open(sealed: string, aad: string): Promise<Uint8Array>
  /** A keyed index of a value, equal for equal values of one scope: finds an account without storing it. */
  blindIndex(value: string, scope: string): Promise<string>
}

/** The way out to operators' receivers, and the guard that keeps it off our own network. `post` never throws. */
export type Notices = {
  check(url: string): Promise<UrlVerdict>
  post(call: {
    readonly url: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }): Promise<NoticeAnswer>
}

/** Whether money can be sent to a destination at all. */
export type DestinationVerdict =
  | { readonly kind: 'valid'; readonly normalized: Destination; readonly masked: string }
  | { readonly kind: 'invalid'; readonly code: string; readonly detail: string }

/** The active rules, connections and their health, kept in memory and at most a second old. */
export type Routing = RoutingTable

/** An operator's account at a processor, as routing and calls need it. */
export type ConnectionRef = {
  readonly operatorId: string
  readonly id: string
  readonly processor: string
  readonly config: Readonly<Record<string, unknown>>
  readonly secretRef: string | null
}

/** The adapters behind their breakers and senders. Every call answers with an outcome; nothing that a processor does throws. */
export type Processors = {
  /** The facts of every processor in the house. */
  all(): readonly { readonly facts: Facts; readonly operations: readonly Operation[] }[]
  facts(processor: string): Facts | undefined
  /** True when the processor's adapter has this verb. */
  can(processor: string, operation: Operation): boolean
  charge(connection: ConnectionRef, charge: Charge): Promise<Outcome>
  resume(connection: ConnectionRef, method: MethodType, resume: Resume): Promise<Outcome>
  find(connection: ConnectionRef, find: Find): Promise<Outcome>
  capture(connection: ConnectionRef, method: MethodType, modification: Modification): Promise<Outcome>
  cancel(connection: ConnectionRef, method: MethodType, modification: Modification): Promise<Outcome>
  refund(connection: ConnectionRef, method: MethodType, refund: Refund): Promise<Outcome>
  payOut(connection: ConnectionRef, payOut: PayOut): Promise<Outcome>
  events(connection: ConnectionRef, webhook: Omit<InboundWebhook, 'secrets' | 'nowMs'>): Promise<Events>
}
