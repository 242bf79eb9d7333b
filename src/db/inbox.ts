import type { Connection } from '../core/connection.ts'
import { Fault } from '../core/errors.ts'
import type { Db } from './client.ts'
import { getConnection, operatorOfConnection } from './connections.ts'
import { isOutcomeUnknown } from './errors.ts'
import { type NewInbound, storedInbound, storeInbound } from './inbound-webhooks.ts'

/** Where processors' events are kept before they are answered. */
export type Inbox = {
  /** The account behind a webhook's URL, or undefined. */
  connection(id: string): Promise<Connection | undefined>
  /** Stores events and promises to apply them, in one transaction; says how many are new. */
  store(operatorId: string, events: readonly NewInbound[], nowMs: number): Promise<number>
  /** True while storing takes longer than it should: work that can wait gives way. */
  slow(): boolean
}

/** Each webhook for itself: for runtimes in which requests share no sockets. */
export function directInbox(db: Db): Inbox {
  // whose an account is never changes
  const operators = new Map<string, string>()
  return {
    async connection(id) {
      const operatorId = operators.get(id) ?? (await db.global((tx) => operatorOfConnection(tx, id)))
      if (operatorId === undefined) return undefined
      if (operators.size >= MAX_KNOWN) operators.clear()
      operators.set(id, operatorId)
      return db.tx(operatorId, (tx) => getConnection(tx, operatorId, id))
    },
    store: async (operatorId, events, nowMs) => (await storeNew(db, operatorId, events, nowMs)).size,
    slow: () => false,
  }
}

/** Stores them and gives the ids of the new ones, in one round trip: a flood waits for each of them until the process has read what else came meanwhile. */
async function storeNew(
  db: Db,
  operatorId: string,
  events: readonly NewInbound[],
  nowMs: number,
): Promise<ReadonlySet<string>> {
  // always in the same order, so that two batches with the same events don't deadlock
  const inOrder = events.toSorted((a, b) => (a.eventId < b.eventId ? -1 : 1))
  const store = () => db.alone((sql) => storeInbound(sql, operatorId, inOrder, nowMs))
  try {
    return new Set(await store())
  } catch (error) {
    if (!isOutcomeUnknown(error)) throw error
    // Done again it adds what the try before it didn't; what has our ids then is new, by the one or the other.
    await store()
    const ids = events.map(({ id }) => id)
    return new Set(await db.tx(operatorId, (tx) => storedInbound(tx, operatorId, ids)))
  }
}

/** Webhooks per statement: the last of them waits no longer than its transaction takes. */
const MAX_BATCH = 200
/** Batches under way for one operator: the process reads the next webhooks while the database writes. */
const MAX_UNDER_WAY = 2
/** Fewer than this wait for the batch under way: a transaction of their own would cost more than it gives. */
const MIN_BESIDE = 32
/** A few seconds' worth of a flood; who comes after that is asked to come again, as processors do. */
const MAX_WAITING = 5_000
const RETRY_AFTER_SECONDS = 5
/** So many webhooks in one batch, and the oldest of them stored only after this long: more comes than the machine can do at once. A slow disk alone makes no crowd. */
const CROWD = 16
const SLOW_MS = 25
/** A flood lasts for minutes, and each try whether it is over makes those wait who come then: fewer than one in a hundred. */
const SLOW_FOR_MS = 10_000
/** A changed account or secret is seen within this. */
const KNOWN_FOR_MS = 1_000
/** Accounts remembered, about 1 kB each. */
const MAX_KNOWN = 10_000

type Waiting = {
  readonly events: readonly NewInbound[]
  readonly nowMs: number
  readonly resolve: (fresh: number) => void
  readonly reject: (error: unknown) => void
}
type Lane = { readonly waiting: Waiting[]; underWay: number }

/** Webhooks of one operator that come at once are stored in one transaction, and an account is read once a second: a flood costs what a trickle does. */
export function combinedInbox(db: Db, clock: { nowMs(): number }): Inbox {
  const direct = directInbox(db)
  const known = new Map<string, { readonly untilMs: number; readonly found: Promise<Connection | undefined> }>()
  const lanes = new Map<string, Lane>()
  let waiting = 0
  let slowUntilMs = 0

  /** Sends what waits: a batch at a time, so that the next one gathers meanwhile, and a second one beside it when many wait. */
  function start(operatorId: string, lane: Lane): void {
    while (lane.waiting.length >= (lane.underWay === 0 ? 1 : MIN_BESIDE) && lane.underWay < MAX_UNDER_WAY) {
      const batch = lane.waiting.splice(0, MAX_BATCH)
      waiting -= batch.length
      lane.underWay += 1
      void send(operatorId, batch).then(() => {
        lane.underWay -= 1
        if (lane.underWay === 0 && lane.waiting.length === 0) lanes.delete(operatorId)
        else start(operatorId, lane)
      })
    }
  }

  /** One that the database refuses must not take its neighbours with it: then each goes by itself. */
  async function send(operatorId: string, batch: readonly Waiting[]): Promise<void> {
    try {
      const nowMs = Math.max(...batch.map((one) => one.nowMs))
      const events = batch.flatMap((one) => one.events)
      const fresh = await storeNew(db, operatorId, events, nowMs)
      for (const one of batch) one.resolve(one.events.filter(({ id }) => fresh.has(id)).length)
      const doneMs = clock.nowMs()
      const tookMs = doneMs - Math.min(...batch.map((one) => one.nowMs))
      if (batch.length >= CROWD && tookMs >= SLOW_MS) slowUntilMs = doneMs + SLOW_FOR_MS
    } catch (error) {
      if (batch.length > 1) for (const one of batch) await send(operatorId, [one])
      else for (const one of batch) one.reject(error)
    }
  }

  return {
    connection(id) {
      const nowMs = clock.nowMs()
      const before = known.get(id)
      if (before && before.untilMs > nowMs) return before.found
      const found = direct.connection(id)
      found.catch(() => known.delete(id))
      known.delete(id)
      known.set(id, { untilMs: nowMs + KNOWN_FOR_MS, found })
      const [oldest] = known.keys()
      if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest)
      return found
    },
    slow: () => clock.nowMs() < slowUntilMs,
    store(operatorId, events, nowMs) {
      if (waiting >= MAX_WAITING) {
        const extra = { retryAfterSeconds: RETRY_AFTER_SECONDS }
        return Promise.reject(new Fault('overloaded', 'Too many webhooks at once.', extra))
      }
      waiting += 1
      return new Promise((resolve, reject) => {
        const lane = lanes.get(operatorId) ?? { waiting: [], underWay: 0 }
        lanes.set(operatorId, lane)
        lane.waiting.push({ events, nowMs, resolve, reject })
        // when this turn's callers are through, so that all of them are in it
        queueMicrotask(() => start(operatorId, lane))
      })
    },
  }
}
