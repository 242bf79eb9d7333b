import { Fault } from '../core/errors.ts'
import { accountOf, type CardSeen, type Destination, maskedOf } from '../core/method.ts'
import { sameName } from '../core/names.ts'
import { audit } from '../db/audit.ts'
import {
  findByFingerprint,
  findInstrument,
  type InstrumentRow,
  insertInstrument,
  listInstruments,
  MAX_INSTRUMENTS,
  updateInstrument,
} from '../db/instruments.ts'
import { lockPlayer, type PlayerRow } from '../db/players.ts'
import type { Deps } from './deps.ts'
import { fingerprintOf, sealInstrument } from './instruments.ts'

/** An instrument to be saved, and by whom. `verified`: the operator has proof that it is the player's own. */
export type InstrumentOrder = {
  readonly operatorId: string
  readonly playerId: string
  readonly by: string
  readonly instrument: Destination
  readonly card: CardSeen
  readonly verified: boolean
}

type Save = Pick<Deps, 'db' | 'clock' | 'newId' | 'cipher' | 'checkDestination'>

/** Saves an instrument of a player; the same one again is the one that is there. Throws `destination_invalid` for one that can't be used. */
export async function saveInstrument(
  deps: Save,
  order: InstrumentOrder,
): Promise<{ row: InstrumentRow; created: boolean }> {
  const { operatorId, playerId, by, verified } = order
  const verdict = deps.checkDestination(order.instrument)
  if (verdict.kind === 'invalid') {
    throw new Fault('destination_invalid', verdict.detail, {
      errors: [{ pointer: '', code: verdict.code, detail: verdict.detail }],
    })
  }
  const destination = verdict.normalized
  const id = deps.newId('instrument')
  const sealed = await sealInstrument(deps.cipher, operatorId, id, destination)
  const fingerprint = await fingerprintOf(deps.cipher, operatorId, accountOf(destination))
  const masked = maskedOf(destination, verdict.masked, order.card)
  return deps.db.tx(operatorId, async (tx) => {
    const player = await lockPlayer(tx, operatorId, playerId)
    if (player === undefined) throw new Fault('not_found', 'There is no such resource.')
    const activeAt = new Date(deps.clock.nowMs())
    const known = await findByFingerprint(tx, operatorId, playerId, fingerprint)
    if (known?.activeAt) {
      const row = verified && !known.verified ? await updateInstrument(tx, operatorId, known.id, { verified }) : known
      if (row !== known) await noteVerified(known, row)
      return { row, created: false }
    }
    if ((await listInstruments(tx, operatorId, playerId)).length >= MAX_INSTRUMENTS) {
      throw new Fault('conflict', `A player has at most ${MAX_INSTRUMENTS} instruments.`)
    }
    const ownerMatch = ownerMatchOf(player, destination)
    const row =
      known === undefined
        ? await insertInstrument(tx, operatorId, {
            id,
            playerId,
            type: destination.type,
            sealed,
            masked,
            fingerprint,
            verified,
            ownerMatch,
            activeAt,
          })
        : await updateInstrument(tx, operatorId, known.id, { masked, verified, ownerMatch, activeAt })
    if (verified) await noteVerified(undefined, row)
    return { row, created: true }

    /** Whoever says that an account is the player's own opens it to payouts. */
    function noteVerified(before: InstrumentRow | undefined, after: InstrumentRow): Promise<void> {
      return audit(tx, operatorId, {
        actor: by,
        action: 'instrument.verified',
        subject: after.id,
        before: before === undefined ? null : { verified: before.verified },
        after: { verified: after.verified, player_id: playerId, type: after.type },
        at: activeAt,
      })
    }
  })
}

/** Takes an instrument away from its player. Payments that were made with it keep what they need. */
export async function removeInstrument(
  deps: Pick<Deps, 'db' | 'clock'>,
  { operatorId, playerId, id }: { operatorId: string; playerId: string; id: string },
): Promise<void> {
  await deps.db.tx(operatorId, async (tx) => {
    const row = await findInstrument(tx, operatorId, playerId, id)
    if (row === undefined) throw new Fault('not_found', 'There is no such resource.')
    await updateInstrument(tx, operatorId, id, { deletedAt: new Date(deps.clock.nowMs()) })
  })
}

/** Whether its holder can be the player; only a bank account names one. */
function ownerMatchOf({ name }: PlayerRow, destination: Destination): InstrumentRow['ownerMatch'] {
  if (name === null || destination.type !== 'bank') return 'unknown'
  return sameName(name, destination.name) ? 'match' : 'mismatch'
}
