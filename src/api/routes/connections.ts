import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import { type BreakerRow, listBreakers } from '../../db/breakers.ts'
import { getConnection, listConnections, listFloats, listMaintenance } from '../../db/connections.ts'
import { listFees, type RateRow, sumRates } from '../../db/rates.ts'
import type { Deps } from '../../flows/deps.ts'
import { addConnection, changeConnection, planMaintenance, setBreaker } from '../../flows/manage-connection.ts'
import { RATE_WINDOW_MS } from '../../router/active.ts'
import type { Health } from '../../router/plan.ts'
import { endpoint } from '../endpoint.ts'
import { IdParams, Timestamp } from '../shapes.ts'
import {
  BreakerShown,
  CONNECTION_BODY,
  ConnectionShown,
  showBreaker,
  showConnection,
  wishOf,
} from './connection-shapes.ts'

const { label, config } = CONNECTION_BODY
const Wish = z.strictObject(CONNECTION_BODY).partial()
const actor = (caller: { operatorId: string; clientId: string }) => ({
  operatorId: caller.operatorId,
  by: caller.clientId,
})
const absent = () => new Fault('not_found', 'There is no such connection.')

export const getConnections = endpoint({
  method: 'get',
  path: '/v1/connections',
  tag: 'connections',
  summary: 'The accounts at processors, in the order of the built-in route',
  scope: 'connections:read',
  query: z.strictObject({ processor: z.string().max(64).optional() }),
  answers: { 200: z.object({ data: z.array(ConnectionShown), has_more: z.boolean(), next_cursor: z.null() }) },
  handle: async (deps, { caller: { operatorId }, query }) => {
    const all = await readAll(deps, operatorId)
    const rows = all.connections.filter(
      ({ processor }) => query.processor === undefined || processor === query.processor,
    )
    const data = rows.map((row) => showConnection(row, all.fees, all.floats))
    return { status: 200, body: { data, has_more: false, next_cursor: null } }
  },
})

const readAll = (deps: Pick<Deps, 'db'>, operatorId: string) =>
  deps.db.tx(operatorId, async (tx) => ({
    connections: await listConnections(tx, operatorId),
    fees: await listFees(tx, operatorId),
    floats: await listFloats(tx, operatorId),
  }))

async function shown(deps: Pick<Deps, 'db'>, operatorId: string, id: string) {
  const { connections, fees, floats } = await readAll(deps, operatorId)
  const row = connections.find((connection) => connection.id === id)
  if (!row) throw absent()
  return showConnection(row, fees, floats)
}

export const readConnection = endpoint({
  method: 'get',
  path: '/v1/connections/{id}',
  tag: 'connections',
  summary: 'Read an account',
  scope: 'connections:read',
  params: IdParams,
  answers: { 200: ConnectionShown },
  handle: async (deps, { caller, params }) => ({ status: 200, body: await shown(deps, caller.operatorId, params.id) }),
})

export const createConnection = endpoint({
  method: 'post',
  path: '/v1/connections',
  tag: 'connections',
  summary: 'Add an account at a processor',
  scope: 'connections:write',
  body: Wish.extend({ processor: z.string().regex(/^[a-z0-9_]{1,64}$/), label, config: config.default({}) }),
  answers: { 201: ConnectionShown },
  faults: ['conflict', 'currency_unsupported', 'amount_invalid'],
  handle: async (deps, { caller, body }) => {
    const made = { ...wishOf(body), processor: body.processor, label: body.label }
    const { id } = await addConnection(deps, actor(caller), made)
    return { status: 201, body: await shown(deps, caller.operatorId, id) }
  },
})

export const patchConnection = endpoint({
  method: 'patch',
  path: '/v1/connections/{id}',
  tag: 'connections',
  summary: 'Change an account; members that are absent stay as they are',
  scope: 'connections:write',
  params: IdParams,
  body: Wish,
  answers: { 200: ConnectionShown },
  faults: ['conflict', 'currency_unsupported', 'amount_invalid'],
  example: { body: { enabled: true } },
  handle: async (deps, { caller, params, body }) => {
    await changeConnection(deps, actor(caller), params.id, wishOf(body))
    return { status: 200, body: await shown(deps, caller.operatorId, params.id) }
  },
})

const Rate = z.object({
  direction: z.enum(['deposit', 'withdrawal']),
  method: z.string(),
  attempts: z.int(),
  success_rate: z.number().min(0).max(1),
})

