import { SETTLED } from '../core/rollout.ts'
import { audit } from './audit.ts'
import type { Tx } from './client.ts'

/** Which version an operator's payments run on. Version 0 is the built-in rule. */
export type ActiveRow = {
  readonly version: number
  readonly previousVersion: number | null
  readonly candidate: number | null
  readonly percent: number
  readonly steps: readonly number[]
  readonly stepSeconds: number
  readonly nextStepAt: Date | null
  readonly guardPoints: number
  readonly stageStartedAt: Date | null
  readonly scheduledVersion: number | null
  readonly scheduledAt: Date | null
  readonly scheduledBy: string | null
  readonly revertAt: Date | null
  readonly epoch: number
}

/** What runs where nothing was ever published. */
export const NOTHING_PUBLISHED: ActiveRow = { ...SETTLED, version: 0, previousVersion: null, epoch: 0 }

/** What an operator's payments run on now. */
export async function readActive(tx: Tx, operatorId: string): Promise<ActiveRow> {
  const [row] = await tx<ActiveRow[]>`
    select version, previous_version, candidate, percent, steps, step_seconds, next_step_at, guard_points,
      stage_started_at, scheduled_version, scheduled_at, scheduled_by, revert_at, epoch
    from routing_active where operator_id = ${operatorId}`
  return row ?? NOTHING_PUBLISHED
}

/** The exact text of a published version, or undefined. */
export async function readVersionText(tx: Tx, operatorId: string, version: number): Promise<string | undefined> {
  const [row] = await tx<{ document: string }[]>`
    select document from ruleset_version where operator_id = ${operatorId} and version = ${version}`
  return row?.document
}

/** Life of a draft. */
export type RulesetStatus = 'draft' | 'approval_requested' | 'approved' | 'published' | 'discarded'

