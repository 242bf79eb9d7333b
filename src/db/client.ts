import postgres from 'postgres'
import { CONNECTION_LOST, dbError, fromDriver, isRetriable, OUTCOME_UNKNOWN, sqlstateOf } from './errors.ts'
import { beginLife, type Life } from './guard.ts'
import { slots } from './slots.ts'

/** A transaction: the tagged-template statement runner of postgres.js, bound to one connection and one operator. */
export type Tx = postgres.TransactionSql<Types>

/** What the driver reads and writes beyond its own types. */
type Types = { bigint: bigint; numeric: bigint }
type Client = postgres.Sql<Types>

/** A runner of single statements outside any transaction. */
export type Statement = postgres.ISql<Types>

/** The database as flows see it. Every unit of work is one transaction; row-level security shows it one operator's rows. */
export type Db = {
  /**
   * Runs `work` in one transaction that sees only this operator's rows. Runs it again, whole, when the server undid it
   * for another's sake (40001, 40P01), so `work` has no effect outside the transaction. An answer to COMMIT that was
   * lost is looked up; when even that can't be told, throws `unavailable` with SQLSTATE 08007 (`isOutcomeUnknown`).
   */
  tx<T>(operatorId: string, work: (tx: Tx) => Promise<T>): Promise<T>
  /** Runs `work` in one transaction that sees the global tables only (operators, clients, keys, jobs). */
  global<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Runs one statement that is a transaction of its own. Throws with SQLSTATE 08007 when its answer is lost: it must bear being run again. */
  alone<T>(statement: (sql: Statement) => PromiseLike<T>): Promise<T>
  /** Waits for the queries in flight, then closes. */
  close(): Promise<void>
}

/** What a client needs to know. `max` is the size of the pool. */
export type DbOptions = {
  /** As libpq reads it: with `?host=/folder` through the socket in there. */
  readonly url: string
  readonly max?: number
  readonly role?: string
  readonly applicationName?: string
  readonly statementTimeoutMs?: number
  readonly idleInTransactionTimeoutMs?: number
  /** False behind a pooler that gives a connection to one transaction at a time. */
  readonly prepare?: boolean
}

/** One connection of the pool: a client of one connection, thrown away when that is lost, so that nothing of it outlives it. */
type Slot = { sql: Client | undefined; life: Life | undefined }

/** Longer than any statement of a healthy gateway; reports and verifications set their own. */
const STATEMENT_TIMEOUT_MS = 15_000
/** A flow never waits for the outside inside a transaction, so an idle one is dead. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 15_000
const CONNECT_TIMEOUT_S = 10
/** Five tries pass any storm that the jitter can calm; more would hide a design fault. */
const MAX_TRIES = 5
const RETRY_BASE_MS = 5
/** A crashed server is back within seconds; 80 looks of 250 ms are 20 s. */
const MAX_LOOKS = 80
const LOOK_EVERY_MS = 250

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
/** What a transaction on a dead connection waits for: the driver must not go on with it on another one. */
const never = new Promise<never>(() => {})

/** Opens a pool. Whole numbers (int8, numeric) come as bigint: all our numerics are minor units of scale 0. */
export function openDb(options: DbOptions): Db {
  const pool = slots<Slot>(options.max ?? 10, () => ({ sql: undefined, life: undefined }))

  async function tx<T>(operatorId: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const ended = await pool.use((slot) => transaction(slot, options, operatorId, work))
      if (ended.kind === 'committed') return ended.value
      if (ended.kind === 'unknown') return resolved(ended)
      if (!isRetriable(ended.error) || attempt >= MAX_TRIES) throw ended.error
      await pause(RETRY_BASE_MS * 2 ** attempt * Math.random())
    }
  }

  /** Asks the server what became of a transaction whose COMMIT was never answered. */
  async function resolved<T>({ xid, era, value }: Unknown<T>): Promise<T> {
    for (let look = 0; xid !== undefined && look < MAX_LOOKS; look += 1) {
      await pause(LOOK_EVERY_MS)
      const status = await pool.use((slot) => statusOf(slot, options, xid, era)).catch(() => undefined)
      if (status === 'committed') return value
      if (status === 'aborted') throw dbError(CONNECTION_LOST)
      if (status === null) break
    }
    throw dbError(OUTCOME_UNKNOWN)
  }

  return {
    tx,
    global: (work) => tx('', work),
    alone: (statement) => pool.use((slot) => alone(slot, options, statement)),
    close: async () => {
      await Promise.all(pool.all().map(({ sql }) => sql?.end({ timeout: 5 })))
    },
  }
}

type Unknown<T> = {
  readonly kind: 'unknown'
  readonly xid: string | undefined
  readonly era: string | undefined
  readonly value: T
}
type Ended<T> =
  | { readonly kind: 'committed'; readonly value: T }
  | { readonly kind: 'undone'; readonly error: unknown }
  | Unknown<T>

