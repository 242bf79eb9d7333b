import { unknownAttempts } from '../db/attempts.ts'
import { deleteExpiredKeys } from '../db/idempotency.ts'
import { dueJobs, type Job } from '../db/jobs.ts'
import { operatorIds } from '../db/operators.ts'
import { applyWebhook } from '../flows/apply-webhook.ts'
import type { Deps } from '../flows/deps.ts'
import { lookUp } from '../flows/look-up.ts'
import { payOut } from '../flows/pay-out.ts'
import type { Again, JobTable } from './run.ts'

const MINUTE_MS = 60_000
/** Deleted at a time: short enough not to be in anybody's way. */
const EXPIRED_KEYS_PER_ROUND = 1_000

type Flow = (deps: Deps, operatorId: string, subject: string) => Promise<{ readonly againAtMs?: number }>

/** A flow about one subject, which says when it wants to be called again. */
const flow =
  (tell: Flow) =>
  async (deps: Deps, { operatorId, subject }: Job): Promise<Again | undefined> => {
    const { againAtMs } = await tell(deps, operatorId, subject)
    return againAtMs === undefined ? undefined : { again: new Date(againAtMs) }
  }

/** All the background work of the house: what is enqueued by kind, and what comes round. */
export const JOBS: JobTable<Deps> = {
  handlers: {
    look_up: flow(lookUp),
    pay_out: (deps, { operatorId, subject }) => payOut(deps, operatorId, subject),
    apply_webhook: flow(applyWebhook),
  },
  periodic: {
    forget_idempotency_keys: {
      everyMs: 10 * MINUTE_MS,
      async run({ db, clock }) {
        const now = new Date(clock.nowMs())
        for (const operatorId of await db.global(operatorIds))
          await db.tx(operatorId, (tx) => deleteExpiredKeys(tx, operatorId, now, EXPIRED_KEYS_PER_ROUND))
      },
    },
    measure_unknown_outcomes: {
      everyMs: MINUTE_MS / 2,
      everywhere: true,
      async run({ db, clock, metrics }) {
        const flows = new Map<string, { n: number; oldestMs: number }>()
        for (const operatorId of await db.global(operatorIds))
          for (const { flow, n, oldestMs } of await db.tx(operatorId, (tx) =>
            unknownAttempts(tx, operatorId, clock.nowMs()),
          )) {
            const seen = flows.get(flow) ?? { n: 0, oldestMs: 0 }
            flows.set(flow, { n: seen.n + n, oldestMs: Math.max(seen.oldestMs, oldestMs) })
          }
        for (const flow of ['deposit', 'withdrawal', 'refund']) {
          const { n, oldestMs } = flows.get(flow) ?? { n: 0, oldestMs: 0 }
          metrics.gauge('paycage_unknown_outcomes', n, { flow })
          metrics.gauge('paycage_unknown_outcomes_oldest_age_seconds', oldestMs / 1000, { flow })
        }
      },
    },
    measure_jobs: {
      everyMs: MINUTE_MS / 6,
      everywhere: true,
      async run({ db, clock, metrics }) {
        for (const { kind, due, oldestMs } of await db.global((tx) => dueJobs(tx, clock.nowMs()))) {
          metrics.gauge('paycage_jobs_pending', due, { kind })
          metrics.gauge('paycage_jobs_oldest_age_seconds', oldestMs / 1000, { kind })
        }
      },
    },
  },
}
