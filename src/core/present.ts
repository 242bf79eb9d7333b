import { type Decline, presentDecline } from './decline.ts'
import type { ChargeMethod } from './method.ts'
import { presentMoney } from './money.ts'
import type { NextAction } from './outcome.ts'
import type { StoredCheck } from './withdrawal.ts'

/** How the gateway's resources stand in its API and notices: one presenter each, so that both say the same. */

type Route = { readonly connectionId: string; readonly processor: string }
type Decision = {
  readonly rulesetVersion: number
  readonly ruleId: string
  readonly route: readonly (Route & { code: string; reason: string; label: string })[]
  readonly leftOut: readonly (Route & { code: string; reason: string; label: string })[]
}

type PaymentLike = {
  readonly id: string
  readonly status: string
  readonly playerId: string
  readonly asset: string
  readonly amount: bigint
  readonly reference: string
  readonly methodType: ChargeMethod['type']
  readonly method: ChargeMethod | null
  readonly instrumentId: string | null
  readonly saveInstrument: boolean
  readonly destinationMasked: Record<string, unknown> | null
  readonly checks: readonly StoredCheck[] | null
  readonly decline: Decline | null
  readonly nextAction: NextAction | null
  readonly decision: Record<string, unknown> | null
  readonly connectionId: string | null
  readonly refunded: bigint
  readonly chargedBack: bigint
  readonly returnUrl: string | null
  readonly metadata: Record<string, string>
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly settledAt: Date | null
}

type AttemptLike = {
  readonly id: string
  readonly n: number
  readonly connectionId: string
  readonly processor: string
  readonly status: string
  readonly decline: Decline | null
  readonly reason: string | null
  readonly processorReference: string | null
  readonly phase: string | null
  readonly startedAt: Date
  readonly endedAt: Date | null
}

/** What of a method may be shown. A token is a secret of the processor's: it is never shown. */
export function presentMethod(method: ChargeMethod): Record<string, string> {
  if (method.type === 'card') return { type: 'card' }
  return { ...method }
}

/** A deposit. */
export function presentDeposit(payment: PaymentLike) {
  return {
    id: payment.id,
    status: payment.status,
    ...presentMoney({ asset: payment.asset, minor: payment.amount }),
    player_id: payment.playerId,
    reference: payment.reference,
    method: {
      ...(payment.method === null ? { type: payment.methodType } : presentMethod(payment.method)),
      ...instrumentOf(payment),
    },
    processor: processorOf(payment),
    connection_id: payment.connectionId,
    decline: payment.decline === null ? null : presentDecline(payment.decline),
    next_action: payment.status === 'requires_action' ? payment.nextAction : null,
    refunded_amount: presentMoney({ asset: payment.asset, minor: payment.refunded }).amount,
    charged_back_amount: presentMoney({ asset: payment.asset, minor: payment.chargedBack }).amount,
    return_url: payment.returnUrl,
    metadata: payment.metadata,
    created_at: payment.createdAt.toISOString(),
    updated_at: payment.updatedAt.toISOString(),
    settled_at: payment.settledAt?.toISOString() ?? null,
  }
}

/** The saved instrument behind a deposit; one that the deposit saves is there once it has succeeded. */
const instrumentOf = ({ instrumentId, saveInstrument, status }: PaymentLike): Record<string, string> =>
  instrumentId === null || (saveInstrument && status !== 'succeeded') ? {} : { instrument_id: instrumentId }

/** A withdrawal. */
export function presentWithdrawal(payment: PaymentLike) {
  return {
    id: payment.id,
    status: payment.status,
    ...presentMoney({ asset: payment.asset, minor: payment.amount }),
    player_id: payment.playerId,
    reference: payment.reference,
    destination: payment.destinationMasked ?? { type: payment.methodType },
    checks: [...(payment.checks ?? [])],
    processor: processorOf(payment),
    connection_id: payment.connectionId,
    decline: payment.decline === null ? null : presentDecline(payment.decline),
    metadata: payment.metadata,
    created_at: payment.createdAt.toISOString(),
    updated_at: payment.updatedAt.toISOString(),
    settled_at: payment.settledAt?.toISOString() ?? null,
  }
}

