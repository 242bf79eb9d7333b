import { claimJobs, enqueueJob, finishJob, type Job, renewJobs, rescheduleJob } from '../db/jobs.ts'
import type { Deps } from '../flows/deps.ts'

/** When the job shall run again; nothing when the work is done. */
export type Again = { readonly again: Date }

/** Does one job. It may run more than once (a crash after the work, a lease that ran out): the work itself must bear that. */
export type JobHandler<D> = ((deps: D, job: Job) => Promise<void>) | ((deps: D, job: Job) => Promise<Again | undefined>)

/** Work that comes round. One process of all does it per period; with `everywhere` each process does it for itself. */
export type PeriodicJob<D> = {
  readonly everyMs: number
  readonly everywhere?: boolean
  readonly run: (deps: D) => Promise<void>
}

/** All the work there is, by kind and by name. */
export type JobTable<D> = {
  readonly handlers: Readonly<Record<string, JobHandler<D>>>
  readonly periodic: Readonly<Record<string, PeriodicJob<D>>>
}

/** What the loop itself needs. */
export type JobDeps = Pick<Deps, 'db' | 'clock' | 'log' | 'metrics'>

/** A running loop. `stop` takes no more work and waits for what is being done. */
export type JobLoop = { stop(): Promise<void> }

/** Longer than the slowest call to a processor (30 s) with its database work; it is renewed while the work goes on. */
const LEASE_MS = 120_000
const RENEW_EVERY_MS = LEASE_MS / 4
/** One indexed query a tick: cheap enough to look often, short enough that a payout doesn't seem to wait. */
const IDLE_MS = 250
/** Between two jobs while the loop gives way: twenty a second go on, a few hundredths of what the process can do. */
const BREATH_MS = 50
const MAX_BACK_OFF_MS = 600_000
const FIRST_BACK_OFF_MS = 1_000
/** Of one cron call on Workers, which has 30 s of CPU and a few connections. */
const ONCE_LIMIT = 50

const PERIODIC = 'periodic:'

/** Doubles from 1 s to 10 min with the failures in a row, and a random half, so that jobs that failed together don't return together. */
export function backOffMs(failures: number, random: () => number = Math.random): number {
  const full = Math.min(MAX_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** Math.min(failures, 20))
  return Math.round(full * (0.5 + random() / 2))
}

/** How a loop works: `concurrency` jobs at a time, and one at a time while it is told to give way. */
export type JobLoopOptions = {
  readonly concurrency?: number
  readonly idleMs?: number
  readonly giveWay?: () => boolean
}

/** Works the job table until it is stopped. Nothing that a job throws ends the loop. */
export function runJobs<D extends JobDeps>(
  deps: D,
  table: JobTable<D>,
  { concurrency = 8, idleMs = IDLE_MS, giveWay = () => false }: JobLoopOptions = {},
): JobLoop {
  const work = workOf(table)
  const running = new Map<Job, Promise<void>>()
  const wake = sleeper()
  let stopping = false
  let troubles = 0
  let renewedMs = deps.clock.nowMs()

  const fill = async () => {
    const nowMs = deps.clock.nowMs()
    if (running.size > 0 && nowMs - renewedMs >= RENEW_EVERY_MS) {
      await deps.db.global((tx) => renewJobs(tx, [...running.keys()], nowMs + LEASE_MS))
      renewedMs = nowMs
    }
    const limit = (giveWay() ? 1 : concurrency) - running.size
    if (stopping || limit <= 0) return 0
    const jobs = await claim(deps, work, limit)
    for (const job of jobs) {
      const done = runJob(deps, work, job).finally(() => {
        running.delete(job)
        wake.now()
      })
      running.set(
        job,
        done.then(() => {}),
      )
    }
    return jobs.length
  }

  const loop = async () => {
    let planned = false
    while (!stopping) {
      try {
        if (!planned) await plan(deps, table)
        planned = true
        const claimed = await fill()
        troubles = 0
        // A round that found work may have left more; one whose hands are full waits until a hand is free.
        if (claimed === 0 || running.size >= concurrency) await wake.within(idleMs * (0.8 + Math.random() * 0.4))
        if (giveWay()) await new Promise((breathed) => setTimeout(breathed, BREATH_MS))
      } catch (error) {
        deps.log.error('job_loop_failed', { error })
        deps.metrics.count('paycage_job_loop_failures_total')
        await wake.within(Math.min(10_000, backOffMs(troubles)))
        troubles += 1
      }
    }
    await Promise.all(running.values())
  }

  const local = Object.entries(table.periodic)
    .filter(([, periodic]) => periodic.everywhere)
    .map(([name, periodic]) => everyNow(deps, name, periodic))
  const ended = loop()
  return {
    async stop() {
      stopping = true
      wake.now()
      await Promise.all([ended, ...local.map((timer) => timer.stop())])
    },
  }
}

