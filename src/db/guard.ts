import { assert } from '../core/errors.ts'
import { CONNECTION_LOST, dbError, fromDriver, isConnectionLost, sqlstateOf } from './errors.ts'

/**
 * The life of one use of one connection. postgres.js 3.4.9 lets a transaction's late query run, autocommitted, on the
 * connection that replaces a dead one, never answers the queries that waited, and may commit on a stranger's behalf.
 * Here every query passes a gate at the moment it would be sent: once the connection is gone nothing passes, and all
 * that waited are refused. A second gate stands in the database: a posting without its operator is refused there.
 */
export type Life = {
  /** Why the connection is gone, once it is. */
  death(): Error | undefined
  /** Ends the life: refuses what waits and whatever comes. */
  die(): void
  /** Rejects when the connection is gone, and never resolves. */
  readonly lost: Promise<never>
  /** The first error of any query: what a later "transaction is aborted" (25P02) really means. */
  firstError(): Error | undefined
  /** The statement runner with every query passing the gate, and with errors of ours only. */
  guard<T extends object>(sql: T): T
}

/** A query of postgres.js, by the fields that its promise is settled through and sent by. */
type Query = { handler: (query: unknown) => void; resolve: (value: unknown) => void; reject: (error: unknown) => void }

const isQuery = (value: unknown): value is Query =>
  value instanceof Promise &&
  ['handler', 'resolve', 'reject'].every((name) => typeof Reflect.get(value, name) === 'function')

const TRANSACTION_ABORTED = '25P02'

/** Begins the life of a connection's next use. */
export function beginLife(): Life {
  let death: Error | undefined
  let first: Error | undefined
  const waiting = new Set<Query>()
  const { promise: lost, reject: refuseAll } = Promise.withResolvers<never>()
  lost.catch(() => {})

  function die(): void {
    if (death) return
    death = dbError(CONNECTION_LOST)
    for (const query of waiting) query.reject(death)
    waiting.clear()
    refuseAll(death)
  }

  function watch(value: unknown): unknown {
    if (!isQuery(value)) return value
    const { handler, resolve, reject } = value
    value.handler = (query) => {
      if (death) return reject(death)
      waiting.add(value)
      handler(query)
    }
    value.resolve = (answer) => {
      waiting.delete(value)
      resolve(answer)
    }
    value.reject = (error) => {
      waiting.delete(value)
      const ours = fromDriver(error)
      first ??= ours
      reject(sqlstateOf(ours) === TRANSACTION_ABORTED ? first : ours)
      if (isConnectionLost(error)) die()
    }
    return value
  }

  function guard<T extends object>(sql: T): T {
    return new Proxy(sql, {
      apply(target, self, values) {
        assert(typeof target === 'function', 'a statement runner')
        return watch(Reflect.apply(target, self, values))
      },
      get(target, name, receiver) {
        const value: unknown = Reflect.get(target, name, receiver)
        if (typeof value !== 'function') return value
        if (name === 'unsafe') return (...values: unknown[]) => watch(Reflect.apply(value, target, values))
        if (name === 'savepoint') return (...values: unknown[]) => Reflect.apply(value, target, values.map(inside))
        return value
      },
    })
  }

  /** The work of a savepoint, guarded too. On a dead connection it never ends, so that the driver doesn't roll back on another one. */
  function inside(value: unknown): unknown {
    if (typeof value !== 'function') return value
    return async (sql: object) => {
      try {
        return await Reflect.apply(value, undefined, [guard(sql)])
      } finally {
        if (death) await lost.catch(() => new Promise(() => {}))
      }
    }
  }

  return { death: () => death, die, lost, firstError: () => first, guard }
}
