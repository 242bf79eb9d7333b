import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { z } from 'zod'
import { FAST, startGround } from './ground.ts'
import { playReal, type RealEnding } from './real/play.ts'
import { Found, isOk, jsonOf, linesOf } from './report.ts'
import { openField, playAll } from './run.ts'
import { SABOTAGES } from './sabotage.ts'
import { addUp, joined, NOTHING, type Sum, Summed } from './sum.ts'

/** The database shares the processors with them, and has connections for so many. */
const MAX_WORKERS = 8

/**
 * `npm run sim -- [--seeds N] [--from S] [--points P] [--minutes M] [--json]`: plays N worlds, proves that the harness sees
 * mistakes, then strikes real processes P times, for M minutes at most (`--minutes 0` leaves them out). Without options
 * it is the size that a release must pass. `--seed S` replays one world and prints its steps, `--sabotage "name"` with a
 * mistake put in.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    sabotage: { type: 'string' },
    workers: { type: 'string', default: String(Math.min(MAX_WORKERS, availableParallelism())) },
    minutes: { type: 'string', default: '10' },
    points: { type: 'string', default: '210' },
    json: { type: 'boolean', default: false },
    url: { type: 'string' },
    mistakes: { type: 'string' },
  },
})

/** Seeds within which each mistake must show; most take a few dozen, and the search ends with the first. */
const SABOTAGE_SEEDS = 1_000
const SABOTAGE_FROM = 10_000_000
/** Crash points in one world of real processes: each world's coming to rest takes as long as a hundred of them. */
const POINTS_A_WORLD = 250
/** Most of what a world makes is gone with its step: in a small nursery it would be copied about first. Every core has a worker, and none is left to help it sweep. */
const ROOM = ['--max-semi-space-size=32', '--single-threaded-gc']
const say = (line: string) => process.stdout.write(`${line}\n`)
const range = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n)

if (values.url !== undefined && values.mistakes !== undefined) await findMistakes(values.url, values.mistakes)
else if (values.url !== undefined) await work(values.url)
else if (values.seed !== undefined) await replay(Number(values.seed))
else await all()

/** One worker: its own share of the seeds, the sum to its parent. */
async function work(url: string): Promise<void> {
  const field = openField(url)
  let sum: Sum = NOTHING
  await playAll(field, range(Number(values.from), Number(values.seeds)), (ending) => {
    sum = addUp(sum, ending)
    return undefined
  })
  await field.close()
  process.send?.(sum, () => process.exit(0))
}

async function replay(seed: number): Promise<void> {
  const ground = await startGround(FAST)
  const field = openField(ground.socketUrl)
  const sabotage = SABOTAGES.find(({ name }) => name === values.sabotage)
  let bad = false
  await playAll(
    field,
    [seed],
    ({ trace, violations }) => {
      for (const line of [...trace, ...violations]) say(line)
      bad = violations.length > 0
      return undefined
    },
    { traced: true, ...(sabotage && { sabotage }) },
  )
  await field.close()
  await ground.stop()
  process.exit(bad ? 1 : 0)
}

async function all(): Promise<void> {
  const ground = await startGround(FAST)
  const began = performance.now()
  const workers = Number(values.workers)
  const share = Math.ceil(Number(values.seeds) / workers)
  const sums = await Promise.all(
    range(0, workers).map((n) =>
      inWorker(Summed, ground.socketUrl, ['--from', String(Number(values.from) + n * share), '--seeds', String(share)]),
    ),
  )
  const seconds = (performance.now() - began) / 1_000
  const found = await Promise.all(
    range(0, workers).map((n) => inWorker(Found.array(), ground.socketUrl, ['--mistakes', `${n}/${workers}`])),
  )
  await ground.stop()
  const points = Number(values.minutes) > 0 ? Number(values.points) : 0
  const run = {
    seconds,
    sum: sums.reduce(joined, NOTHING),
    mistakes: found.flat(),
    points,
    real: await realRuns(points),
  }
  for (const line of values.json ? [jsonOf(run)] : linesOf(run)) say(line)
  process.exit(isOk(run) ? 0 : 1)
}

/** Real processes until all crash points are struck or the minutes are through. */
async function realRuns(points: number): Promise<RealEnding[]> {
  const endings: RealEnding[] = []
  const untilMs = Date.now() + Number(values.minutes) * 60_000
  for (let left = points, seed = 900_000; left > 0 && Date.now() < untilMs; left -= POINTS_A_WORLD, seed += 1) {
    const ground = await startGround({})
    endings.push(await playReal(ground, seed, { points: Math.min(left, POINTS_A_WORLD), untilMs }))
    await ground.stop()
  }
  return endings
}

/** Does a part of the run in a process of its own, and gives what that sends. */
function inWorker<T>(shape: z.ZodType<T>, url: string, order: readonly string[]): Promise<T> {
  const child = fork(fileURLToPath(import.meta.url), ['--url', url, ...order], { execArgv: ROOM })
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(shape.parse(message)))
    child.once('exit', (code) => reject(new Error(`a worker ended with ${code}`)))
  })
}

/** One worker's share of the planted mistakes, each with how many seeds it took to show. */
async function findMistakes(url: string, share: string): Promise<void> {
  const [mine, workers] = share.split('/').map(Number)
  const field = openField(url)
  const found: Found[] = []
  for (const [n, sabotage] of SABOTAGES.entries()) {
    if (n % (workers ?? 1) !== mine) continue
    const from = SABOTAGE_FROM + n * SABOTAGE_SEEDS
    let shown: Pick<Found, 'seeds' | 'violation'> = {}
    let played = 0
    await playAll(
      field,
      range(from, SABOTAGE_SEEDS),
      ({ violations: [violation] }) => {
        played += 1
        if (violation === undefined) return undefined
        shown = shown.seeds === undefined ? { seeds: played, violation } : shown
        return 'stop'
      },
      { sabotage },
    )
    found.push({ name: sabotage.name, ...shown })
  }
  await field.close()
  process.send?.(found, () => process.exit(0))
}
