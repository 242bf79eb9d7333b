import { z } from '@hono/zod-openapi'
import { presentMoney } from '../../core/money.ts'
import type { ActiveRow, ApprovalRow, PublicationRow, RulesetRow, VersionRow } from '../../db/rulesets.ts'
import type { Finding } from '../../router/finding.ts'
import type { Plan } from '../../router/plan.ts'
import type { ReplayReport } from '../../router/replay.ts'
import { parseRuleset } from '../../router/rules.ts'
import { printRuleset } from '../../router/text.ts'
import { MONEY_SHOWN } from '../money.ts'
import { Timestamp } from '../shapes.ts'

const iso = (at: Date | null): string | null => at?.toISOString() ?? null

export const FindingShown = z
  .object({
    severity: z.enum(['error', 'warning']),
    code: z.string(),
    rule: z.string().nullable(),
    pointer: z.string(),
    message: z.string(),
    fix: z.string(),
  })
  .openapi('RuleFinding')

export const showFinding = (finding: Finding) => ({ ...finding })

const ApprovalShown = z.object({
  version: z.int(),
  requested_by: z.string(),
  reason: z.string(),
  requested_at: Timestamp,
  decision: z.enum(['approved', 'rejected']).nullable(),
  decided_by: z.string().nullable(),
  decision_reason: z.string().nullable(),
  decided_at: Timestamp.nullable(),
})

