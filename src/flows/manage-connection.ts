import { type Connection, type ConnectionLimits, storeLimits } from '../core/connection.ts'
import { Fault } from '../core/errors.ts'
import type { Money } from '../core/money.ts'
import { audit } from '../db/audit.ts'
import { forceBreaker } from '../db/breakers.ts'
import type { Tx } from '../db/client.ts'
import {
  announceMaintenance,
  getConnection,
  insertConnection,
  type MaintenanceRow,
  setFloat,
  updateConnection,
} from '../db/connections.ts'
import { type FeeRow, replaceFees } from '../db/rates.ts'
import type { Deps } from './deps.ts'
import type { Actor } from './edit-rules.ts'

/** What may be said of a connection. Members that are absent stay as they are. */
export type ConnectionWish = {
  readonly label?: string
  readonly enabled?: boolean
  readonly config?: Readonly<Record<string, unknown>>
  readonly secretRef?: string | null
  readonly limits?: ConnectionLimits
  readonly fees?: readonly Omit<FeeRow, 'connectionId'>[]
  readonly floats?: readonly Money[]
}

type ManageDeps = Pick<Deps, 'db' | 'clock' | 'newId' | 'routing' | 'processors' | 'mayUseSecret'>

/** Settings are shown and logged: what looks like a secret in them is refused, not stored. */
const SECRET_NAME = /secret|password|passwd|token|api_?key|private_?key|credential/i

/** Adds an account at a processor. Throws `validation_failed` for a processor that isn't in the house. */
export async function addConnection(
  deps: ManageDeps,
  { operatorId, by }: Actor,
  made: ConnectionWish & { readonly processor: string; readonly label: string },
): Promise<Connection> {
  if (!deps.processors.facts(made.processor)) {
    throw new Fault('validation_failed', 'There is no such processor.', {
      errors: [{ pointer: '/processor', code: 'unknown', detail: 'GET /v1/processors lists them.' }],
    })
  }
  refuseSecrets(made.config)
  refuseForeignSecret(deps, operatorId, made.secretRef)
  const { fees, floats, ...row } = made
  const connection = await deps.db.tx(operatorId, async (tx) => {
    const stored = await insertConnection(tx, operatorId, { ...row, id: deps.newId('connection') })
    await saveFigures(tx, stored, made)
    await note(tx, deps, by, 'connection.created', stored, null, shown(stored))
    return stored
  })
  deps.routing.refresh(operatorId)
  return connection
}

/** Changes an account. A label that the active rules name stays: they would lose the account. */
export async function changeConnection(
  deps: ManageDeps,
  { operatorId, by }: Actor,
  id: string,
  wish: ConnectionWish,
): Promise<Connection> {
  refuseSecrets(wish.config)
  refuseForeignSecret(deps, operatorId, wish.secretRef)
  const { active } = await deps.routing.stateOf(operatorId)
  const versions = [active.version, active.candidate, active.scheduledVersion].filter((version) => version !== null)
  const rulesets = await Promise.all(versions.map((version) => deps.routing.compiled(operatorId, version)))
  const connection = await deps.db.tx(operatorId, async (tx) => {
    const before = await getConnection(tx, operatorId, id)
    if (!before) throw new Fault('not_found', 'There is no such connection.')
    const renamed = wish.label !== undefined && wish.label !== before.label
    const named = rulesets.some(({ rules, fallback }) =>
      [...rules.map(({ use }) => use), fallback].some(({ places }) => places.has(before.label)),
    )
    if (renamed && named)
      throw new Fault(
        'conflict',
        'The active rules name this connection by its label. Publish rules that name it by its id first.',
      )
    const { fees, floats, ...change } = wish
    const stored = await updateConnection(tx, operatorId, id, change)
    await saveFigures(tx, stored, wish)
    await note(tx, deps, by, 'connection.changed', stored, shown(before), shown(stored))
    return stored
  })
  deps.routing.refresh(operatorId)
  return connection
}

async function saveFigures(tx: Tx, { operatorId, id }: Connection, { fees, floats }: ConnectionWish): Promise<void> {
  if (fees) await replaceFees(tx, operatorId, id, fees)
  for (const { asset, minor } of floats ?? []) await setFloat(tx, operatorId, { connectionId: id, asset, minor })
}