/** One round for a runtime that is called by a clock (Workers' cron): does the due jobs one after another, and says how many. */
export async function runOnce<D extends JobDeps>(deps: D, table: JobTable<D>, limit = ONCE_LIMIT): Promise<number> {
  const work = workOf(table)
  await plan(deps, table)
  let done = 0
  while (done < limit) {
    const [job] = await claim(deps, work, 1)
    if (!job) break
    await runJob(deps, work, job)
    done += 1
  }
  return done
}

/** The shared periodic jobs are rows like all others: their handler does the work and asks to come again. */
function workOf<D extends JobDeps>(table: JobTable<D>): Map<string, JobHandler<D>> {
  const work = new Map(Object.entries(table.handlers))
  for (const [name, { everyMs, everywhere, run }] of Object.entries(table.periodic)) {
    if (everywhere) continue
    work.set(PERIODIC + name, async (deps) => {
      await run(deps)
      return { again: new Date(deps.clock.nowMs() + everyMs) }
    })
  }
  return work
}

async function plan<D extends JobDeps>(deps: D, table: JobTable<D>): Promise<void> {
  const names = Object.entries(table.periodic).flatMap(([name, { everywhere }]) => (everywhere ? [] : [name]))
  const runAtMs = deps.clock.nowMs()
  await deps.db.global(async (tx) => {
    for (const name of names) {
      await enqueueJob(tx, { kind: PERIODIC + name, operatorId: '', subject: '', runAtMs, ifAbsent: true })
    }
  })
}

function claim<D extends JobDeps>(deps: D, work: Map<string, JobHandler<D>>, limit: number): Promise<Job[]> {
  const kinds = [...work.keys()]
  return deps.db.global((tx) => claimJobs(tx, { kinds, limit, leaseMs: LEASE_MS, nowMs: deps.clock.nowMs() }))
}

async function runJob<D extends JobDeps>(deps: D, work: Map<string, JobHandler<D>>, job: Job): Promise<void> {
  const { kind } = job
  const startedMs = deps.clock.nowMs()
  const result = await attempt(deps, work, job)
  deps.metrics.count('paycage_job_runs_total', { kind, result: result.kind })
  deps.metrics.observe('paycage_job_duration_seconds', (deps.clock.nowMs() - startedMs) / 1000, { kind })
  try {
    await deps.db.global((tx) => {
      if (result.kind === 'done') return finishJob(tx, job)
      if (result.kind === 'again') return rescheduleJob(tx, job, result.atMs)
      return rescheduleJob(tx, job, deps.clock.nowMs() + backOffMs(job.failures), result.error)
    })
  } catch (error) {
    // The lease runs out and the job comes again: that is what handlers must bear.
    deps.log.error('job_end_not_recorded', { kind, job_id: job.id.toString(), error })
  }
}

type Result =
  | { readonly kind: 'done' }
  | { readonly kind: 'again'; readonly atMs: number }
  | { readonly kind: 'failed'; readonly error: string }

async function attempt<D extends JobDeps>(deps: D, work: Map<string, JobHandler<D>>, job: Job): Promise<Result> {
  const handler = work.get(job.kind)
  if (!handler) return { kind: 'failed', error: `no handler for ${job.kind}` }
  try {
    const result = await handler(deps, job)
    return result ? { kind: 'again', atMs: result.again.getTime() } : { kind: 'done' }
  } catch (error) {
    deps.log.error('job_failed', { kind: job.kind, job_id: job.id.toString(), failures: job.failures + 1, error })
    return { kind: 'failed', error: error instanceof Error ? error.message : 'not an error' }
  }
}

function everyNow<D extends JobDeps>(deps: D, name: string, { everyMs, run }: PeriodicJob<D>): JobLoop {
  const wake = sleeper()
  let stopping = false
  const loop = async () => {
    while (!stopping) {
      try {
        await run(deps)
      } catch (error) {
        deps.log.error('job_failed', { kind: name, error })
        deps.metrics.count('paycage_job_runs_total', { kind: PERIODIC + name, result: 'failed' })
      }
      await wake.within(everyMs)
    }
  }
  const ended = loop()
  return {
    stop() {
      stopping = true
      wake.now()
      return ended
    },
  }
}

/** A sleep that can be cut short; a wake-up that comes before the sleep is remembered. */
function sleeper(): { within(ms: number): Promise<void>; now(): void } {
  let woken = false
  let wake = () => {}
  return {
    within(ms) {
      if (woken) {
        woken = false
        return Promise.resolve()
      }
      return new Promise((done) => {
        const timer = setTimeout(() => wake(), ms)
        wake = () => {
          clearTimeout(timer)
          wake = () => {}
          woken = false
          done()
        }
      })
    },
    now() {
      woken = true
      wake()
    },
  }
}