export const RulesetShown = z
  .object({
    id: z.string(),
    name: z.string(),
    status: z.enum(['draft', 'approval_requested', 'approved', 'published', 'discarded']),
    /** Send it back as `expected_version` when you save. */
    version: z.int(),
    base_version: z.int().nullable(),
    document: z.unknown(),
    /** The document as text; null while its structure is not one of rules. */
    text: z.string().nullable(),
    approvals: z.array(ApprovalShown).optional(),
    created_by: z.string(),
    updated_by: z.string(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi('Ruleset')

export function showRuleset(row: RulesetRow, approvals?: readonly ApprovalRow[]) {
  const read = parseRuleset(row.document)
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    version: row.revision,
    base_version: row.baseVersion,
    document: row.document,
    text: read.ok ? printRuleset(read.ruleset) : null,
    ...(approvals && { approvals: approvals.map(showApproval) }),
    created_by: row.createdBy,
    updated_by: row.updatedBy,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  }
}

const showApproval = (row: ApprovalRow) => ({
  version: row.revision,
  requested_by: row.requestedBy,
  reason: row.reason,
  requested_at: row.requestedAt.toISOString(),
  decision: row.decision,
  decided_by: row.decidedBy,
  decision_reason: row.decisionReason,
  decided_at: iso(row.decidedAt),
})

export const VersionShown = z
  .object({
    version: z.int(),
    ruleset_id: z.string(),
    sha256: z.string(),
    author: z.string(),
    approved_by: z.string().nullable(),
    break_glass_until: Timestamp.nullable(),
    reason: z.string(),
    created_at: Timestamp,
    document: z.unknown().optional(),
    text: z.string().optional(),
  })
  .openapi('RulesetVersion')

export function showVersion(row: VersionRow, { whole = false }: { whole?: boolean } = {}) {
  const document: unknown = whole ? JSON.parse(row.document) : undefined
  const read = whole ? parseRuleset(document) : undefined
  return {
    version: row.version,
    ruleset_id: row.rulesetId,
    sha256: row.sha256,
    author: row.author,
    approved_by: row.approvedBy,
    break_glass_until: iso(row.breakGlassUntil),
    reason: row.reason,
    created_at: row.createdAt.toISOString(),
    ...(whole && { document }),
    ...(read?.ok && { text: printRuleset(read.ruleset) }),
  }
}

export const ActiveShown = z
  .object({
    version: z.int().openapi({ description: '0 is the built-in rule: all connections in the order of their making.' }),
    previous_version: z.int().nullable(),
    staged: z
      .object({
        version: z.int(),
        percent: z.int(),
        next_steps: z.array(z.int()),
        next_step_at: Timestamp.nullable(),
        guard_points: z.number(),
        started_at: Timestamp.nullable(),
      })
      .nullable(),
    scheduled: z.object({ version: z.int(), at: Timestamp.nullable(), by: z.string().nullable() }).nullable(),
    reverts_at: Timestamp.nullable(),
  })
  .openapi('ActiveRules')

export const showActive = (row: ActiveRow) => ({
  version: row.version,
  previous_version: row.previousVersion,
  staged:
    row.candidate === null
      ? null
      : {
          version: row.candidate,
          percent: row.percent,
          next_steps: [...row.steps],
          next_step_at: iso(row.nextStepAt),
          guard_points: row.guardPoints / 100,
          started_at: iso(row.stageStartedAt),
        },
  scheduled:
    row.scheduledVersion === null
      ? null
      : { version: row.scheduledVersion, at: iso(row.scheduledAt), by: row.scheduledBy },
  reverts_at: iso(row.revertAt),
})

export const PublicationShown = z.object({
  kind: z.string(),
  version: z.int(),
  percent: z.int(),
  by: z.string(),
  reason: z.string(),
  at: Timestamp,
})

export const showPublication = ({ kind, version, percent, byActor, reason, at }: PublicationRow) => ({
  kind,
  version,
  percent,
  by: byActor,
  reason,
  at: at.toISOString(),
})

const CandidateShown = z.object({
  connection_id: z.string(),
  processor: z.string(),
  label: z.string(),
  status: z.enum(['chosen', 'skipped']),
  code: z.string(),
  reason: z.string(),
})

/** Why a payment goes where it goes: also the shape of `GET /v1/deposits|withdrawals/{id}/decision`. */
export const DecisionShown = z
  .object({ ruleset_version: z.int(), rule: z.string(), candidates: z.array(CandidateShown) })
  .openapi('RoutingDecision')

export function showPlan({ rulesetVersion, ruleId, route, leftOut }: Plan) {
  const shown = (status: 'chosen' | 'skipped') => (planned: Plan['route'][number]) => ({
    connection_id: planned.connectionId,
    processor: planned.processor,
    label: planned.label,
    status,
    code: planned.code,
    reason: planned.reason,
  })
  return {
    ruleset_version: rulesetVersion,
    rule: ruleId,
    candidates: [...route.map(shown('chosen')), ...leftOut.map(shown('skipped'))],
  }
}

const Where = z.object({ rule: z.string(), connection_id: z.string().nullable() })
const Share = z.number().min(0).max(1)

export const SimulationShown = z
  .object({
    hours: z.int(),
    payments: z.int(),
    /** True when there were more payments than are replayed at once. */
    truncated: z.boolean(),
    changed: z.int(),
    changes: z.array(z.object({ payment_id: z.string(), from: Where, to: Where })),
    unroutable: z.object({ count: z.int(), payments: z.array(z.string()) }),
    unroutable_whatever_the_rules: z.int(),
    shares: z.array(
      z.object({ connection_id: z.string(), label: z.string(), processor: z.string(), before: Share, after: Share }),
    ),
    rules: z.array(z.object({ rule: z.string(), hits: z.int() })),
    success: z.object({
      recorded: Share.nullable(),
      expected: z.object({ point: Share, low: Share, high: Share }),
      coverage: Share,
    }),
    cost: z.object({
      by_currency: z.array(z.object({ before: z.object(MONEY_SHOWN), after: z.object(MONEY_SHOWN) })),
      coverage: Share,
    }),
    findings: z.array(FindingShown),
  })
  .openapi('Simulation')

export function showSimulation(
  report: ReplayReport & { hours: number; truncated: boolean },
  findings: readonly Finding[],
) {
  const { hours, truncated, payments, changed, unroutable, shares, rules, success, cost } = report
  const where = ({ rule, connectionId }: { rule: string; connectionId: string | null }) => ({
    rule,
    connection_id: connectionId,
  })
  return {
    hours,
    payments,
    truncated,
    changed,
    changes: report.changes.map(({ paymentId, from, to }) => ({
      payment_id: paymentId,
      from: where(from),
      to: where(to),
    })),
    unroutable: { count: unroutable.count, payments: [...unroutable.payments] },
    unroutable_whatever_the_rules: report.beyondRules,
    shares: shares.map(({ connectionId, ...share }) => ({ connection_id: connectionId, ...share })),
    rules: rules.map((rule) => ({ ...rule })),
    success: { ...success, expected: { ...success.expected } },
    cost: {
      by_currency: cost.byAsset.map(({ asset, before, after }) => ({
        before: presentMoney({ asset, minor: before }),
        after: presentMoney({ asset, minor: after }),
      })),
      coverage: cost.coverage,
    },
    findings: findings.map(showFinding),
  }
}
