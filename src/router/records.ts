import type { Decline } from '../core/decline.ts'
import { DECLINES, type DeclineCode } from '../core/decline.ts'
import type { NewId } from '../core/ids.ts'
import type { Tx } from '../db/client.ts'
import { insertDecision, recordOutcome } from '../db/decisions.ts'
import { countUnmapped, listDeclineOverrides } from '../db/declines.ts'
import { countAttempt } from '../db/rates.ts'
import type { DeclineOverride } from './cascade.ts'
import type { RouteFacts } from './fields.ts'
import type { Plan } from './plan.ts'
import { decisionOf } from './recorded.ts'

/** Records the plan of a payment, in the transaction that stores the payment: what drafts are simulated on. */
export async function recordPlan(
  tx: Tx,
  operatorId: string,
  { paymentId, facts, plan, newId }: { paymentId: string; facts: RouteFacts; plan: Plan; newId: NewId },
): Promise<void> {
  await insertDecision(tx, operatorId, decisionOf(newId('decision'), paymentId, facts, plan))
}

/** An attempt that came to a definite end at a processor. */
export type EndedAttempt = {
  readonly paymentId: string
  readonly connectionId: string
  readonly processor: string
  readonly flow: 'deposit' | 'withdrawal'
  readonly first: boolean
  readonly succeeded: boolean
  readonly decline?: Decline | undefined
  readonly atMs: number
}

/** Counts an attempt's end for success rates, for the record of decisions, and, when nobody knows its code, for those who map codes. In the transaction that settles it. What never left says nothing of a processor and isn't counted. */
export async function recordAttempt(tx: Tx, operatorId: string, ended: EndedAttempt): Promise<void> {
  const { paymentId, connectionId, first, succeeded, flow, atMs, decline, processor } = ended
  const segment = await recordOutcome(tx, operatorId, { paymentId, connectionId, first, succeeded })
  if (segment) await countAttempt(tx, operatorId, { ...segment, connectionId, direction: flow }, { succeeded, atMs })
  if (decline?.code === 'unmapped' && decline.processorCode !== undefined) {
    await countUnmapped(tx, operatorId, { processor, flow, processorCode: decline.processorCode, at: new Date(atMs) })
  }
}

const isCode = (text: string): text is DeclineCode => text in DECLINES

/** The operator's own words on declines, for `nextStep`. */
export async function declineOverrides(tx: Tx, operatorId: string): Promise<DeclineOverride[]> {
  const rows = await listDeclineOverrides(tx, operatorId)
  return rows.flatMap(({ code, processor, next }) =>
    isCode(code) ? [{ code, next, ...(processor !== '*' && { processor }) }] : [],
  )
}
