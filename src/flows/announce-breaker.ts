import { announce } from '../db/events.ts'
import type { BreakerChange } from '../router/breaker.ts'
import type { Deps } from './deps.ts'

/** Tells the operator that a breaker opened or closed: a notice in the outbox. */
export async function announceBreaker(
  { db, newId }: Pick<Deps, 'db' | 'newId'>,
  { operatorId, connectionId, operation, method, to, atMs }: BreakerChange,
): Promise<void> {
  await db.tx(operatorId, (tx) =>
    announce(tx, operatorId, {
      type: to === 'open' ? 'breaker.opened' : 'breaker.closed',
      resourceId: connectionId,
      data: { connection_id: connectionId, operation, method },
      at: new Date(atMs),
      newId,
    }),
  )
}
