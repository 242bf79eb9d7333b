import { z } from 'zod'
import type { Ending } from './world.ts'

/** What many endings came to. */
export const Summed = z.object({
  seeds: z.number(),
  payments: z.number(),
  moved: z.number(),
  people: z.number(),
  kills: z.number(),
  pauses: z.number(),
  steps: z.number(),
  lies: z.number(),
  seen: z.record(z.string(), z.number()),
  bad: z.array(z.string()),
})
export type Sum = z.infer<typeof Summed>

export const NOTHING: Sum = {
  seeds: 0,
  payments: 0,
  moved: 0,
  people: 0,
  kills: 0,
  pauses: 0,
  steps: 0,
  lies: 0,
  seen: {},
  bad: [],
}

/** Events without which a run proves little: each must have been seen. */
const RARE = [
  'commit answer lost',
  'connection lost before commit',
  'job lease taken over',
  'paycage_idempotency_total:taken_over',
  'webhook before answer',
  'write refused after its time',
  'answered 202',
  'replayed',
  'stopped before a final answer',
  'stopped before a write',
  'paycage_facts_quarantined_total',
  'paycage_webhooks_received_total:signature_invalid',
] as const

export const missing = ({ seen }: Sum): string[] => RARE.filter((what) => !seen[what])

/** Adds one ending. */
export function addUp(sum: Sum, { seed, violations, seen, counted }: Ending): Sum {
  const all = { ...sum.seen }
  for (const [what, n] of seen) all[what] = (all[what] ?? 0) + n
  return {
    seeds: sum.seeds + 1,
    payments: sum.payments + counted.payments,
    moved: sum.moved + counted.moved,
    people: sum.people + counted.people,
    kills: sum.kills + counted.kills,
    pauses: sum.pauses + counted.pauses,
    steps: sum.steps + counted.steps,
    lies: sum.lies + counted.lies,
    seen: all,
    bad: violations.length === 0 ? sum.bad : [...sum.bad, `seed ${seed}: ${violations.join('; ')}`],
  }
}

/** Adds two workers' sums. */
export function joined(a: Sum, b: Sum): Sum {
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
