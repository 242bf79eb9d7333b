import type { ProcessorEvent } from '../adapters/contract.ts'
import { OPEN } from '../core/payment.ts'
import { fromStored } from '../core/stored-json.ts'
import { findAttempt, findAttemptByReference } from '../db/attempts.ts'
import { findInbound, type InboundRow, updateInbound } from '../db/inbound-webhooks.ts'
import { enqueueJob } from '../db/jobs.ts'
import type { Deps } from './deps.ts'
import { hearDispute } from './dispute.ts'
import { settle } from './settle.ts'

/** When to try again, ms since 1970; absent: done. */
export type Applied = { readonly againAtMs?: number }

/**
 * An event may come before the answer that tells us its reference, or for a payment that another system made. What it waits
 * for makes it due at once (`wakeParked`); these waits are for what comes past that, and after the last it stays for people.
 */
const PARKED_RETRY_MS = [1_000, 5_000, 30_000, 5 * 60_000, 30 * 60_000, 4 * 3_600_000, 24 * 3_600_000]

/** Applies a stored event through the one door. Twice, late or out of order it changes nothing more. */
export async function applyWebhook(deps: Deps, operatorId: string, inboundId: string): Promise<Applied> {
  const { row, event, attempt } = await deps.db.tx(operatorId, async (tx) => {
    const row = await findInbound(tx, operatorId, inboundId)
    const event = row && eventOf(row)
    const byOurs = event?.attempt === undefined ? undefined : await findAttempt(tx, operatorId, event.attempt)
    const byTheirs =
      row && byOurs === undefined && event?.reference !== undefined
        ? await findAttemptByReference(tx, operatorId, row.connectionId, event.reference)
        : undefined
    return { row, event, attempt: byOurs ?? byTheirs }
  })
  if (row === undefined || event === undefined) return {}
  const record = (change: Parameters<typeof updateInbound>[3]) =>
    deps.db.tx(operatorId, (tx) => updateInbound(tx, operatorId, inboundId, change))

  const park = async (detail: string, awaits: string | undefined): Promise<Applied> => {
    await record({ status: 'parked', detail, ...(awaits !== undefined && { awaits }) })
    const waitMs = PARKED_RETRY_MS[row.tries]
    return waitMs === undefined ? {} : { againAtMs: deps.clock.nowMs() + waitMs }
  }

  if (attempt === undefined) return park('no payment of ours fits it', event.reference ?? event.attempt)
  const { subjectId, id: attemptId } = attempt
  if (attempt.connectionId !== row.connectionId || attempt.flow !== event.flow) {
    // Signed by one account about another's payment: somebody's secret is not where it should be.
    deps.log.error('webhook_of_wrong_connection', { connection_id: row.connectionId, attempt_id: attemptId })
    await record({ status: 'quarantined', detail: 'it is about another connection', subjectId, attemptId })
    return {}
  }
  const settled = await settle(deps, {
    operatorId,
    attempt,
    outcome: event.outcome,
    source: 'webhook',
    ...(event.atMs !== undefined && { atMs: event.atMs }),
  })
  if (event.lookUp && OPEN.has(settled.status)) await lookUpNow(deps, operatorId, attemptId)
  if (event.dispute) {
    const heard = await hearDispute(deps, attempt, event.dispute)
    if (heard.kind === 'too_early')
      return park('a dispute over a deposit that is not captured, as far as we know', attemptId)
    const { kind: status } = heard
    await record({ status, subjectId, attemptId, ...(heard.kind === 'quarantined' && { detail: heard.why }) })
    return {}
  }
  const status = settled.kind === 'moved' ? 'applied' : settled.kind === 'stays' ? 'ignored' : 'quarantined'
  await record({ status, subjectId, attemptId, ...(settled.why !== undefined && { detail: settled.why }) })
  return {}
}

/** An event that is only a bell proves nothing: what it rings for is asked of the processor. */
const lookUpNow = (deps: Deps, operatorId: string, subject: string): Promise<void> =>
  deps.db.tx(operatorId, (tx) => enqueueJob(tx, { kind: 'look_up', operatorId, subject, runAtMs: deps.clock.nowMs() }))

/** The stored event again. It was written by `receiveWebhook` from an adapter's own value. */
function eventOf(row: InboundRow): ProcessorEvent | undefined {
  const value = fromStored(row.content)
  return isEvent(value) ? value : undefined
}

const isEvent = (value: unknown): value is ProcessorEvent =>
  typeof value === 'object' && value !== null && 'id' in value && 'flow' in value && 'outcome' in value
