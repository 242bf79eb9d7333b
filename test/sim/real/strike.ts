import { setTimeout as wait } from 'node:timers/promises'
import type { LineFault } from '../../support/fault-proxy.ts'
import type { Chance } from '../scheduler.ts'
import { nameOf, TARGETS, type Target } from './aim.ts'
import { type Gateway, kill, type Site, up } from './site.ts'

/** What was done to the processes of a world. `points`: kills and stops by the moment at which they struck. */
export type Struck = {
  kills: number
  stops: number
  backends: number
  crashes: number
  readonly points: Map<string, number>
}

export const crashPoints = ({ kills, stops, backends, crashes }: Omit<Struck, 'points'>): number =>
  kills + stops + backends + crashes

/** A target that doesn't come by within this makes room for another. */
const AIM_MS = 3_000
/** Strikes that are stops; the last of the lengths is longer than the lease of a key, so that it is taken over. */
const STOPS = 0.08
const STOP_MS = [500, 4_000, 14_000, 34_000]

/** Kills one gateway again and again, or stops it, each time at the recovery point that was struck least. */
export async function harry(
  site: Site,
  gateway: Gateway,
  random: Chance,
  { struck, over }: { struck: Struck; over: () => boolean },
): Promise<void> {
  while (!over()) {
    await wait(random.between(0, 150))
    const { child } = gateway
    if (child === undefined) continue
    const target = leastStruck(random, struck)
    const stops = target.moment !== 'before' && random.of(STOPS)
    let gone: Promise<void> | undefined
    const came = await gateway.aim.take(target, {
      withinMs: AIM_MS,
      deaf: !stops,
      strike() {
        if (stops) child.kill('SIGSTOP')
        else gone = kill(gateway)
      },
    })
    if (!came) continue
    struck.points.set(nameOf(target), (struck.points.get(nameOf(target)) ?? 0) + 1)
    if (stops) {
      struck.stops += 1
      await wait(random.pick(STOP_MS))
      child.kill('SIGCONT')
    } else {
      struck.kills += 1
      await gone
      await up(site, gateway)
    }
  }
}

/** One of the least struck: all come by at the same pace, though some are rarer than others. */
function leastStruck(random: Chance, { points }: Struck): Target {
  const times = (target: Target) => points.get(nameOf(target)) ?? 0
  return [random.pick(TARGETS), random.pick(TARGETS), random.pick(TARGETS)].reduce((least, one) =>
    times(one) < times(least) ? one : least,
  )
}

/** How the lines suffer, for a moment: whoever connects in it is struck. */
const LINE_FAULTS: readonly ((random: Chance) => LineFault)[] = [
  () => ({ kind: 'latency', ms: 200 }),
  (random) => ({ kind: 'reset_after', bytes: random.between(0, 400) }),
  () => ({ kind: 'swallow' }),
  () => ({ kind: 'half_close' }),
  () => ({ kind: 'black_hole' }),
]

/** What befalls everybody at once, at any time: lines that suffer, database connections that end, a database that crashes. */
export async function storm(
  site: Site,
  random: Chance,
  { struck, over }: { struck: Struck; over: () => boolean },
): Promise<void> {
  while (!over()) {
    await wait(random.between(100, 600))
    const line = random.pick(site.proxies)
    line.set(random.pick(LINE_FAULTS)(random))
    await wait(random.between(500, 2_000))
    line.set({ kind: 'none' })
    if (random.of(0.2)) {
      struck.backends += 1
      await site.field.ask(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'paycage' and pid <> pg_backend_pid() and random() < $1::float8`,
        ['0.5'],
      )
    } else if (random.of(0.04)) {
      struck.crashes += 1
      await site.ground.crash()
    }
  }
}
