import { Fault } from '../core/errors.ts'
import { DEFAULT_STEPS, GUARD_SCALE, SETTLED } from '../core/rollout.ts'
import type { Tx } from '../db/client.ts'
import { announce } from '../db/events.ts'
import {
  type ActiveRow,
  findRuleset,
  findVersion,
  insertVersion,
  isSinglePerson,
  listApprovals,
  lockActive,
  moveActive,
  type PublicationKind,
  setRulesetStatus,
  type VersionRow,
} from '../db/rulesets.ts'
import type { Ruleset } from '../router/rules.ts'
import type { Deps } from './deps.ts'
import type { Actor } from './edit-rules.ts'
import { checkRules, PUBLISH_HOURS, replayRules, unsound } from './replay-rules.ts'

/** How a version gets to the players: all at once, at a time, or by growing shares with a guard. */
export type Rollout =
  | { readonly kind: 'now' }
  | { readonly kind: 'at'; readonly atMs: number }
  | {
      readonly kind: 'staged'
      /** Shares of players, in percent, rising; 100 follows by itself. */
      readonly steps: readonly number[]
      readonly stepSeconds: number
      /** Points of success rate (2.5 = 2.5 points) that it may lie below the present version. */
      readonly guardPoints: number
    }

/** A publication as asked for. `breakGlass` is the emergency without a second person: it ends by itself. */
export type Publication = {
  readonly id: string
  readonly reason: string
  readonly rollout: Rollout
  readonly breakGlass?: { readonly untilMs: number }
}

/** An emergency that lasts longer is no emergency. */
const MAX_BREAK_GLASS_MS = 24 * 3_600_000
type PublishDeps = Pick<Deps, 'db' | 'clock' | 'newId' | 'routing'>

/**
 * Publishes a draft that was checked, replayed on the last day's payments and approved by another person. Throws
 * `ruleset_invalid` when the check fails or a recorded payment would be left without a route, `four_eyes_required`
 * without the approval. Every instance plans by it within a second; payments in flight keep the plan they have.
 */
export async function publishRules(
  deps: PublishDeps,
  actor: Actor,
  publication: Publication,
): Promise<{ version: VersionRow; active: ActiveRow }> {
  const { operatorId } = actor
  const { draft, findings, ruleset } = await checkRules(deps, operatorId, publication.id)
  if (!ruleset) throw unsound(findings)
  await refuseStranding(deps, operatorId, ruleset)
  const document = JSON.stringify(ruleset)
  const sha256 = await digest(document)
  const made = await deps.db.tx(operatorId, async (tx) => {
    const before = await lockActive(tx, operatorId)
    const now = await findRuleset(tx, operatorId, publication.id, { lock: true })
    if (now?.revision !== draft.revision)
      throw new Fault('version_conflict', 'The ruleset changed while it was checked.')
    const approvedBy = await approverOf(tx, deps, actor, publication, now)
    const version = await insertVersion(tx, operatorId, {
      rulesetId: now.id,
      revision: now.revision,
      document,
      sha256,
      author: now.updatedBy,
      approvedBy,
      breakGlassUntil: publication.breakGlass ? new Date(publication.breakGlass.untilMs) : null,
      reason: publication.reason,
    })
    await setRulesetStatus(tx, operatorId, now.id, 'published')
    const active = await rollOut(tx, deps, actor, { before, version, publication })
    return { version, active }
  })
  deps.routing.refresh(operatorId)
  return made
}

async function refuseStranding(deps: PublishDeps, operatorId: string, ruleset: Ruleset): Promise<void> {
  const { unroutable } = await replayRules(deps, operatorId, ruleset, { hours: PUBLISH_HOURS })
  if (unroutable.count === 0) return
  const [example = ''] = unroutable.payments
  throw new Fault(
    'ruleset_invalid',
    `Of the payments of the last ${PUBLISH_HOURS} hours, ${unroutable.count} would be left without a route, ${example} for one.`,
    { members: { unroutable: { count: unroutable.count, payments: unroutable.payments } } },
  )
}

async function approverOf(
  tx: Tx,
  deps: PublishDeps,
  { operatorId }: Actor,
  { id, breakGlass }: Publication,
  { revision, status }: { revision: number; status: string },
): Promise<string | null> {
  if (status === 'published' || status === 'discarded') throw new Fault('illegal_state', `This ruleset is ${status}.`)
  if (breakGlass) {
    const lastsMs = breakGlass.untilMs - deps.clock.nowMs()
    if (lastsMs > 0 && lastsMs <= MAX_BREAK_GLASS_MS) return null
    throw new Fault('validation_failed', 'An emergency ends within 24 hours.', {
      errors: [
        { pointer: '/break_glass/expires_at', code: 'out_of_range', detail: 'Must be within 24 hours from now.' },
      ],
    })
  }
  const approval = (await listApprovals(tx, operatorId, id)).find((row) => row.revision === revision)
  if (approval?.decision === 'approved') return approval.decidedBy
  if (await isSinglePerson(tx, operatorId)) return null
  throw new Fault('four_eyes_required', 'Another person must approve this version of the ruleset first.')
}

