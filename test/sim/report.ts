import { z } from 'zod'
import { nameOf, TARGETS } from './real/aim.ts'
import type { RealEnding } from './real/play.ts'
import { crashPoints } from './real/strike.ts'
import { missing, type Sum } from './sum.ts'

/** A planted mistake, and within how many seeds it showed; none: it never did. */
export const Found = z.object({ name: z.string(), seeds: z.number().optional(), violation: z.string().optional() })
export type Found = z.infer<typeof Found>

/** All that one `npm run sim` came to. `points`: the real crash points that were asked for. */
export type Run = {
  readonly seconds: number
  readonly sum: Sum
  readonly mistakes: readonly Found[]
  readonly points: number
  readonly real: readonly RealEnding[]
}

const allPoints = ({ real }: Run): number => real.reduce((all, { counted }) => all + crashPoints(counted), 0)

const unfound = ({ mistakes }: Run): string[] =>
  mistakes.filter(({ seeds }) => seeds === undefined).map(({ name }) => name)

/** Strikes of all worlds by their moment. */
function strikes({ real }: Run): Map<string, number> {
  const all = new Map(TARGETS.map((target) => [nameOf(target), 0]))
  for (const { points } of real) for (const [name, n] of Object.entries(points)) all.set(name, (all.get(name) ?? 0) + n)
  return all
}

/** What a run must have seen, and hasn't: without it the rest proves little. */
function unseen(run: Run): string[] {
  const { sum, points, real } = run
  const level1 = sum.seeds === 0 ? [] : missing(sum)
  if (points === 0) return level1
  const struck = allPoints(run)
  return [
    ...level1,
    ...(struck < points ? [`${points - struck} of ${points} real crash points`] : []),
    ...(real.some(({ counted }) => counted.taken_over > 0) ? [] : ['a key taken over after a real crash']),
    ...(real.some(({ counted }) => counted.audited > 0) ? [] : ['an act of people in the audit log']),
    ...[...strikes(run)].filter(([, n]) => n === 0).map(([name]) => `a process struck ${name}`),
  ]
}

/** True when nothing was violated, every planted mistake was found, and all was seen that must be. */
export const isOk = (run: Run): boolean =>
  run.sum.bad.length === 0 &&
  run.real.every(({ violations }) => violations.length === 0) &&
  unfound(run).length === 0 &&
  unseen(run).length === 0

/** One JSON document. */
export const jsonOf = (run: Run): string => {
  const { seconds, sum, mistakes, real } = run
  const strikesOf = Object.fromEntries(strikes(run))
  return JSON.stringify({
    name: 'sim',
    seconds,
    ...sum,
    mistakes,
    real,
    ...{ strikes: strikesOf, unseen: unseen(run), ok: isOk(run) },
  })
}

const column = (n: number): string => String(n).padStart(9)
const MAX_SHOWN = 20

/** The same for people. */
export function linesOf(run: Run): string[] {
  const { seconds, sum, mistakes, real } = run
  const realBad = real.flatMap(({ violations }) => violations)
  const { seeds, payments, moved, people, kills, pauses, steps, bad } = sum
  return [
    ...Object.entries(sum.seen)
      .sort()
      .map(([what, n]) => `${column(n)}  ${what}`),
    ...mistakes.map(({ name, seeds: shown, violation = '' }) =>
      shown === undefined ? `NOT FOUND  ${name}` : `found in ${String(shown).padStart(4)}  ${name}: ${violation}`,
    ),
    ...(real.length === 0 ? [] : [...strikes(run)].map(([name, n]) => `${column(n)}  struck ${name}`)),
    ...real.map(({ counted }) => JSON.stringify(counted)),
    ...[...bad.slice(0, MAX_SHOWN), ...realBad],
    ...unseen(run).map((what) => `never seen: ${what}`),
    [
      `${isOk(run) ? 'OK' : 'FAILED'}: ${seeds} seeds in ${seconds.toFixed(0)} s, ${payments} payments, ${moved} moved money`,
      `${steps} steps, ${kills} kills, ${pauses} pauses, ${people} decided by people, ${bad.length} violations`,
      `${mistakes.length - unfound(run).length} of ${mistakes.length} planted mistakes found`,
      `${allPoints(run)} real crash points, ${realBad.length} violations`,
    ].join('; '),
  ]
}
