import { z } from '@hono/zod-openapi'
import { paymentOptions } from '../../flows/payment-options.ts'
import { endpoint } from '../endpoint.ts'
import { MONEY, moneyOf } from '../money.ts'
import { PlayerId } from '../shapes.ts'
import { InstrumentShown, showInstrument } from './instruments.ts'

const OptionShown = z
  .object({
    method: z.looseObject({ type: z.enum(['card', 'bank', 'wallet', 'crypto']) }),
    available: z.boolean(),
    reason: z.string().nullable(),
    accounts: z.array(
      z.object({
        connection_id: z.string(),
        processor: z.string(),
        label: z.string(),
        usable: z.boolean(),
        code: z.string(),
        reason: z.string(),
      }),
    ),
    instruments: z.array(InstrumentShown),
  })
  .openapi('PaymentOption')

export const postPaymentOptions = endpoint({
  method: 'post',
  path: '/v1/players/{player_id}/payment_options',
  tag: 'players',
  summary: 'Which methods a player may use now for an amount, and why others not',
  description:
    'By the same limits, exclusion and routing that the payment itself goes by. It promises nothing: the payment is checked again. A player’s own session sees no accounts.',
  scope: 'players:read',
  cashier: true,
  params: z.strictObject({ player_id: PlayerId }),
  body: z.strictObject({ ...MONEY, direction: z.enum(['deposit', 'withdrawal']).default('deposit') }),
  answers: {
    200: z.object({
      player_id: z.string(),
      direction: z.string(),
      refusal: z.string().nullable(),
      reviews: z.array(z.string()),
      options: z.array(OptionShown),
    }),
  },
  faults: ['currency_unsupported', 'amount_invalid'],
  example: { params: { player_id: 'player-42' }, body: { amount: '25.00', currency: 'EUR' } },
  handle: async (deps, { caller, params, body }) => {
    const { operatorId, playerId: session } = caller
    const { direction } = body
    const order = { operatorId, playerId: params.player_id, amount: moneyOf(body), direction }
    const { refusal, reviews, options } = await paymentOptions(deps, order)
    return {
      status: 200,
      body: {
        player_id: params.player_id,
        direction,
        refusal,
        reviews: [...reviews],
        options: options.map(({ method, available, reason, accounts, instruments }) => ({
          method,
          available,
          reason,
          // Where an operator's money goes is nothing for its players.
          accounts: session === undefined ? accounts.map(showAccount) : [],
          instruments: instruments.map(showInstrument),
        })),
      },
    }
  },
})

const showAccount = ({
  connectionId,
  processor,
  label,
  usable,
  code,
  reason,
}: Awaited<ReturnType<typeof paymentOptions>>['options'][number]['accounts'][number]) => ({
  connection_id: connectionId,
  processor,
  label,
  usable,
  code,
  reason,
})
