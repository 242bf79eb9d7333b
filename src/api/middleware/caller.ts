import type { Caller, Scope } from '../../auth/scopes.ts'
import { Fault } from '../../core/errors.ts'
import type { EdgeMiddleware } from '../edge.ts'

/** Finds out who calls. Throws `Fault('unauthenticated')` for anybody whom it doesn't know. */
export type Authenticate = (request: {
  readonly header: (name: string) => string | undefined
  readonly method: string
}) => Promise<Caller>

/** Lets through whoever proves to be a caller with the scope. A player's session passes only where the endpoint is open to it. */
export const callerWith =
  (authenticate: Authenticate, scope: Scope, cashier: boolean): EdgeMiddleware =>
  async (c, next) => {
    const caller = await authenticate({ header: (name) => c.req.header(name), method: c.req.method })
    c.set('caller', caller)
    const allowed = caller.playerId === undefined ? caller.scopes.has(scope) : cashier && caller.scopes.has('cashier')
    if (!allowed) throw new Fault('insufficient_scope', `This call needs the scope ${scope}.`, { members: { scope } })
    await next()
  }
