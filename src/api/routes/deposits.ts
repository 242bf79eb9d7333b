import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import type { ChargeMethod } from '../../core/method.ts'
import { presentMoney } from '../../core/money.ts'
import { presentDecision, presentDeposit, presentRefund } from '../../core/present.ts'
import { liveAttemptOf } from '../../db/attempts.ts'
import { findRefund, refundsOf } from '../../db/refunds.ts'
import { cancelDeposit } from '../../flows/cancel-deposit.ts'
import { deposit } from '../../flows/deposit.ts'
import type { InstrumentRef } from '../../flows/instruments.ts'
import { refund } from '../../flows/refund.ts'
import { endpoint } from '../endpoint.ts'
import { wordsOf } from '../list.ts'
import { MONEY, moneyOf } from '../money.ts'
import { Amount, CARD_FACTS, IdParams, Metadata, Page, PlayerId, Reference } from '../shapes.ts'
import {
  DecisionShown,
  DepositShown,
  EXPAND,
  expansionsOf,
  PaymentQuery,
  pageOfPayments,
  RefundShown,
  shownPayment,
  shownTimeline,
  TimelineShown,
} from './payments.ts'

/** Hosted fields that encrypt in the browser make tokens of a few thousand characters. */
const TOKEN_CHARS = 8_192
const Token = z.string().regex(new RegExp(`^[\\x21-\\x7e]{1,${TOKEN_CHARS}}$`))
const Name = z.string().regex(/^[A-Za-z0-9_-]{1,32}$/)

/** How the player pays. A card is a token of hosted fields: there is no member for a number. Its facts are the operator's word. */
const Method = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('card'), token: Token, save: z.boolean().optional(), ...CARD_FACTS }),
  z.strictObject({ type: z.literal('wallet'), wallet: Name }),
  z.strictObject({ type: z.literal('bank'), country: z.string().regex(/^[A-Z]{2}$/) }),
  z.strictObject({
    type: z.literal('crypto'),
    asset: z.string().regex(/^[A-Z0-9]{2,10}$/),
    network: z.string().regex(/^[a-z0-9]{2,20}$/),
  }),
  z.strictObject({ type: z.literal('instrument'), instrument_id: z.string().min(1).max(64) }),
])

/** Where the player goes back to: an https page, or http on the developer's own machine. */
export const ReturnUrl = z
  .url({ protocol: /^https?$/ })
  .max(1024)
  .refine((text) => /^https:\/\//.test(text) || /^http:\/\/(localhost|127\.0\.0\.1)([:/]|$)/.test(text), {
    error: 'Must be https.',
  })

/** What is known of the player's browser, for the processor's risk checks. */
export const Client = z.strictObject({
  ip: z.union([z.ipv4(), z.ipv6()]).optional(),
  user_agent: z.string().max(500).optional(),
})

