import { afterAll, beforeAll, expect, it } from 'vitest'
import { PLAYER, type World, world } from '../support/world.ts'

let gateway: World
beforeAll(async () => {
  gateway = await world()
})
afterAll(() => gateway.close())

const card = (amount: string, reference: string) => ({
  player_id: PLAYER,
  amount,
  currency: 'EUR',
  reference,
  method: { type: 'card', token: 'tok_sandbox_ok' },
})

it('takes a deposit once, whatever is sent again, and the three books agree', async () => {
  const body = card('25.00', 'e2e-1')
  const key = 'e2e-deposit-key-0001'
  const first = await gateway.request('POST', '/v1/deposits', { body, key })
  expect(first).toMatchObject({ status: 201, body: { status: 'succeeded', amount: '25.00' } })
  const again = await gateway.request('POST', '/v1/deposits', { body, key })
  expect(again.text).toBe(first.text)
  expect(again.headers.get('idempotent-replayed')).toBe('true')
  const truth = (await gateway.sandboxes.a.truth()).filter(({ state }) => state === 'approved')
  expect(truth).toHaveLength(1)
  const wallet = await gateway.request('GET', `/v1/players/${PLAYER}/wallet`)
  expect(wallet.body.balances).toMatchObject([{ currency: 'EUR', cash: '25.00' }])
})

it('goes on to the next processor when the first one has no issuer, and only then', async () => {
  const made = await gateway.request('POST', '/v1/deposits', { body: card('10.91', 'e2e-2') })
  expect(made.body).toMatchObject({ status: 'succeeded', processor: 'sandbox_b' })
  const soft = await gateway.request('POST', '/v1/deposits', { body: card('10.05', 'e2e-3') })
  expect(soft).toMatchObject({ status: 201, body: { status: 'declined' } })
})

it('ends a pending deposit by the processor’s webhook', async () => {
  const made = await gateway.request('POST', '/v1/deposits', { body: card('10.99', 'e2e-4') })
  expect(made.body.status).toBe('processing')
  await expect
    .poll(
      async () => {
        await gateway.work()
        return (await gateway.request('GET', `/v1/deposits/${made.body.id}`)).body.status
      },
      { timeout: 20_000, interval: 200 },
    )
    .toBe('succeeded')
})

it('shows nothing of one operator to another', async () => {
  const made = await gateway.request('POST', '/v1/deposits', { body: card('5.00', 'e2e-5') })
  const token = await gateway.token(undefined, gateway.second)
  const foreign = await gateway.request('GET', `/v1/deposits/${made.body.id}`, { token })
  const absent = await gateway.request('GET', '/v1/deposits/dep_01m833n3dafkcvbsdzgpq4h7s2', { token })
  expect(foreign.status).toBe(404)
  const bare = ({ body }: typeof foreign) => ({ ...body, instance: '', request_id: '' })
  expect(bare(foreign)).toEqual(bare(absent))
})
