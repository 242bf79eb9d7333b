import { Fault } from '../core/errors.ts'

/** A bounded number of things that are used by one at a time, most recently used first. */
export type Slots<T> = {
  /** Waits for a free one, uses it, gives it back. Throws `overloaded` when too many wait already, or when the wait is too long. */
  use<R>(work: (slot: T) => Promise<R>): Promise<R>
  /** All that were ever made. */
  all(): readonly T[]
}

/** Waiting costs little memory; past this the answer would come too late to matter. */
const MAX_WAITING = 4_096
/** Longer than any healthy transaction. Also frees one that asks for a second connection while it holds the last. */
const MAX_WAIT_MS = 10_000
const RETRY_AFTER_SECONDS = 1

/** Makes at most `max` things, each when first needed. */
export function slots<T>(max: number, make: () => T): Slots<T> {
  const all: T[] = []
  const free: T[] = []
  const waiting = new Set<(slot: T) => void>()

  function acquire(): Promise<T> | T {
    const slot = free.pop()
    if (slot !== undefined) return slot
    if (all.length < max) {
      const made = make()
      all.push(made)
      return made
    }
    if (waiting.size >= MAX_WAITING) throw tooBusy()
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        waiting.delete(take)
        reject(tooBusy())
      }, MAX_WAIT_MS)
      const take = (given: T) => {
        clearTimeout(timer)
        resolve(given)
      }
      waiting.add(take)
    })
  }

  function release(slot: T): void {
    const [next] = waiting
    if (!next) {
      free.push(slot)
      return
    }
    waiting.delete(next)
    next(slot)
  }

  return {
    async use(work) {
      const slot = await acquire()
      try {
        return await work(slot)
      } finally {
        release(slot)
      }
    },
    all: () => all,
  }
}

const tooBusy = (): Fault =>
  new Fault('overloaded', 'Too many requests at once.', { retryAfterSeconds: RETRY_AFTER_SECONDS })
