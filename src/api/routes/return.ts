import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import { operatorOfConnection } from '../../db/connections.ts'
import { resumeDeposit } from '../../flows/resume-deposit.ts'
import { endpoint } from '../endpoint.ts'

/** Enough for what any processor's page hands back. */
const Params = z.record(z.string().max(64), z.string().max(2048))

export const returnFromProcessor = endpoint({
  method: 'get',
  path: '/return/{connection_id}/{id}',
  tag: 'deposits',
  summary: "The player comes back from a processor's page",
  description:
    "Asks the processor what happened and sends the player on to the operator's return_url. What stands in the URL changes nothing by itself.",
  scope: 'public',
  params: z.strictObject({ connection_id: z.string().max(64), id: z.string().max(64) }),
  query: Params,
  answers: { 303: null, 200: 'text/plain; charset=utf-8' },
  handle: async (deps, { params, query }) => {
    const operatorId = await deps.db.global((tx) => operatorOfConnection(tx, params.connection_id))
    const payment = operatorId && (await resumeDeposit(deps, operatorId, params.id, query))
    if (!payment) throw new Fault('not_found', 'There is no such resource.')
    if (payment.returnUrl === null) return { status: 200, body: 'Thank you. You can close this page.\n' }
    const url = new URL(payment.returnUrl)
    url.searchParams.set('deposit_id', payment.id)
    return { status: 303, headers: { location: url.toString() } }
  },
})
