import type { Tx } from './client.ts'
import type { walletTransaction } from './schema/games.ts'

/** A transaction of the game side as stored. */
export type TransactionRow = Omit<typeof walletTransaction.$inferSelect, 'type'> & {
  type: 'bet' | 'win' | 'rollback' | 'bonus_grant' | 'bonus_convert' | 'bonus_forfeit'
}

/** The transaction, or undefined. */
export async function findTransaction(
  tx: Tx,
  operatorId: string,
  reference: string,
): Promise<TransactionRow | undefined> {
  const [row] = await tx<TransactionRow[]>`
    select * from wallet_transaction where operator_id = ${operatorId} and reference = ${reference}`
  return row
}

/** Stores a transaction. Call with the player locked, after looking for its reference. */
export async function insertTransaction(
  tx: Tx,
  operatorId: string,
  row: Pick<
    TransactionRow,
    'reference' | 'playerId' | 'type' | 'asset' | 'amount' | 'relatedReference' | 'status' | 'parts' | 'createdAt'
  >,
): Promise<TransactionRow> {
  const [stored] = await tx<TransactionRow[]>`
    insert into wallet_transaction (operator_id, reference, player_id, type, asset, amount, related_reference, status,
      parts, created_at)
    values (${operatorId}, ${row.reference}, ${row.playerId}, ${row.type}, ${row.asset}, ${row.amount},
      ${row.relatedReference}, ${row.status}, ${JSON.stringify(row.parts)}::text::jsonb, ${row.createdAt})
    returning *`
  if (stored === undefined) throw new Error('a wallet transaction was not stored')
  return stored
}

/** Marks a transaction as rolled back. */
export async function markRolledBack(tx: Tx, operatorId: string, reference: string): Promise<void> {
  await tx`
    update wallet_transaction set status = 'rolled_back'
    where operator_id = ${operatorId} and reference = ${reference} and status = 'posted'`
}