async function transaction<T>(
  slot: Slot,
  options: DbOptions,
  operatorId: string,
  work: (tx: Tx) => Promise<T>,
): Promise<Ended<T>> {
  const life = beginLife()
  slot.life = life
  let done: { value: T } | undefined
  let failure: { error: unknown } | undefined
  let xid: string | null | undefined
  let era: string | undefined
  const begun = connected(slot, options).begin(async (raw) => {
    const guarded = life.guard(raw)
    // sent in one go with the first statement, as the question for the id is with COMMIT; begin() sees their errors
    guarded`select set_config('app.operator', ${operatorId}, true)`.catch(() => {})
    try {
      const value = await work(guarded)
      if (!life.death()) done = { value }
    } catch (error) {
      failure = { error }
    }
    if (life.death()) return never
    if (failure) throw failure.error
    guarded<{ xid: string | null; era: string }[]>`select pg_current_xact_id_if_assigned()::text as xid,
      (select stats_reset::text from pg_stat_wal) as era`.then(
      (rows) => {
        xid = rows[0]?.xid ?? null
        era = rows[0]?.era
      },
      () => {},
    )
    return true
  })
  try {
    await Promise.race([begun, life.lost])
    if (done) return { kind: 'committed', value: done.value }
    return { kind: 'undone', error: failure?.error }
  } catch (error) {
    begun.catch(() => {})
    const lost = life.death() !== undefined || sqlstateOf(fromDriver(error))?.startsWith('08')
    // nothing was written, so there is nothing to be committed
    if (done && lost && xid === null) return { kind: 'committed', value: done.value }
    if (done && lost) return { kind: 'unknown', xid: xid ?? undefined, era, value: done.value }
    return { kind: 'undone', error: failure?.error ?? life.firstError() ?? fromDriver(error) }
  } finally {
    leave(slot, life)
  }
}

async function alone<T>(slot: Slot, options: DbOptions, statement: (sql: Statement) => PromiseLike<T>): Promise<T> {
  const life = beginLife()
  slot.life = life
  try {
    return await Promise.race([statement(life.guard<Statement>(connected(slot, options))), life.lost])
  } catch (error) {
    const ours = error instanceof Error ? error : fromDriver(error)
    throw sqlstateOf(ours) === CONNECTION_LOST ? dbError(OUTCOME_UNKNOWN) : ours
  } finally {
    leave(slot, life)
  }
}

/**
 * `committed`, `aborted`, `in progress`, or null when the server no longer knows. Recovery from a crash empties the server's
 * statistics, and gives out again the ids of transactions that had not reached the disk: in another era than that of the
 * question what is said of an id may be about a stranger's transaction.
 */
async function statusOf(slot: Slot, options: DbOptions, xid: string, era: string | undefined): Promise<string | null> {
  const rows = await alone(
    slot,
    options,
    (sql) =>
      sql<{ status: string | null; era: string }[]>`select pg_xact_status(${xid}::xid8) as status,
      (select stats_reset::text from pg_stat_wal) as era`,
  )
  return rows[0]?.era === era ? (rows[0]?.status ?? null) : null
}

/** The slot's connection, with its loss noticed at once, before any code of ours runs again. */
function connected(slot: Slot, options: DbOptions): Client {
  if (slot.sql) return slot.sql
  const sql = connect(options, () => {
    if (slot.sql !== sql) return
    slot.life?.die()
    discard(slot)
  })
  slot.sql = sql
  return sql
}

/** Ends a use. */
function leave(slot: Slot, life: Life): void {
  slot.life = undefined
  if (life.death()) discard(slot)
}

/** Throws away the client of a lost connection: its buffers may hold what must never be sent. */
function discard(slot: Slot): void {
  slot.sql?.end({ timeout: 0 }).catch(() => {})
  slot.sql = undefined
}

/**
 * Where a URL leads, as the driver takes it: it knows libpq's `?host=/folder` (the folder of a socket) as an option only.
 * Another machine's name in there is none of ours to follow: the URL's own host is the one that was checked.
 */
export function placeOf(url: string): [url: string, options: { host?: string }] {
  const place = URL.parse(url)
  const host = place?.searchParams.get('host')
  if (!place || !host?.startsWith('/')) return [url, {}]
  place.searchParams.delete('host')
  return [place.href, { host }]
}

/** One connection as gateways configure theirs; `onclose` is told at once when it is lost. */
export function connect(
  {
    url,
    role,
    applicationName = 'paycage',
    statementTimeoutMs = STATEMENT_TIMEOUT_MS,
    idleInTransactionTimeoutMs = IDLE_IN_TRANSACTION_TIMEOUT_MS,
    prepare = true,
  }: DbOptions,
  onclose: () => void,
): Client {
  const [place, socket] = placeOf(url)
  return postgres(place, {
    ...socket,
    max: 1,
    prepare,
    fetch_types: false,
    connect_timeout: CONNECT_TIMEOUT_S,
    transform: { column: { from: postgres.toCamel, to: postgres.fromCamel } },
    types: {
      bigint: postgres.BigInt,
      numeric: { to: 1700, from: [1700], serialize: String, parse: BigInt },
    },
    onnotice: () => {},
    onclose,
    connection: {
      application_name: applicationName,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
      ...(role && { role }),
    },
  })
}
