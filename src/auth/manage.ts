import { Fault } from '../core/errors.ts'
import { type ApiClient, findClient, listClients, setClientDisabled } from '../db/access.ts'
import { audit } from '../db/audit.ts'
import type { Tx } from '../db/client.ts'
import { addClient, addSecret, type ClientDeps } from './clients.ts'
import { type Caller, isScope, parseScopes, type Scope } from './scopes.ts'

/** Looking after an operator's clients by one of them. Nobody hands out, or takes over, more than they may do themselves. */
type Who = Pick<Caller, 'operatorId' | 'clientId' | 'scopes'>

/** A client with the secret that was made for it, which is in this answer and nowhere else. */
export type ClientWithSecret = { readonly client: ApiClient; readonly secret: string }

/** Enough for every system and person of an operator. */
const MAX_CLIENTS = 200

/** Makes a client with some of the caller's scopes. Throws `forbidden` for a scope that the caller hasn't got. */
export async function makeKey(
  deps: ClientDeps,
  caller: Who,
  wanted: { readonly name: string; readonly scopes: readonly Scope[] },
): Promise<ClientWithSecret> {
  const { operatorId } = caller
  refuseMoreThanOwn(caller, wanted.scopes)
  return deps.db.tx(operatorId, async (tx) => {
    const live = (await listClients(tx, operatorId)).filter(({ disabledAt }) => disabledAt === null)
    if (live.length >= MAX_CLIENTS) throw new Fault('conflict', `An operator has at most ${MAX_CLIENTS} live keys.`)
    const { clientId, clientSecret } = await addClient(tx, deps, { ...wanted, operatorId })
    const client = await owned(tx, operatorId, clientId)
    await note(tx, deps, caller, 'key.created', clientId, { scopes: client.scopes, name: client.name })
    return { client, secret: clientSecret }
  })
}

/** The clients of the caller's operator. */
export const listKeys = ({ db }: Pick<ClientDeps, 'db'>, operatorId: string): Promise<ApiClient[]> =>
  db.tx(operatorId, (tx) => listClients(tx, operatorId))

/** Makes a new secret; the newest one before goes on for the change-over. Whoever gets the secret can do what the client can, so it takes all its scopes. */
export async function rotateKey(deps: ClientDeps, caller: Who, id: string): Promise<ClientWithSecret> {
  const { operatorId } = caller
  return deps.db.tx(operatorId, async (tx) => {
    const client = await owned(tx, operatorId, id)
    if (client.disabledAt !== null) throw new Fault('illegal_state', 'This key is closed.')
    refuseMoreThanOwn(caller, parseScopes(client.scopes) ?? client.scopes.split(' ').filter(isScope))
    const { clientSecret } = await addSecret(tx, deps, client.id)
    await note(tx, deps, caller, 'key.secret_rotated', id, null)
    return { client, secret: clientSecret }
  })
}

/** Closes a client at once, its tokens included. Nobody closes the key that they use: that would lock the last one out. */
export async function closeKey(deps: ClientDeps, caller: Who, id: string): Promise<void> {
  const { operatorId } = caller
  await deps.db.tx(operatorId, async (tx) => {
    const client = await owned(tx, operatorId, id)
    if (client.id === caller.clientId) throw new Fault('illegal_state', 'Close a key with another one.')
    if (client.disabledAt !== null) return
    await setClientDisabled(tx, operatorId, id, true)
    await note(tx, deps, caller, 'key.closed', id, null)
  })
}

function refuseMoreThanOwn(caller: Who, scopes: Iterable<Scope>): void {
  const beyond = [...scopes].filter((scope) => !caller.scopes.has(scope))
  if (beyond.length === 0) return
  throw new Fault('forbidden', 'A key gives no scope that it does not have itself.', { members: { scopes: beyond } })
}

async function owned(tx: Tx, operatorId: string, id: string): Promise<ApiClient> {
  const client = await findClient(tx, id)
  if (client?.ownerId !== operatorId) throw new Fault('not_found', 'There is no such resource.')
  return client
}

const note = (
  tx: Tx,
  { clock }: Pick<ClientDeps, 'clock'>,
  { operatorId, clientId }: Who,
  action: string,
  subject: string,
  after: Record<string, unknown> | null,
): Promise<void> => audit(tx, operatorId, { actor: clientId, action, subject, after, at: new Date(clock.nowMs()) })
