import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import { formatAmount, presentMoney } from '../../core/money.ts'
import { PLAY_TYPES } from '../../core/play.ts'
import { playerWallet } from '../../db/ledger.ts'
import { findPlayer } from '../../db/players.ts'
import { play } from '../../flows/play.ts'
import { endpoint } from '../endpoint.ts'
import { MONEY, MONEY_SHOWN, moneyOf } from '../money.ts'
import { AmountShown, PlayerParams, Reference, Timestamp } from '../shapes.ts'

const WalletShown = z
  .object({
    player_id: z.string(),
    balances: z.array(
      z.object({
        currency: z.string(),
        network: z.string().optional(),
        cash: AmountShown,
        bonus: AmountShown,
        held: AmountShown,
        withdrawable: AmountShown,
      }),
    ),
  })
  .openapi('Wallet')

export const getWallet = endpoint({
  method: 'get',
  path: '/v1/players/{player_id}/wallet',
  tag: 'wallets',
  summary: 'What a player has; only cash can be withdrawn',
  scope: 'wallets:read',
  cashier: true,
  params: PlayerParams,
  answers: { 200: WalletShown },
  handle: async (deps, { caller, params }) => {
    const rows = await deps.db.tx(caller.operatorId, async (tx) => {
      const player = await findPlayer(tx, caller.operatorId, params.player_id)
      if (player === undefined) throw new Fault('not_found', 'There is no such resource.')
      return playerWallet(tx, caller.operatorId, params.player_id)
    })
    return { status: 200, body: { player_id: params.player_id, balances: rows.map(showBalance) } }
  },
})

const TransactionShown = z
  .object({
    reference: z.string(),
    player_id: z.string(),
    type: z.string(),
    ...MONEY_SHOWN,
    related_reference: z.string().nullable(),
    status: z.string(),
    cash: AmountShown,
    bonus: AmountShown,
    created_at: Timestamp,
  })
  .openapi('WalletTransaction')

export const createWalletTransaction = endpoint({
  method: 'post',
  path: '/v1/players/{player_id}/wallet/transactions',
  tag: 'wallets',
  summary: 'A bet, win, rollback or bonus move of the game side',
  description:
    'Idempotent by `reference`: the same again answers 200 with what was posted. A rollback that comes before its bet has the bet refused.',
  scope: 'wallets:write',
  params: PlayerParams,
  body: z.strictObject({
    type: z.enum(PLAY_TYPES),
    ...MONEY,
    reference: Reference,
    related_reference: Reference.optional(),
  }),
  answers: { 200: TransactionShown, 201: TransactionShown },
  faults: [
    'insufficient_funds',
    'duplicate_reference',
    'related_not_found',
    'rolled_back',
    'currency_mismatch',
    'conflict',
    'currency_unsupported',
  ],
  example: {
    params: { player_id: 'player-42' },
    body: { type: 'bonus_grant', amount: '10.00', currency: 'EUR', reference: 'bonus-1' },
  },
  handle: async (deps, { caller, params, body }) => {
    const order = { playerId: params.player_id, type: body.type, amount: moneyOf(body), reference: body.reference }
    const relatedReference = body.related_reference ?? null
    const { status, parts, at, replayed } = await play(deps, {
      operatorId: caller.operatorId,
      ...order,
      relatedReference,
    })
    const { asset } = order.amount
    const shown = {
      reference: order.reference,
      player_id: order.playerId,
      type: order.type,
      ...presentMoney(order.amount),
      related_reference: relatedReference,
      status,
      cash: formatAmount({ asset, minor: parts.cash }),
      bonus: formatAmount({ asset, minor: parts.bonus }),
      created_at: at.toISOString(),
    }
    return replayed ? { status: 200, body: shown } : { status: 201, body: shown }
  },
})

function showBalance({ asset, cash, bonus, held }: { asset: string; cash: bigint; bonus: bigint; held: bigint }) {
  const { amount, ...money } = presentMoney({ asset, minor: cash })
  return {
    ...money,
    cash: amount,
    bonus: formatAmount({ asset, minor: bonus }),
    held: formatAmount({ asset, minor: held }),
    withdrawable: amount,
  }
}
