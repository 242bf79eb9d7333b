import type { Phase } from './contract.ts'

/** One call as it goes on the wire. `url` is absolute; header names are in lower case. */
export type HttpCall = {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** The answer is cut off past this many bytes, counted while reading. */
  readonly maxBytes: number
  /** Asked right before the first byte is written; when it says no, nothing ever is, and the call ends as `timeout` before writing. */
  readonly mayWrite?: () => boolean
}

/** Why a call has no whole answer. The first five are only ever told when nothing was written. */
export type HttpFailure =
  | 'connect_failed'
  | 'dns_failed'
  | 'tls_failed'
  | 'address_refused'
  | 'overloaded'
  | 'timeout'
  | 'reset'
  | 'too_large'
  | 'malformed'

/**
 * How a call ended. `phase` says how far it got: `not_connected` (no connection was ours yet), `connected` (a connection,
 * but no byte of the request), `written` (bytes may have reached the processor), `headers` (its answer began), `body`
 * (its answer is whole).
 */
export type HttpEnd =
  | {
      readonly kind: 'answered'
      readonly status: number
      readonly headers: Readonly<Record<string, string>>
      readonly body: Uint8Array
    }
  | { readonly kind: 'failed'; readonly why: HttpFailure; readonly phase: Phase; readonly status?: number }

/** A call under way. `end` never rejects. */
export type HttpExchange = {
  readonly end: Promise<HttpEnd>
  /** Gives the call up and says how far it got. When that is before `written`, not one byte of it will be written later. */
  cancel(): Phase
}

/** The one way in which bytes leave towards a processor: undici on Node, `fetch` on Workers. */
export type HttpPort = {
  start(call: HttpCall): HttpExchange
  /** Waits for the calls under way, each bounded by its deadline, then closes the sockets. */
  close(): Promise<void>
}

/** True when nothing of a call can have been read by the other side. */
export const neverWritten = (phase: Phase): boolean => phase === 'not_connected' || phase === 'connected'
