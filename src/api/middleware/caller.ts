import type { Caller, Scope } from '../../auth/scopes.ts'
import { Fault } from '../../core/errors.ts'
import type { EdgeContext, EdgeMiddleware } from '../edge.ts'

/** Finds out who calls. Throws `Fault('unauthenticated')` for anybody whom it doesn't know. */
export type Authenticate = (request: {
  readonly header: (name: string) => string | undefined
  readonly method: string
}) => Promise<Caller>

/** Lets through whoever proves to be a caller with the scope. A player's session passes only where the endpoint is open to it. `strangers` counts whoever was refused, and may refuse earlier. */
export const callerWith =
  (
    authenticate: Authenticate,
    scope: Scope,
    { cashier, strangers }: { readonly cashier: boolean; readonly strangers: (c: EdgeContext) => Promise<void> },
  ): EdgeMiddleware =>
  async (c, next) => {
    const caller = await authenticate({ header: (name) => c.req.header(name), method: c.req.method }).then(
      (known) => known,
      // Whoever isn't known has no client to be counted by, and checking a false signature is work all the same.
      async (refusal: unknown) => {
        await strangers(c)
        throw refusal
      },
    )
    c.set('caller', caller)
    const allowed = caller.playerId === undefined ? caller.scopes.has(scope) : cashier && caller.scopes.has('cashier')
    if (!allowed) throw new Fault('insufficient_scope', `This call needs the scope ${scope}.`, { members: { scope } })
    await next()
  }
