import { Fault } from '../core/errors.ts'
import { audit } from '../db/audit.ts'
import { findPlayer, lockPlayer, type PlayerChange, type PlayerRow, savePlayer } from '../db/players.ts'
import type { Deps } from './deps.ts'

/** What the operator says of a player. `ifVersion`: change only that version (If-Match). */
export type PlayerOrder = {
  readonly operatorId: string
  readonly playerId: string
  readonly change: PlayerChange
  readonly editedBy: string
  readonly ifVersion: number | null
}

/** Makes or changes a player. What is said again changes nothing and keeps the version. */
export async function savePlayerOf(
  deps: Pick<Deps, 'db' | 'clock'>,
  { operatorId, playerId, change, editedBy, ifVersion }: PlayerOrder,
): Promise<{ row: PlayerRow; created: boolean }> {
  return deps.db.tx(operatorId, async (tx) => {
    const before = await lockPlayer(tx, operatorId, playerId)
    if (ifVersion !== null && before?.version !== ifVersion) {
      throw new Fault('precondition_failed', 'The player has changed since you read it; read it again.')
    }
    if (before !== undefined && saysNothingNew(before, change)) {
      return { row: (await findPlayer(tx, operatorId, playerId)) ?? before, created: false }
    }
    const saved = await savePlayer(tx, operatorId, playerId, change, editedBy)
    const [held, holds] = [riskOf(before), riskOf(saved.row)]
    if (JSON.stringify(held) !== JSON.stringify(holds)) {
      const at = new Date(deps.clock.nowMs())
      const [actor, action] = [editedBy, before === undefined ? 'player.created' : 'player.risk_changed']
      await audit(tx, operatorId, { actor, action, subject: playerId, before: held, after: holds, at })
    }
    return saved
  })
}

/** What decides whether a player's money moves. Nothing of the person is in it. */
const riskOf = (row: PlayerRow | undefined) =>
  row === undefined
    ? null
    : {
        kyc_status: row.kycStatus,
        kyc_level: row.kycLevel,
        aml_status: row.amlStatus,
        pep: row.pep,
        sanctions_checked_at: row.sanctionsCheckedAt?.toISOString() ?? null,
        licence: row.licence,
      }

const saysNothingNew = (before: PlayerRow, change: PlayerChange): boolean =>
  Object.entries(change).every(([name, value]) => {
    const held = Object.entries(before).find(([member]) => member === name)?.[1]
    return held instanceof Date && value instanceof Date ? held.getTime() === value.getTime() : held === value
  })
