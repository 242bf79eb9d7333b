import { z } from 'zod'

/**
 * What the sandbox processors send. Source: src/sandbox/README.md and src/sandbox/operation.ts of this project,
 * 2026-11-23. Only the fields that are used; unknown ones are ignored.
 */
const ActionReply = z.discriminatedUnion('type', [
  z.object({ type: z.literal('three_ds'), url: z.url() }),
  z.object({ type: z.literal('redirect'), url: z.url() }),
  z.object({
    type: z.literal('display_crypto'),
    address: z.string(),
    network: z.string(),
    amount: z.string(),
    uri: z.string(),
    expires_at: z.string(),
  }),
])
export type ActionReply = z.infer<typeof ActionReply>

/** One charge, payout or refund: the answer to its creation or completion. `status` is any text: one that we don't know is an unknown outcome, not a malformed answer. */
export const OperationReply = z.object({
  id: z.string().regex(/^[a-z0-9_]{1,64}$/),
  kind: z.enum(['charge', 'payout', 'refund']),
  our_ref: z.string(),
  amount: z.string(),
  currency: z.string(),
  network: z.string().optional(),
  status: z.string(),
  decline_code: z.string().optional(),
  action: ActionReply.optional(),
  instrument: z
    .object({
      token: z.string(),
      fingerprint: z.string(),
      brand: z.string(),
      last4: z.string(),
      country: z.string().optional(),
      funding: z.string().optional(),
    })
    .optional(),
})
export type OperationReply = z.infer<typeof OperationReply>

/** A look-up by our reference: none, one, or more when it was sent under several keys. */
export const ListReply = z.object({ data: z.array(OperationReply) })

/** A webhook after its signature was verified. `at` is the time of the fact, ms. */
export const EventReply = z.object({
  id: z.string().min(1).max(100),
  processor: z.string(),
  at: z.number(),
  data: OperationReply,
})
