import type { DisputeWord } from '../core/dispute.ts'
import type { Tx } from './client.ts'
import type { dispute, disputeNews } from './schema/disputes.ts'

/** A dispute as stored. */
export type DisputeRow = typeof dispute.$inferSelect

/** One word of a dispute as stored. */
export type DisputeNewsRow = Omit<typeof disputeNews.$inferSelect, keyof DisputeWord> & DisputeWord

/** The dispute of a connection by the processor's name for it, made if it is new, and locked. Call with its deposit locked. */
export async function openDispute(
  tx: Tx,
  operatorId: string,
  row: Pick<
    DisputeRow,
    | 'id'
    | 'depositId'
    | 'attemptId'
    | 'connectionId'
    | 'playerId'
    | 'reference'
    | 'asset'
    | 'amount'
    | 'stage'
    | 'status'
  >,
): Promise<DisputeRow> {
  await tx`
    insert into dispute (operator_id, id, deposit_id, attempt_id, connection_id, player_id, reference, asset, amount,
      stage, status)
    values (${operatorId}, ${row.id}, ${row.depositId}, ${row.attemptId}, ${row.connectionId}, ${row.playerId},
      ${row.reference}, ${row.asset}, ${row.amount}, ${row.stage}, ${row.status})
    on conflict (operator_id, connection_id, reference) do nothing`
  const [found] = await tx<DisputeRow[]>`
    select * from dispute
    where operator_id = ${operatorId} and connection_id = ${row.connectionId} and reference = ${row.reference}
    for update`
  if (found === undefined) throw new Error('a dispute was not stored')
  return found
}

/** Keeps one word of a dispute; false when it was told before. */
export async function addNews(
  tx: Tx,
  operatorId: string,
  { disputeId, stage, status, asset, amount, at }: Omit<DisputeNewsRow, 'operatorId'>,
): Promise<boolean> {
  const rows = await tx`
    insert into dispute_news (operator_id, dispute_id, stage, status, asset, amount, at)
    values (${operatorId}, ${disputeId}, ${stage}, ${status}, ${asset}, ${amount}, ${at})
    on conflict do nothing returning 1`
  return rows.length === 1
}

/** Every word of a dispute, in the order in which they came. */
export async function newsOf(tx: Tx, operatorId: string, disputeId: string): Promise<DisputeNewsRow[]> {
  return tx<DisputeNewsRow[]>`
    select * from dispute_news where operator_id = ${operatorId} and dispute_id = ${disputeId} order by at`
}

/** The dispute, or undefined. */
export async function findDispute(tx: Tx, operatorId: string, id: string): Promise<DisputeRow | undefined> {
  const [row] = await tx<DisputeRow[]>`select * from dispute where operator_id = ${operatorId} and id = ${id}`
  return row
}

/** Changes a dispute; an absent member stays. Call with it locked. */
export async function updateDispute(
  tx: Tx,
  operatorId: string,
  id: string,
  change: Partial<Pick<DisputeRow, 'stage' | 'status' | 'amount' | 'taken' | 'owed' | 'borne' | 'counted' | 'rounds'>>,
): Promise<DisputeRow> {
  const [row] = await tx<DisputeRow[]>`
    update dispute set updated_at = now(),
      stage = coalesce(${change.stage ?? null}, stage),
      status = coalesce(${change.status ?? null}, status),
      amount = coalesce(${change.amount ?? null}::numeric, amount),
      taken = coalesce(${change.taken ?? null}::numeric, taken),
      owed = coalesce(${change.owed ?? null}::numeric, owed),
      borne = coalesce(${change.borne ?? null}::numeric, borne),
      counted = coalesce(${change.counted ?? null}::numeric, counted),
      rounds = coalesce(${change.rounds ?? null}::int, rounds)
    where operator_id = ${operatorId} and id = ${id} returning *`
  if (row === undefined) throw new Error('a dispute vanished while it was changed')
  return row
}

/** A page of disputes, newest first. */
export async function listDisputes(
  tx: Tx,
  operatorId: string,
  filter: {
    status?: string | undefined
    stage?: string | undefined
    depositId?: string | undefined
    playerId?: string | undefined
    before?: string | undefined
    limit: number
  },
): Promise<DisputeRow[]> {
  return tx<DisputeRow[]>`
    select * from dispute
    where operator_id = ${operatorId}
      ${filter.status === undefined ? tx`` : tx`and status = ${filter.status}`}
      ${filter.stage === undefined ? tx`` : tx`and stage = ${filter.stage}`}
      ${filter.depositId === undefined ? tx`` : tx`and deposit_id = ${filter.depositId}`}
      ${filter.playerId === undefined ? tx`` : tx`and player_id = ${filter.playerId}`}
      ${filter.before === undefined ? tx`` : tx`and id < ${filter.before}`}
    order by id desc limit ${filter.limit}`
}