/** An attempt. */
export function presentAttempt(attempt: AttemptLike) {
  return {
    id: attempt.id,
    n: attempt.n,
    connection_id: attempt.connectionId,
    processor: attempt.processor,
    status: attempt.status,
    decline: attempt.decline === null ? null : presentDecline(attempt.decline),
    reason: attempt.reason,
    processor_reference: attempt.processorReference,
    phase: attempt.phase,
    started_at: attempt.startedAt.toISOString(),
    ended_at: attempt.endedAt?.toISOString() ?? null,
  }
}

/** A refund. */
export function presentRefund(refund: {
  readonly id: string
  readonly depositId: string
  readonly playerId: string
  readonly asset: string
  readonly amount: bigint
  readonly status: string
  readonly reason: string | null
  readonly reference: string | null
  readonly duplicateOf: string | null
  readonly decline: Decline | null
  readonly createdAt: Date
  readonly updatedAt: Date
}) {
  return {
    id: refund.id,
    deposit_id: refund.depositId,
    player_id: refund.playerId,
    status: refund.status,
    ...presentMoney({ asset: refund.asset, minor: refund.amount }),
    reason: refund.reason,
    reference: refund.reference,
    duplicate_of: refund.duplicateOf,
    decline: refund.decline === null ? null : presentDecline(refund.decline),
    created_at: refund.createdAt.toISOString(),
    updated_at: refund.updatedAt.toISOString(),
  }
}

/** A dispute. */
export function presentDispute(dispute: {
  readonly id: string
  readonly depositId: string
  readonly playerId: string
  readonly connectionId: string
  readonly reference: string
  readonly asset: string
  readonly amount: bigint
  readonly stage: string
  readonly status: string
  readonly taken: bigint
  readonly createdAt: Date
  readonly updatedAt: Date
}) {
  return {
    id: dispute.id,
    deposit_id: dispute.depositId,
    player_id: dispute.playerId,
    connection_id: dispute.connectionId,
    processor_reference: dispute.reference,
    stage: dispute.stage,
    status: dispute.status,
    ...presentMoney({ asset: dispute.asset, minor: dispute.amount }),
    taken_amount: presentMoney({ asset: dispute.asset, minor: dispute.taken }).amount,
    created_at: dispute.createdAt.toISOString(),
    updated_at: dispute.updatedAt.toISOString(),
  }
}

/** The plan that a payment stored, or undefined when it has none. */
export function decisionOf(stored: Record<string, unknown> | null): Decision | undefined {
  return stored !== null && isDecision(stored) ? stored : undefined
}

const isDecision = (value: object): value is Decision =>
  'route' in value && Array.isArray(value.route) && 'leftOut' in value

/** Why this route: the rule, its version, and every account with its reason. */
export function presentDecision(payment: Pick<PaymentLike, 'id' | 'decision' | 'connectionId'>) {
  const decision = decisionOf(payment.decision)
  const shown = (outcome: 'chosen' | 'left_out') => (entry: Decision['route'][number], index: number) => ({
    connection_id: entry.connectionId,
    processor: entry.processor,
    label: entry.label,
    outcome,
    position: outcome === 'chosen' ? index + 1 : null,
    code: entry.code,
    reason: entry.reason,
  })
  return {
    payment_id: payment.id,
    ruleset_version: decision?.rulesetVersion ?? null,
    rule_id: decision?.ruleId ?? null,
    connection_id: payment.connectionId,
    candidates:
      decision === undefined
        ? []
        : [...decision.route.map(shown('chosen')), ...decision.leftOut.map(shown('left_out'))],
  }
}

function processorOf({ decision, connectionId }: Pick<PaymentLike, 'decision' | 'connectionId'>): string | null {
  return decisionOf(decision)?.route.find((entry) => entry.connectionId === connectionId)?.processor ?? null
}