function refuseSecrets(config: Readonly<Record<string, unknown>> | undefined): void {
  const name = Object.keys(config ?? {}).find((key) => SECRET_NAME.test(key))
  if (name === undefined) return
  throw new Fault('validation_failed', 'Secrets are kept in the secret store and named by secret_ref.', {
    errors: [{ pointer: '/config', code: 'secret_refused', detail: 'A member of config looks like a secret.' }],
  })
}

function refuseForeignSecret({ mayUseSecret }: ManageDeps, operatorId: string, ref: string | null | undefined): void {
  if (!ref || mayUseSecret(ref, operatorId)) return
  throw new Fault('validation_failed', 'A secret_ref names a secret of your own: your operator id is part of it.', {
    errors: [{ pointer: '/secret_ref', code: 'secret_refused', detail: 'For example file:opr_…/adyen.json.' }],
  })
}

/** A person's word on a breaker. `operation` and `method` absent: on the whole account. */
export type BreakerWish = {
  readonly to: 'open' | 'closed' | 'auto'
  readonly operation?: string
  readonly method?: string
  readonly reason: string
  readonly untilMs: number
}

/** Longer than a weekend a breaker isn't forced: switch the connection off instead. */
export const MAX_FORCED_MS = 7 * 86_400_000

/** Forces a breaker open or closed until a time, or lets it follow its calls again. Every instance has it within a second. */
export async function setBreaker(
  deps: Pick<Deps, 'db' | 'clock' | 'routing'>,
  { operatorId, by }: Actor,
  id: string,
  wish: BreakerWish,
): Promise<void> {
  const nowMs = deps.clock.nowMs()
  if (wish.to !== 'auto' && (wish.untilMs <= nowMs || wish.untilMs > nowMs + MAX_FORCED_MS)) {
    throw new Fault('validation_failed', 'A breaker is forced for seven days at most.', {
      errors: [{ pointer: '/expires_at', code: 'out_of_range', detail: 'Must be within seven days from now.' }],
    })
  }
  const key = { connectionId: id, operation: wish.operation ?? '*', method: wish.method ?? '*' }
  const force = wish.to === 'auto' ? null : { to: wish.to, reason: wish.reason, untilMs: wish.untilMs, by }
  await deps.db.tx(operatorId, async (tx) => {
    if (!(await getConnection(tx, operatorId, id))) throw new Fault('not_found', 'There is no such connection.')
    await forceBreaker(tx, operatorId, key, force, nowMs)
    const { operation, method } = key
    const until = force === null ? null : new Date(force.untilMs).toISOString()
    await note(
      tx,
      deps,
      by,
      'breaker.forced',
      { operatorId, id },
      null,
      { to: wish.to, operation, method, until },
      wish.reason,
    )
  })
  deps.routing.refresh(operatorId)
}

/** Announces maintenance of an account: it is left out of plans in the window. */
export async function planMaintenance(
  deps: Pick<Deps, 'db' | 'clock' | 'routing'>,
  { operatorId, by }: Actor,
  window: Omit<MaintenanceRow, 'createdBy'>,
): Promise<void> {
  await deps.db.tx(operatorId, async (tx) => {
    if (!(await getConnection(tx, operatorId, window.connectionId))) {
      throw new Fault('not_found', 'There is no such connection.')
    }
    await announceMaintenance(tx, operatorId, { ...window, createdBy: by })
    const planned = { starts_at: window.startsAt.toISOString(), ends_at: window.endsAt.toISOString() }
    const subject = { operatorId, id: window.connectionId }
    await note(tx, deps, by, 'connection.maintenance_announced', subject, null, planned, window.reason)
  })
  deps.routing.refresh(operatorId)
}

/** What the audit log says of an account. `secret_ref` names a place, never a secret. */
const shown = ({ processor, label, enabled, config, secretRef, limits }: Connection) => ({
  processor,
  label,
  enabled,
  config,
  secret_ref: secretRef,
  limits: storeLimits(limits),
})

const note = (
  tx: Tx,
  { clock }: Pick<Deps, 'clock'>,
  actor: string,
  action: string,
  { operatorId, id: subject }: Pick<Connection, 'operatorId' | 'id'>,
  before: Readonly<Record<string, unknown>> | null,
  after: Readonly<Record<string, unknown>>,
  reason: string | null = null,
): Promise<void> =>
  audit(tx, operatorId, { actor, action, subject, before, after, reason, at: new Date(clock.nowMs()) })
