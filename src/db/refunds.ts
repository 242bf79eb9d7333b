import type { Tx } from './client.ts'
import type { refund } from './schema/payments.ts'

/** A refund as stored. */
export type RefundRow = typeof refund.$inferSelect

/** Stores a refund as `processing`, or says which one has its reference already. */
export async function insertRefund(
  tx: Tx,
  operatorId: string,
  row: Pick<
    RefundRow,
    'id' | 'depositId' | 'playerId' | 'asset' | 'amount' | 'reason' | 'reference' | 'runId' | 'requestedBy'
  > & { readonly duplicateOf?: string },
): Promise<{ kind: 'stored'; row: RefundRow } | { kind: 'reference_taken'; id: string }> {
  const [stored] = await tx<RefundRow[]>`
    insert into refund (operator_id, id, deposit_id, player_id, asset, amount, status, reason, reference,
      duplicate_of, run_id, requested_by)
    values (${operatorId}, ${row.id}, ${row.depositId}, ${row.playerId}, ${row.asset}, ${row.amount}, 'processing',
      ${row.reason}, ${row.reference}, ${row.duplicateOf ?? null}, ${row.runId}, ${row.requestedBy})
    on conflict (operator_id, reference) do nothing
    returning *`
  if (stored !== undefined) return { kind: 'stored', row: stored }
  const [taken] = await tx<{ id: string }[]>`
    select id from refund where operator_id = ${operatorId} and reference = ${row.reference}`
  return { kind: 'reference_taken', id: taken?.id ?? '' }
}

/** The refund, or undefined. */
export async function findRefund(tx: Tx, operatorId: string, id: string): Promise<RefundRow | undefined> {
  const [row] = await tx<RefundRow[]>`select * from refund where operator_id = ${operatorId} and id = ${id}`
  return row
}

/** The refund with its row locked until the transaction ends. */
export async function lockRefund(tx: Tx, operatorId: string, id: string): Promise<RefundRow | undefined> {
  const [row] = await tx<
    RefundRow[]
  >`select * from refund where operator_id = ${operatorId} and id = ${id} for no key update`
  return row
}

/** The refund that a run of an idempotency key made, or undefined. */
export async function findRefundByRun(tx: Tx, operatorId: string, key: string): Promise<RefundRow | undefined> {
  const [row] = await tx<RefundRow[]>`
    select * from refund where operator_id = ${operatorId} and run_id = ${key}`
  return row
}

/** The refunds of a deposit, oldest first. */
export async function refundsOf(tx: Tx, operatorId: string, depositId: string): Promise<RefundRow[]> {
  return tx<RefundRow[]>`
    select * from refund where operator_id = ${operatorId} and deposit_id = ${depositId} order by id`
}

/** Changes a refund's status and decline, and gives the row as it is then. */
export async function updateRefund(
  tx: Tx,
  operatorId: string,
  id: string,
  change: { status?: string; decline?: unknown },
): Promise<RefundRow> {
  const [row] = await tx<RefundRow[]>`
    update refund set updated_at = now(), status = coalesce(${change.status ?? null}, status),
      decline = coalesce(${change.decline === undefined ? null : JSON.stringify(change.decline)}::text::jsonb, decline)
    where operator_id = ${operatorId} and id = ${id} returning *`
  if (row === undefined) throw new Error('a refund vanished while it was changed')
  return row
}