/** A draft as stored. `revision` is what a writer must know to write. */
export type RulesetRow = {
  readonly id: string
  readonly name: string
  readonly document: unknown
  readonly revision: number
  readonly status: RulesetStatus
  readonly baseVersion: number | null
  readonly createdBy: string
  readonly updatedBy: string
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** A draft, or undefined. With `lock` nobody else changes it until the transaction ends. */
export async function findRuleset(
  tx: Tx,
  operatorId: string,
  id: string,
  { lock = false }: { lock?: boolean } = {},
): Promise<RulesetRow | undefined> {
  const [row] = await tx<RulesetRow[]>`
    select id, name, document, revision, status, base_version, created_by, updated_by, created_at, updated_at
    from ruleset where operator_id = ${operatorId} and id = ${id} ${lock ? tx`for update` : tx``}`
  return row
}

/** A page of drafts, newest first. */
export async function listRulesets(
  tx: Tx,
  operatorId: string,
  { before, limit }: { before: string | undefined; limit: number },
): Promise<RulesetRow[]> {
  return await tx<RulesetRow[]>`
    select id, name, document, revision, status, base_version, created_by, updated_by, created_at, updated_at
    from ruleset where operator_id = ${operatorId} ${before === undefined ? tx`` : tx`and id < ${before}`}
    order by id desc limit ${limit}`
}

/** Stores a new draft. */
export async function insertRuleset(
  tx: Tx,
  operatorId: string,
  made: { id: string; name: string; document: unknown; baseVersion: number | null; by: string },
): Promise<RulesetRow> {
  const [row] = await tx<RulesetRow[]>`
    insert into ruleset (operator_id, id, name, document, status, base_version, editors, created_by, updated_by)
    values (${operatorId}, ${made.id}, ${made.name}, ${JSON.stringify(made.document)}::text::jsonb, 'draft',
      ${made.baseVersion}, array[${made.by}], ${made.by}, ${made.by})
    returning id, name, document, revision, status, base_version, created_by, updated_by, created_at, updated_at`
  if (!row) throw new Error('a ruleset was not stored')
  return row
}

/** Writes the next revision, if `revision` is still the latest; undefined when somebody was quicker or it can't be edited. An approval of an older revision is gone with it. */
export async function editRuleset(
  tx: Tx,
  operatorId: string,
  edit: { id: string; revision: number; name: string; document: unknown; by: string },
): Promise<RulesetRow | undefined> {
  const document = JSON.stringify(edit.document)
  const [row] = await tx<RulesetRow[]>`
    update ruleset set name = ${edit.name}, document = ${document}::text::jsonb, status = 'draft',
      revision = case when document = ${document}::text::jsonb then revision else revision + 1 end,
      updated_by = ${edit.by}, updated_at = now()
    where operator_id = ${operatorId} and id = ${edit.id} and revision = ${edit.revision}
      and status not in ('published', 'discarded')
    returning id, name, document, revision, status, base_version, created_by, updated_by, created_at, updated_at`
  return row
}

/** Moves a draft on. */
export async function setRulesetStatus(tx: Tx, operatorId: string, id: string, status: RulesetStatus): Promise<void> {
  await tx`
    update ruleset set status = ${status}, updated_at = now() where operator_id = ${operatorId} and id = ${id}`
}

/** A request to publish a revision, and the answer. */
export type ApprovalRow = {
  readonly revision: number
  readonly requestedBy: string
  readonly reason: string
  readonly requestedAt: Date
  readonly decision: 'approved' | 'rejected' | null
  readonly decidedBy: string | null
  readonly decisionReason: string | null
  readonly decidedAt: Date | null
}

/** The requests for a draft's revisions, newest first. */
export async function listApprovals(tx: Tx, operatorId: string, rulesetId: string): Promise<ApprovalRow[]> {
  return await tx<ApprovalRow[]>`
    select revision, requested_by, reason, requested_at, decision, decided_by, decision_reason, decided_at
    from ruleset_approval where operator_id = ${operatorId} and ruleset_id = ${rulesetId} order by revision desc`
}

/** Asks for the approval of a revision. Asking again changes nothing. */
export async function requestApproval(
  tx: Tx,
  operatorId: string,
  request: { rulesetId: string; revision: number; by: string; reason: string },
): Promise<void> {
  await tx`
    insert into ruleset_approval (operator_id, ruleset_id, revision, requested_by, reason)
    values (${operatorId}, ${request.rulesetId}, ${request.revision}, ${request.by}, ${request.reason})
    on conflict do nothing`
}

/** Everybody who wrote in a draft: they may not decide on it. */
export async function editorsOf(tx: Tx, operatorId: string, rulesetId: string): Promise<string[]> {
  const rows = await tx<{ editor: string }[]>`
    select unnest(editors) as editor from ruleset where operator_id = ${operatorId} and id = ${rulesetId}`
  return rows.map(({ editor }) => editor)
}

/** Writes another person's answer. The database refuses one of somebody who wrote or asked. */
export async function decideApproval(
  tx: Tx,
  operatorId: string,
  answer: { rulesetId: string; revision: number; decision: 'approved' | 'rejected'; by: string; reason: string },
): Promise<void> {
  await tx`
    update ruleset_approval set decision = ${answer.decision}, decided_by = ${answer.by},
      decision_reason = ${answer.reason}, decided_at = now()
    where operator_id = ${operatorId} and ruleset_id = ${answer.rulesetId} and revision = ${answer.revision}`
}

/** A published version. */
export type VersionRow = {
  readonly version: number
  readonly rulesetId: string
  readonly revision: number
  readonly document: string
  readonly sha256: string
  readonly author: string
  readonly approvedBy: string | null
  readonly breakGlassUntil: Date | null
  readonly reason: string
  readonly createdAt: Date
}

/** Stores the next version, for ever. The database refuses what wasn't approved. Call it with the active row locked. */
export async function insertVersion(
  tx: Tx,
  operatorId: string,
  made: Omit<VersionRow, 'version' | 'createdAt'>,
): Promise<VersionRow> {
  const [row] = await tx<VersionRow[]>`
    insert into ruleset_version (operator_id, version, ruleset_id, revision, document, sha256, author, approved_by,
      break_glass_until, reason)
    select ${operatorId}, coalesce(max(version), 0) + 1, ${made.rulesetId}, ${made.revision}, ${made.document},
      ${made.sha256}, ${made.author}, ${made.approvedBy}, ${made.breakGlassUntil}, ${made.reason}
    from ruleset_version where operator_id = ${operatorId}
    returning version, ruleset_id, revision, document, sha256, author, approved_by, break_glass_until, reason, created_at`
  if (!row) throw new Error('a version was not stored')
  return row
}

/** A version, or undefined. */
export async function findVersion(tx: Tx, operatorId: string, version: number): Promise<VersionRow | undefined> {
  const [row] = await tx<VersionRow[]>`
    select version, ruleset_id, revision, document, sha256, author, approved_by, break_glass_until, reason, created_at
    from ruleset_version where operator_id = ${operatorId} and version = ${version}`
  return row
}

/** A page of versions, newest first. */
export async function listVersions(
  tx: Tx,
  operatorId: string,
  { before, limit }: { before: number | undefined; limit: number },
): Promise<VersionRow[]> {
  return await tx<VersionRow[]>`
    select version, ruleset_id, revision, document, sha256, author, approved_by, break_glass_until, reason, created_at
    from ruleset_version where operator_id = ${operatorId} ${before === undefined ? tx`` : tx`and version < ${before}`}
    order by version desc limit ${limit}`
}

/** What was done to the active rules. */
export type PublicationKind =
  | 'publish'
  | 'schedule'
  | 'stage'
  | 'step'
  | 'complete'
  | 'stop'
  | 'rollback'
  | 'break_glass'
  | 'expire'
  | 'cancel'

/** One entry of the record of publications. */
export type PublicationRow = {
  readonly epoch: number
  readonly kind: PublicationKind
  readonly version: number
  readonly percent: number
  readonly byActor: string
  readonly reason: string
  readonly at: Date
}

/** The newest publications. */
export async function listPublications(tx: Tx, operatorId: string, limit: number): Promise<PublicationRow[]> {
  return await tx<PublicationRow[]>`
    select epoch, kind, version, percent, by_actor, reason, at from publication
    where operator_id = ${operatorId} order by epoch desc limit ${limit}`
}

/** The active row, locked until the transaction ends. */
export async function lockActive(tx: Tx, operatorId: string): Promise<ActiveRow> {
  await tx`insert into routing_active (operator_id) values (${operatorId}) on conflict do nothing`
  const [row] = await tx<ActiveRow[]>`
    select version, previous_version, candidate, percent, steps, step_seconds, next_step_at, guard_points,
      stage_started_at, scheduled_version, scheduled_at, scheduled_by, revert_at, epoch
    from routing_active where operator_id = ${operatorId} for update`
  return row ?? NOTHING_PUBLISHED
}

const activeOf = ({ version, candidate, percent, scheduledVersion, revertAt }: ActiveRow) => ({
  version,
  candidate,
  percent,
  scheduled_version: scheduledVersion,
  revert_at: revertAt?.toISOString() ?? null,
})

/** Changes what payments run on, with its record in the same transaction. Take `before` from `lockActive`. */
export async function moveActive(
  tx: Tx,
  operatorId: string,
  before: ActiveRow,
  change: Partial<Omit<ActiveRow, 'epoch'>>,
  record: Omit<PublicationRow, 'epoch' | 'at'>,
): Promise<ActiveRow> {
  const after: ActiveRow = { ...before, ...change, epoch: before.epoch + 1 }
  await tx`
    update routing_active set version = ${after.version}, previous_version = ${after.previousVersion},
      candidate = ${after.candidate}, percent = ${after.percent}, steps = ${JSON.stringify(after.steps)}::text::jsonb,
      step_seconds = ${after.stepSeconds}, next_step_at = ${after.nextStepAt}, guard_points = ${after.guardPoints},
      stage_started_at = ${after.stageStartedAt}, scheduled_version = ${after.scheduledVersion},
      scheduled_at = ${after.scheduledAt}, scheduled_by = ${after.scheduledBy}, revert_at = ${after.revertAt},
      epoch = ${after.epoch}, updated_at = now()
    where operator_id = ${operatorId}`
  const [publication] = await tx<Pick<PublicationRow, 'at'>[]>`
    insert into publication (operator_id, epoch, kind, version, percent, by_actor, reason)
    values (${operatorId}, ${after.epoch}, ${record.kind}, ${record.version}, ${record.percent}, ${record.byActor},
      ${record.reason})
    returning at`
  if (publication === undefined) throw new Error('a publication was not recorded')
  await audit(tx, operatorId, {
    actor: record.byActor,
    action: `routing.${record.kind}`,
    subject: `ruleset_version:${record.version}`,
    before: activeOf(before),
    after: activeOf(after),
    reason: record.reason,
    at: publication.at,
  })
  return after
}

/** True where the operator said that it works with one person: then publishing takes nobody else. */
export async function isSinglePerson(tx: Tx, operatorId: string): Promise<boolean> {
  const [row] = await tx<{ single: boolean }[]>`
    select coalesce((settings ->> 'routing_single_person')::boolean, false) as single
    from operator where id = ${operatorId}`
  return row?.single ?? false
}