export const getConnectionHealth = endpoint({
  method: 'get',
  path: '/v1/connections/{id}/health',
  tag: 'connections',
  summary: 'How an account is doing: breakers, last trips, success rates of the last hour, announced maintenance',
  scope: 'connections:read',
  params: IdParams,
  answers: {
    200: z.object({
      connection_id: z.string(),
      enabled: z.boolean(),
      state: BreakerShown.shape.state,
      breakers: z.array(BreakerShown),
      rates: z.array(Rate),
      window_seconds: z.int(),
      maintenance: z.array(z.object({ starts_at: Timestamp, ends_at: Timestamp, reason: z.string() })),
    }),
  },
  handle: async (deps, { caller: { operatorId }, params: { id } }) => {
    const nowMs = deps.clock.nowMs()
    const { health } = await deps.routing.stateOf(operatorId)
    const { row, breakers, rates, windows } = await deps.db.tx(operatorId, async (tx) => ({
      row: await getConnection(tx, operatorId, id),
      breakers: (await listBreakers(tx, operatorId)).filter(({ connectionId }) => connectionId === id),
      rates: (await sumRates(tx, operatorId, nowMs - RATE_WINDOW_MS)).filter(({ connectionId }) => connectionId === id),
      windows: (await listMaintenance(tx, operatorId, nowMs)).filter(({ connectionId }) => connectionId === id),
    }))
    if (!row) throw absent()
    const list = breakers.map((breaker) => showBreaker(breaker, stateOf(health, breaker), nowMs))
    return {
      status: 200,
      body: {
        connection_id: id,
        enabled: row.enabled,
        state: worst([...list.map(({ state }) => state), health.state(id, 'charge', 'card')]),
        breakers: list,
        rates: byMethod(rates),
        window_seconds: RATE_WINDOW_MS / 1_000,
        maintenance: windows.map(({ startsAt, endsAt, reason }) => ({
          starts_at: startsAt.toISOString(),
          ends_at: endsAt.toISOString(),
          reason,
        })),
      },
    }
  },
})

type State = ReturnType<Health['state']>

/** From well to gone: the worst of an account's breakers is its own state. */
const ORDER: readonly State[] = ['closed', 'half_open', 'open', 'maintenance', 'forced_open']
const worst = (states: readonly State[]): State =>
  ORDER[Math.max(0, ...states.map((state) => ORDER.indexOf(state)))] ?? 'closed'

/** The state of a row; one for all operations is what any of them has. */
const stateOf = (health: Health, { connectionId, operation, method }: BreakerRow): State =>
  health.state(connectionId, operation, method)

function byMethod(rates: readonly RateRow[]): z.infer<typeof Rate>[] {
  const sums = new Map<
    string,
    { direction: RateRow['direction']; method: string; attempts: number; succeeded: number }
  >()
  for (const { direction, method, attempts, succeeded } of rates) {
    const key = `${direction}/${method}`
    const sum = sums.get(key) ?? { direction, method, attempts: 0, succeeded: 0 }
    sums.set(key, { ...sum, attempts: sum.attempts + attempts, succeeded: sum.succeeded + succeeded })
  }
  return [...sums.values()].map(({ succeeded, ...sum }) => ({ ...sum, success_rate: succeeded / sum.attempts }))
}

const Reason = z.string().trim().min(1).max(1_000)

export const forceConnectionBreaker = endpoint({
  method: 'post',
  path: '/v1/connections/{id}/breaker',
  tag: 'connections',
  summary: 'Force the breaker open or closed until a time, or let it follow its calls again',
  description:
    'Without `operation` and `method` it holds for the whole account. Every instance has it within a second.',
  scope: 'connections:write',
  params: IdParams,
  body: z.strictObject({
    state: z.enum(['open', 'closed', 'auto']),
    operation: z.enum(['charge', 'resume', 'refund', 'payOut']).optional(),
    method: z.enum(['card', 'wallet', 'bank', 'crypto']).optional(),
    reason: Reason,
    expires_at: z.iso.datetime().optional(),
  }),
  answers: { 204: null },
  example: { body: { state: 'auto', reason: 'the drill is over' } },
  handle: async (deps, { caller, params, body }) => {
    const { state, operation, method, reason, expires_at: expires } = body
    if ((operation === undefined) !== (method === undefined)) {
      throw new Fault('validation_failed', 'Name operation and method together, or neither.', {
        errors: [{ pointer: '/method', code: 'required', detail: 'Both or neither of operation and method.' }],
      })
    }
    if (state !== 'auto' && expires === undefined) {
      throw new Fault('validation_failed', 'A forced breaker has an end.', {
        errors: [{ pointer: '/expires_at', code: 'required', detail: 'Say until when.' }],
      })
    }
    await setBreaker(deps, actor(caller), params.id, {
      to: state,
      reason,
      untilMs: Date.parse(expires ?? '') || 0,
      ...(operation !== undefined && { operation }),
      ...(method !== undefined && { method }),
    })
    return { status: 204 }
  },
})

export const announceConnectionMaintenance = endpoint({
  method: 'post',
  path: '/v1/connections/{id}/maintenance',
  tag: 'connections',
  summary: 'Announce a window in which an account is left out of plans',
  scope: 'connections:write',
  params: IdParams,
  body: z.strictObject({ starts_at: z.iso.datetime(), ends_at: z.iso.datetime(), reason: Reason }),
  answers: { 204: null },
  example: {
    body: { starts_at: '2026-12-01T02:00:00Z', ends_at: '2026-12-01T04:00:00Z', reason: "the processor's release" },
  },
  handle: async (deps, { caller, params, body }) => {
    const window = { startsAt: new Date(body.starts_at), endsAt: new Date(body.ends_at) }
    if (window.endsAt <= window.startsAt) {
      throw new Fault('validation_failed', 'A window ends after its start.', {
        errors: [{ pointer: '/ends_at', code: 'out_of_range', detail: 'Must be after starts_at.' }],
      })
    }
    await planMaintenance(deps, actor(caller), { ...window, connectionId: params.id, reason: body.reason })
    return { status: 204 }
  },
})
