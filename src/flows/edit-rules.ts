import { Fault } from '../core/errors.ts'
import { audit } from '../db/audit.ts'
import { announce } from '../db/events.ts'
import {
  decideApproval,
  editorsOf,
  editRuleset,
  findRuleset,
  insertRuleset,
  listApprovals,
  type RulesetRow,
  readActive,
  requestApproval,
  setRulesetStatus,
} from '../db/rulesets.ts'
import type { Deps } from './deps.ts'
import { checkRules, unsound } from './replay-rules.ts'

/** Who does it, and for whom. */
export type Actor = { readonly operatorId: string; readonly by: string }

/** Begins a draft. Anything may be saved: what is wrong with it is said by the check and refused at publication. */
export async function draftRules(
  deps: Pick<Deps, 'db' | 'newId'>,
  { operatorId, by }: Actor,
  { name, document }: { name: string; document: unknown },
): Promise<RulesetRow> {
  return await deps.db.tx(operatorId, async (tx) => {
    const { version } = await readActive(tx, operatorId)
    return await insertRuleset(tx, operatorId, {
      id: deps.newId('ruleset'),
      name,
      document,
      baseVersion: version === 0 ? null : version,
      by,
    })
  })
}

/** Saves a draft over the revision that the writer saw. Throws `version_conflict` when somebody else saved in between. */
export async function editRules(
  deps: Pick<Deps, 'db'>,
  { operatorId, by }: Actor,
  edit: { id: string; expectedVersion: number; name: string; document: unknown },
): Promise<RulesetRow> {
  return await deps.db.tx(operatorId, async (tx) => {
    const draft = await findRuleset(tx, operatorId, edit.id, { lock: true })
    if (!draft) throw new Fault('not_found', 'There is no such ruleset.')
    if (draft.status === 'published' || draft.status === 'discarded') {
      throw new Fault('illegal_state', 'This ruleset is closed. Begin a new draft from its version.')
    }
    const saved = await editRuleset(tx, operatorId, {
      id: edit.id,
      revision: edit.expectedVersion,
      name: edit.name,
      document: edit.document,
      by,
    })
    if (saved) return saved
    throw new Fault(
      'version_conflict',
      'Somebody saved this ruleset in between. Read it again and save over the newest version.',
      {
        members: { current_version: draft.revision, updated_by: draft.updatedBy },
      },
    )
  })
}

/** Asks another person to approve the newest revision. Throws `ruleset_invalid` with each finding when the check fails. */
export async function askApproval(
  deps: Pick<Deps, 'db' | 'clock' | 'routing' | 'newId'>,
  { operatorId, by }: Actor,
  { id, reason }: { id: string; reason: string },
): Promise<RulesetRow> {
  const { draft, findings, ruleset } = await checkRules(deps, operatorId, id)
  if (!ruleset) throw unsound(findings)
  return await deps.db.tx(operatorId, async (tx) => {
    const now = await findRuleset(tx, operatorId, id, { lock: true })
    if (now?.revision !== draft.revision)
      throw new Fault('version_conflict', 'The ruleset changed while it was checked.')
    if (now.status !== 'draft') throw new Fault('illegal_state', `This ruleset is ${now.status}.`)
    await requestApproval(tx, operatorId, { rulesetId: id, revision: draft.revision, by, reason })
    await setRulesetStatus(tx, operatorId, id, 'approval_requested')
    await announce(tx, operatorId, {
      type: 'ruleset.approval_requested',
      resourceId: id,
      data: { id, name: draft.name, version: draft.revision, requested_by: by, reason },
      at: new Date(deps.clock.nowMs()),
      newId: deps.newId,
    })
    return { ...now, status: 'approval_requested' }
  })
}

/** Another person's answer. Throws `four_eyes_required` to anybody who wrote in the draft or asked; the database refuses them too. */
export async function decideRules(
  deps: Pick<Deps, 'db' | 'clock'>,
  { operatorId, by }: Actor,
  { id, decision, reason }: { id: string; decision: 'approved' | 'rejected'; reason: string },
): Promise<RulesetRow> {
  return await deps.db.tx(operatorId, async (tx) => {
    const draft = await findRuleset(tx, operatorId, id, { lock: true })
    if (!draft) throw new Fault('not_found', 'There is no such ruleset.')
    const [request] = await listApprovals(tx, operatorId, id)
    if (draft.status !== 'approval_requested' || request?.revision !== draft.revision) {
      throw new Fault('illegal_state', 'Nobody asked for an approval of this version.')
    }
    const writers = await editorsOf(tx, operatorId, id)
    if (writers.includes(by) || request.requestedBy === by) {
      throw new Fault('four_eyes_required', 'Who wrote a ruleset or asked for its approval can not decide on it.')
    }
    await decideApproval(tx, operatorId, { rulesetId: id, revision: draft.revision, decision, by, reason })
    const status = decision === 'approved' ? 'approved' : 'draft'
    await setRulesetStatus(tx, operatorId, id, status)
    await audit(tx, operatorId, {
      actor: by,
      action: `ruleset.${decision}`,
      subject: id,
      before: { status: draft.status, version: draft.revision },
      after: { status, version: draft.revision },
      reason,
      at: new Date(deps.clock.nowMs()),
    })
    return { ...draft, status }
  })
}