export const createDeposit = endpoint({
  method: 'post',
  path: '/v1/deposits',
  tag: 'deposits',
  summary: 'Take a deposit',
  description:
    'Checks, routes and charges. A decline is an answer (201 with `status: "declined"`), not an error. `unknown` means that money may have moved: only evidence moves it on. `brand`, `funding` and `bin_country` of a card are what your hosted fields told your server, for rules to use until a processor tells them; a player’s session can’t set them.',
  scope: 'deposits:write',
  cashier: true,
  idempotent: true,
  bounds: { strings: { token: TOKEN_CHARS } },
  body: z.strictObject({
    player_id: PlayerId,
    ...MONEY,
    method: Method,
    reference: Reference,
    return_url: ReturnUrl.optional(),
    metadata: Metadata.optional(),
    client: Client.optional(),
  }),
  query: z.strictObject({ ...EXPAND }),
  // 202: what an earlier request under this key began is still under way; ask again with the same key.
  answers: { 201: DepositShown, 202: DepositShown },
  faults: [
    'forbidden',
    'player_not_found',
    'self_excluded',
    'limit_exceeded',
    'instrument_not_found',
    'aml_hold',
    'currency_unsupported',
    'amount_invalid',
    'duplicate_reference',
  ],
  example: {
    body: {
      player_id: 'player-42',
      amount: '25.00',
      currency: 'EUR',
      method: { type: 'card', token: 'tok_sandbox_ok' },
      reference: 'order-1001',
    },
  },
  handle: async (deps, { caller, body, query, runId }) => {
    const method = methodOf(body.method)
    if (caller.playerId !== undefined && method.type === 'card' && method.hint)
      throw new Fault('forbidden', "A player's session does not say what kind of card it is.")
    const row = await deposit(deps, {
      operatorId: caller.operatorId,
      requestedBy: caller.clientId,
      runId,
      playerId: body.player_id,
      amount: moneyOf(body),
      method,
      save: body.method.type === 'card' && body.method.save === true,
      reference: body.reference,
      returnUrl: body.return_url ?? null,
      metadata: body.metadata ?? {},
      client: clientOf(body.client),
    })
    const { expanded, live } = await deps.db.tx(row.operatorId, async (tx) => ({
      expanded: await expansionsOf(tx, row, wordsOf(query.expand)),
      live: row.status === 'processing' ? await liveAttemptOf(tx, row.operatorId, row.id) : undefined,
    }))
    const shown = { ...presentDeposit(row), ...expanded }
    return live?.status === 'sending' ? { status: 202, body: shown } : { status: 201, body: shown }
  },
})

export const listDeposits = endpoint({
  method: 'get',
  path: '/v1/deposits',
  tag: 'deposits',
  summary: 'List deposits, newest first',
  scope: 'deposits:read',
  query: PaymentQuery,
  answers: { 200: Page(DepositShown) },
  handle: async (deps, { caller, query }) => ({
    status: 200,
    body: await deps.db.tx(caller.operatorId, (tx) =>
      pageOfPayments(tx, caller.operatorId, 'deposit', query, presentDeposit),
    ),
  }),
})

export const getDeposit = endpoint({
  method: 'get',
  path: '/v1/deposits/{id}',
  tag: 'deposits',
  summary: 'Read a deposit',
  scope: 'deposits:read',
  params: IdParams,
  query: z.strictObject({ ...EXPAND }),
  answers: { 200: DepositShown },
  handle: async (deps, { caller, params, query }) => {
    const { row, expanded } = await deps.db.tx(caller.operatorId, (tx) =>
      shownPayment(tx, caller.operatorId, 'deposit', params.id, query.expand),
    )
    return { status: 200, body: { ...presentDeposit(row), ...expanded } }
  },
})

export const getDepositDecision = endpoint({
  method: 'get',
  path: '/v1/deposits/{id}/decision',
  tag: 'deposits',
  summary: 'Why this route, and why not the others',
  scope: 'deposits:read',
  params: IdParams,
  answers: { 200: DecisionShown },
  handle: async (deps, { caller, params }) => {
    const { row } = await deps.db.tx(caller.operatorId, (tx) =>
      shownPayment(tx, caller.operatorId, 'deposit', params.id),
    )
    return { status: 200, body: presentDecision(row) }
  },
})

export const getDepositTimeline = endpoint({
  method: 'get',
  path: '/v1/deposits/{id}/timeline',
  tag: 'deposits',
  summary: 'Everything that happened, in order',
  scope: 'deposits:read',
  params: IdParams,
  answers: { 200: TimelineShown },
  handle: async (deps, { caller, params }) => ({
    status: 200,
    body: await deps.db.tx(caller.operatorId, (tx) => shownTimeline(tx, caller.operatorId, 'deposit', params.id)),
  }),
})

export const cancelDepositById = endpoint({
  method: 'post',
  path: '/v1/deposits/{id}/cancel',
  tag: 'deposits',
  summary: 'Give up a deposit that waits for the player or for its capture',
  description:
    'One that waits for the player is cancelled at once. One that is authorized is cancelled by the processor: until its word comes the deposit stays `processing`, and it may still succeed where the capture was faster.',
  scope: 'deposits:write',
  idempotent: true,
  params: IdParams,
  answers: { 200: DepositShown },
  faults: ['illegal_state'],
  handle: async (deps, { caller, params }) => ({
    status: 200,
    body: presentDeposit(await cancelDeposit(deps, caller.operatorId, params.id)),
  }),
})

