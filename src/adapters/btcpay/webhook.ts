import type { Events, InboundWebhook } from '../contract.ts'
import { heard, refused, unmapped, verified } from '../outcomes.ts'
import { fromHex, signedByAny } from '../signature.ts'
import type { BtcpayConfig } from './index.ts'
import { Delivery } from './wire.ts'

/**
 * `BTCPay-Sig: sha256=<hex HMAC of the raw bytes>`. A webhook carries no amount, so it is only a bell: what happened is
 * read from the server. A delivery that is sent again has a new id and tells the first one's.
 * Source: https://docs.btcpayserver.org/API/Greenfield/v1/#tag/Webhooks and WebhookSender.cs, 2026-11-22.
 */
export async function events({ body, headers, secrets }: InboundWebhook, config: BtcpayConfig): Promise<Events> {
  const header = headers['btcpay-sig']
  if (header === undefined) return refused('signature_missing')
  const given = header.startsWith('sha256=') ? fromHex(header.slice(7), 32) : undefined
  if (!signedByAny('sha256', secrets, [given], [body])) return refused('signature_invalid')
  return heard(Delivery, body, (delivery) => toldBy(delivery, config))
}

function toldBy(delivery: Delivery, config: BtcpayConfig): Events {
  const { storeId, deliveryId, originalDeliveryId, timestamp, invoiceId, payoutId, pullPaymentId, metadata } = delivery
  if (storeId != null && storeId !== config.store_id) return refused('wrong_account')
  // A payout of a pull payment is a player claiming a refund; one without is a withdrawal.
  const subject = invoiceId
    ? ({ flow: 'deposit', reference: invoiceId } as const)
    : pullPaymentId
      ? ({ flow: 'refund', reference: pullPaymentId } as const)
      : payoutId && ({ flow: 'withdrawal', reference: payoutId } as const)
  // News of subscriptions and payment requests, which we don't use.
  if (!subject) return verified()
  return verified({
    id: originalDeliveryId || deliveryId,
    ...subject,
    attempt: (invoiceId && metadata?.orderId) || undefined,
    atMs: timestamp * 1_000,
    outcome: unmapped(subject.reference),
    lookUp: true,
  })
}
