import type { z } from 'zod'
import { timeOfId } from '../core/ids.ts'
import type { Money } from '../core/money.ts'
import { toMinor } from './amounts.ts'
import type {
  Adapter,
  Charge,
  Connected,
  Events,
  Facts,
  Find,
  InboundWebhook,
  Io,
  Line,
  Modification,
  Outcome,
  PayOut,
  ReadRefusal,
  Refund,
  Resume,
  Verb,
} from './contract.ts'
import { MALFORMED, REFUSED, unmapped } from './outcomes.ts'
import { methodOf } from './send.ts'

type Writes = Pick<Connected, 'charge' | 'refund' | 'payOut'>

/** A verb as an adapter writes it. */
type Spoken<R, C> = (request: R, line: Line<C>) => Promise<Outcome>

/** What every account's settings have: what its webhooks are verified with, newest first. */
type Secrets = { readonly webhook_secrets: readonly string[] }

/** How an adapter is written: the same as `Adapter`, with the type of its own settings. */
export type AdapterDefinition<C extends Secrets> = {
  readonly facts: Facts
  readonly config: z.ZodType<C>
  /** By name; requests go to the first one that don't name another. */
  hosts(config: C): Readonly<Record<string, string>>
  headers(config: C, host: string): Readonly<Record<string, string>>
  /** What a 4xx answer says where `vouchedRejections` doesn't; it proves nothing when absent. */
  readonly refusal?: ReadRefusal
  readonly charge?: Spoken<Charge, C>
  readonly resume?: Spoken<Resume, C>
  /** Asked only for the flows that the facts don't resolve by replay. */
  readonly find?: Spoken<Find, C>
  readonly capture?: Spoken<Modification, C>
  readonly cancel?: Spoken<Modification, C>
  readonly refund?: Spoken<Refund, C>
  readonly payOut?: Spoken<PayOut, C>
  /** Verifies the raw bytes first, then reads them. There is no default. */
  events(webhook: InboundWebhook, config: C): Promise<Events>
}

const VERBS = ['charge', 'resume', 'find', 'capture', 'cancel', 'refund', 'payOut'] as const

/** Turns a definition into an adapter: hides the type of its settings, so that the list of adapters is one plain array. */
export function defineAdapter<C extends Secrets>(definition: AdapterDefinition<C>): Adapter {
  const { facts } = definition
  return {
    facts,
    config: definition.config,
    operations: VERBS.filter((verb) => definition[verb] !== undefined || (verb === 'find' && replaysAny(facts))),
    connect(input) {
      const config = definition.config.parse(input)
      const bind = <R>(verb: Spoken<R, C> | undefined, refusal = definition.refusal): Verb<R> | undefined =>
        verb && ((request, io) => verb(request, lineOf(io, config, refusal)))
      const writes = {
        charge: ifSayable(facts, bind(definition.charge)),
        capture: ifSayable(facts, bind(definition.capture)),
        cancel: ifSayable(facts, bind(definition.cancel)),
        refund: ifSayable(facts, bind(definition.refund)),
        payOut: ifSayable(facts, bind(definition.payOut)),
      }
      return {
        hosts: definition.hosts(config),
        headers: (host) => definition.headers(config, host),
        webhookSecrets: config.webhook_secrets,
        ...writes,
        resume: bind(definition.resume, neverProof(definition.refusal)),
        find: withReplay(facts, writes, bind(definition.find, neverProof(definition.refusal))),
        events: (webhook) => definition.events(webhook, config),
      }
    },
  }
}

/** A verb that is only spoken when the processor's units can say the amount to the last digit. */
const ifSayable = <R extends { readonly amount: Money }>(
  { minorUnits }: Facts,
  verb: Verb<R> | undefined,
): Verb<R> | undefined =>
  verb &&
  ((request, io) => {
    const isSayable = minorUnits === undefined || toMinor(request.amount, minorUnits) !== undefined
    return isSayable ? verb(request, io) : Promise.resolve(REFUSED)
  })

/** Of the time that a processor keeps a key: the rest is for clocks, and for the way there. */
const REPLAYABLE_SHARE = 6 / 7

const replaysAny = ({ unknownResolvedBy, unknownResolvedByFlow }: Facts): boolean =>
  [unknownResolvedBy, ...Object.values(unknownResolvedByFlow ?? {})].includes('replay')

/** The adapter's own look-up, or for the flows that the facts resolve by replay the first request again, under the same key. */
function withReplay(facts: Facts, writes: Writes, find: Verb<Find> | undefined): Verb<Find> | undefined {
  if (!replaysAny(facts)) return find
  const windowMs = facts.idempotency.windowHours * 3_600_000 * REPLAYABLE_SHARE
  return async (asked, io) => {
    const { attempt, flow, original } = asked
    const resolution = facts.unknownResolvedByFlow?.[flow] ?? facts.unknownResolvedBy
    if (resolution !== 'replay') return (await find?.(asked, io)) ?? unmapped()
    const bornMs = timeOfId('attempt', attempt)
    // Past the window the same key would move the money a second time.
    if (original?.attempt !== attempt || bornMs === undefined || io.nowMs - bornMs >= windowMs) return unmapped()
    if ('method' in original) return (await writes.charge?.(original, io)) ?? unmapped()
    if ('original' in original) return (await writes.refund?.(original, io)) ?? unmapped()
    return (await writes.payOut?.(original, io)) ?? unmapped()
  }
}

/** A refusal of a look-up or of a second step says nothing of the order itself: a return that is refused now may have been taken before. */
const neverProof =
  (refusal: ReadRefusal = () => MALFORMED): ReadRefusal =>
  (body, status) => {
    const outcome = refusal(body, status)
    return outcome.kind === 'unknown' ? outcome : unmapped()
  }

function lineOf<C>(io: Io, config: C, refusal: ReadRefusal = () => MALFORMED): Line<C> {
  return {
    ...io,
    config,
    async ask(schema, request, read) {
      const sent = await io.send(schema, request)
      if (sent.kind === 'answer') return read(sent.body)
      if (sent.kind === 'refused') {
        // A look-up that is refused before an order says nothing of what was ordered under the same reference.
        const readRefusal = methodOf(request) === 'GET' ? neverProof(refusal) : refusal
        return readRefusal(sent.body, sent.status)
      }
      if (sent.kind === 'unknown') return { kind: 'unknown', reason: sent.reason, phase: sent.phase }
      return { kind: 'not_sent', reason: sent.reason, ...(sent.code && { code: sent.code }) }
    },
  }
}

/** Makes the reading of a 4xx answer: by `schema`, and a body that doesn't fit it proves nothing. */
export const refusalBy =
  <T>(schema: z.ZodType<T>, read: (body: T, status: number) => Outcome): ReadRefusal =>
  (body, status) => {
    const parsed = schema.safeParse(body)
    return parsed.success ? read(parsed.data, status) : MALFORMED
  }
