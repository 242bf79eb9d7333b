import { createHash } from 'node:crypto'
import type { Adapter, Connected, Io, MethodType, Operation, Outcome } from '../adapters/contract.ts'
import type { HttpPort } from '../adapters/http.ts'
import { type CallRecord, createSend, type TimedSend, type Timer } from '../adapters/send.ts'
import { Fault } from '../core/errors.ts'
import type { Clock, ConnectionRef, Log, Processors } from '../flows/deps.ts'

/** Connections kept bound at once, about 20 kB each without traffic; the longest unused one goes. */
const MAX_BOUND = 2_000

/** Stands around every call that moves money: the router's breaker. It makes the call, or says why not. */
export type Guard = (
  key: {
    readonly operatorId: string
    readonly connectionId: string
    readonly operation: Operation
    readonly method: MethodType
  },
  call: () => Promise<Outcome>,
) => Promise<Outcome>

/** What processors are bound with. */
export type ProcessorParts = {
  readonly adapters: readonly Adapter[]
  /** Makes the way out of one connection: its own sockets, so that a slow processor holds up nobody else. */
  readonly httpFor: (connection: ConnectionRef) => HttpPort
  /** The members of a secret by its reference; throws when it can't be had. */
  readonly secrets: { get(ref: string): Promise<Readonly<Record<string, unknown>>> }
  /** Whether an operator's connection may name this secret; absent: any. */
  readonly mayUseSecret?: (ref: string, operatorId: string) => boolean
  readonly clock: Clock
  readonly log: Pick<Log, 'error'>
  readonly guard?: Guard
  /** Our deadline for one call, ms; each adapter's own when absent. */
  readonly deadlineMs?: number
  readonly timer?: Timer
  readonly onCall?: (connection: ConnectionRef, record: CallRecord) => void
  readonly maxBound?: number
}

/** The processors, and the end of their sockets. */
export type BoundProcessors = Processors & {
  /** Waits for the calls under way, then closes every connection. */
  close(): Promise<void>
}

type Bound = {
  readonly fingerprint: string
  readonly connection: ConnectionRef
  readonly secret: Readonly<Record<string, unknown>>
  readonly connected: Connected
  readonly send: TimedSend
  readonly http: HttpPort
}

const NO_SECRET = {}
const NOT_BOUND: Outcome = { kind: 'not_sent', reason: 'connect_failed', code: 'invalid_credentials' }
const NOT_OFFERED: Outcome = { kind: 'not_sent', reason: 'vouched_rejection', code: 'unsupported_operation' }
/** An adapter that throws is our bug; if it did so after its request was written, money may have moved. */
const BROKE_OFF: Outcome = { kind: 'unknown', reason: 'interrupted' }

/** Puts adapters, secrets and sockets together. Every verb answers with an outcome, whatever the processor or the account's settings do. */
export function bindProcessors(parts: ProcessorParts): BoundProcessors {
  const { adapters, clock, log, guard = (_key, call) => call() } = parts
  const byId = new Map(adapters.map((adapter) => [adapter.facts.id, adapter]))
  const connections = makeConnections(parts, byId)

  async function speak(
    connection: ConnectionRef,
    say: (connected: Connected, io: Io) => Promise<Outcome> | undefined,
    sendBeforeMs?: number,
  ): Promise<Outcome> {
    const bound = await connections.bind(connection).catch(() => undefined)
    if (!bound) return NOT_BOUND
    try {
      const send: Io['send'] = (schema, request) => bound.send(schema, request, sendBeforeMs)
      return (await say(bound.connected, { send, nowMs: clock.nowMs() })) ?? NOT_OFFERED
    } catch (error) {
      const name = error instanceof Error ? error.name : 'unknown'
      log.error('processor.adapter_threw', {
        processor: connection.processor,
        connection_id: connection.id,
        error: name,
      })
      return BROKE_OFF
    }
  }

  const guarded = (connection: ConnectionRef, operation: Operation, method: MethodType, call: () => Promise<Outcome>) =>
    guard({ operatorId: connection.operatorId, connectionId: connection.id, operation, method }, call)

  return {
    all: () => adapters.map(({ facts, operations }) => ({ facts, operations })),
    facts: (processor) => byId.get(processor)?.facts,
    can: (processor, operation) => byId.get(processor)?.operations.includes(operation) ?? false,
    charge: (connection, charge) =>
      guarded(connection, 'charge', charge.method.type, () =>
        speak(connection, (it, io) => it.charge?.(charge, io), charge.sendBeforeMs),
      ),
    resume: (connection, method, resume) =>
      guarded(connection, 'resume', method, () => speak(connection, (it, io) => it.resume?.(resume, io))),
    // Never behind the breaker: an unknown outcome must be looked up while its processor is out of favour, too.
    find: (connection, find) => speak(connection, (it, io) => it.find?.(find, io)),
    capture: (connection, method, modification) =>
      guarded(connection, 'capture', method, () => speak(connection, (it, io) => it.capture?.(modification, io))),
    cancel: (connection, method, modification) =>
      guarded(connection, 'cancel', method, () => speak(connection, (it, io) => it.cancel?.(modification, io))),
    refund: (connection, method, refund) =>
      guarded(connection, 'refund', method, () =>
        speak(connection, (it, io) => it.refund?.(refund, io), refund.sendBeforeMs),
      ),
    payOut: (connection, payOut) =>
      guarded(connection, 'payOut', payOut.destination.type, () =>
        speak(connection, (it, io) => it.payOut?.(payOut, io), payOut.sendBeforeMs),
      ),
    async events(connection, webhook) {
      const { connected } = await connections.bind(connection).catch(() => {
        // Not a refusal: the processor must send it again when we can read our secret.
        throw new Fault('unavailable', 'This webhook can not be verified now.', { retryAfterSeconds: 60 })
      })
      return connected.events({ ...webhook, secrets: connected.webhookSecrets, nowMs: clock.nowMs() })
    },
    close: () => connections.close(),
  }
}

