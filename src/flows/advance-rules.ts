import { GUARD_SCALE, SETTLED } from '../core/rollout.ts'
import type { Tx } from '../db/client.ts'
import { versionFigures } from '../db/decisions.ts'
import { type ActiveRow, lockActive, moveActive, type PublicationKind } from '../db/rulesets.ts'
import type { Deps } from './deps.ts'

/** Payments of a staged version that its success rate needs before it is judged. */
const MIN_JUDGED = 50

/**
 * Carries publications on: begins what is scheduled, ends what was for an emergency, widens what is staged or takes it
 * back when its success rate lies below the guard. Plans follow the clock by themselves; this writes it down. Gives what
 * it did, or undefined.
 */
export async function advanceRules(
  deps: Pick<Deps, 'db' | 'clock' | 'routing'>,
  operatorId: string,
): Promise<PublicationKind | undefined> {
  const done = await deps.db.tx(operatorId, async (tx) => {
    const before = await lockActive(tx, operatorId)
    const next = await dueChange(tx, operatorId, before, deps.clock.nowMs())
    if (!next) return undefined
    await moveActive(tx, operatorId, before, next.change, { ...next.record, byActor: 'gateway' })
    return next.record.kind
  })
  if (done) deps.routing.refresh(operatorId)
  return done
}

type Due = {
  change: Partial<Omit<ActiveRow, 'epoch'>>
  record: { kind: PublicationKind; version: number; percent: number; reason: string }
}

async function dueChange(tx: Tx, operatorId: string, before: ActiveRow, nowMs: number): Promise<Due | undefined> {
  const { revertAt, scheduledAt, scheduledVersion, previousVersion, candidate } = before
  if (revertAt !== null && revertAt.getTime() <= nowMs) {
    const version = previousVersion ?? 0
    return {
      change: { ...SETTLED, version, previousVersion: null },
      record: { kind: 'expire', version, percent: 100, reason: 'the emergency has ended' },
    }
  }
  if (scheduledAt !== null && scheduledVersion !== null && scheduledAt.getTime() <= nowMs) {
    return {
      change: { ...SETTLED, version: scheduledVersion, previousVersion: before.version },
      record: { kind: 'publish', version: scheduledVersion, percent: 100, reason: 'its time has come' },
    }
  }
  return candidate === null ? undefined : await stageChange(tx, operatorId, { ...before, candidate }, nowMs)
}

async function stageChange(
  tx: Tx,
  operatorId: string,
  before: ActiveRow & { candidate: number },
  nowMs: number,
): Promise<Due | undefined> {
  const { candidate, version, percent, steps, stepSeconds, nextStepAt, guardPoints, stageStartedAt } = before
  const sinceMs = stageStartedAt?.getTime() ?? nowMs
  const mine = await versionFigures(tx, operatorId, candidate, sinceMs)
  const theirs = await versionFigures(tx, operatorId, version, sinceMs)
  const judged = mine.known >= MIN_JUDGED && theirs.known >= MIN_JUDGED
  const below = (theirs.succeeded / theirs.known - mine.succeeded / mine.known) * 100
  if (judged && below > guardPoints / GUARD_SCALE) {
    const reason = `stopped: ${below.toFixed(1)} points of success below version ${version} (${mine.known} and ${theirs.known} payments)`
    return { change: SETTLED, record: { kind: 'stop', version: candidate, percent: 0, reason } }
  }
  if (nextStepAt === null || nextStepAt.getTime() > nowMs) return undefined
  const [step, ...rest] = steps
  if (step === undefined) {
    return {
      change: { ...SETTLED, version: candidate, previousVersion: version },
      record: { kind: 'complete', version: candidate, percent: 100, reason: 'the last step is over' },
    }
  }
  return {
    change: { percent: step, steps: rest, nextStepAt: new Date(nowMs + stepSeconds * 1_000) },
    record: { kind: 'step', version: candidate, percent: step, reason: `from ${percent} % to ${step} %` },
  }
}
