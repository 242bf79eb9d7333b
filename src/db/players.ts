import type { Tx } from './client.ts'
import type { exclusion, player } from './schema/players.ts'

/** A player as stored. */
export type PlayerRow = typeof player.$inferSelect

/** A self-exclusion or time-out as stored. */
export type ExclusionRow = typeof exclusion.$inferSelect

/** What an upsert sets; an absent member keeps what is stored. */
export type PlayerChange = Partial<
  Pick<
    PlayerRow,
    | 'country'
    | 'currency'
    | 'name'
    | 'dateOfBirth'
    | 'kycStatus'
    | 'kycLevel'
    | 'amlStatus'
    | 'pep'
    | 'sanctionsCheckedAt'
    | 'segment'
    | 'licence'
  >
>

/** The player, or undefined. */
export async function findPlayer(tx: Tx, operatorId: string, id: string): Promise<PlayerRow | undefined> {
  const [row] = await tx<PlayerRow[]>`select * from player where operator_id = ${operatorId} and id = ${id}`
  return row
}

/** The player with the row locked until the transaction ends: deposits and withdrawals of one player wait for each other here. */
export async function lockPlayer(tx: Tx, operatorId: string, id: string): Promise<PlayerRow | undefined> {
  const [row] = await tx<PlayerRow[]>`
    select * from player where operator_id = ${operatorId} and id = ${id} for no key update`
  return row
}

/** Inserts or changes a player; the version rises. Call with the row locked (or absent). */
export async function savePlayer(
  tx: Tx,
  operatorId: string,
  id: string,
  change: PlayerChange,
  editedBy: string,
): Promise<{ row: PlayerRow; created: boolean }> {
  const [made] = await tx<PlayerRow[]>`
    insert into player (operator_id, id, edited_by) values (${operatorId}, ${id}, ${editedBy})
    on conflict do nothing returning *`
  // A new row is already version 1: setting its first members is part of making it.
  const [row] = await tx<PlayerRow[]>`
    update player set ${tx({ ...change, editedBy })},
      version = version + ${made === undefined ? 1 : 0}, updated_at = now()
    where operator_id = ${operatorId} and id = ${id} returning *`
  if (row === undefined) throw new Error('a player vanished while it was saved')
  return { row, created: made !== undefined }
}

/** The exclusion in force at a time, the longest first, or undefined. */
export async function activeExclusion(
  tx: Tx,
  operatorId: string,
  playerId: string,
  at: Date,
): Promise<ExclusionRow | undefined> {
  const [row] = await tx<ExclusionRow[]>`
    select * from exclusion
    where operator_id = ${operatorId} and player_id = ${playerId} and lifted_at is null and (until is null or until > ${at})
    order by until desc nulls first limit 1`
  return row
}

/** Records an exclusion. */
export async function insertExclusion(
  tx: Tx,
  operatorId: string,
  exclusion: { playerId: string; type: string; until: Date | null; source: string },
): Promise<ExclusionRow> {
  const [row] = await tx<ExclusionRow[]>`
    insert into exclusion (operator_id, player_id, type, until, source)
    values (${operatorId}, ${exclusion.playerId}, ${exclusion.type}, ${exclusion.until}, ${exclusion.source})
    returning *`
  if (row === undefined) throw new Error('an exclusion was not stored')
  return row
}

/** Ends every exclusion in force; says how many there were. */
export async function liftExclusions(tx: Tx, operatorId: string, playerId: string, at: Date): Promise<number> {
  const rows = await tx`
    update exclusion set lifted_at = ${at}
    where operator_id = ${operatorId} and player_id = ${playerId} and lifted_at is null and (until is null or until > ${at})
    returning 1`
  return rows.length
}
