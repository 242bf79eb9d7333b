import type { DisputeNews, Events, InboundWebhook, ProcessorEvent } from '../contract.ts'
import { heard, outcomeAs, refused, verified, words } from '../outcomes.ts'
import { fromBase64, fromHex, signedByAny } from '../signature.ts'
import type { AdyenConfig } from './index.ts'
import { moneyOf, transferOutcome } from './map.ts'
import { type Item, Notification, type Transfer, TransferNotice } from './wire.ts'

/** Every event code that is no dispute's. `quiet` says nothing of money; `odd` says what its signed fields don't tell. Source: https://docs.adyen.com/development-resources/webhooks/webhook-types, 2026-11-22. */
export const EVENT_CODES = words(
  { succeeded: 'AUTHORISATION CAPTURE REFUND REFUND_WITH_DATA', expired: 'EXPIRE OFFER_CLOSED' },
  { returned: 'CAPTURE_FAILED REFUND_FAILED REFUNDED_REVERSED', cancelled: 'CANCELLATION TECHNICAL_CANCEL' },
  { quiet: 'AUTHENTICATION AUTORESCUE CANCEL_AUTORESCUE ISSUER_COMMENTS ISSUER_RESPONSE_TIMEFRAME_EXPIRED' },
  { quiet: 'MANUAL_REVIEW_ACCEPT MANUAL_REVIEW_REJECT NOTIFICATION_OF_FRAUD ORDER_CLOSED ORDER_OPENED' },
  { quiet: 'POSTPONED_REFUND RECURRING_CONTRACT REPORT_AVAILABLE', odd: 'PAYOUT_DECLINE PAYOUT_EXPIRE' },
  { odd: 'AUTHORISATION_ADJUSTMENT CANCEL_OR_REFUND HANDLED_EXTERNALLY PAIDOUT_REVERSED VOID_PENDING_REFUND' },
  { odd: 'PAYOUT_THIRDPARTY' },
)

/** Every event code of a dispute, with what it is news of. */
export const DISPUTES = words<DisputeNews['status']>(
  { opened: 'REQUEST_FOR_INFORMATION CHARGEBACK PREARBITRATION_OPEN SCHEME_ARBITRATION' },
  { evidence_due: 'NOTIFICATION_OF_CHARGEBACK', evidence_submitted: 'INFORMATION_SUPPLIED PREARBITRATION_DECLINED' },
  { won: 'CHARGEBACK_REVERSED PREARBITRATION_WON SCHEME_ARBITRATION_WON', accepted: 'PREARBITRATION_ACCEPTED' },
  { lost: 'SECOND_CHARGEBACK PREARBITRATION_LOST SCHEME_ARBITRATION_LOST', expired: 'DISPUTE_DEFENSE_PERIOD_ENDED' },
  { withdrawn: 'PREARBITRATION_ISSUER_WITHDRAWN' },
)

/** The stage of a dispute, by the first word of its event code; any other is a chargeback. */
const STAGES = words({ pre_arbitration: 'PREARBITRATION', arbitration: 'SCHEME', inquiry: 'REQUEST' })

/** Standard webhooks sign each item inside the body; the balance platform's sign the whole body in a header. */
export async function events(webhook: InboundWebhook, config: AdyenConfig): Promise<Events> {
  const { body, headers } = webhook
  if (headers.hmacsignature === undefined)
    return heard(Notification, body, ({ notificationItems: items }) => itemEvents(webhook, items, config))
  if (!isSigned(webhook, headers.hmacsignature, body)) return refused('signature_invalid')
  return heard(TransferNotice, body, ({ type, data }) => transferEvents(type, data, config))
}

function isSigned({ secrets }: InboundWebhook, signature: string, content: string | Uint8Array): boolean {
  const keys = secrets.map((secret) => fromHex(secret, 32))
  return signedByAny('sha256', keys, [fromBase64(signature, 32)], [content])
}

function itemEvents(webhook: InboundWebhook, items: readonly Item[], config: AdyenConfig): Events {
  for (const item of items) {
    const signature = item.additionalData?.hmacSignature
    if (signature === undefined) return refused('signature_missing')
    if (!isSigned(webhook, signature, signedFields(item).join(':'))) return refused('signature_invalid')
    if (item.merchantAccountCode !== config.merchant_account) return refused('wrong_account')
  }
  return verified(...items.flatMap((item) => eventOf(item, config) ?? []))
}

/** https://docs.adyen.com/development-resources/webhooks/verify-hmac-signatures, 2026-11-22. Nothing else in an item is proved, not even its time. */
const signedFields = (item: Item): readonly string[] => [
  ...[item.pspReference, item.originalReference ?? '', item.merchantAccountCode, item.merchantReference ?? ''],
  ...[String(item.amount.value ?? ''), item.amount.currency ?? '', item.eventCode, item.success],
]

function eventOf(item: Item, config: AdyenConfig): ProcessorEvent | undefined {
  const { pspReference, eventCode, success, merchantReference, originalReference } = item
  const meaning = EVENT_CODES[eventCode]
  // The signed string is joined without escaping: with a colon inside, one signature fits other fields too.
  if (meaning === 'quiet' || signedFields(item).some((field) => field.includes(':'))) return undefined
  const { currency, value } = item.amount
  const amount = currency == null || value == null ? undefined : moneyOf({ currency, value })
  // A refund has a name of its own; all else that happens to a payment is told under the payment's.
  const flow = eventCode.startsWith('REFUND') ? 'refund' : 'deposit'
  const reference = flow === 'refund' ? pspReference : originalReference || pspReference
  const happened = eventCode === 'AUTHORISATION' && config.capture === 'manual' ? 'authorized' : meaning
  // A refusal's reason is not signed, so it has none here. A refused capture or cancel leaves the payment as it was.
  const failed = /^(AUTHORISATION|REFUND|REFUND_WITH_DATA)$/.test(eventCode) ? 'declined' : 'odd'
  const status = DISPUTES[eventCode]
  const stage = STAGES[eventCode.split('_', 1)[0] ?? ''] ?? 'chargeback'
  return {
    id: `${pspReference}:${eventCode}:${success}`,
    ...{ flow, reference, attempt: merchantReference || undefined },
    outcome: outcomeAs(success === 'true' ? happened : failed, { reference, amount }),
    ...(status && amount && { dispute: { reference: pspReference, stage, status, amount } }),
  }
}

function transferEvents(type: string, data: Transfer | null, config: AdyenConfig): Events {
  if (!/^balancePlatform\.transfer\.(created|updated)$/.test(type)) return verified()
  if (data === null) return refused('malformed')
  if (data.balanceAccount?.id !== config.balance_account) return refused('wrong_account')
  // What comes in, such as a top-up of the account, is no payout of ours.
  if (data.direction === 'incoming') return verified()
  const { id: reference, sequenceNumber = '', status } = data
  const event = { id: `${reference}:${sequenceNumber}:${status}`, flow: 'withdrawal', reference } as const
  return verified({ ...event, attempt: data.reference || undefined, outcome: transferOutcome(data) })
}
