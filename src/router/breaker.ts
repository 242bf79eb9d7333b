import { EventEmitter } from 'node:events'
import CircuitBreaker from 'opossum'
import type { MethodType, Operation, Outcome } from '../adapters/contract.ts'
import { type BreakerRow, claimTrial, endTrial, listBreakers, openBreaker } from '../db/breakers.ts'
import type { Db } from '../db/client.ts'
import { listMaintenance, type MaintenanceRow } from '../db/connections.ts'
import type { Health, HealthState } from './plan.ts'

/** Which breaker: an operator's account, what is asked of it, and the rail. */
export type BreakerKey = {
  readonly operatorId: string
  readonly connectionId: string
  readonly operation: Operation
  readonly method: MethodType
}

/** A change that operations and the audit log hear of. */
export type BreakerChange = BreakerKey & { readonly to: 'open' | 'closed'; readonly atMs: number }

/** When a breaker opens and how it closes. */
export type BreakerSettings = {
  /** Calls in the window before a verdict: opossum's own default (0) opens after one failure. */
  readonly volume: number
  /** Opens above this share of technical failures. */
  readonly errorPercent: number
  readonly windowMs: number
  /** How long it stays open before one call may try. */
  readonly resetMs: number
  /** After this a trial without an answer is given up; longer than any adapter's own deadline. */
  readonly trialMs: number
  /** Calls at once to one account, operation and method: one that hangs must not hold the others' turns. */
  readonly capacity: number
}

const DEFAULTS: BreakerSettings = {
  volume: 10,
  errorPercent: 50,
  windowMs: 30_000,
  resetMs: 30_000,
  trialMs: 90_000,
  capacity: 64,
}

/** Parts of the rolling window: three seconds each. */
const BUCKETS = 10
/** How old the shared rows may be when a call is let through; half of the second that is promised, the rest is the query's. */
const REFRESH_MS = 500
/** Breakers in memory at once, 10 kB each; the least used ones go. */
const MAX_LOCAL = 2_000
/** Operators whose shared rows are kept in memory at once. */
const MAX_OPERATORS = 1_000
/** `setTimeout` takes no more; our own clock decides when a breaker is tried again, opossum's timer never. */
const NEVER_MS = 2 ** 31 - 1
/** In a forced row: for all operations, all methods. */
const ANY = '*'

/** What breakers need. `onChange` is told after the fact; what it throws is reported, never passed on to the payment. */
export type BreakerDeps = {
  readonly db: Db
  readonly clock: { nowMs(): number }
  readonly settings?: Partial<BreakerSettings>
  readonly onChange?: (change: BreakerChange) => Promise<void>
  readonly metrics?: { count(name: string, labels?: Readonly<Record<string, string>>): void }
  readonly log?: { error(event: string, fields?: Readonly<Record<string, unknown>>): void }
}

/** The breakers of this instance, which agree with those of all others through the database. */
export type Breakers = {
  /** Makes a call unless its breaker is open (`circuit_open`) or its bulkhead full (`overloaded`): then nothing is sent. */
  run(key: BreakerKey, call: () => Promise<Outcome>): Promise<Outcome>
  /** How one account is doing, at most a second old. */
  state(key: BreakerKey): Promise<HealthState>
  /** How all accounts of an operator are doing, at most a second old, for the planner. */
  health(operatorId: string): Promise<Health>
  /** Forgets what was read of an operator, so that a change of one's own is seen at once. */
  refresh(operatorId: string): void
}

type Local = {
  circuit: CircuitBreaker<[() => Promise<void>], void>
  rotation: EventEmitter
  rotatedAtMs: number
  inFlight: number
  tripped: boolean
  /** Opened here and not yet known to be written for the others. */
  unsharedSinceMs: number | undefined
  sharing: boolean
}

type Shared = { readonly rows: ReadonlyMap<string, BreakerRow>; readonly windows: readonly MaintenanceRow[] }
type Kept = { readAtMs: number; value: Promise<Shared> }

const textOf = (connectionId: string, operation: string, method: string): string =>
  `${connectionId}/${operation}/${method}`

/** True when an outcome says that the processor is not well: it couldn't be reached, or we don't know what it did. A decline is a sound answer. */
export function isTechnical(outcome: Outcome): boolean {
  if (outcome.kind === 'not_sent') return outcome.reason === 'connect_failed' || outcome.reason === 'tls_or_dns_failed'
  return outcome.kind === 'unknown'
}

/**
 * Breakers that need no timer: windows rotate and trials come due when a call asks, so they work where nothing runs
 * between requests. opossum counts, decides when to open and judges the trial; that it is open, since when, and whose
 * the trial is stands in the database.
 */
