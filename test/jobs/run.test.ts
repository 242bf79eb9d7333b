import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { claimJobs, dueJobs, enqueueJob, finishJob, renewJobs, rescheduleJob } from '../../src/db/jobs.ts'
import { backOffMs, type JobDeps, type JobTable, runJobs, runOnce } from '../../src/jobs/run.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

let database: TestDatabase
let nowMs = 0
const seen: string[] = []
const counted: string[] = []

beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.close())
beforeEach(async () => {
  await database.admin`truncate job`
  nowMs = Date.parse('2026-11-23T00:00:00Z')
  seen.length = 0
  counted.length = 0
})

const deps = (): JobDeps => ({
  db: database.db,
  clock: { nowMs: () => nowMs },
  log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
  metrics: {
    count: (name, labels) => counted.push(`${name} ${labels?.kind} ${labels?.result}`),
    gauge: () => {},
    observe: () => {},
  },
})
const table = (handlers: JobTable<JobDeps>['handlers'], periodic: JobTable<JobDeps>['periodic'] = {}) => ({
  handlers,
  periodic,
})
const enqueue = (subject: string, runAtMs = nowMs, extra = {}) =>
  database.db.tx('opr_a', (tx) => enqueueJob(tx, { kind: 'greet', operatorId: 'opr_a', subject, runAtMs, ...extra }))
const claim = (limit = 10) =>
  database.db.global((tx) => claimJobs(tx, { kinds: ['greet', 'never'], limit, leaseMs: 1000, nowMs }))
const rows = () => database.admin`select subject, failures, last_error, run_at, lease from job order by id`
const greet = table({
  greet: async (_, job) => {
    seen.push(job.subject)
  },
})

it('does a due job once, with its operator and payload, and takes it off the list', async () => {
  await enqueue('att_1', nowMs, { payload: { n: 3 } })
  const jobs: unknown[] = []
  const done = await runOnce(deps(), table({ greet: async (_, job) => void jobs.push([job.operatorId, job.payload]) }))
  expect(done).toBe(1)
  expect(jobs).toEqual([['opr_a', { n: 3 }]])
  expect(await rows()).toHaveLength(0)
  expect(counted).toContain('paycage_job_runs_total greet done')
})

it('leaves a job alone before its time', async () => {
  await enqueue('att_1', nowMs + 1)
  expect(await runOnce(deps(), greet)).toBe(0)
  nowMs += 1
  expect(await runOnce(deps(), greet)).toBe(1)
})

it('promises nothing when the transaction that enqueued rolls back', async () => {
  await expect(
    database.db.tx('opr_a', async (tx) => {
      await enqueueJob(tx, { kind: 'greet', operatorId: 'opr_a', subject: 'att_1', runAtMs: nowMs })
      throw new Error('no')
    }),
  ).rejects.toThrow('no')
  expect(await rows()).toHaveLength(0)
})

it('keeps one row for what is enqueued twice, with the earlier time, and two when asked', async () => {
  await enqueue('att_1', nowMs + 5000)
  await enqueue('att_1', nowMs + 1000)
  await enqueue('att_1', nowMs + 9000)
  expect(await rows()).toMatchObject([{ subject: 'att_1', run_at: new Date(nowMs + 1000) }])
  await enqueue('att_1', nowMs, { single: false })
  expect(await rows()).toHaveLength(2)
})

it('gives each of 200 jobs to exactly one of four workers', async () => {
  for (let n = 0; n < 200; n += 1) await enqueue(`att_${n}`)
  const claims = await Promise.all(Array.from({ length: 20 }, () => claim(10)))
  const subjects = claims.flat().map((job) => job.subject)
  expect(new Set(subjects).size).toBe(subjects.length)
  const rest = await claim(200)
  expect(subjects.length + rest.length).toBe(200)
})

it('takes over a job whose lease ran out, and the first worker can no longer end it', async () => {
  await enqueue('att_1')
  const [first] = await claim()
  expect(await claim()).toHaveLength(0)
  nowMs += 1000
  const [second] = await claim()
  if (!first || !second) throw new Error('nothing claimed')
  await database.db.global((tx) => rescheduleJob(tx, second, nowMs + 60_000))
  await database.db.global((tx) => finishJob(tx, first))
  expect(await rows()).toMatchObject([{ subject: 'att_1', run_at: new Date(nowMs + 60_000) }])
})

