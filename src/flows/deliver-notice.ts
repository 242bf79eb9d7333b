import {
  type DeliveryTry,
  noticeBody,
  retryDelayMs,
  signedHeaders,
  type TryVerdict,
  verdictOf,
} from '../core/notice.ts'
import { audit } from '../db/audit.ts'
import type { Tx } from '../db/client.ts'
import { announce } from '../db/events.ts'
import {
  type DeliveryRow,
  type EndpointRow,
  findDelivery,
  lockEndpoint,
  recordTry,
  updateEndpoint,
} from '../db/webhooks.ts'
import type { Deps } from './deps.ts'
import { liveSecrets } from './manage-endpoint.ts'

/** When to try again, ms since 1970; absent: it was delivered, given up or taken back. */
export type Delivered = { readonly againAtMs?: number }

/** Deliveries that waited for the same rest must not all end it in the same instant. */
const REST_SPREAD_MS = 5_000

/** Until a connection to a busy receiver is free again. */
const BUSY_MS = 250

/**
 * Makes one try of a delivery when its time has come: a signed POST under the notice's own id, which stays the same for
 * ever, so that the receiver can tell a repetition. Only 2xx is a success; 410 switches the endpoint off.
 */
export async function deliverNotice(deps: Deps, operatorId: string, deliveryId: string): Promise<Delivered> {
  const seen = await deps.db.tx(operatorId, (tx) => findDelivery(tx, operatorId, deliveryId))
  if (seen === undefined || seen.delivery.status !== 'pending') return {}
  const { delivery, endpoint, event } = seen
  const nowMs = deps.clock.nowMs()
  if (endpoint.status === 'disabled' || endpoint.deletedAt !== null) {
    const gone = { status: 'cancelled', nextTryAt: null, deliveredAt: null } as const
    await deps.db.tx(operatorId, (tx) => recordTry(tx, operatorId, deliveryId, gone))
    return {}
  }
  const dueMs = delivery.nextTryAt?.getTime() ?? nowMs
  if (dueMs > nowMs) return { againAtMs: dueMs }
  const restsUntilMs = endpoint.pausedUntil?.getTime() ?? 0
  if (restsUntilMs > nowMs) return { againAtMs: Math.round(restsUntilMs + REST_SPREAD_MS * Math.random()) }

  const body = noticeBody(event, endpoint.apiVersion)
  const headers = await signedHeaders(await liveSecrets(deps.cipher, endpoint, nowMs), { id: event.id, body, nowMs })
  const answer = await deps.notices.post({ url: endpoint.url, headers, body })
  const endedMs = deps.clock.nowMs()
  const verdict = verdictOf(answer, endedMs)
  if (verdict.kind === 'busy') return { againAtMs: Math.round(endedMs + BUSY_MS * (1 + Math.random())) }
  const made: DeliveryTry = {
    at: new Date(nowMs).toISOString(),
    result: verdict.kind === 'again' ? verdict.result : verdict.kind,
    status: answer.kind === 'answered' ? answer.status : null,
    duration_ms: endedMs - nowMs,
  }
  deps.metrics.count('paycage_webhook_deliveries_total', { result: made.result })
  const row = await deps.db.tx(operatorId, (tx) => record(tx, deps, { delivery, endpoint, verdict, made, endedMs }))
  return row?.status === 'pending' && row.nextTryAt !== null ? { againAtMs: row.nextTryAt.getTime() } : {}
}

type Ended = {
  readonly delivery: DeliveryRow
  readonly endpoint: EndpointRow
  readonly verdict: Exclude<TryVerdict, { kind: 'busy' }>
  readonly made: DeliveryTry
  readonly endedMs: number
}

async function record(
  tx: Tx,
  deps: Deps,
  { delivery, endpoint, verdict, made, endedMs }: Ended,
): Promise<DeliveryRow | undefined> {
  const { operatorId, id, tries } = delivery
  const now = new Date(endedMs)
  if (verdict.kind === 'delivered') {
    return recordTry(tx, operatorId, id, { status: 'succeeded', nextTryAt: null, deliveredAt: now, made })
  }
  if (verdict.kind === 'gone') {
    await switchOff(tx, deps, endpoint, now)
    return recordTry(tx, operatorId, id, { status: 'cancelled', nextTryAt: null, deliveredAt: null, made })
  }
  if (verdict.restMs !== undefined) {
    const { id: endpointId } = endpoint
    await updateEndpoint(tx, operatorId, endpointId, { pausedUntil: new Date(endedMs + verdict.restMs) })
  }
  const delayMs = retryDelayMs(tries + 1, Math.random())
  return recordTry(tx, operatorId, id, {
    status: delayMs === undefined ? 'failed' : 'pending',
    nextTryAt: delayMs === undefined ? null : new Date(endedMs + Math.max(delayMs, verdict.restMs ?? 0)),
    deliveredAt: null,
    made,
  })
}

/** The receiver says that it is gone for good: the operator hears of it at its other endpoints, and in the audit log. */
async function switchOff(tx: Tx, deps: Deps, seen: EndpointRow, at: Date): Promise<void> {
  const { operatorId, id } = seen
  const endpoint = await lockEndpoint(tx, operatorId, id)
  if (endpoint === undefined || endpoint.status === 'disabled') return
  await updateEndpoint(tx, operatorId, id, { status: 'disabled', disabledReason: 'gone' })
  const data = { id, url: endpoint.url, status: 'disabled', disabled_reason: 'gone' }
  await announce(tx, operatorId, {
    type: 'webhook_endpoint.disabled',
    resourceId: id,
    data,
    at,
    newId: deps.newId,
  })
  await audit(tx, operatorId, {
    actor: 'system',
    action: 'webhook_endpoint.disabled',
    subject: id,
    before: { status: 'enabled' },
    after: { status: 'disabled' },
    reason: 'it answered 410',
    at,
  })
}
