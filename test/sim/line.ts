import { connect, type Db, type Tx } from '../../src/db/client.ts'
import { isRetriable } from '../../src/db/errors.ts'
import { beginLife } from '../../src/db/guard.ts'

/** Five tries, as the gateway's own client has. */
const MAX_TRIES = 5

/**
 * A world's own connection. Its transactions come one after another, so each end begins the next (`commit and chain`),
 * and the operator is said once, not each time: a third of the round trips that the gateway's client needs to be safe on
 * connections that die. Here none dies but by the harness's word; level two runs the client itself.
 */
export function openLine(url: string): Db {
  const sql = connect(
    { url, role: 'paycage_app', applicationName: 'paycage-sim', idleInTransactionTimeoutMs: 0 },
    () => {},
  )
  const closing = Promise.withResolvers<void>()
  let open: Promise<Tx> | undefined
  let ended: Promise<unknown> | undefined
  let operator: string | undefined

  const opened = (): Promise<Tx> => {
    if (open) return open
    const { promise, resolve, reject } = Promise.withResolvers<Tx>()
    ended = sql.begin((tx) => {
      resolve(tx)
      return closing.promise
    })
    ended.catch(reject)
    open = promise
    return promise
  }

  /** One transaction, from what the one before left open. */
  async function once<T>(operatorId: string, work: (tx: Tx) => PromiseLike<T>): Promise<T> {
    const raw = await opened()
    const life = beginLife()
    const tx = life.guard(raw)
    if (operator !== operatorId) {
      tx`select set_config('app.operator', ${operatorId}, false)`.catch(() => {})
      operator = operatorId
    }
    try {
      const value = await work(tx)
      await tx.unsafe('commit and chain', [], { prepare: true })
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
    global: (work) => tx('', work),
    alone: (statement) => tx('', statement),
    async close() {
      closing.resolve()
      await ended?.catch(() => {})
      await sql.end()
    },
  }
}