it('keeps a job whose lease is renewed in time', async () => {
  await enqueue('att_1')
  const claimed = await claim()
  await database.db.global((tx) => renewJobs(tx, claimed, nowMs + 5000))
  nowMs += 4999
  expect(await claim()).toHaveLength(0)
  nowMs += 1
  expect(await claim()).toHaveLength(1)
})

it('runs again what was enqueued while it ran', async () => {
  await enqueue('att_1')
  const [job] = await claim()
  if (!job) throw new Error('nothing claimed')
  await enqueue('att_1', nowMs + 10)
  await database.db.global((tx) => finishJob(tx, job))
  expect(await rows()).toMatchObject([{ lease: null, run_at: new Date(nowMs + 10) }])
  nowMs += 10
  expect(await runOnce(deps(), greet)).toBe(1)
  expect(await rows()).toHaveLength(0)
})

it('backs off after a failure, keeps the error, and forgets both after a success', async () => {
  await enqueue('att_1')
  const failing = table({
    greet: async () => {
      throw new Error('processor is away')
    },
  })
  expect(await runOnce(deps(), failing)).toBe(1)
  const [row] = await rows()
  expect(row).toMatchObject({ failures: 1, last_error: 'processor is away', lease: null })
  expect(row?.run_at.getTime() - nowMs).toBeGreaterThanOrEqual(500)
  expect(await database.db.global((tx) => dueJobs(tx, nowMs + 5000))).toMatchObject([
    { kind: 'greet', due: 1, failing: 1 },
  ])
  nowMs += 2000
  await runOnce(deps(), table({ greet: async () => ({ again: new Date(nowMs + 7000) }) }))
  expect(await rows()).toMatchObject([{ failures: 0, last_error: null, run_at: new Date(nowMs + 7000) }])
})

it('doubles the back-off from one second to ten minutes, half of it random', () => {
  expect([0, 1, 5, 9, 10, 50].map((failures) => backOffMs(failures, () => 1))).toEqual([
    1000, 2000, 32_000, 512_000, 600_000, 600_000,
  ])
  expect(backOffMs(3, () => 0)).toBe(4000)
})

it('does periodic work once per period however many processes run it', async () => {
  const sweep = table({}, { sweep: { everyMs: 60_000, run: async () => void seen.push('swept') } })
  for (let n = 0; n < 3; n += 1) await runOnce(deps(), sweep)
  expect(seen).toEqual(['swept'])
  nowMs += 60_000
  await Promise.all([runOnce(deps(), sweep), runOnce(deps(), sweep)])
  expect(seen).toEqual(['swept', 'swept'])
})

it('works through the list in the loop, survives a failing job, and stops only after the work in hand', async () => {
  for (const subject of ['a', 'bad', 'c']) await enqueue(subject)
  let release = () => {}
  const held = new Promise<void>((open) => {
    release = open
  })
  let begun = 0
  const loop = runJobs(
    deps(),
    table({
      greet: async (_, job) => {
        begun += 1
        if (job.subject === 'bad') throw new Error('bad')
        await held
        seen.push(job.subject)
      },
    }),
    { idleMs: 5 },
  )
  await expect.poll(() => begun).toBe(3)
  const stopped = loop.stop()
  expect(seen).toEqual([])
  release()
  await stopped
  expect(seen.sort()).toEqual(['a', 'c'])
  expect(await rows()).toMatchObject([{ subject: 'bad', failures: 1 }])
})

it('does one job at a time while it gives way, and all of them in the end', async () => {
  for (const subject of ['a', 'b', 'c', 'd', 'e', 'f']) await enqueue(subject)
  let crowded = true
  let under = 0
  const most = { crowded: 0, after: 0 }
  const loop = runJobs(
    deps(),
    table({
      greet: async (_, job) => {
        under += 1
        most[crowded ? 'crowded' : 'after'] = Math.max(most[crowded ? 'crowded' : 'after'], under)
        await new Promise((done) => setTimeout(done, 20))
        under -= 1
        seen.push(job.subject)
        if (seen.length === 3) crowded = false
      },
    }),
    { idleMs: 5, concurrency: 4, giveWay: () => crowded },
  )
  await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(6)
  await loop.stop()
  expect(most).toEqual({ crowded: 1, after: 3 })
})

it('outlives a database that is away', async () => {
  let away = 3
  const flaky: JobDeps = {
    ...deps(),
    db: {
      ...database.db,
      global: async (work) => {
        away -= 1
        if (away >= 0) throw new Error('away')
        return database.db.global(work)
      },
    },
  }
  await enqueue('att_1')
  const loop = runJobs(flaky, greet, { idleMs: 5 })
  await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['att_1'])
  await loop.stop()
})
