import { Fault } from '../core/errors.ts'
import { audit } from '../db/audit.ts'
import { activeExclusion, type ExclusionRow, insertExclusion, liftExclusions, lockPlayer } from '../db/players.ts'
import type { Deps } from './deps.ts'

/** An exclusion that a player or a register asks for. `until` null: for good. */
export type ExclusionOrder = {
  readonly operatorId: string
  readonly playerId: string
  readonly type: 'self_exclusion' | 'time_out'
  readonly until: Date | null
  readonly source: string
  /** Who told us. */
  readonly by: string
}

type Exclude = Pick<Deps, 'db' | 'clock'>

/** Excludes a player from depositing, at once. It may be made longer, never shorter: the longest one counts. */
export async function excludePlayer(deps: Exclude, order: ExclusionOrder): Promise<ExclusionRow> {
  const { operatorId, playerId, until } = order
  return deps.db.tx(operatorId, async (tx) => {
    if ((await lockPlayer(tx, operatorId, playerId)) === undefined) {
      throw new Fault('not_found', 'There is no such player.')
    }
    const now = new Date(deps.clock.nowMs())
    if (until !== null && until <= now) throw new Fault('validation_failed', 'An exclusion ends in the future.')
    const before = await activeExclusion(tx, operatorId, playerId, now)
    await insertExclusion(tx, operatorId, order)
    const active = await activeExclusion(tx, operatorId, playerId, now)
    if (active === undefined) throw new Error('an exclusion that was stored is not in force')
    await audit(tx, operatorId, {
      actor: order.by,
      action: 'player.excluded',
      subject: playerId,
      before: shown(before),
      after: shown(active),
      reason: order.source,
      at: now,
    })
    return active
  })
}

/** Lifts what the operator may lift. A self-exclusion that was asked for until a date runs until that date. */
export async function liftExclusion(
  deps: Exclude,
  { operatorId, playerId, by }: Pick<ExclusionOrder, 'operatorId' | 'playerId' | 'by'>,
): Promise<void> {
  return deps.db.tx(operatorId, async (tx) => {
    if ((await lockPlayer(tx, operatorId, playerId)) === undefined) {
      throw new Fault('not_found', 'There is no such player.')
    }
    const now = new Date(deps.clock.nowMs())
    const active = await activeExclusion(tx, operatorId, playerId, now)
    if (active?.type === 'self_exclusion' && active.until !== null) {
      throw new Fault('illegal_state', 'A self-exclusion can not be shortened; it ends by itself.')
    }
    if (active === undefined) return
    await liftExclusions(tx, operatorId, playerId, now)
    const entry = { actor: by, action: 'player.exclusion_lifted', subject: playerId, before: shown(active), at: now }
    await audit(tx, operatorId, entry)
  })
}

const shown = (row: ExclusionRow | undefined) =>
  row === undefined ? null : { type: row.type, until: row.until?.toISOString() ?? null }
