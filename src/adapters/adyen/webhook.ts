import type { Money } from '../../core/money.ts'
import type { DisputeNews, Events, InboundWebhook, Outcome, ProcessorEvent } from '../contract.ts'
import { refused, unmapped, verified } from '../contract.ts'
import { parseExactJson } from '../exact-json.ts'
import { fromBase64, fromHex, signedByAny } from '../signature.ts'
import { words } from '../tables.ts'
import type { AdyenConfig } from './index.ts'
import { moneyOf, transferOutcome } from './map.ts'
import { type Item, Notification, Transfer, TransferNotice } from './wire.ts'

/** Every event code of the specification. `quiet` says nothing of money; `odd` says what its signed fields don't tell. Source: https://docs.adyen.com/development-resources/webhooks/webhook-types, 2026-11-22. */
export const EVENT_CODES = words(
  { authorised: 'AUTHORISATION', succeeded: 'CAPTURE REFUND REFUND_WITH_DATA', expired: 'EXPIRE OFFER_CLOSED' },
  { returned: 'CAPTURE_FAILED REFUND_FAILED REFUNDED_REVERSED', cancelled: 'CANCELLATION TECHNICAL_CANCEL' },
  { dispute: 'REQUEST_FOR_INFORMATION NOTIFICATION_OF_CHARGEBACK INFORMATION_SUPPLIED DISPUTE_DEFENSE_PERIOD_ENDED' },
  { dispute: 'CHARGEBACK CHARGEBACK_REVERSED SECOND_CHARGEBACK PREARBITRATION_OPEN PREARBITRATION_ACCEPTED' },
  { dispute: 'PREARBITRATION_DECLINED PREARBITRATION_ISSUER_WITHDRAWN PREARBITRATION_LOST PREARBITRATION_WON' },
  { dispute: 'SCHEME_ARBITRATION SCHEME_ARBITRATION_LOST SCHEME_ARBITRATION_WON' },
  { quiet: 'AUTHENTICATION AUTORESCUE CANCEL_AUTORESCUE ISSUER_COMMENTS ISSUER_RESPONSE_TIMEFRAME_EXPIRED' },
  { quiet: 'MANUAL_REVIEW_ACCEPT MANUAL_REVIEW_REJECT NOTIFICATION_OF_FRAUD ORDER_CLOSED ORDER_OPENED' },
  { quiet: 'POSTPONED_REFUND RECURRING_CONTRACT REPORT_AVAILABLE', odd: 'PAYOUT_DECLINE PAYOUT_EXPIRE' },
  { odd: 'AUTHORISATION_ADJUSTMENT CANCEL_OR_REFUND HANDLED_EXTERNALLY PAIDOUT_REVERSED VOID_PENDING_REFUND' },
  { odd: 'PAYOUT_THIRDPARTY' },
)

const disputeStage = (eventCode: string): DisputeNews['stage'] =>
  (eventCode.startsWith('PREARB') && 'pre_arbitration') ||
  (eventCode.startsWith('SCHEME') && 'arbitration') ||
  (eventCode.startsWith('REQUEST') ? 'inquiry' : 'chargeback')
const DISPUTE_STATUSES = words<DisputeNews['status']>(
  { evidence_due: 'NOTIFICATION_OF_CHARGEBACK', evidence_submitted: 'INFORMATION_SUPPLIED PREARBITRATION_DECLINED' },
  { won: 'CHARGEBACK_REVERSED PREARBITRATION_WON SCHEME_ARBITRATION_WON', accepted: 'PREARBITRATION_ACCEPTED' },
  { lost: 'SECOND_CHARGEBACK PREARBITRATION_LOST SCHEME_ARBITRATION_LOST', expired: 'DISPUTE_DEFENSE_PERIOD_ENDED' },
  { withdrawn: 'PREARBITRATION_ISSUER_WITHDRAWN' },
)

/** Standard webhooks sign each item inside the body; the balance platform's sign the whole body in a header. */
export async function events(webhook: InboundWebhook, config: AdyenConfig): Promise<Events> {
  const signature = webhook.headers.hmacsignature
  return signature === undefined ? standardEvents(webhook, config) : transferEvents(webhook, signature, config)
}

function isSigned(webhook: InboundWebhook, signature: string, content: string | Uint8Array): boolean {
  const digest = fromBase64(signature, 32)
  const keys = webhook.secrets.flatMap((secret) => fromHex(secret, 32) ?? [])
  return digest !== undefined && signedByAny('sha256', keys, [digest], [content])
}

function standardEvents(webhook: InboundWebhook, config: AdyenConfig): Events {
  const parsed = Notification.safeParse(parseExactJson(webhook.body)?.value)
  if (!parsed.success) return refused('malformed')
  const items = parsed.data.notificationItems.map((wrapper) => wrapper.NotificationRequestItem)
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
  const attempt = merchantReference ? { attempt: merchantReference } : {}
  const base = { id: `${pspReference}:${eventCode}:${success}`, flow, reference, ...attempt } as const
  const outcome = itemOutcome(item, reference, amount, config.capture === 'manual')
  if (meaning !== 'dispute' || amount === undefined) return { ...base, outcome }
  const stage = disputeStage(eventCode)
  const status = DISPUTE_STATUSES[eventCode] ?? 'opened'
  return { ...base, outcome, dispute: { reference: pspReference, stage, status, amount } }
}

function itemOutcome(item: Item, reference: string, amount: Money | undefined, manual: boolean): Outcome {
  const meaning = EVENT_CODES[item.eventCode]
  if (amount === undefined) return unmapped(reference)
  // A refusal's reason is not signed, so it has none here. A refused capture or cancel leaves the payment as it was.
  if (item.success !== 'true') {
    const isRefusal = meaning === 'authorised' || /^REFUND(_WITH_DATA)?$/.test(item.eventCode)
    return isRefusal ? { kind: 'declined', reference, decline: { code: 'generic_decline' } } : unmapped(reference)
  }
  if (meaning === 'authorised') return { kind: manual ? 'authorized' : 'succeeded', reference, amount }
  if (meaning === 'succeeded' || meaning === 'returned') return { kind: meaning, reference, amount }
  if (meaning === 'cancelled' || meaning === 'expired') return { kind: 'voided', reference, why: meaning }
  return unmapped(reference)
}

function transferEvents(webhook: InboundWebhook, signature: string, config: AdyenConfig): Events {
  if (!isSigned(webhook, signature, webhook.body)) return refused('signature_invalid')
  const notice = TransferNotice.safeParse(parseExactJson(webhook.body)?.value)
  if (!notice.success) return refused('malformed')
  if (!/^balancePlatform\.transfer\.(created|updated)$/.test(notice.data.type)) return verified()
  const parsed = Transfer.safeParse(notice.data.data)
  if (!parsed.success) return refused('malformed')
  const { id, status, sequenceNumber, reference, direction, balanceAccount } = parsed.data
  if (balanceAccount?.id !== config.balance_account) return refused('wrong_account')
  // What comes in, such as a top-up of the account, is no payout of ours.
  if (direction === 'incoming') return verified()
  const attempt = reference ? { attempt: reference } : {}
  const outcome = transferOutcome(parsed.data)
  const event = `${id}:${sequenceNumber ?? ''}:${status}`
  return verified({ id: event, flow: 'withdrawal', reference: id, ...attempt, outcome })
}