export function createBreakers(deps: BreakerDeps): Breakers {
  const { db, clock } = deps
  const settings = { ...DEFAULTS, ...deps.settings }
  const locals = new Map<string, Local>()
  const kept = new Map<string, Kept>()

  const refresh = (operatorId: string) => void kept.delete(operatorId)

  async function sharedOf(operatorId: string): Promise<Shared> {
    const nowMs = clock.nowMs()
    const known = kept.get(operatorId)
    if (known && nowMs - known.readAtMs < REFRESH_MS) return await known.value
    const value = db.tx(operatorId, async (tx) => ({
      rows: new Map(
        (await listBreakers(tx, operatorId)).map((row) => [textOf(row.connectionId, row.operation, row.method), row]),
      ),
      windows: await listMaintenance(tx, operatorId, nowMs),
    }))
    kept.delete(operatorId)
    kept.set(operatorId, { readAtMs: nowMs, value })
    dropOldest(kept, MAX_OPERATORS, () => true)
    value.then(undefined, () => kept.get(operatorId)?.value === value && kept.delete(operatorId))
    return await value
  }

  function stateOf({ rows, windows }: Shared, connectionId: string, operation: string, method: string): HealthState {
    const nowMs = clock.nowMs()
    const own = rows.get(textOf(connectionId, operation, method))
    const forced = [own, rows.get(textOf(connectionId, ANY, ANY))].find(
      (row) => row?.forced && (row.forcedUntilMs ?? 0) > nowMs,
    )?.forced
    if (forced === 'open') return 'forced_open'
    const inWindow = windows.some(
      (row) => row.connectionId === connectionId && row.startsAt.getTime() <= nowMs && row.endsAt.getTime() > nowMs,
    )
    if (inWindow) return 'maintenance'
    if (forced === 'closed' || own?.state !== 'open') return 'closed'
    return nowMs - (own.openedAtMs ?? 0) >= settings.resetMs ? 'half_open' : 'open'
  }

  function localOf(key: BreakerKey): Local {
    const text = `${key.operatorId}/${textOf(key.connectionId, key.operation, key.method)}`
    const known = locals.get(text)
    locals.delete(text)
    const local = known ?? newLocal(settings, clock.nowMs())
    locals.set(text, local)
    dropOldest(locals, MAX_LOCAL, ({ inFlight }) => inFlight === 0)
    return local
  }

  /** What the database or a listener can't take now must not cost the outcome that we already have. */
  async function quietly(event: string, key: BreakerKey, work: () => Promise<void>): Promise<boolean> {
    const [done] = await Promise.allSettled([work()])
    if (done.status === 'fulfilled') return true
    deps.log?.error(event, { connectionId: key.connectionId, operation: key.operation, method: key.method })
    return false
  }

  async function announce(key: BreakerKey, to: 'open' | 'closed'): Promise<void> {
    deps.metrics?.count('paycage_breaker_transitions_total', { operation: key.operation, method: key.method, to })
    const { onChange } = deps
    if (onChange) await quietly('breaker.listener_failed', key, () => onChange({ ...key, to, atMs: clock.nowMs() }))
  }

  async function shareOpen(key: BreakerKey, local: Local, openedAtMs: number): Promise<void> {
    local.unsharedSinceMs = openedAtMs
    if (local.sharing) return
    local.sharing = true
    let first = false
    const shared = await quietly('breaker.share_failed', key, async () => {
      first = await db.tx(key.operatorId, (tx) => openBreaker(tx, key.operatorId, key, openedAtMs))
    })
    local.sharing = false
    refresh(key.operatorId)
    if (!shared) return
    local.unsharedSinceMs = undefined
    if (first) await announce(key, 'open')
  }

  async function normally(key: BreakerKey, local: Local, call: () => Promise<Outcome>): Promise<Outcome> {
    rotate(local, settings, clock.nowMs())
    const result = await fire(local, local.circuit, call)
    if (local.tripped) {
      replaceCircuit(
        local,
        newCircuit(local.rotation, settings, () => trip(local)),
      )
      await shareOpen(key, local, clock.nowMs())
    }
    return result
  }

  async function asTrial(key: BreakerKey, local: Local, call: () => Promise<Outcome>): Promise<Outcome> {
    const { operatorId } = key
    const mine = await db.tx(operatorId, (tx) =>
      claimTrial(tx, operatorId, key, { nowMs: clock.nowMs(), resetMs: settings.resetMs, trialMs: settings.trialMs }),
    )
    if (!mine) return { kind: 'not_sent', reason: 'circuit_open' }
    const trial = newCircuit(local.rotation, settings, () => trip(local), { closed: false, halfOpen: true })
    const [done] = await Promise.allSettled([fire(local, trial, call)])
    const healthy = trial.closed
    if (healthy) replaceCircuit(local, trial)
    else trial.shutdown()
    local.tripped = false
    const ended = await quietly('breaker.share_failed', key, () =>
      db.tx(operatorId, (tx) => endTrial(tx, operatorId, key, { nowMs: clock.nowMs(), healthy })),
    )
    refresh(operatorId)
    if (ended && healthy) await announce(key, 'closed')
    if (done.status === 'rejected') throw done.reason
    return done.value
  }

  return {
    refresh,
    async state(key) {
      return stateOf(await sharedOf(key.operatorId), key.connectionId, key.operation, key.method)
    },
    async health(operatorId) {
      const shared = await sharedOf(operatorId)
      return { state: (connectionId, operation, method) => stateOf(shared, connectionId, operation, method) }
    },
    async run(key, call) {
      const local = localOf(key)
      // Opened here while the database was away: hold it back as long as if it were shared, and tell the others now.
      if (local.unsharedSinceMs !== undefined) {
        if (clock.nowMs() - local.unsharedSinceMs >= settings.resetMs) local.unsharedSinceMs = undefined
        else {
          await shareOpen(key, local, local.unsharedSinceMs)
          return { kind: 'not_sent', reason: 'circuit_open' }
        }
      }
      const state = stateOf(await sharedOf(key.operatorId), key.connectionId, key.operation, key.method)
      if (state === 'open' || state === 'forced_open') return { kind: 'not_sent', reason: 'circuit_open' }
      if (local.inFlight >= settings.capacity) return { kind: 'not_sent', reason: 'overloaded' }
      return state === 'half_open' ? await asTrial(key, local, call) : await normally(key, local, call)
    },
  }
}

