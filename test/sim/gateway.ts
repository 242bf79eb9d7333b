import { createHash } from 'node:crypto'
import type { HttpCall, HttpEnd, HttpPort } from '../../src/adapters/http.ts'
import { sandboxA, sandboxB, sandboxC } from '../../src/adapters/sandbox/index.ts'
import type { Idempotent } from '../../src/api/endpoint.ts'
import { createIdempotent } from '../../src/api/idempotent.ts'
import { typeId, uuidText, uuidV7 } from '../../src/core/ids.ts'
import type { Db, Tx } from '../../src/db/client.ts'
import { CONNECTION_LOST, dbError, OUTCOME_UNKNOWN } from '../../src/db/errors.ts'
import { combinedInbox } from '../../src/db/inbox.ts'
import { postgresLedger } from '../../src/db/ledger-port.ts'
import { checkDestination } from '../../src/destinations/index.ts'
import { bindProcessors } from '../../src/entry/processors.ts'
import type { Deps, Processors } from '../../src/flows/deps.ts'
import { createRoutingTable } from '../../src/router/active.ts'
import type { Mood } from './mood.ts'
import type { Heard, Model } from './processor.ts'
import type { Chance, Owner, Scheduler } from './scheduler.ts'

/** A mistake put into a gateway by the harness, to prove that the harness sees it. Never part of the product. */
export type Sabotage = {
  readonly name: string
  /** True when it shows within a few dozen seeds: those are tests of the suite, too. */
  readonly quick?: true
  readonly processors?: (processors: Processors) => Processors
  /** Rewrites a statement's text; its parameters stay in their places. */
  readonly sql?: (text: string) => string
  readonly idempotent?: (real: Idempotent, deps: Deps) => Idempotent
  readonly http?: (call: HttpCall) => HttpCall
  readonly deps?: (deps: Deps) => Deps
}

/** A gateway process of a world: the real flows over ports that the world owns. */
export type Gateway = {
  readonly name: string
  readonly owner: Owner
  readonly deps: Deps
  readonly idempotent: Idempotent
  /** Resolves when the process is killed. */
  readonly died: Promise<'died'>
  die(): void
}

/** What the world lends to its gateways. */
export type GatewayParts = {
  readonly db: Db
  readonly time: Scheduler
  readonly random: Chance
  readonly models: readonly Model[]
  readonly secret: string
  readonly mood: Mood
  readonly sabotage: Sabotage | undefined
  calm(): boolean
  saw(what: string): void
  /** The job table may say something else now; nothing that was written is due before this. */
  jobsTouched(fromMs: number): void
  /** A request that may move money is on its way out, and not written yet. */
  writing(gateway: Pick<Gateway, 'name' | 'owner'>): void
}

/** Starts a gateway process. */
export function startGateway(name: string, parts: GatewayParts): Gateway {
  const { time, random, sabotage } = parts
  const owner: Owner = { pausedUntilMs: 0, dead: false }
  const { promise: died, resolve } = Promise.withResolvers<'died'>()
  const clock = { nowMs: time.nowMs }
  const db = portOf(name, owner, parts)
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const bound = bindProcessors({
    adapters: [sandboxA, sandboxB, sandboxC],
    httpFor: () => lineOf(name, owner, parts),
    secrets: { get: async () => ({ api_key: 'key_0123456789abcdef', webhook_secrets: [parts.secret] }) },
    clock,
    log,
    timer: (ms, fire) => time.at(time.nowMs() + ms, `${name}: deadline`, fire, owner),
  })
  const watched = watch(bound, clock, parts)
  const processors = sabotage?.processors?.(watched) ?? watched
  const bytes = () => Uint8Array.from({ length: 10 }, () => random.between(0, 255))
  // The ledger takes ids of about now only, and the world's clock runs ahead.
  const newUuid = () => uuidText(uuidV7(Date.now(), crypto.getRandomValues(new Uint8Array(10))))
  const plain: Deps = {
    db,
    ledger: postgresLedger(db, { newUuid }),
    inbox: combinedInbox(db, clock),
    notices: {
      check: async () => ({ kind: 'unsafe', detail: 'no notices here' }),
      post: async () => ({ kind: 'failed', why: 'no notices here' }),
    },
    mayUseSecret: () => true,
    clock,
    newId: (kind) => typeId(kind, uuidV7(time.nowMs(), bytes())),
    newUuid,
    processors,
    routing: createRoutingTable({
      db,
      clock,
      processors,
      breakers: { health: async () => ({ state: () => 'closed' as const }) },
    }),
    cipher: {
      seal: async (plaintext) => Buffer.from(plaintext).toString('base64'),
      open: async (sealed) => new Uint8Array(Buffer.from(sealed, 'base64')),
      blindIndex: async (value, scope) => createHash('sha256').update(`${scope}#${value}`).digest('hex'),
    },
    checkDestination,
    publicUrl: 'https://gateway.sim',
    log,
    metrics: {
      count: (metric, labels = {}) => parts.saw(`${metric}${labels.result === undefined ? '' : `:${labels.result}`}`),
      gauge() {},
      observe() {},
    },
  }
  const deps = sabotage?.deps?.(plain) ?? plain
  const idempotent = createIdempotent(deps)
  return {
    name,
    owner,
    deps,
    idempotent: sabotage?.idempotent?.(idempotent, deps) ?? idempotent,
    died,
    die() {
      time.kill(owner)
      resolve('died')
    },
  }
}

/** Sees the calls that come after their own time, which the sender must refuse. */
function watch(processors: Processors, { nowMs }: Deps['clock'], { saw }: GatewayParts): Processors {
  const look = ({ sendBeforeMs = Number.POSITIVE_INFINITY }: { sendBeforeMs?: number }) => {
    if (nowMs() >= sendBeforeMs) saw('write refused after its time')
  }
  return {
    ...processors,
    charge: (connection, request) => {
      look(request)
      return processors.charge(connection, request)
    },
    payOut: (connection, request) => {
      look(request)
      return processors.payOut(connection, request)
    },
  }
}