async function rollOut(
  tx: Tx,
  deps: PublishDeps,
  { operatorId, by }: Actor,
  made: { before: ActiveRow; version: VersionRow; publication: Publication },
): Promise<ActiveRow> {
  const { before, publication } = made
  const { version, sha256 } = made.version
  const nowMs = deps.clock.nowMs()
  const { rollout, reason, breakGlass } = publication
  const emergency = before.revertAt !== null
  if (emergency && rollout.kind !== 'now') {
    throw new Fault('illegal_state', 'An emergency version is active: publish at once, or wait for its end.')
  }
  // What an emergency put aside is what one comes back to, not the emergency's own rules.
  const previousVersion = emergency ? before.previousVersion : before.version
  const record = (kind: PublicationKind, percent: number) => ({ kind, version, percent, byActor: by, reason })
  await announce(tx, operatorId, {
    type: 'ruleset.published',
    resourceId: publication.id,
    data: {
      id: publication.id,
      version,
      sha256,
      by,
      reason,
      rollout: rollout.kind,
      break_glass: breakGlass !== undefined,
    },
    at: new Date(nowMs),
    newId: deps.newId,
  })
  if (breakGlass) {
    const change = { ...SETTLED, version, previousVersion, revertAt: new Date(breakGlass.untilMs) }
    return await moveActive(tx, operatorId, before, change, record('break_glass', 100))
  }
  if (rollout.kind === 'at') {
    const change = { ...SETTLED, scheduledVersion: version, scheduledAt: new Date(rollout.atMs), scheduledBy: by }
    return await moveActive(tx, operatorId, before, change, record('schedule', 0))
  }
  if (rollout.kind === 'staged') {
    const [percent = DEFAULT_STEPS[0], ...steps] = rollout.steps
    const change = {
      ...SETTLED,
      candidate: version,
      percent,
      steps,
      stepSeconds: rollout.stepSeconds,
      nextStepAt: new Date(nowMs + rollout.stepSeconds * 1_000),
      guardPoints: Math.round(rollout.guardPoints * GUARD_SCALE),
      stageStartedAt: new Date(nowMs),
    }
    return await moveActive(tx, operatorId, before, change, record('stage', percent))
  }
  const change = { ...SETTLED, version, previousVersion }
  return await moveActive(tx, operatorId, before, change, record('publish', 100))
}

/**
 * Puts the version before back, byte for byte, without anybody's approval. What is staged or scheduled is called off.
 * Further back goes only who works alone: what was approved long ago may be wrong by now, so it goes the way of a draft.
 */
export async function rollBackRules(
  deps: PublishDeps,
  { operatorId, by }: Actor,
  { to, reason }: { to?: number; reason: string },
): Promise<ActiveRow> {
  const after = await deps.db.tx(operatorId, async (tx) => {
    const before = await lockActive(tx, operatorId)
    const staged = before.candidate !== null || before.scheduledVersion !== null
    // With something staged, "back" means: off with it.
    const target = to ?? (staged ? before.version : before.previousVersion)
    if (target === null) throw new Fault('illegal_state', 'Nothing was published before this version.')
    if (target === before.version && !staged) throw new Fault('illegal_state', 'This version is active already.')
    const version = target === 0 ? undefined : await findVersion(tx, operatorId, target)
    if (target !== 0 && !version) throw new Fault('not_found', 'There is no such version.')
    if (version?.breakGlassUntil) throw new Fault('illegal_state', 'An emergency version does not come back.')
    const further = target !== before.previousVersion && target !== before.version
    if (further && !(await isSinglePerson(tx, operatorId))) {
      throw new Fault(
        'four_eyes_required',
        'Only the version before comes back by one person. Make a draft of the older one and have it approved.',
      )
    }
    const previousVersion = target === before.version ? before.previousVersion : before.version
    const usable = previousVersion !== null && (await isLasting(tx, operatorId, previousVersion))
    const change = { ...SETTLED, version: target, previousVersion: usable ? previousVersion : null }
    const record = { kind: 'rollback', version: target, percent: 100, byActor: by, reason } as const
    if (version) {
      await announce(tx, operatorId, {
        type: 'ruleset.rolled_back',
        resourceId: version.rulesetId,
        data: { version: target, from: before.version, by, reason },
        at: new Date(deps.clock.nowMs()),
        newId: deps.newId,
      })
    }
    return await moveActive(tx, operatorId, before, change, record)
  })
  deps.routing.refresh(operatorId)
  return after
}

/** True when a version may come back: an emergency's may not. */
async function isLasting(tx: Tx, operatorId: string, version: number): Promise<boolean> {
  return version === 0 || (await findVersion(tx, operatorId, version))?.breakGlassUntil === null
}

async function digest(text: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
