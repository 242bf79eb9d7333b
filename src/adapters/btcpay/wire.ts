import { z } from 'zod'

// What BTCPay Server sends, as far as we read it. Source: Greenfield API v1,
// https://github.com/btcpayserver/btcpayserver BTCPayServer/wwwroot/swagger, 2026-07-23. Amounts are decimal strings.
const Decimal = z.string().max(60)
const UnixSeconds = z.int().min(0)

/** GET and POST /stores/{storeId}/invoices, GET /invoices/{invoiceId}. */
export const Invoice = z.object({
  id: z.string().min(1),
  amount: Decimal.nullish(),
  paidAmount: Decimal.nullish(),
  currency: z.string(),
  checkoutLink: z.string().nullish(),
  createdTime: UnixSeconds,
  expirationTime: UnixSeconds,
  status: z.string(),
  additionalStatus: z.string(),
  metadata: z.object({ orderId: z.string().nullish() }).nullish(),
})
export type Invoice = z.infer<typeof Invoice>
export const Invoices = z.array(Invoice)

/** GET /invoices/{invoiceId}/payment-methods: where to pay, and every payment that counts. */
export const PaymentMethods = z.array(
  z.object({
    paymentMethodId: z.string(),
    destination: z.string().nullish(),
    paymentLink: z.string().nullish(),
    due: Decimal.nullish(),
    payments: z.array(z.object({ value: Decimal, status: z.string() })).nullish(),
  }),
)
export type PaymentMethods = z.infer<typeof PaymentMethods>

/** GET and POST /stores/{storeId}/payouts, /payouts/{payoutId}, GET /pull-payments/{pullPaymentId}/payouts. */
export const Payout = z.object({
  id: z.string().min(1),
  revision: z.int(),
  destination: z.string(),
  originalCurrency: z.string(),
  originalAmount: Decimal,
  state: z.string(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
})
export type Payout = z.infer<typeof Payout>
export const Payouts = z.array(Payout)

/** POST /invoices/{invoiceId}/refund, GET /stores/{storeId}/pull-payments. */
export const PullPayment = z.object({
  id: z.string().min(1),
  name: z.string().nullish(),
  archived: z.boolean().nullish(),
  viewLink: z.string().nullish(),
})
export type PullPayment = z.infer<typeof PullPayment>
export const PullPayments = z.array(PullPayment)

/** The 4xx answers: one problem, or a list of fields. */
export const Problem = z.union([
  z.object({ code: z.string(), message: z.string() }),
  z.array(z.object({ path: z.string(), message: z.string() })).min(1),
])
export type Problem = z.infer<typeof Problem>

/** A webhook: what they have in common, and what each kind is about. */
export const Delivery = z.object({
  deliveryId: z.string().min(1),
  originalDeliveryId: z.string().nullish(),
  type: z.string(),
  timestamp: UnixSeconds,
  storeId: z.string().nullish(),
  invoiceId: z.string().nullish(),
  payoutId: z.string().nullish(),
  pullPaymentId: z.string().nullish(),
  metadata: z.object({ orderId: z.string().nullish() }).nullish(),
})
export type Delivery = z.infer<typeof Delivery>
