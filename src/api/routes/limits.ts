import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import { LIMIT_METRICS, LIMIT_PERIODS } from '../../core/limits.ts'
import { presentMoney } from '../../core/money.ts'
import { type LimitRow, listLimits } from '../../db/limits.ts'
import { findPlayer } from '../../db/players.ts'
import { setLimit } from '../../flows/set-limit.ts'
import { endpoint } from '../endpoint.ts'
import { MONEY, moneyOf } from '../money.ts'
import { AmountShown, Page, PlayerParams, Timestamp } from '../shapes.ts'

const LimitShown = z
  .object({
    id: z.string(),
    metric: z.string(),
    window: z.string(),
    amount: AmountShown.nullable(),
    currency: z.string(),
    network: z.string().optional(),
    effective_at: Timestamp,
    created_at: Timestamp,
  })
  .openapi('PlayerLimit')

export const createLimit = endpoint({
  method: 'post',
  path: '/v1/players/{player_id}/limits',
  tag: 'players',
  summary: 'Set a responsible-gambling limit',
  description:
    "A tighter limit counts now; a looser one, or `amount: null` (none), when the licence's cool-off has passed.",
  scope: 'players:write',
  params: PlayerParams,
  body: z.strictObject({
    metric: z.enum(LIMIT_METRICS),
    window: z.enum(LIMIT_PERIODS),
    amount: MONEY.amount.nullable(),
    currency: MONEY.currency,
    network: MONEY.network,
  }),
  answers: { 201: LimitShown },
  faults: ['currency_unsupported', 'amount_invalid'],
  example: {
    params: { player_id: 'player-42' },
    body: { metric: 'deposit_gross', window: 'day', amount: '200.00', currency: 'EUR' },
  },
  handle: async (deps, { caller, params, body }) => {
    // Any amount names the asset; lifting a limit has none of its own.
    const { asset, minor } = moneyOf({ ...body, amount: body.amount ?? '1' })
    const order = {
      operatorId: caller.operatorId,
      playerId: params.player_id,
      metric: body.metric,
      period: body.window,
    }
    const row = await setLimit(deps, {
      ...order,
      asset,
      minor: body.amount === null ? null : minor,
      setBy: caller.clientId,
    })
    return { status: 201, body: showLimit(row) }
  },
})

export const getLimits = endpoint({
  method: 'get',
  path: '/v1/players/{player_id}/limits',
  tag: 'players',
  summary: 'The limits of a player, those to come included',
  scope: 'players:read',
  params: PlayerParams,
  answers: { 200: Page(LimitShown) },
  handle: async (deps, { caller, params }) => {
    const rows = await deps.db.tx(caller.operatorId, async (tx) => {
      const player = await findPlayer(tx, caller.operatorId, params.player_id)
      if (player === undefined) throw new Fault('not_found', 'There is no such resource.')
      return listLimits(tx, caller.operatorId, params.player_id, new Date(deps.clock.nowMs()))
    })
    return { status: 200, body: { data: rows.map(showLimit), has_more: false, next_cursor: null } }
  },
})

function showLimit({ id, metric, period, asset, amount, effectiveAt, createdAt }: LimitRow) {
  const { amount: shown, ...money } = presentMoney({ asset, minor: amount ?? 0n })
  return {
    id,
    metric,
    window: period,
    amount: amount === null ? null : shown,
    ...money,
    effective_at: effectiveAt.toISOString(),
    created_at: createdAt.toISOString(),
  }
}
