import { Fault } from '../core/errors.ts'
import type { NewUuid } from '../core/ids.ts'
import { accountSpec } from '../core/ledger/chart.ts'
import type { PostResult } from '../core/ledger/port.ts'
import type { Posting } from '../core/ledger/posting.ts'
import type { Db } from './client.ts'
import { isOutcomeUnknown, isRetriable } from './errors.ts'
import { assertPostable, postAlone } from './ledger-statements.ts'

/** Sends the postings of concurrent callers in one statement, and gives each its own answer. */
export type Combiner = {
  /** The answer for this posting; its neighbours' are no matter. Throws `overloaded` when too many wait already. */
  post(operatorId: string, posting: Posting): Promise<PostResult>
  /** Resolves when nothing waits or is under way any more. */
  idle(): Promise<void>
}

/** Bounds of a combiner; the defaults are the measured best on two cores (`npm run bench:ledger`). */
export type CombinerOptions = {
  readonly newUuid: NewUuid
  readonly maxBatch?: number
  readonly maxInFlight?: number
  readonly maxWaiting?: number
}

/** Transfers per statement: more make the batch's last caller wait longer than they save. */
const MAX_BATCH = 500
/** Statements under way per operator: one is being written by PostgreSQL while the other is being read. */
const MAX_IN_FLIGHT = 2
/** Fewer postings than this aren't shared out over the statements that may be under way: a second one would cost more than it gives. */
const MIN_SHARE = 16
/** Callers that wait: a second's worth. Who comes after that would rather be told. */
const MAX_WAITING = 10_000
const RETRY_AFTER_SECONDS = 1
/** Tries of a batch whose answer was lost or that lost a race: the same keys, so once done it stays done. */
const MAX_TRIES = 8
const RETRY_BASE_MS = 5
const MAX_PAUSE_MS = 1_000

type Job = {
  readonly posting: Posting
  /** Accounts of a single row, which the statement that posts to them locks until it is committed. */
  readonly rows: readonly string[]
  readonly resolve: (result: PostResult) => void
  readonly reject: (error: unknown) => void
}
type Lane = { waiting: Job[]; scheduled: boolean; readonly underWay: Set<readonly Job[]> }

/** One combiner per process. Batches are of one operator each: its postings are its own (row-level security, sharding). */
export function combiner(
  db: Db,
  { newUuid, maxBatch = MAX_BATCH, maxInFlight = MAX_IN_FLIGHT, maxWaiting = MAX_WAITING }: CombinerOptions,
): Combiner {
  const lanes = new Map<string, Lane>()
  let waiting = 0
  let whenIdle: (() => void)[] = []

  function post(operatorId: string, posting: Posting): Promise<PostResult> {
    assertPostable(posting)
    const rows = rowsOf(posting)
    if (waiting >= maxWaiting) {
      throw new Fault('overloaded', 'Too many postings at once.', { retryAfterSeconds: RETRY_AFTER_SECONDS })
    }
    const lane = lanes.get(operatorId) ?? { waiting: [], scheduled: false, underWay: new Set() }
    lanes.set(operatorId, lane)
    waiting += 1
    return new Promise((resolve, reject) => {
      lane.waiting.push({ posting, rows, resolve, reject })
      schedule(operatorId, lane)
    })
  }

  /** Starts a batch when this turn of callers is through, so that all of them are in it. */
  function schedule(operatorId: string, lane: Lane): void {
    if (lane.scheduled || lane.underWay.size >= maxInFlight || lane.waiting.length === 0) return
    lane.scheduled = true
    queueMicrotask(() => {
      lane.scheduled = false
      void flush(operatorId, lane)
    })
  }

  async function flush(operatorId: string, lane: Lane): Promise<void> {
    // Callers whose answers come together come back together: in one batch each time, they would keep one core of the database busy.
    const share = Math.ceil(lane.waiting.length / (maxInFlight - lane.underWay.size))
    const batch = takeBatch(lane, maxBatch, Math.max(MIN_SHARE, share))
    waiting -= batch.length
    lane.underWay.add(batch)
    schedule(operatorId, lane)
    await send(operatorId, batch)
    lane.underWay.delete(batch)
    // callers who come back with their next posting are in the batch that their answer made room for
    if (lane.waiting.length > 0) setImmediate(() => schedule(operatorId, lane))
    if (lane.underWay.size > 0 || lane.waiting.length > 0) return
    lanes.delete(operatorId)
    if (lanes.size > 0) return
    for (const tell of whenIdle) tell()
    whenIdle = []
  }

  /** Settles every job of the batch. One that the database refuses whole is halved until the culprit stands alone. */
  async function send(operatorId: string, batch: readonly Job[]): Promise<void> {
    try {
      const results = await tryHard(() =>
        postAlone(
          db,
          operatorId,
          batch.map(({ posting }) => posting),
          newUuid,
        ),
      )
      for (const [index, result] of results.entries()) batch[index]?.resolve(result)
    } catch (error) {
      if (batch.length === 1 || error instanceof Fault) {
        for (const job of batch) job.reject(error)
        return
      }
      const half = Math.ceil(batch.length / 2)
      await send(operatorId, batch.slice(0, half))
      await send(operatorId, batch.slice(half))
    }
  }

  return {
    // async, so that a refusal is a rejection
    post: async (operatorId, posting) => post(operatorId, posting),
    idle: () => (lanes.size === 0 ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve))),
  }
}

function rowsOf({ transfers }: Posting): readonly string[] {
  const rows: string[] = []
  for (const { debit, credit } of transfers) {
    if (accountSpec(debit).stripes === 1) rows.push(debit)
    if (accountSpec(credit).stripes === 1) rows.push(credit)
  }
  return rows
}

/**
 * The next jobs of a lane, at most so many, so many transfers, and each key once: twins wait for the next batch. So do
 * those on rows that a statement under way has locked, or the whole batch would wait for them; unless there is little else.
 */
function takeBatch(lane: Lane, maxBatch: number, maxJobs: number): Job[] {
  const locked = new Set<string>()
  for (const batch of lane.underWay) for (const { rows } of batch) for (const row of rows) locked.add(row)
  const free = lane.waiting.filter(({ rows }) => !rows.some((row) => locked.has(row)))
  const taken = new Map<string, Job>()
  let transfers = 0
  for (const job of free.length < MIN_SHARE ? lane.waiting : free) {
    const { key, transfers: more } = job.posting
    const fits = taken.size < maxJobs && (transfers === 0 || transfers + more.length <= maxBatch)
    if (!fits || taken.has(key)) continue
    taken.set(key, job)
    transfers += more.length
  }
  lane.waiting = lane.waiting.filter((job) => taken.get(job.posting.key) !== job)
  return [...taken.values()]
}

/** Runs it again after a lost race or a lost answer. */
async function tryHard<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      const again = isRetriable(error) || isOutcomeUnknown(error)
      if (!again || attempt >= MAX_TRIES) throw error
      const longest = Math.min(MAX_PAUSE_MS, RETRY_BASE_MS * 2 ** attempt)
      await new Promise((resolve) => setTimeout(resolve, longest * Math.random()))
    }
  }
}
