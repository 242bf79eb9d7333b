import { afterAll, beforeAll, expect, it } from 'vitest'
import { PLAYER, type World, world } from '../support/world.ts'

let gateway: World
beforeAll(async () => {
  gateway = await world()
  await gateway.database.admin`update operator set settings = '{"routing_single_person": true}'`
})
afterAll(() => gateway.close())

let orders = 0
const pay = (amount: string, card: Record<string, unknown>, token?: string) => {
  orders += 1
  return gateway.request('POST', '/v1/deposits', {
    body: {
      player_id: PLAYER,
      amount,
      currency: 'EUR',
      reference: `card-${orders}`,
      method: { type: 'card', ...card },
    },
    ...(token !== undefined && { token }),
  })
}
const sent = async (amount: string) =>
  (await Promise.all(Object.values(gateway.sandboxes).map(({ truth }) => truth())))
    .flat()
    .filter((line) => line.amount === amount && line.state === 'declined')

it('sends a refused Visa card twenty times and not once more, and says why', async () => {
  const token = 'tok_sandbox_visa'
  for (let n = 0; n < 10; n += 1) {
    expect((await pay('10.05', { token })).body).toMatchObject({
      status: 'declined',
      decline: { code: 'do_not_honor' },
    })
  }
  // Each was tried at two processors.
  expect(await sent('10.05')).toHaveLength(20)
  const blocked = await pay('10.05', { token })
  expect(blocked).toMatchObject({
    status: 201,
    body: { status: 'declined', decline: { code: 'scheme_retry_blocked', retryable: false } },
  })
  expect(await sent('10.05')).toHaveLength(20)
  const { candidates } = (await gateway.request('GET', `/v1/deposits/${blocked.body.id}/decision`)).body
  expect(candidates.map(({ outcome, code }: Record<string, string>) => `${outcome} ${code}`)).toEqual(
    Array.from({ length: 3 }, () => 'left_out scheme_retry_blocked'),
  )
  expect((await pay('12.00', { token })).body.status).toBe('succeeded')
})

it('never sends a Visa card again that is reported stolen', async () => {
  const card = { token: 'tok_sandbox_stolen' }
  expect((await pay('13.00', card)).body.decline.code).toBe('stolen_card')
  expect((await pay('14.00', card)).body.decline.code).toBe('scheme_retry_blocked')
  expect(await sent('14.00')).toHaveLength(0)
})

it('lets rules use what a processor told of a card, or before that the word of the operator', async () => {
  const { body: connections } = await gateway.request('GET', '/v1/connections?processor=sandbox_c')
  const text = `
    language 1
    rule "prepaid" {
      when funding == "prepaid" && bin_country == "FI"
      use ordered("${connections.data[0].label}")
    }
    default { use ordered(*) }`
  const draft = await gateway.request('POST', '/v1/routing/rulesets', { body: { name: 'prepaid', text } })
  const reason = { body: { reason: 'test' } }
  expect((await gateway.request('POST', `/v1/routing/rulesets/${draft.body.id}/publish`, reason)).status).toBe(200)

  const token = 'tok_sandbox_mastercard'
  expect((await pay('20.00', { token })).body.processor).toBe('sandbox_a')
  expect((await pay('20.00', { token })).body.processor).toBe('sandbox_c')
  const told = { funding: 'prepaid', bin_country: 'FI' }
  expect((await pay('21.00', { token: 'tok_sandbox_3ds', ...told })).body).toMatchObject({ status: 'requires_action' })
  // What the processor says of it outweighs the hint.
  await pay('22.00', { token: 'tok_sandbox_ok' })
  expect((await pay('22.00', { token: 'tok_sandbox_ok', ...told })).body.processor).toBe('sandbox_a')
})

it('takes no word that rules do not have, and none at all from a browser', async () => {
  const token = 'tok_sandbox_ok'
  for (const hint of [{ brand: 'carrd' }, { funding: 'CREDIT' }, { bin_country: 'EU' }, { bin: '411111' }]) {
    const { status, body } = await pay('10.00', { token, ...hint })
    expect([status, body.code]).toEqual([422, 'validation_failed'])
  }
  const made = await gateway.request('POST', `/v1/players/${PLAYER}/sessions`, { body: {} })
  const session = made.body.access_token
  expect((await pay('10.00', { token, brand: 'visa' }, session)).body.code).toBe('forbidden')
  expect((await pay('10.00', { token }, session)).body.status).toBe('succeeded')
})