/** The database as one process reaches it: each transaction is one step, and now and then a connection dies. */
function portOf(
  name: string,
  owner: Owner,
  { db, time, random, mood, sabotage, calm, saw, jobsTouched }: GatewayParts,
): Db {
  const through = <T>(label: string, work: () => Promise<T>): Promise<T> =>
    time.step(
      owner,
      `${name}: ${label}`,
      async () => {
        const lost = !calm() && random.of(mood.lost)
        if (lost && random.of(0.5)) {
          saw('connection lost before commit')
          throw dbError(CONNECTION_LOST)
        }
        const value = await work()
        if (lost) {
          saw('commit answer lost')
          throw dbError(OUTCOME_UNKNOWN)
        }
        return value
      },
      { delayMs: random.between(0, 3), orphan: true },
    )
  const see = (strings: readonly string[], values: readonly unknown[]) => {
    const dueAt = jobsDueAt(strings)
    if (dueAt) jobsTouched(dueAt(values))
  }
  const told =
    <T>(work: (tx: Tx) => Promise<T>) =>
    (tx: Tx): Promise<T> =>
      work(watched(tx, see, sabotage?.sql))
  return {
    tx: (operatorId, work) => through('tx', () => db.tx(operatorId, told(work))),
    global: (work) => through('tx', () => db.global(told(work))),
    alone: (statement) => through('statement', () => db.alone((sql) => statement(watched(sql, see, sabotage?.sql)))),
    close: async () => {},
  }
}

/** Before when no job is due that a statement wrote. */
type DueAt = (values: readonly unknown[]) => number

/** How statements write jobs; the first that fits. One job that is inserted says when, after a deletion none comes earlier. */
const JOB_WRITINGS: readonly { readonly text: RegExp; readonly dueAt: DueAt }[] = [
  {
    text: /^insert into job\b/,
    dueAt: (values) => Math.min(...values.map((value) => (value instanceof Date ? value.getTime() : Infinity))),
  },
  { text: /^delete from job\b/, dueAt: () => Number.POSITIVE_INFINITY },
  { text: /\b(?:insert into|delete from|update) job\b/, dueAt: () => 0 },
]
/** What of a statement's text was found out before; null: it writes no job. */
const writings = new WeakMap<object, DueAt | null>()

function jobsDueAt(strings: readonly string[]): DueAt | null {
  const known = writings.get(strings)
  if (known !== undefined) return known
  const text = strings.join(' ').trim()
  const found = JOB_WRITINGS.find((writing) => writing.text.test(text))?.dueAt ?? null
  writings.set(strings, found)
  return found
}

/** A parameter's place in a statement's text. */
const GAP = '\u0001'

/** A statement runner whose templates are seen, and pass through `change`. */
function watched<Runner extends (...values: never[]) => unknown>(
  runner: Runner,
  see: (strings: readonly string[], values: readonly unknown[]) => void,
  change: ((text: string) => string) | undefined,
): Runner {
  return new Proxy(runner, {
    apply(target, self, values: unknown[]) {
      const [strings, ...rest] = values
      if (!Array.isArray(strings) || !('raw' in strings)) return Reflect.apply(target, self, values)
      see(strings, rest)
      if (change === undefined) return Reflect.apply(target, self, values)
      const parts = change(strings.join(GAP)).split(GAP)
      return Reflect.apply(target, self, [Object.assign(parts, { raw: parts }), ...rest])
    },
  })
}

/** The way out to the processors: connecting, writing, arriving and hearing are steps of their own. */
function lineOf(name: string, owner: Owner, { time, random, models, sabotage, saw, writing }: GatewayParts): HttpPort {
  return {
    start(asked) {
      const call = sabotage?.http?.(asked) ?? asked
      const { promise: end, resolve } = Promise.withResolvers<HttpEnd>()
      const { hostname } = new URL(call.url)
      const model = models.find(({ id }) => `${id.replace('_', '-')}.sim` === hostname)
      let phase: 'not_connected' | 'written' = 'not_connected'
      let cancelled = false
      const fail = (why: 'timeout' | 'reset' | 'connect_failed') => resolve({ kind: 'failed', why, phase })
      const hear = (heard: Heard) => {
        if (heard.kind === 'silence') return
        const tell = () => {
          if (heard.kind === 'answer') {
            return resolve({
              kind: 'answered',
              status: heard.status,
              headers: {},
              body: new TextEncoder().encode(heard.text),
            })
          }
          if (heard.kind === 'refused') phase = 'not_connected'
          return fail(heard.kind === 'refused' ? 'connect_failed' : 'reset')
        }
        time.at(time.nowMs() + heard.delayMs, `${name}: hears ${heard.kind}`, tell, owner)
      }
      const write = () => {
        if (cancelled) return
        if (call.mayWrite?.() === false) {
          saw('write refused after its time')
          return fail('timeout')
        }
        phase = 'written'
        time.at(time.nowMs() + random.between(1, 100), `${name} -> ${model?.id}: ${call.method} arrives`, () => {
          hear(model?.hear(call) ?? { kind: 'refused', delayMs: 0 })
        })
      }
      if (call.method === 'POST') writing({ name, owner })
      time.at(
        time.nowMs() + random.between(0, 20),
        `${name}: writes ${call.method} ${new URL(call.url).pathname}`,
        write,
        owner,
      )
      return {
        end,
        cancel() {
          cancelled = true
          return phase
        },
      }
    },
    close: async () => {},
  }
}
