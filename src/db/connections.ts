import {
  type Connection,
  type ConnectionLimits,
  readLimits,
  type StoredLimits,
  storeLimits,
} from '../core/connection.ts'
import { Fault } from '../core/errors.ts'
import type { Tx } from './client.ts'

type Row = Omit<Connection, 'limits'> & { limits: StoredLimits }

const toConnection = ({ limits, ...row }: Row): Connection => ({ ...row, limits: readLimits(limits) })

/** All accounts of an operator, the first made first: the order of the default route. */
export async function listConnections(tx: Tx, operatorId: string): Promise<Connection[]> {
  const rows = await tx<Row[]>`
    select operator_id, id, processor, label, enabled, config, secret_ref, limits, created_at
    from connection where operator_id = ${operatorId} order by created_at, id`
  return rows.map(toConnection)
}

/** One account, or undefined when the operator has none of that id. */
export async function getConnection(tx: Tx, operatorId: string, id: string): Promise<Connection | undefined> {
  const [row] = await tx<Row[]>`
    select operator_id, id, processor, label, enabled, config, secret_ref, limits, created_at
    from connection where operator_id = ${operatorId} and id = ${id}`
  return row && toConnection(row)
}

/** What a new account is made of. */
export type NewConnection = {
  readonly id: string
  readonly processor: string
  readonly label: string
  readonly enabled?: boolean
  readonly config?: Readonly<Record<string, unknown>>
  readonly secretRef?: string | null
  readonly limits?: ConnectionLimits
}

/** Adds an account. Throws `conflict` when the operator has one of that label. */
export async function insertConnection(tx: Tx, operatorId: string, made: NewConnection): Promise<Connection> {
  const [row] = await tx<Row[]>`
    insert into connection (operator_id, id, processor, label, enabled, config, secret_ref, limits)
    values (${operatorId}, ${made.id}, ${made.processor}, ${made.label}, ${made.enabled ?? true},
      ${JSON.stringify(made.config ?? {})}::text::jsonb, ${made.secretRef ?? null},
      ${JSON.stringify(storeLimits(made.limits ?? {}))}::text::jsonb)
    on conflict (operator_id, label) do nothing
    returning operator_id, id, processor, label, enabled, config, secret_ref, limits, created_at`
  if (!row) throw new Fault('conflict', 'another connection of yours has this label')
  await tx`insert into connection_directory (connection_id, operator) values (${made.id}, ${operatorId})`
  return toConnection(row)
}

/** The operator of an account, for a webhook's URL: the one question that is asked across operators. */
export async function operatorOfConnection(tx: Tx, id: string): Promise<string | undefined> {
  const [row] = await tx<{ operator: string }[]>`select operator from connection_directory where connection_id = ${id}`
  return row?.operator
}

/** What may change of an account: never its processor, since payments were made there. */
export type ConnectionChange = {
  readonly label?: string
  readonly enabled?: boolean
  readonly config?: Readonly<Record<string, unknown>>
  readonly secretRef?: string | null
  readonly limits?: ConnectionLimits
}

/** Changes what is given and leaves the rest. Throws `not_found`, and `conflict` when the label is taken. */
export async function updateConnection(
  tx: Tx,
  operatorId: string,
  id: string,
  change: ConnectionChange,
): Promise<Connection> {
  if (change.label !== undefined) await refuseTakenLabel(tx, operatorId, id, change.label)
  const config = change.config === undefined ? null : JSON.stringify(change.config)
  const limits = change.limits === undefined ? null : JSON.stringify(storeLimits(change.limits))
  const [row] = await tx<Row[]>`
    update connection set
      label = coalesce(${change.label ?? null}, label),
      enabled = coalesce(${change.enabled ?? null}::boolean, enabled),
      config = coalesce(${config}::text::jsonb, config),
      secret_ref = case when ${change.secretRef !== undefined}::boolean then ${change.secretRef ?? null} else secret_ref end,
      limits = coalesce(${limits}::text::jsonb, limits),
      updated_at = now()
    where operator_id = ${operatorId} and id = ${id}
    returning operator_id, id, processor, label, enabled, config, secret_ref, limits, created_at`
  if (!row) throw new Fault('not_found', 'there is no connection of this id')
  return toConnection(row)
}

async function refuseTakenLabel(tx: Tx, operatorId: string, id: string, label: string): Promise<void> {
  const [other] = await tx`
    select id from connection where operator_id = ${operatorId} and label = ${label} and id <> ${id}`
  if (other) throw new Fault('conflict', 'another connection of yours has this label')
}

/** A prefunded balance at an account. */
export type FloatRow = { readonly connectionId: string; readonly asset: string; readonly minor: bigint }

/** The prefunded balances of an operator's accounts. */
export async function listFloats(tx: Tx, operatorId: string): Promise<FloatRow[]> {
  return await tx<FloatRow[]>`
    select connection_id, asset, minor from connection_float where operator_id = ${operatorId}`
}

/** Sets what an account's prefunded balance is now. */
export async function setFloat(tx: Tx, operatorId: string, float: FloatRow): Promise<void> {
  await tx`
    insert into connection_float (operator_id, connection_id, asset, minor)
    values (${operatorId}, ${float.connectionId}, ${float.asset}, ${float.minor.toString()}::numeric)
    on conflict (operator_id, connection_id, asset) do update set minor = excluded.minor, updated_at = now()`
}

/** An announced window in which an account is left out. */
export type MaintenanceRow = {
  readonly connectionId: string
  readonly startsAt: Date
  readonly endsAt: Date
  readonly reason: string
  readonly createdBy: string
}

/** The windows that haven't ended. */
export async function listMaintenance(tx: Tx, operatorId: string, nowMs: number): Promise<MaintenanceRow[]> {
  return await tx<MaintenanceRow[]>`
    select connection_id, starts_at, ends_at, reason, created_by from maintenance_window
    where operator_id = ${operatorId} and ends_at > ${new Date(nowMs)} order by starts_at`
}

/** Announces a window; the same start again replaces it. */
export async function announceMaintenance(tx: Tx, operatorId: string, row: MaintenanceRow): Promise<void> {
  await tx`
    insert into maintenance_window (operator_id, connection_id, starts_at, ends_at, reason, created_by)
    values (${operatorId}, ${row.connectionId}, ${row.startsAt}, ${row.endsAt}, ${row.reason}, ${row.createdBy})
    on conflict (operator_id, connection_id, starts_at)
    do update set ends_at = excluded.ends_at, reason = excluded.reason, created_by = excluded.created_by`
}
