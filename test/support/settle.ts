import { findAttempt } from '../../src/db/attempts.ts'
import { type Settled, settle, type Told } from '../../src/flows/settle.ts'

/** `settle` for a test that knows an attempt by its id only. */
export async function settleById(
  deps: Parameters<typeof settle>[0],
  { attemptId, ...told }: Omit<Told, 'attempt'> & { attemptId: string },
): Promise<Settled> {
  const attempt = await deps.db.tx(told.operatorId, (tx) => findAttempt(tx, told.operatorId, attemptId))
  if (attempt === undefined) throw new Error(`there is no attempt ${attemptId}`)
  return settle(deps, { ...told, attempt })
}
