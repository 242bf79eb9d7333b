import { z } from 'zod'

// What Adyen sends, as far as we read it. Source: https://github.com/Adyen/adyen-openapi, Checkout v72, Transfers v4 and
// Webhooks v1, read 2026-11-22. An amount past 2^53 comes as text, see exact-json.ts.
const Value = z.union([z.int(), z.string().regex(/^\d{1,19}$/)])
const Amount = z.object({ currency: z.string(), value: Value })
export type Amount = z.infer<typeof Amount>

/** The 4xx answers of both APIs. */
export const ServiceError = z.object({ errorCode: z.string() })

/** POST /payments and /payments/details. */
export const Payment = z.object({
  resultCode: z.string(),
  pspReference: z.string().min(1).optional(),
  merchantReference: z.string().optional(),
  amount: Amount.optional(),
  refusalReasonCode: z.string().optional(),
  additionalData: z.record(z.string(), z.unknown()).optional(),
  action: z.object({ type: z.string(), url: z.string().optional(), method: z.string().optional() }).optional(),
})
export type Payment = z.infer<typeof Payment>

/** POST /payments/{paymentPspReference}/captures, cancels, refunds, reversals. */
const Name = z.string().min(1)
export const Modified = z.object({ pspReference: Name, reference: z.string().optional(), status: z.string() })

/** POST /transfers, and the data of its webhooks. */
export const Transfer = z.object({
  id: z.string().min(1),
  status: z.string(),
  amount: Amount,
  reason: z.string().optional(),
  reference: z.string().optional(),
  direction: z.string().optional(),
  balanceAccount: z.object({ id: z.string().optional() }).optional(),
  sequenceNumber: z.int().optional(),
  events: z.array(z.object({ status: z.string().optional() })).optional(),
})
export type Transfer = z.infer<typeof Transfer>

/** GET /transfers. */
export const Transfers = z.object({ data: z.array(Transfer).optional() })

/** One standard webhook item: the eight signed fields, and the signature. */
const Item = z.object({
  pspReference: z.string(),
  originalReference: z.string().nullish(),
  merchantAccountCode: z.string(),
  merchantReference: z.string().nullish(),
  amount: z.object({ currency: z.string().nullish(), value: Value.nullish() }),
  eventCode: z.string(),
  success: z.string(),
  additionalData: z.object({ hmacSignature: z.string().optional() }).optional(),
})
export type Item = z.infer<typeof Item>
// Adyen sends one item a body in JSON, up to six by its documents.
const Items = z.array(z.object({ NotificationRequestItem: Item })).min(1)
export const Notification = z.object({ notificationItems: Items.max(6) })

/** A webhook of the balance platform. */
export const TransferNotice = z.object({ type: z.string(), data: z.unknown() })

// A real encrypted field has hundreds of characters; a number in clear, or Adyen's `test_4111…`, has not the shape.
const Encrypted = z.string().regex(/^(?!.*\d{12})[A-Za-z0-9+/=._!$-]{64,15000}$/)
/** The Web Drop-in's `state.data.paymentMethod`. Strict: `number`, `cvc` or `expiryMonth` beside them is refused. */
export const HostedFields = z.strictObject({
  type: z.literal('scheme').optional(),
  encryptedCardNumber: Encrypted,
  encryptedExpiryMonth: Encrypted,
  encryptedExpiryYear: Encrypted,
  encryptedSecurityCode: Encrypted,
  holderName: z.string().max(80).regex(/^\D*$/).optional(),
  brand: z.optional(z.string().regex(/^[a-z_]{1,40}$/)),
  checkoutAttemptId: z.string().max(256).optional(),
})