/** Connections bound to their settings and secrets, the most recently used last. */
function makeConnections(parts: ProcessorParts, byId: ReadonlyMap<string, Adapter>) {
  const { httpFor, secrets, mayUseSecret, log, deadlineMs, timer, onCall, maxBound = MAX_BOUND } = parts
  const bound = new Map<string, Bound>()

  async function bind(connection: ConnectionRef): Promise<Bound> {
    const key = `${connection.operatorId}/${connection.id}`
    try {
      const { secretRef, operatorId } = connection
      // Held again where it is used: a row may be older than the rule.
      if (secretRef !== null && mayUseSecret?.(secretRef, operatorId) === false) throw new Error('not its secret')
      const secret = secretRef === null ? NO_SECRET : await secrets.get(secretRef)
      const known = bound.get(key)
      bound.delete(key)
      // In a flood it is one row and one secret a thousand times: what is the same object needs no fingerprint.
      const same = known?.connection === connection && known.secret === secret
      const entry = same ? known : rebind(connection, secret, known)
      bound.set(key, entry)
      forgetOldest()
      return entry
    } catch (error) {
      // The name only: a settings error may quote a secret.
      const name = error instanceof Error ? error.name : 'unknown'
      log.error('processor.not_bound', { processor: connection.processor, connection_id: connection.id, error: name })
      throw error
    }
  }

  function rebind(connection: ConnectionRef, secret: Bound['secret'], known: Bound | undefined): Bound {
    const settings = { ...connection.config, ...secret }
    const fingerprint = fingerprintOf(connection.processor, settings)
    if (known?.fingerprint === fingerprint) return { ...known, connection, secret }
    return { ...make(connection, settings, known?.http), fingerprint, connection, secret }
  }

  function make(
    connection: ConnectionRef,
    settings: unknown,
    kept?: HttpPort,
  ): Pick<Bound, 'connected' | 'http' | 'send'> {
    const adapter = byId.get(connection.processor)
    if (!adapter) throw new Error(`no adapter ${connection.processor}`)
    const connected = adapter.connect(settings)
    const http = kept ?? httpFor(connection)
    const send = createSend({
      http,
      facts: adapter.facts,
      connected,
      nowMs: () => parts.clock.nowMs(),
      ...(timer && { timer }),
      ...(deadlineMs !== undefined && { deadlineMs }),
      ...(onCall && { onCall: (record) => onCall(connection, record) }),
    })
    return { connected, http, send }
  }

  function forgetOldest() {
    const [oldest] = bound
    if (!oldest || bound.size <= maxBound) return
    bound.delete(oldest[0])
    void oldest[1].http.close()
  }

  return {
    bind,
    async close() {
      await Promise.all([...bound.values()].map(({ http }) => http.close()))
      bound.clear()
    },
  }
}

/** Tells one version of settings and secret from the next, without keeping either. */
const fingerprintOf = (processor: string, settings: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([processor, settings]))
    .digest('base64')