export const createRefund = endpoint({
  method: 'post',
  path: '/v1/deposits/{id}/refunds',
  tag: 'refunds',
  summary: 'Send a deposit back, whole or in part',
  scope: 'refunds:write',
  idempotent: true,
  params: IdParams,
  body: z.strictObject({
    amount: Amount.optional(),
    currency: MONEY.currency.optional(),
    network: MONEY.network,
    reason: z.string().min(1).max(500).optional(),
    reference: Reference.optional(),
  }),
  answers: { 201: RefundShown, 202: RefundShown },
  faults: [
    'illegal_state',
    'refund_exceeds_captured',
    'insufficient_funds',
    'currency_mismatch',
    'duplicate_reference',
  ],
  example: { body: { amount: '5.00', currency: 'EUR', reason: 'goodwill' } },
  handle: async (deps, { caller, params, body, runId }) => {
    const { operatorId, clientId } = caller
    const { row: paid } = await deps.db.tx(operatorId, (tx) => shownPayment(tx, operatorId, 'deposit', params.id))
    // Without a currency the deposit's own is meant.
    const own = presentMoney({ asset: paid.asset, minor: paid.amount })
    const { amount: text, currency = own.currency, network = own.network } = body
    const amount = text === undefined ? null : moneyOf({ amount: text, currency, network })
    const order = { operatorId, requestedBy: clientId, runId, depositId: params.id, amount }
    const row = await refund(deps, { ...order, reason: body.reason ?? null, reference: body.reference ?? null })
    const live =
      row.status === 'processing'
        ? await deps.db.tx(operatorId, (tx) => liveAttemptOf(tx, operatorId, row.id))
        : undefined
    return live?.status === 'sending'
      ? { status: 202, body: presentRefund(row) }
      : { status: 201, body: presentRefund(row) }
  },
})

export const listRefunds = endpoint({
  method: 'get',
  path: '/v1/deposits/{id}/refunds',
  tag: 'refunds',
  summary: 'The refunds of a deposit',
  scope: 'deposits:read',
  params: IdParams,
  answers: { 200: Page(RefundShown) },
  handle: async (deps, { caller, params }) => {
    const rows = await deps.db.tx(caller.operatorId, async (tx) => {
      await shownPayment(tx, caller.operatorId, 'deposit', params.id)
      return refundsOf(tx, caller.operatorId, params.id)
    })
    return { status: 200, body: { data: rows.map(presentRefund), has_more: false, next_cursor: null } }
  },
})

export const getRefund = endpoint({
  method: 'get',
  path: '/v1/refunds/{id}',
  tag: 'refunds',
  summary: 'Read a refund',
  scope: 'deposits:read',
  params: IdParams,
  answers: { 200: RefundShown },
  handle: async (deps, { caller, params }) => {
    const row = await deps.db.tx(caller.operatorId, (tx) => findRefund(tx, caller.operatorId, params.id))
    if (row === undefined) throw new Fault('not_found', 'There is no such resource.')
    return { status: 200, body: presentRefund(row) }
  },
})

/** The method without what only the API knows. */
function methodOf(method: z.output<typeof Method>): ChargeMethod | InstrumentRef {
  if (method.type === 'instrument') return { type: 'instrument', instrumentId: method.instrument_id }
  if (method.type !== 'card') return method
  const { type, token, brand, funding, bin_country: country } = method
  const hint = {
    ...(brand !== undefined && { brand }),
    ...(funding !== undefined && { funding }),
    ...(country !== undefined && { country }),
  }
  return Object.keys(hint).length === 0 ? { type, token } : { type, token, hint }
}

/** The client without members that weren't given. */
export function clientOf(client: z.output<typeof Client> | undefined): { ip?: string; user_agent?: string } | null {
  if (client === undefined) return null
  const { ip, user_agent } = client
  return { ...(ip !== undefined && { ip }), ...(user_agent !== undefined && { user_agent }) }
}
