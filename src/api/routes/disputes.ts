import { z } from '@hono/zod-openapi'
import { STAGES, STATUSES } from '../../core/dispute.ts'
import { Fault } from '../../core/errors.ts'
import { presentMoney } from '../../core/money.ts'
import { presentDispute } from '../../core/present.ts'
import { findDispute, listDisputes, newsOf } from '../../db/disputes.ts'
import { endpoint } from '../endpoint.ts'
import { beforeOf, pageOf } from '../list.ts'
import { MONEY_SHOWN } from '../money.ts'
import { AmountShown, IdParams, PAGE, Page, PlayerId, Timestamp } from '../shapes.ts'

const WORD = { stage: z.string(), status: z.string(), ...MONEY_SHOWN }

/** A dispute as the API shows it. */
export const DisputeShown = z
  .object({
    id: z.string(),
    deposit_id: z.string(),
    player_id: z.string(),
    connection_id: z.string(),
    processor_reference: z.string(),
    ...WORD,
    taken_amount: AmountShown,
    history: z.array(z.object({ ...WORD, at: Timestamp })).optional(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi('Dispute')

export const getDisputes = endpoint({
  method: 'get',
  path: '/v1/disputes',
  tag: 'disputes',
  summary: 'Deposits that players dispute at their bank',
  scope: 'deposits:read',
  query: z.strictObject({
    ...PAGE,
    stage: z.enum(STAGES).optional(),
    status: z.enum(STATUSES).optional(),
    deposit_id: z.string().max(64).optional(),
    player_id: PlayerId.optional(),
  }),
  answers: { 200: Page(DisputeShown) },
  handle: async (deps, { caller, query }) => {
    const { stage, status, limit, deposit_id: depositId, player_id: playerId, cursor } = query
    const filter = { stage, status, depositId, playerId, before: beforeOf('dispute', cursor), limit: limit + 1 }
    const rows = await deps.db.tx(caller.operatorId, (tx) => listDisputes(tx, caller.operatorId, filter))
    return { status: 200, body: pageOf(rows, limit, presentDispute) }
  },
})

export const getDispute = endpoint({
  method: 'get',
  path: '/v1/disputes/{id}',
  tag: 'disputes',
  summary: 'Read a dispute with everything that the processor told of it',
  scope: 'deposits:read',
  params: IdParams,
  answers: { 200: DisputeShown },
  handle: async (deps, { caller, params }) => {
    const { row, news } = await deps.db.tx(caller.operatorId, async (tx) => ({
      row: await findDispute(tx, caller.operatorId, params.id),
      news: await newsOf(tx, caller.operatorId, params.id),
    }))
    if (row === undefined) throw new Fault('not_found', 'There is no such resource.')
    const history = news.map(({ stage, status, asset, amount, at }) => ({
      stage,
      status,
      ...presentMoney({ asset, minor: amount }),
      at: at.toISOString(),
    }))
    return { status: 200, body: { ...presentDispute(row), history } }
  },
})
