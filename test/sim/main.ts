import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { FAST, startGround } from './ground.ts'
import { playReal, type RealEnding } from './real/play.ts'
import { openField, playAll } from './run.ts'
import { SABOTAGES } from './sabotage.ts'
import { addUp, missing, NOTHING, type Sum, Summed } from './sum.ts'

/**
 * `npm run sim -- --seeds N [--from S] [--json]`: plays worlds, then proves that the harness sees mistakes.
 * With `--minutes M` real processes are then killed, stopped and cut off for so long (or `--kills` times).
 * `--seed S` replays one and prints its steps, `--sabotage "name"` with a mistake put in.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    sabotage: { type: 'string' },
    workers: { type: 'string', default: '2' },
    minutes: { type: 'string', default: '0' },
    kills: { type: 'string', default: '200' },
    json: { type: 'boolean', default: false },
    url: { type: 'string' },
  },
})

/** Seeds within which each mistake must show: the rarest, missing fences, takes 1,378. */
const SABOTAGE_SEEDS = 1_500
const SABOTAGE_FROM = 10_000_000
const KILLS_A_WORLD = 40
const say = (line: string) => process.stdout.write(`${line}\n`)
const range = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n)

if (values.url !== undefined) await work(values.url)
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
  const field = openField(ground.url)
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
    range(0, workers).map((n) => inWorker(ground.url, Number(values.from) + n * share, share)),
  )
  const sum = sums.reduce((total, one) => joined(total, one), NOTHING)
  const seconds = (performance.now() - began) / 1_000
  const found = await findSabotages(ground.url)
  await ground.stop()
  const real = Number(values.minutes) > 0 ? await realRuns() : []
  const unseen = missing(sum)
  const unfound = found.filter(({ seeds }) => seeds === undefined).map(({ name }) => name)
  const realBad = real.flatMap(({ violations }) => violations)
  const realUnseen =
    real.length > 0 && !real.some(({ counted }) => counted.taken_over > 0)
      ? ['a key taken over after a real crash']
      : []
  const ok =
    sum.bad.length === 0 &&
    realBad.length === 0 &&
    realUnseen.length === 0 &&
    unseen.length === 0 &&
    unfound.length === 0
  if (values.json)
    say(
      JSON.stringify({ name: 'sim', seconds, ...sum, sabotages: found, real, unseen: [...unseen, ...realUnseen], ok }),
    )
  else {
    for (const [what, n] of Object.entries(sum.seen).sort()) say(`${String(n).padStart(9)}  ${what}`)
    for (const { name, seeds, violation } of found)
      say(
        `${seeds === undefined ? 'NOT FOUND' : `found in ${String(seeds).padStart(3)}`}  ${name}${violation ? `: ${violation}` : ''}`,
      )
    for (const { counted } of real) say(JSON.stringify(counted))
    for (const line of [...sum.bad.slice(0, 20), ...realBad]) say(line)
    for (const what of [...unseen, ...realUnseen]) say(`never seen: ${what}`)
  }
  const crashPoints = real.reduce(
    (all, { counted: { kills, stops, backends, crashes } }) => all + kills + stops + backends + crashes,
    0,
  )
  const { seeds, payments, moved, people, kills, pauses, steps } = sum
  say(
    `${ok ? 'OK' : 'FAILED'}: ${seeds} seeds in ${seconds.toFixed(0)} s, ${payments} payments, ${moved} moved money, ${steps} steps, ${kills} kills, ${pauses} pauses, ${people} decided by people, ${sum.bad.length} violations; ${found.length - unfound.length} of ${found.length} planted mistakes found; ${crashPoints} real crash points, ${realBad.length} violations`,
  )
  process.exit(ok ? 0 : 1)
}

/** Real processes until the crash points or the minutes are through, a fresh world every forty kills. */
async function realRuns(): Promise<RealEnding[]> {
  const endings: RealEnding[] = []
  const until = Date.now() + Number(values.minutes) * 60_000
  for (
    let left = Number(values.kills), seed = 900_000;
    left > 0 && Date.now() < until;
    left -= KILLS_A_WORLD, seed += 1
  ) {
    const ground = await startGround({})
    const minutes = (until - Date.now()) / 60_000
    endings.push(await playReal(ground, seed, { kills: Math.min(left, KILLS_A_WORLD), minutes }))
    await ground.stop()
  }
  return endings
}

function inWorker(url: string, from: number, seeds: number): Promise<Sum> {
  const child = fork(fileURLToPath(import.meta.url), ['--url', url, '--from', String(from), '--seeds', String(seeds)])
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(Summed.parse(message)))
    child.once('exit', (code) => reject(new Error(`a worker ended with ${code}`)))
  })
}

function joined(a: Sum, b: Sum): Sum {
  const numbers = ['seeds', 'payments', 'moved', 'people', 'kills', 'pauses', 'steps', 'lies'] as const
  const seen = { ...a.seen }
  for (const [what, n] of Object.entries(b.seen)) seen[what] = (seen[what] ?? 0) + n
  return {
    ...a,
    ...Object.fromEntries(numbers.map((name) => [name, a[name] + b[name]])),
    seen,
    bad: [...a.bad, ...b.bad],
  }
}

/** Each planted mistake, and the seed that shows it. */
async function findSabotages(url: string) {
  const field = openField(url)
  const found: { name: string; seeds: number | undefined; violation?: string }[] = []
  for (const [n, sabotage] of SABOTAGES.entries()) {
    const from = SABOTAGE_FROM + n * SABOTAGE_SEEDS
    let shown: { seeds: number; violation: string } | undefined
    let played = 0
    await playAll(
      field,
      range(from, SABOTAGE_SEEDS),
      ({ violations: [violation] }) => {
        played += 1
        if (violation === undefined) return undefined
        shown ??= { seeds: played, violation }
        return 'stop'
      },
      { sabotage },
    )
    found.push({ name: sabotage.name, seeds: undefined, ...shown })
  }
  await field.close()
  return found
}
