import { z } from '@hono/zod-openapi'
import type { Destination } from '../../core/method.ts'
import { presentDecision, presentWithdrawal } from '../../core/present.ts'
import { cancelWithdrawal } from '../../flows/cancel-withdrawal.ts'
import type { InstrumentRef } from '../../flows/instruments.ts'
import { withdraw } from '../../flows/withdraw.ts'
import { endpoint } from '../endpoint.ts'
import { MONEY, moneyOf } from '../money.ts'
import {
  BANK_ACCOUNT,
  CRYPTO_ADDRESS,
  IdParams,
  Metadata,
  Page,
  PlayerId,
  Reference,
  WALLET_ACCOUNT,
} from '../shapes.ts'
import { Client, clientOf } from './deposits.ts'
import {
  DecisionShown,
  EXPAND,
  PaymentQuery,
  pageOfPayments,
  shownPayment,
  shownTimeline,
  TimelineShown,
  WithdrawalShown,
} from './payments.ts'

/** Where the money goes. Whether it can be sent there is the chain's eighth check. */
const DestinationTaken = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('bank'), ...BANK_ACCOUNT }),
  z.strictObject({ type: z.literal('crypto'), ...CRYPTO_ADDRESS }),
  z.strictObject({ type: z.literal('wallet'), ...WALLET_ACCOUNT }),
  z.strictObject({ type: z.literal('card'), token: z.string().regex(/^[\x21-\x7e]{1,1024}$/) }),
  z.strictObject({ type: z.literal('instrument'), instrument_id: z.string().min(1).max(64) }),
])

export const createWithdrawal = endpoint({
  method: 'post',
  path: '/v1/withdrawals',
  tag: 'withdrawals',
  summary: 'Ask for a payout',
  description:
    'Walks the validation chain (authenticated, KYC, available, minimum, self-exclusion, AML, responsible gambling, destination, execute) and puts the money on hold. 201 means approved or held for people; a check that fails is a 422 that names it and shows all verdicts.',
  scope: 'withdrawals:write',
  cashier: true,
  idempotent: true,
  body: z.strictObject({
    player_id: PlayerId,
    ...MONEY,
    destination: DestinationTaken,
    reference: Reference,
    metadata: Metadata.optional(),
    client: Client.optional(),
  }),
  answers: { 201: WithdrawalShown },
  faults: [
    'player_not_found',
    'insufficient_funds',
    'below_minimum',
    'kyc_required',
    'self_excluded',
    'destination_invalid',
    'instrument_not_found',
    'currency_unsupported',
    'amount_invalid',
    'duplicate_reference',
  ],
  example: {
    body: {
      player_id: 'player-42',
      amount: '20.00',
      currency: 'EUR',
      destination: { type: 'bank', iban: 'DE89370400440532013000', name: 'Ada Example' },
      reference: 'payout-1001',
    },
  },
  handle: async (deps, { caller, body, runId }) => {
    const row = await withdraw(deps, {
      operatorId: caller.operatorId,
      requestedBy: caller.clientId,
      runId,
      playerId: body.player_id,
      amount: moneyOf(body),
      destination: destinationOf(body.destination),
      reference: body.reference,
      metadata: body.metadata ?? {},
      client: clientOf(body.client),
      mayWithdraw: caller.scopes.has('withdrawals:write') || caller.playerId === body.player_id,
    })
    return { status: 201, body: presentWithdrawal(row) }
  },
})

export const listWithdrawals = endpoint({
  method: 'get',
  path: '/v1/withdrawals',
  tag: 'withdrawals',
  summary: 'List withdrawals, newest first',
  scope: 'withdrawals:read',
  query: PaymentQuery,
  answers: { 200: Page(WithdrawalShown) },
  handle: async (deps, { caller, query }) => ({
    status: 200,
    body: await deps.db.tx(caller.operatorId, (tx) =>
      pageOfPayments(tx, caller.operatorId, 'withdrawal', query, presentWithdrawal),
    ),
  }),
})

export const getWithdrawal = endpoint({
  method: 'get',
  path: '/v1/withdrawals/{id}',
  tag: 'withdrawals',
  summary: 'Read a withdrawal',
  scope: 'withdrawals:read',
  params: IdParams,
  query: z.strictObject({ ...EXPAND }),
  answers: { 200: WithdrawalShown },
  handle: async (deps, { caller, params, query }) => {
    const { row, expanded } = await deps.db.tx(caller.operatorId, (tx) =>
      shownPayment(tx, caller.operatorId, 'withdrawal', params.id, query.expand),
    )
    return { status: 200, body: { ...presentWithdrawal(row), ...expanded } }
  },
})

export const getWithdrawalDecision = endpoint({
  method: 'get',
  path: '/v1/withdrawals/{id}/decision',
  tag: 'withdrawals',
  summary: 'Why this route, and why not the others',
  scope: 'withdrawals:read',
  params: IdParams,
  answers: { 200: DecisionShown },
  handle: async (deps, { caller, params }) => {
    const { row } = await deps.db.tx(caller.operatorId, (tx) =>
      shownPayment(tx, caller.operatorId, 'withdrawal', params.id),
    )
    return { status: 200, body: presentDecision(row) }
  },
})

export const getWithdrawalTimeline = endpoint({
  method: 'get',
  path: '/v1/withdrawals/{id}/timeline',
  tag: 'withdrawals',
  summary: 'Everything that happened, in order',
  scope: 'withdrawals:read',
  params: IdParams,
  answers: { 200: TimelineShown },
  handle: async (deps, { caller, params }) => ({
    status: 200,
    body: await deps.db.tx(caller.operatorId, (tx) => shownTimeline(tx, caller.operatorId, 'withdrawal', params.id)),
  }),
})

export const cancelWithdrawalById = endpoint({
  method: 'post',
  path: '/v1/withdrawals/{id}/cancel',
  tag: 'withdrawals',
  summary: 'Take a withdrawal back before it is sent',
  scope: 'withdrawals:write',
  idempotent: true,
  params: IdParams,
  answers: { 200: WithdrawalShown },
  faults: ['illegal_state', 'forbidden'],
  handle: async (deps, { caller, params }) => ({
    status: 200,
    body: presentWithdrawal(await cancelWithdrawal(deps, caller.operatorId, params.id)),
  }),
})

/** The destination without members that weren't given. */
function destinationOf(taken: z.output<typeof DestinationTaken>): Destination | InstrumentRef {
  if (taken.type === 'instrument') return { type: 'instrument', instrumentId: taken.instrument_id }
  if (taken.type !== 'crypto') return taken
  const { tag, ...rest } = taken
  return { ...rest, ...(tag !== undefined && { tag }) }
}
