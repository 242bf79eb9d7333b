import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { type Endpoint, endpoint } from '../../src/api/endpoint.ts'
import { oauthEndpoints } from '../../src/api/routes/oauth.ts'
import { Amount, Currency, IdParams, PlayerId } from '../../src/api/shapes.ts'
import { Fault } from '../../src/core/errors.ts'
import { testAccess } from '../support/access.ts'
import { testApp } from '../support/app.ts'
import { sweep } from '../support/sweep.ts'

type World = Awaited<ReturnType<typeof testAccess>>
let world: World
beforeAll(async () => {
  world = await testAccess()
})
afterAll(() => world.close())

const sweepOf = (endpoints: readonly Endpoint[]) => {
  const app = testApp({ endpoints, authenticate: world.access.authenticate })
  const tokens = new Map<string, Promise<string>>()
  return sweep({
    fetch: async (path, init) => app.request(path, init),
    token(scopes) {
      const name = scopes.join(' ')
      const known = tokens.get(name) ?? world.token('opr_a', scopes)
      tokens.set(name, known)
      return known
    },
    creates: ['postPlayersPlayerIdSessions'],
  })
}

const pay = {
  method: 'post',
  path: '/v1/deposits/{id}/pay',
  tag: 'deposits',
  summary: 'Pay',
  scope: 'deposits:write',
  idempotent: true,
  params: IdParams,
  answers: { 201: z.object({ id: z.string() }) },
} as const
const Body = z.strictObject({
  amount: Amount,
  currency: Currency,
  player_id: PlayerId,
  method: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('card'), token: z.string() }),
    z.strictObject({ type: z.literal('wallet'), wallet: z.string() }),
  ]),
})
const absent = async (): Promise<never> => {
  throw new Fault('not_found', 'There is no such resource.')
}

it('finds nothing wrong with the endpoints of the house', async () => {
  const { operations, complaints } = await sweepOf([
    ...oauthEndpoints(world.access, world.clients),
    endpoint({ ...pay, body: Body, handle: absent }),
  ])
  expect(complaints).toEqual([])
  expect(operations).toBeGreaterThan(14)
})

it('finds a body that takes anything, an amount that may be negative and an id that is not looked up', async () => {
  const { complaints } = await sweepOf([
    endpoint({
      ...pay,
      body: z.object({ amount: z.string() }),
      handle: async (_deps, { params }) => ({ status: 201, body: { id: params.id } }),
    }),
  ])
  expect(complaints.some((line) => /tenant_id: wanted 422/.test(line))).toBe(true)
  expect(complaints.some((line) => /amount = -100.00: wanted 422/.test(line))).toBe(true)
  expect(complaints.some((line) => /absent: wanted 404/.test(line))).toBe(true)
})

it('finds an answer that differs for what is absent and what is hidden', async () => {
  const { complaints } = await sweepOf([
    endpoint({
      ...pay,
      body: Body,
      handle: async (_deps, { params }) => {
        throw new Fault('not_found', `There is no deposit ${params.id}.`)
      },
    }),
  ])
  expect(complaints.some((line) => line.includes('the two answers differ'))).toBe(true)
})
