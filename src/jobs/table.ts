import { DECLINES_KEPT_DAYS, dayOf } from '../core/scheme.ts'
import { unknownAttempts } from '../db/attempts.ts'
import { pruneCards } from '../db/cards.ts'
import { pruneDecisions } from '../db/decisions.ts'
import { deleteExpiredKeys } from '../db/idempotency.ts'
import { dueJobs, type Job } from '../db/jobs.ts'
import { operatorIds } from '../db/operators.ts'
import { pruneRates } from '../db/rates.ts'
import { advanceRules } from '../flows/advance-rules.ts'
import { applyWebhook } from '../flows/apply-webhook.ts'
import { retryCancel } from '../flows/cancel-deposit.ts'
import { captureDeposit } from '../flows/capture-deposit.ts'
import { deliverNotice } from '../flows/deliver-notice.ts'
import type { Deps } from '../flows/deps.ts'
import { fanOut } from '../flows/fan-out.ts'
import { lookUp } from '../flows/look-up.ts'
import { measureRouting } from '../flows/measure-routing.ts'
import { payOut } from '../flows/pay-out.ts'
import { isRecoverStep, recoverStep } from '../flows/redeliver.ts'
import { checkLedger, keepLedger } from './ledger.ts'
import type { Again, JobTable } from './run.ts'

const MINUTE_MS = 60_000
/** Deleted at a time: short enough not to be in anybody's way. */
const EXPIRED_KEYS_PER_ROUND = 1_000
/** A month of decisions: the longest that a draft is simulated on is a week. */
const RECORDS_KEPT_MS = 30 * 24 * 60 * MINUTE_MS
const RECORDS_PER_ROUND = 50_000
/** The window of success rates is an hour; a day lets operations look back. */
const RATES_KEPT_MS = 24 * 60 * MINUTE_MS
const DAY_MS = 24 * 60 * MINUTE_MS
/** A card that nobody paid with for more than a year is not the player's card any more. */
const CARDS_KEPT_DAYS = 400

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
    capture: flow(captureDeposit),
    cancel: flow(retryCancel),
    fan_out: flow(fanOut),
    deliver_notice: flow(deliverNotice),
    recover_notices: async (deps, { operatorId, subject, payload }) => {
      if (!isRecoverStep(payload)) throw new Error('a recovery without its bounds')
      await recoverStep(deps, operatorId, subject, payload)
    },
  },
  periodic: {
    // Plans follow the clock by themselves; this widens what is staged, judges it, and writes down what came due.
    advance_rules: {
      everyMs: MINUTE_MS / 4,
      async run(deps) {
        for (const operatorId of await deps.db.global(operatorIds)) await advanceRules(deps, operatorId)
      },
    },
    forget_routing_records: {
      everyMs: 60 * MINUTE_MS,
      async run({ db, clock }) {
        const nowMs = clock.nowMs()
        for (const operatorId of await db.global(operatorIds)) {
          await db.tx(operatorId, async (tx) => {
            await pruneDecisions(tx, operatorId, nowMs - RECORDS_KEPT_MS, RECORDS_PER_ROUND)
            await pruneRates(tx, operatorId, nowMs - RATES_KEPT_MS)
            await pruneCards(tx, operatorId, {
              declinesBefore: dayOf(nowMs - DECLINES_KEPT_DAYS * DAY_MS),
              seenBefore: dayOf(nowMs - CARDS_KEPT_DAYS * DAY_MS),
              max: RECORDS_PER_ROUND,
            })
          })
        }
      },
    },
    measure_routing: {
      everyMs: MINUTE_MS / 4,
      everywhere: true,
      run: measureRouting,
    },
    forget_idempotency_keys: {
      everyMs: 10 * MINUTE_MS,
      async run({ db, clock }) {
        const now = new Date(clock.nowMs())
        for (const operatorId of await db.global(operatorIds))
          await db.tx(operatorId, (tx) => deleteExpiredKeys(tx, operatorId, now, EXPIRED_KEYS_PER_ROUND))
      },
    },
    keep_ledger: { everyMs: MINUTE_MS, run: keepLedger },
    check_ledger: { everyMs: 60 * MINUTE_MS, run: checkLedger },
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

/** What waits for operators' own servers. */
const TO_OPERATORS: ReadonlySet<string> = new Set(['fan_out', 'deliver_notice', 'recover_notices'])

/** The same work as two tables, for a loop each: receivers that hang must hold up no payout. */
export function lanesOf<D>({ handlers, periodic }: JobTable<D>): {
  readonly money: JobTable<D>
  readonly notices: JobTable<D>
} {
  const only = (toOperators: boolean) =>
    Object.fromEntries(Object.entries(handlers).filter(([kind]) => TO_OPERATORS.has(kind) === toOperators))
  return { money: { handlers: only(false), periodic }, notices: { handlers: only(true), periodic: {} } }
}
