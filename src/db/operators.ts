import { DEFAULT_SETTINGS, type Settings } from '../core/settings.ts'
import type { Tx } from './client.ts'
import type { operator } from './schema/operators.ts'

/** An operator as stored. */
export type OperatorRow = typeof operator.$inferSelect

/** The operator's policies with the defaults for what it hasn't set. */
export async function operatorSettings(tx: Tx, operatorId: string): Promise<Settings> {
  const [row] = await tx<{ settings: Partial<Settings> }[]>`select settings from operator where id = ${operatorId}`
  const { withdrawal, ...rest } = row?.settings ?? {}
  return { ...DEFAULT_SETTINGS, ...rest, withdrawal: { ...DEFAULT_SETTINGS.withdrawal, ...withdrawal } }
}

/** All operators' ids, for work that goes round. */
export async function operatorIds(tx: Tx): Promise<string[]> {
  const rows = await tx<{ id: string }[]>`select id from operator order by id`
  return rows.map(({ id }) => id)
}

/** Stores an operator; one that is there already stays as it is. */
export async function insertOperator(
  tx: Tx,
  { id, name, settings = {} }: Pick<OperatorRow, 'id' | 'name'> & { settings?: OperatorRow['settings'] },
): Promise<void> {
  await tx`
    insert into operator (id, name, settings) values (${id}, ${name}, ${JSON.stringify(settings)}::text::jsonb)
    on conflict (id) do nothing`
}
