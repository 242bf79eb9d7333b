import { assetOf } from '../../core/currencies.ts'
import type { DeclineCode } from '../../core/decline.ts'
import { type Money, parseAmount, presentMoney } from '../../core/money.ts'
import type { Charge, Flow, InstrumentSeen, NextAction, Outcome, PayOut, Refund } from '../contract.ts'
import { type ActionReply, type OperationReply, type Reply, Status } from './wire.ts'

/** Their collection of each flow. */
export const COLLECTION = { deposit: 'charges', withdrawal: 'payouts', refund: 'refunds' } as const

/** Their kind of operation as our flow. */
export const FLOW = { charge: 'deposit', payout: 'withdrawal', refund: 'refund' } as const satisfies Record<
  OperationReply['kind'],
  Flow
>

/** Their decline codes, by code alone. */
const DECLINE: Readonly<Record<string, DeclineCode>> = {
  do_not_honor: 'do_not_honor',
  insufficient_funds: 'insufficient_funds',
  lost_card: 'lost_card',
  stolen_card: 'stolen_card',
  issuer_unavailable: 'issuer_unavailable',
  token_invalid: 'token_invalid_or_expired',
  authentication_failed: 'authentication_failed',
  cancelled_by_payer: 'cancelled_by_player',
  float_insufficient: 'payout_float_insufficient',
  refund_exceeds_captured: 'invalid_request',
  charge_not_captured: 'invalid_request',
  currency_mismatch: 'invalid_request',
}

type Reader = (reply: OperationReply, amount: Money) => Outcome

/** Their states as ours: total over what they document. */
const OUTCOME: Readonly<Record<Status, Reader>> = {
  approved: (reply, amount) => ({
    kind: 'succeeded',
    reference: reply.id,
    amount,
    ...(reply.instrument && { instrument: seen(reply.instrument) }),
  }),
  pending: ({ id }) => ({ kind: 'pending', reference: id }),
  declined: ({ id, decline_code, instrument }) => ({
    kind: 'declined',
    reference: id,
    decline: {
      code: DECLINE[decline_code ?? ''] ?? 'unmapped',
      ...(decline_code !== undefined && { processorCode: decline_code }),
    },
    ...(instrument && { instrument: seen(instrument) }),
  }),
  requires_action: ({ id, action }) =>
    action
      ? { kind: 'requires_action', reference: id, action: nextAction(action) }
      : { kind: 'unknown', reason: 'malformed', reference: id },
  expired: ({ id }) => ({ kind: 'voided', reference: id, why: 'expired' }),
  reversed: ({ id }, amount) => ({ kind: 'returned', reference: id, amount }),
}

/** What one of their operations says about the attempt. An answer about another reference, or of a sum that is none, proves nothing. */
export function outcomeOfReply(reply: OperationReply, attempt: string): Outcome {
  const amount = moneyOf(reply)
  if (reply.our_ref !== attempt || !amount) return { kind: 'unknown', reason: 'malformed' }
  const status = Status.safeParse(reply.status)
  return status.success
    ? OUTCOME[status.data](reply, amount)
    : { kind: 'unknown', reason: 'unmapped', reference: reply.id }
}

/** What an answer says of the attempt. A refusal that nobody vouches for leaves it unknown: 409 means that the key was seen before. */
export function outcomeOfAnswer(reply: Reply, status: number, attempt: string): Outcome {
  if (!('error' in reply)) return outcomeOfReply(reply, attempt)
  return { kind: 'unknown', reason: status === 409 ? 'duplicate_request' : 'malformed' }
}

/** What a look-up says: more than one operation under our reference is for people to sort out, unless we know which is ours. */
export function outcomeOfList(replies: readonly OperationReply[], attempt: string, reference?: string): Outcome {
  const ours = reference === undefined ? replies : replies.filter(({ id }) => id === reference)
  const [only] = ours
  if (ours.length > 1) return { kind: 'unknown', reason: 'duplicate_request' }
  if (only) return outcomeOfReply(only, attempt)
  // Theirs is there, but under another id than the one we hold: that is no proof of absence.
  return replies.length > 0 ? { kind: 'unknown', reason: 'malformed' } : { kind: 'not_found' }
}

function moneyOf({ amount, currency, network }: OperationReply): Money | undefined {
  const asset = assetOf(currency, network)
  const parsed = asset && parseAmount(amount, asset)
  return typeof parsed === 'object' ? parsed : undefined
}

function nextAction(action: ActionReply): NextAction {
  if (action.type === 'display_crypto') return action
  return { type: action.type, url: action.url, method: 'GET' }
}

const seen = ({ country, funding, ...instrument }: NonNullable<OperationReply['instrument']>): InstrumentSeen => ({
  ...instrument,
  ...(country !== undefined && { country }),
  ...(funding !== undefined && { funding }),
})

/** The body of a charge, member by member: nothing that isn't named here can leave. */
export function chargeBody({ attempt, amount, player, method, returnUrl, webhookUrl, stepUp }: Charge) {
  return {
    our_ref: attempt,
    ...presentMoney(amount),
    player_ref: player.id,
    method: methodBody(method),
    return_url: returnUrl,
    webhook_url: webhookUrl,
    ...(stepUp && { step_up: true }),
  }
}

function methodBody(method: Charge['method']) {
  switch (method.type) {
    case 'card':
      return { type: method.type, token: method.token }
    case 'wallet':
      return { type: method.type, wallet: method.wallet }
    case 'bank':
      return { type: method.type, country: method.country }
    case 'crypto':
      return { type: method.type, asset: method.asset, network: method.network }
  }
}

/** The body of a payout. */
export function payoutBody({ attempt, amount, player, destination, webhookUrl }: PayOut) {
  return {
    our_ref: attempt,
    ...presentMoney(amount),
    player_ref: player.id,
    destination: destinationBody(destination),
    webhook_url: webhookUrl,
  }
}

function destinationBody(to: PayOut['destination']) {
  switch (to.type) {
    case 'card':
      return { type: to.type, token: to.token }
    case 'wallet':
      return { type: to.type, wallet: to.wallet, account: to.account }
    case 'bank':
      return { type: to.type, iban: to.iban, name: to.name }
    case 'crypto': {
      const { type, asset, network, address, tag } = to
      return { type, asset, network, address, ...(tag !== undefined && { tag }) }
    }
  }
}

/** The body of a refund of the charge that `original` names. */
export function refundBody({ attempt, amount, original, webhookUrl }: Refund) {
  return { our_ref: attempt, ...presentMoney(amount), charge: original.reference, webhook_url: webhookUrl }
}
