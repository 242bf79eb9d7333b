import { afterAll, beforeAll, expect, it } from 'vitest'
import { sweep } from '../support/sweep.ts'
import { type World, world } from '../support/world.ts'

let gateway: World
beforeAll(async () => {
  gateway = await world()
})
afterAll(() => gateway.close())

/** What the second operator has, for the first one to ask for. */
async function thingsOfTheSecond() {
  const token = await gateway.token(undefined, gateway.second)
  const make = async (path: string, body: unknown) => (await gateway.request('POST', path, { token, body })).body
  await gateway.request('PUT', '/v1/players/only-theirs', { token, body: { country: 'FI', currency: 'EUR' } })
  const order = { player_id: 'p1', currency: 'EUR' }
  const deposit = await make('/v1/deposits', {
    ...order,
    amount: '50.00',
    reference: 'd-1',
    method: { type: 'card', token: 'tok_sandbox_ok' },
  })
  await gateway.work()
  const refund = await make(`/v1/deposits/${deposit.id}/refunds`, { amount: '1.00' })
  const withdrawal = await make('/v1/withdrawals', {
    ...order,
    amount: '10.00',
    reference: 'w-1',
    destination: { type: 'bank', iban: 'FI2112345600000785', name: 'Ada Example' },
  })
  const rules = { language: 1, rules: [], default: { strategy: 'ordered', connections: '*' } }
  const ruleset = await make('/v1/routing/rulesets', { name: 'theirs', document: rules })
  expect([deposit.id, refund.id, withdrawal.id]).toEqual(
    [/^dep_/, /^rfd_/, /^wdr_/].map((form) => expect.stringMatching(form)),
  )
  return {
    '/v1/deposits/{': { id: deposit.id },
    '/v1/refunds/{': { id: refund.id },
    '/v1/withdrawals/{': { id: withdrawal.id },
    '/v1/players/{': { player_id: 'only-theirs' },
    '/v1/routing/rulesets/{': { id: ruleset.id },
    '/v1/connections/{': { id: gateway.second.connections.sandbox_a ?? '' },
  }
}

it('finds nothing wrong with any operation of the whole gateway', async () => {
  const tokens = new Map<string, Promise<string>>()
  const socket = { incoming: { socket: { remoteAddress: '127.0.0.1' } } }
  const { operations, complaints } = await sweep({
    fetch: async (path, init) => gateway.app.fetch(new Request(new URL(path, gateway.url), init), socket),
    token(scopes) {
      const name = scopes.join(' ')
      const known = tokens.get(name) ?? gateway.token(scopes)
      tokens.set(name, known)
      return known
    },
    creates: ['putPlayersPlayerId', 'postPlayersPlayerIdSessions'],
    foreign: await thingsOfTheSecond(),
  })
  expect(complaints).toEqual([])
  expect(operations).toBeGreaterThan(30)
}, 120_000)
