import { Fault } from '../core/errors.ts'
import type { Deps } from './deps.ts'

/** A processor's webhook as it came: raw bytes, header names in lower case. */
export type WebhookOrder = {
  readonly processor: string
  readonly connectionId: string
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Lets a processor's webhook in: verified over its raw bytes before anything is read, stored, and answered; applied
 * afterwards. What isn't verified leaves no trace but a counter. Says how many of its events are new.
 */
export async function receiveWebhook(deps: Deps, order: WebhookOrder): Promise<{ accepted: number }> {
  const { processor, connectionId } = order
  const connection = await deps.inbox.connection(connectionId)
  if (connection === undefined || connection.processor !== processor) {
    throw new Fault('not_found', 'There is no such connection.')
  }
  const read = await deps.processors.events(connection, { body: order.body, headers: order.headers })
  deps.metrics.count('paycage_webhooks_received_total', {
    processor,
    result: read.kind === 'refused' ? read.why : 'verified',
  })
  if (read.kind === 'refused') {
    deps.log.warn('webhook_refused', { processor, connection_id: connectionId, reason: read.why })
    throw new Fault('signature_invalid', 'The webhook could not be verified.')
  }
  const events = read.events.map((event) => ({
    ...{ id: deps.newId('inboundWebhook'), connectionId, eventId: event.id, processor },
    ...{ content: { ...event }, processorAtMs: event.atMs ?? null },
  }))
  return { accepted: await deps.inbox.store(connection.operatorId, events, deps.clock.nowMs()) }
}
