import { z } from 'zod'
import { Units } from '../amounts.ts'

// What Adyen sends, as far as we read it. Source: https://github.com/Adyen/adyen-openapi, Checkout v72, Transfers v4 and
// Webhooks v1, read 2026-11-22.
const Name = z.string().min(1)
const Amount = z.object({ currency: z.string(), value: Units })
export type Amount = z.infer<typeof Amount>

/** The 4xx answers of both APIs. */
export const ServiceError = z.object({ errorCode: z.string() })

/** POST /payments and /payments/details. */
export const Payment = z.object({
  resultCode: z.string(),
  pspReference: Name.optional(),
  merchantReference: z.string().optional(),
  amount: Amount.optional(),
  refusalReasonCode: z.string().optional(),
  additionalData: z.record(z.string(), z.unknown()).optional(),
  action: z.object({ type: z.string(), url: z.string().optional(), method: z.string().optional() }).optional(),
})
export type Payment = z.infer<typeof Payment>

/** POST /payments/{paymentPspReference}/captures, cancels, refunds, reversals. */
export const Modified = z.object({ pspReference: Name, reference: z.string().optional(), status: z.string() })

/** POST /transfers, and the data of its webhooks. */
export const Transfer = z.object({
  id: Name,
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
  amount: z.object({ currency: z.string().nullish(), value: Units.nullish() }),
  eventCode: z.string(),
  success: z.string(),
  additionalData: z.object({ hmacSignature: z.string().optional() }).optional(),
})
export type Item = z.infer<typeof Item>
// Adyen sends one item a body in JSON, up to six by its documents.
const Wrapped = z.object({ NotificationRequestItem: Item }).transform((wrapper) => wrapper.NotificationRequestItem)
export const Notification = z.object({ notificationItems: z.array(Wrapped).min(1).max(6) })

/** A webhook of the balance platform; its data are null when they are no transfer's. */
export const TransferNotice = z.object({ type: z.string(), data: Transfer.or(z.unknown().transform(() => null)) })

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
