import { randomBytes } from 'node:crypto'
import type postgres from 'postgres'
import { type NewUuid, typeId, uuidText, uuidV7 } from '../../src/core/ids.ts'

/** A new UUIDv7 of now. */
export const newUuid: NewUuid = () => uuidText(uuidV7(Date.now(), randomBytes(10)))

/** A new operator's id, with its row in the database. */
export async function anOperator(admin: postgres.Sql): Promise<string> {
  const id = typeId('operator', uuidV7(Date.now(), randomBytes(10)))
  await admin`insert into operator (id, name) values (${id}, 'An operator')`
  return id
}
