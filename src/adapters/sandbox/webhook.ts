import type { Events, InboundWebhook } from '../contract.ts'
import { heard, refused, verified } from '../outcomes.ts'
import { isFresh, readTimestamped, signedByAny } from '../signature.ts'
import { FLOW, outcomeOfReply } from './map.ts'
import { EventReply } from './wire.ts'

const HEADER = 'x-sandbox-signature'
const SHA256_BYTES = 32

/** Verifies `t=…,v1=…` over `t.body` with every live secret, then reads the event. `processor` is who must have sent it. */
export async function sandboxEvents(webhook: InboundWebhook, processor: string): Promise<Events> {
  const { body, headers, secrets, nowMs } = webhook
  const header = headers[HEADER]
  if (header === undefined) return refused('signature_missing')
  const signature = readTimestamped(header, SHA256_BYTES)
  if (!signature) return refused('signature_invalid')
  const { timestamp, signatures } = signature
  if (!signedByAny('sha256', secrets, signatures, [`${timestamp}.`, body])) return refused('signature_invalid')
  if (!isFresh(timestamp, nowMs)) return refused('stale')
  return heard(EventReply, body, ({ id, at, data, ...event }) => {
    if (event.processor !== processor) return refused('wrong_account')
    const about = { flow: FLOW[data.kind], attempt: data.our_ref, reference: data.id }
    return verified({ id, ...about, atMs: at, outcome: outcomeOfReply(data, data.our_ref) })
  })
}