/** Drops from a map in use order what is over `max` and may go. */
function dropOldest<V>(map: Map<string, V>, max: number, mayGo: (value: V) => boolean): void {
  if (map.size <= max) return
  for (const [key, value] of map) {
    if (map.size <= max) return
    if (mayGo(value)) map.delete(key)
  }
}

const trip = (local: Local): void => {
  local.tripped = true
}

function newLocal(settings: BreakerSettings, nowMs: number): Local {
  const rotation = new EventEmitter()
  const local: Local = {
    rotation,
    rotatedAtMs: nowMs,
    inFlight: 0,
    tripped: false,
    unsharedSinceMs: undefined,
    sharing: false,
    circuit: newCircuit(rotation, settings, () => trip(local)),
  }
  return local
}

function newCircuit(
  rotation: EventEmitter,
  { volume, errorPercent, windowMs }: BreakerSettings,
  onOpen: () => void,
  state?: { closed: boolean; halfOpen: boolean },
): Local['circuit'] {
  const circuit = new CircuitBreaker((work: () => Promise<void>) => work(), {
    // Our own deadline owns the call: opossum's would leave it running and call it a failure.
    timeout: false,
    resetTimeout: NEVER_MS,
    rollingCountTimeout: windowMs,
    rollingCountBuckets: BUCKETS,
    volumeThreshold: volume,
    errorThresholdPercentage: errorPercent,
    rotateBucketController: rotation,
    enableSnapshots: false,
    rollingPercentilesEnabled: false,
    ...(state && { state: { enabled: true, open: false, warmUp: false, shutdown: false, ...state } }),
  })
  circuit.on('open', onOpen)
  return circuit
}

function replaceCircuit(local: Local, circuit: Local['circuit']): void {
  // Calls still out on the old one end by themselves; shut down, it counts nothing and holds no timer.
  local.circuit.shutdown()
  local.circuit = circuit
  local.tripped = false
}

/** Moves the window on by the request's clock instead of a timer. */
function rotate(local: Local, { windowMs }: BreakerSettings, nowMs: number): void {
  const bucketMs = windowMs / BUCKETS
  const passed = Math.floor((nowMs - local.rotatedAtMs) / bucketMs)
  if (passed < 1) return
  for (let step = 0; step < Math.min(passed, BUCKETS); step += 1) local.rotation.emit('rotate')
  local.rotatedAtMs += passed * bucketMs
}

/** Thrown inside the circuit only, so that it counts a failure; made once, since its stack says nothing. */
const TECHNICAL = new Error('the processor could not be reached or its answer not be known')

async function fire(local: Local, circuit: Local['circuit'], call: () => Promise<Outcome>): Promise<Outcome> {
  const seen: { outcome?: Outcome; started?: true } = {}
  local.inFlight += 1
  const [done] = await Promise.allSettled([
    circuit.fire(async () => {
      seen.started = true
      seen.outcome = await call()
      if (isTechnical(seen.outcome)) throw TECHNICAL
    }),
  ])
  local.inFlight -= 1
  if (seen.outcome) return seen.outcome
  // It opened between the look at the shared state and the call.
  if (!seen.started) return { kind: 'not_sent', reason: 'circuit_open' }
  throw done.status === 'rejected' ? done.reason : new Error('a call ended without an outcome')
}
