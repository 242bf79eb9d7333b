import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'

/** One measured row: so many callers at once, each sending its next when the last was answered. */
export type Row = {
  readonly design: string
  readonly accounts: string
  readonly callers: number
  readonly batch: number
  readonly stored: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly errors: number
  /** Share of the processors' time that the host gave to other machines meanwhile, in %; null where that isn't told. */
  readonly stolen: number | null
  /** Transfers a second in each round; the row is the round with the median. */
  readonly rounds: readonly number[]
}

type Round = Omit<Row, 'rounds'>

/** What is measured: a name, where it is measured, and one call, which answers how many transfers it made. */
export type Case = Pick<Row, 'design' | 'accounts' | 'callers' | 'batch' | 'stored'> & {
  readonly call: () => Promise<number>
}

/** A goal with what was seen. */
export type Bar = { readonly name: string; readonly goal: string; readonly seen: string; readonly ok: boolean }

/** Rounds in which cases are measured one after the other: a noisy minute of the machine meets all of them, and none twice. */
const ROUNDS = 5

/** A round in which the host gave more of the processors' time to other machines than this, in %, is about them: it is measured again, once. */
const MOST_STOLEN = 3

/** Runs each case for so long, in rounds; a case's row is the one of its rounds with the median rate. `say` hears of each round. */
export async function measureAll(
  cases: readonly Case[],
  durationMs: number,
  say: (round: Round) => void,
): Promise<readonly Row[]> {
  const rounds: Round[][] = cases.map(() => [])
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, one] of cases.entries()) {
      const row = await measureQuietly(one, durationMs / ROUNDS)
      rounds[index]?.push(row)
      say(row)
    }
  }
  return rounds.flatMap((rows) => {
    const row = median(rows, ({ perSecond }) => perSecond)
    return row ? [{ ...row, rounds: rows.map(({ perSecond }) => perSecond) }] : []
  })
}

/** The one in the middle. */
export const median = <T>(values: readonly T[], size: (value: T) => number): T | undefined =>
  values.toSorted((a, b) => size(a) - size(b))[Math.floor(values.length / 2)]

/** The try from which less was stolen. */
async function measureQuietly(one: Case, durationMs: number): Promise<Round> {
  const first = await measure(one, durationMs)
  if ((first.stolen ?? 0) <= MOST_STOLEN) return first
  const second = await measure(one, durationMs)
  return (second.stolen ?? 0) < (first.stolen ?? 0) ? second : first
}

/** Runs a case for so long after a short warm-up. */
async function measure({ call, ...about }: Case, durationMs: number): Promise<Round> {
  await load(call, about.callers, Math.min(500, durationMs / 4))
  const before = processorTime()
  const { transfers, latencies, errors, elapsedMs } = await load(call, about.callers, durationMs)
  const after = processorTime()
  latencies.sort((a, b) => a - b)
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0
  return {
    ...about,
    perSecond: Math.round((transfers * 1000) / elapsedMs),
    p50Ms: round(at(0.5)),
    p99Ms: round(at(0.99)),
    errors,
    stolen: before && after && Math.round((100 * (after.stolen - before.stolen)) / (after.all - before.all)),
  }
}

/** Ticks since the start of the machine, all processors together (proc(5)); null where there is no such file. */
function processorTime(): { readonly stolen: number; readonly all: number } | null {
  let line: string
  try {
    line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? ''
  } catch {
    return null
  }
  // user, nice, system, idle, iowait, irq, softirq, steal; guests' time is in user's already
  const ticks = line.split(/ +/).slice(1, 9).map(Number)
  return { stolen: ticks[7] ?? 0, all: ticks.reduce((sum, part) => sum + part, 0) }
}

async function load(call: () => Promise<number>, callers: number, durationMs: number) {
  const started = performance.now()
  const latencies: number[] = []
  let transfers = 0
  let errors = 0
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() - started < durationMs) {
        const sent = performance.now()
        try {
          // awaited first: `+=` would read the sum before the wait and lose what others added
          const made = await call()
          transfers += made
          latencies.push(performance.now() - sent)
        } catch {
          errors += 1
        }
      }
    }),
  )
  return { transfers, latencies, errors, elapsedMs: performance.now() - started }
}

/** What it ran on. */
export const machine = () => ({
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  node: process.version,
})

const round = (ms: number) => Math.round(ms * 10) / 10

const COLUMNS: readonly (readonly [title: string, cell: (row: Row) => string | number])[] = [
  ['design', ({ design }) => design],
  ['accounts', ({ accounts }) => accounts],
  ['callers', ({ callers }) => callers],
  ['batch', ({ batch }) => batch],
  ['stored', ({ stored }) => stored],
  ['transfers/s', ({ perSecond }) => perSecond],
  ['p50 ms', ({ p50Ms }) => p50Ms],
  ['p99 ms', ({ p99Ms }) => p99Ms],
  ['errors', ({ errors }) => errors],
  ['stolen %', ({ stolen }) => stolen ?? '-'],
]

/** Rows as a table, bars below it. */
export function table(rows: readonly Row[], bars: readonly Bar[]): string {
  const lines = [COLUMNS.map(([title]) => title), ...rows.map((row) => COLUMNS.map(([, cell]) => String(cell(row))))]
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return [
    ...lines.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')),
    '',
    ...bars.map(({ name, goal, seen, ok }) => `${ok ? 'ok  ' : 'MISS'}  ${name}: ${seen} (goal ${goal})`),
  ].join('\n')
}
