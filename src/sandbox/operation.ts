import { z } from 'zod'
import { isTestToken, TEST_CARDS } from './test-cards.ts'

/** What the processor does for an operator. */
export type OperationKind = z.infer<typeof OperationKind>
export const OperationKind = z.enum(['charge', 'payout', 'refund'])

const Amount = z.string().max(40)
const Url = z.url({ protocol: /^https?$/ }).max(2_048)
const Reference = z.string().regex(/^[A-Za-z0-9._:-]{1,64}$/)
const Money = { amount: Amount, currency: z.string().max(10), network: z.string().max(20).optional() }
const Common = { our_ref: Reference, ...Money, player_ref: z.string().max(64).optional(), webhook_url: Url }

/** The body of `POST /v1/charges`. */
export const ChargeBody = z.strictObject({
  ...Common,
  return_url: Url,
  method: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('card'), token: z.string().max(100) }),
    z.strictObject({ type: z.literal('wallet'), wallet: z.string().max(40) }),
    z.strictObject({ type: z.literal('bank'), country: z.string().length(2) }),
    z.strictObject({ type: z.literal('crypto'), asset: z.string().max(10), network: z.string().max(20) }),
  ]),
  step_up: z.boolean().optional(),
})
export type ChargeBody = z.infer<typeof ChargeBody>

/** The body of `POST /v1/payouts`. */
export const PayoutBody = z.strictObject({
  ...Common,
  destination: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('card'), token: z.string().max(100) }),
    z.strictObject({ type: z.literal('wallet'), wallet: z.string().max(40), account: z.string().max(200) }),
    z.strictObject({ type: z.literal('bank'), iban: z.string().max(40), name: z.string().max(200) }),
    z.strictObject({
      type: z.literal('crypto'),
      asset: z.string().max(10),
      network: z.string().max(20),
      address: z.string().max(120),
      tag: z.string().max(40).optional(),
    }),
  ]),
})
export type PayoutBody = z.infer<typeof PayoutBody>

/** The body of `POST /v1/refunds`; `charge` is the processor's own id of it. */
export const RefundBody = z.strictObject({ our_ref: Reference, ...Money, charge: z.string().max(40), webhook_url: Url })
export type RefundBody = z.infer<typeof RefundBody>

const Action = z.discriminatedUnion('type', [
  z.object({ type: z.literal('three_ds'), url: z.string() }),
  z.object({ type: z.literal('redirect'), url: z.string() }),
  z.object({
    type: z.literal('display_crypto'),
    address: z.string(),
    network: z.string(),
    amount: z.string(),
    uri: z.string(),
    expires_at: z.string(),
  }),
])

/** One operation as the processor keeps it. */
export const Operation = z.object({
  id: z.string(),
  kind: OperationKind,
  our_ref: z.string(),
  player_ref: z.string().optional(),
  ...Money,
  /** Of a refund: the charge that it pays back. */
  charge: z.string().optional(),
  method: z.enum(['card', 'wallet', 'bank', 'crypto']).optional(),
  token: z.string().optional(),
  status: z.enum(['requires_action', 'pending', 'approved', 'declined', 'expired', 'reversed']),
  decline_code: z.string().optional(),
  action: Action.optional(),
  /** Opens the page of this operation; in no answer but the action's own URL. */
  page_key: z.string().optional(),
  webhook_url: z.string(),
  return_url: z.string().optional(),
  /** When something happens by itself (settlement, return, expiry), ms. */
  due_at: z.number().optional(),
  created_at: z.number(),
  updated_at: z.number(),
})
export type Operation = z.infer<typeof Operation>

/** A line of the truth file: a change of state at the processor. */
export const TruthLine = z.object({
  at: z.string(),
  op: OperationKind,
  our_ref: z.string(),
  their_ref: z.string(),
  player_ref: z.string().optional(),
  amount: z.string(),
  currency: z.string(),
  network: z.string().optional(),
  state: z.enum(['approved', 'declined', 'pending', 'reversed']),
})
export type TruthLine = z.infer<typeof TruthLine>

/** The truth of an operation in its present state; undefined while no money is on its way (an open page, an expired one). */
export function truthOf(operation: Operation): TruthLine | undefined {
  const { status } = operation
  if (status === 'requires_action' || status === 'expired') return undefined
  return {
    at: new Date(operation.updated_at).toISOString(),
    op: operation.kind,
    our_ref: operation.our_ref,
    their_ref: operation.id,
    ...(operation.player_ref !== undefined && { player_ref: operation.player_ref }),
    amount: operation.amount,
    currency: operation.currency,
    ...(operation.network !== undefined && { network: operation.network }),
    state: status,
  }
}

/** An operation as answers and webhooks show it. */
export function present(operation: Operation): Record<string, unknown> {
  const { page_key: _key, webhook_url: _hook, return_url: _back, due_at: _due, token, ...shown } = operation
  return { ...shown, ...(token !== undefined && { instrument: instrumentOf(token) }) }
}

function instrumentOf(token: string): Record<string, unknown> | undefined {
  if (!isTestToken(token)) return undefined
  const { selection, last4, brand, funding, country } = TEST_CARDS[token]
  return { token, fingerprint: `fp_sandbox_${selection}`, brand, last4, funding, country }
}
