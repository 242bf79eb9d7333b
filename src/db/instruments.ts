import type { Tx } from './client.ts'
import type { instrument } from './schema/players.ts'

/** A saved instrument as stored. */
export type InstrumentRow = typeof instrument.$inferSelect

/** More than a player needs; many instruments on one player are a sign of fraud. */
export const MAX_INSTRUMENTS = 20

/** The instruments that a player may use, newest first. */
export async function listInstruments(tx: Tx, operatorId: string, playerId: string): Promise<InstrumentRow[]> {
  return tx<InstrumentRow[]>`
    select * from instrument
    where operator_id = ${operatorId} and player_id = ${playerId} and deleted_at is null and active_at is not null
    order by id desc limit ${MAX_INSTRUMENTS}`
}

/** The instrument, when it is this player's and may be used. */
export async function findInstrument(
  tx: Tx,
  operatorId: string,
  playerId: string,
  id: string,
): Promise<InstrumentRow | undefined> {
  const [row] = await tx<InstrumentRow[]>`
    select * from instrument
    where operator_id = ${operatorId} and player_id = ${playerId} and id = ${id} and deleted_at is null
      and active_at is not null`
  return row
}

/** The player's instrument of this account, one that waits for its first success too. Call with the player locked. */
export async function findByFingerprint(
  tx: Tx,
  operatorId: string,
  playerId: string,
  fingerprint: string,
): Promise<InstrumentRow | undefined> {
  const [row] = await tx<InstrumentRow[]>`
    select * from instrument
    where operator_id = ${operatorId} and player_id = ${playerId} and fingerprint = ${fingerprint} and deleted_at is null
    order by active_at nulls last, id limit 1`
  return row
}

/** Stores an instrument; without `activeAt` it waits for the deposit that saves it. */
export async function insertInstrument(
  tx: Tx,
  operatorId: string,
  row: Pick<
    InstrumentRow,
    'id' | 'playerId' | 'type' | 'sealed' | 'masked' | 'fingerprint' | 'verified' | 'ownerMatch' | 'activeAt'
  >,
): Promise<InstrumentRow> {
  const [stored] = await tx<InstrumentRow[]>`
    insert into instrument (operator_id, id, player_id, type, sealed, masked, fingerprint, verified, owner_match, active_at)
    values (${operatorId}, ${row.id}, ${row.playerId}, ${row.type}, ${row.sealed},
      ${JSON.stringify(row.masked)}::text::jsonb, ${row.fingerprint}, ${row.verified}, ${row.ownerMatch}, ${row.activeAt})
    returning *`
  if (stored === undefined) throw new Error('an instrument was not stored')
  return stored
}

/** What may change of an instrument; an absent member stays. */
export type InstrumentChange = {
  readonly sealed?: string
  readonly masked?: Readonly<Record<string, unknown>>
  readonly fingerprint?: string
  readonly verified?: boolean
  readonly ownerMatch?: InstrumentRow['ownerMatch']
  readonly usedForDeposit?: boolean
  readonly activeAt?: Date
  readonly deletedAt?: Date
}

/** Changes an instrument and gives the row as it is then. */
export async function updateInstrument(
  tx: Tx,
  operatorId: string,
  id: string,
  { masked, ...change }: InstrumentChange,
): Promise<InstrumentRow> {
  const [row] = await tx<InstrumentRow[]>`
    update instrument set ${tx({ id, ...change })}
      ${masked === undefined ? tx`` : tx`, masked = ${JSON.stringify(masked)}::text::jsonb`}
    where operator_id = ${operatorId} and id = ${id} returning *`
  if (row === undefined) throw new Error('an instrument vanished while it was changed')
  return row
}

/** The instrument with its row locked, in whatever state it is; for the deposit that names it. */
export async function lockInstrument(tx: Tx, operatorId: string, id: string): Promise<InstrumentRow | undefined> {
  const [row] = await tx<InstrumentRow[]>`
    select * from instrument where operator_id = ${operatorId} and id = ${id} for no key update`
  return row
}
