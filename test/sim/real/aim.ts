import type { Watch } from '../../support/fault-proxy.ts'
import { type Run, statements } from '../../support/postgres-tap.ts'

/**
 * Where a gateway process can be struck: the recovery points of a request, each seen from outside by the statement that
 * makes it or by the request or answer on the line to the processor. `before`: what makes it never leaves the process.
 * `during`: it has left, its transaction is never committed. `after`: COMMIT or the request has left, its answer is
 * never heard.
 */
const SPOTS = [
  { point: 'received', statement: /\binsert into idempotency_key\b/, moments: ['before', 'during', 'after'] },
  { point: 'validated_held', statement: /\binsert into payment\b/, moments: ['before', 'during', 'after'] },
  { point: 'attempt_planned', statement: /\binsert into attempt\b/, moments: ['before', 'during', 'after'] },
  { point: 'attempt_sending', way: 'there', moments: ['before', 'after'] },
  { point: 'attempt_result', way: 'back', moments: ['before', 'after'] },
  { point: 'posted', statement: /\bledger\.post/, moments: ['before', 'during', 'after'] },
  { point: 'responded', statement: /\bset state = 'done'/, moments: ['before', 'during', 'after'] },
] as const

/** One spot and moment. */
export type Target = {
  readonly point: (typeof SPOTS)[number]['point']
  readonly moment: 'before' | 'during' | 'after'
  readonly statement?: RegExp
  readonly way?: 'there' | 'back'
}

/** All there are. */
export const TARGETS: readonly Target[] = SPOTS.flatMap(({ moments, ...spot }) =>
  moments.map((moment) => ({ ...spot, moment })),
)

/** The name under which strikes are counted. */
export const nameOf = ({ point, moment }: Target): string => `${moment} ${point}`

/** Waits for one gateway process to come by a target. */
export type Aim = {
  /** Strikes when the target comes by within the time; says whether it did. `deaf`: what was struck hears nothing more. */
  take(target: Target, options: { withinMs: number; deaf: boolean; strike(): void }): Promise<boolean>
  /** For each of the process's connections to the database. */
  database(): Watch
  /** For each connection to a processor, whoever made it: a request is known by its attempt. */
  line(): Watch
}

const ATTEMPT = /\batt_[0-9a-z]{26}/
const STARTS_ATTEMPT = /\binsert into attempt\b/

/** Opens an aim. */
export function takeAim(): Aim {
  let wanted: { target: Target; deaf: boolean; hit(): void } | undefined
  let attempt: string | undefined

  /** Passes the chunk on, or withholds it for good; strikes when both are settled. */
  const hit = (passes: boolean): boolean => {
    const struck = wanted
    wanted = undefined
    attempt = undefined
    setImmediate(() => struck?.hit())
    return passes
  }

  function database(): Watch {
    const read = statements()
    let uncommitted = false
    let deaf = false

    const seen = ({ text, message }: Run): boolean | undefined => {
      if (/^\s*begin/i.test(text) || wanted === undefined) uncommitted = false
      if (wanted === undefined) return undefined
      const { target } = wanted
      if (target.way !== undefined) {
        if (STARTS_ATTEMPT.test(text)) attempt = ATTEMPT.exec(message)?.[0]
        return undefined
      }
      if (uncommitted && /^\s*commit/i.test(text)) return true
      if (target.statement?.test(text) !== true) return undefined
      if (target.moment === 'after') {
        uncommitted = true
        return undefined
      }
      return target.moment !== 'before'
    }

    return (chunk, way) => {
      if (way === 'back') return !deaf
      for (const run of read(chunk)) {
        const passes = seen(run)
        if (passes === undefined) continue
        deaf = wanted?.deaf === true
        return hit(passes)
      }
      return true
    }
  }

  function line(): Watch {
    return (chunk, way) => {
      const here = wanted?.target.way === way && attempt !== undefined && chunk.includes(attempt)
      return here ? hit(wanted?.target.moment !== 'before') : true
    }
  }

  return {
    database,
    line,
    take(target, { withinMs, deaf, strike }) {
      return new Promise((done) => {
        const timer = setTimeout(() => {
          wanted = undefined
          attempt = undefined
          done(false)
        }, withinMs)
        wanted = {
          target,
          deaf,
          hit() {
            clearTimeout(timer)
            strike()
            done(true)
          },
        }
      })
    },
  }
}
