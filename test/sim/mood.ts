import { BEHAVIOURS, type Behaviour } from './processor.ts'
import type { Chance } from './scheduler.ts'

/** What goes wrong in one world, and how often. */
export type Mood = {
  /** A gateway is killed or stopped at one turn in so many; `kills` is the share of kills. */
  readonly strikes: number
  readonly kills: number
  readonly stopsMs: readonly number[]
  /** One transaction in so many loses its connection before or after its commit. */
  readonly lost: number
  /** Look-ups that fail. */
  readonly deaf: number
  /** Gateways that fall asleep with an answer made and not yet written down. */
  readonly naps: number
  readonly behaviours: readonly { readonly name: Behaviour; readonly weight: number }[]
}

/** Everything at once, nothing much. */
const MIXED: Mood = {
  strikes: 0.012,
  kills: 0.5,
  stopsMs: [3_000, 12_000, 20_000, 40_000, 130_000],
  lost: 0.015,
  deaf: 0.25,
  naps: 0.05,
  behaviours: BEHAVIOURS,
}

/** Longer than the lease of a key, so that somebody else takes it over meanwhile. */
const LONG_STOPS_MS = [32_000, 45_000, 130_000]

/**
 * The mood of a seed. Half of the worlds are mixed. In the other half each fault is absent, usual or frequent, and half of
 * the processors' behaviours are left out: what hides in a crowd of faults shows where a few meet often (swarm testing).
 */
export function moodOf(random: Chance): Mood {
  if (random.of(0.5)) return MIXED
  return {
    strikes: random.pick([0, MIXED.strikes, 0.03]),
    kills: random.pick([0, MIXED.kills, 1]),
    stopsMs: random.pick([MIXED.stopsMs, LONG_STOPS_MS]),
    lost: random.pick([0, MIXED.lost, 0.05]),
    deaf: random.pick([0, MIXED.deaf, 0.85]),
    naps: random.pick([0, MIXED.naps, 0.6]),
    behaviours: BEHAVIOURS.filter(({ name }) => name === 'approves' || random.of(0.5)),
  }
}

/** How long a gateway sleeps over an answer. */
export const napMs = (random: Chance): number => random.pick(LONG_STOPS_MS)
