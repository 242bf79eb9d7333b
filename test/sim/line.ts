import { connect, type Db, type Tx } from '../../src/db/client.ts'
import { isRetriable } from '../../src/db/errors.ts'
import { beginLife } from '../../src/db/guard.ts'

/** Five tries, as the gateway's own client has. */
const MAX_TRIES = 5
/** A statement that changes and locks nothing, as far as its text tells: a call of a function of the ledger may post. */
const READS = /^\s*select\b(?!.*(?:\bfor (?:no key )?update\b|\bfor share\b|\bledger\.\w+\())/s
/** The global tables look at no operator: whoever was said last stays. */
const WHOEVER = 'whoever'
/** What was found of each statement's text. */
const reads = new WeakMap<object, boolean>()

function isRead(strings: unknown): boolean {
  if (!Array.isArray(strings)) return false
  const known = reads.get(strings) ?? READS.test(strings.join('?'))
  reads.set(strings, known)
  return known
}

/** A statement runner that remembers whether anything was done that a COMMIT must follow. */
function watchWrites(tx: Tx): { readonly tx: Tx; wrote(): boolean } {
  let written = false
  const watched = new Proxy(tx, {
    apply(target, self, values: unknown[]) {
      written ||= !isRead(values[0])
      return Reflect.apply(target, self, values)
    },
    get(target, name, receiver) {
      written ||= name === 'unsafe' || name === 'savepoint'
      return Reflect.get(target, name, receiver)
    },
  })
  return { tx: watched, wrote: () => written }
}

/** A world's connection. `ended` waits until all that was done on it is committed, for those who look from elsewhere. */
export type Line = Db & { ended(): Promise<void> }

/**
 * A world's own connection. Its transactions come one after another, so each end begins the next (`commit and chain`) and is
 * sent in one go with what the next one says first, one that only read is left open for the next to go on with, and the
 * operator is said once, not each time: a quarter of the round trips that the gateway's client needs to be safe on
 * connections that die. Here none dies but by the harness's word; level two runs the client itself. No constraint waits for
 * COMMIT, so none fails; should one, the line is of no use from then on.
 */
export function openLine(url: string): Line {
  const sql = connect(
    { url, role: 'paycage_app', applicationName: 'paycage-sim', idleInTransactionTimeoutMs: 0 },
    () => {},
  )
  const closing = Promise.withResolvers<void>()
  let open: Promise<Tx> | undefined
  let closed: Promise<unknown> | undefined
  let operator: string | undefined
  let written = false
  let failure: Error | undefined

  const opened = (): Promise<Tx> => {
    if (open) return open
    const { promise, resolve, reject } = Promise.withResolvers<Tx>()
    closed = sql.begin((tx) => {
      resolve(tx)
      return closing.promise
    })
    closed.catch(reject)
    open = promise
    return promise
  }

  /** Sends the end of the transaction that wrote last, and doesn't wait for it: what follows is answered after it. */
  function end(raw: Tx): Promise<void> | undefined {
    if (failure) throw failure
    if (!written) return undefined
    written = false
    return raw.unsafe('commit and chain', [], { prepare: true }).then(
      () => {},
      (cause) => {
        failure = new Error('a transaction was not committed', { cause })
      },
    )
  }

  /** One transaction, from what the one before left open. */
  async function once<T>(operatorId: string, work: (tx: Tx) => PromiseLike<T>): Promise<T> {
    const raw = await opened()
    void end(raw)
    const watch = watchWrites(beginLife().guard(raw))
    const tx = watch.tx
    if (operatorId !== WHOEVER && operator !== operatorId) {
      tx`select set_config('app.operator', ${operatorId}, false)`.catch(() => {})
      operator = operatorId
    }
    try {
      const value = await work(tx)
      written = watch.wrote()
      return value
    } catch (error) {
      operator = undefined
      await raw.unsafe('rollback and chain')
      throw error
    }
  }

  async function tx<T>(operatorId: string, work: (tx: Tx) => PromiseLike<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await once(operatorId, work)
      } catch (error) {
        if (!isRetriable(error) || tries >= MAX_TRIES) throw error
      }
    }
  }

  return {
    tx,
    global: (work) => tx(WHOEVER, work),
    // a statement that may stand alone says itself whose rows it writes
    alone: (statement) => tx(WHOEVER, statement),
    async ended() {
      await end(await opened())
      if (failure) throw failure
    },
    async close() {
      closing.resolve()
      await closed?.catch(() => {})
      await sql.end()
    },
  }
}
