import { expect, it, onTestFinished } from 'vitest'
import { startAdyen } from '../doubles/adyen.ts'
import { startBtcpay } from '../doubles/btcpay.ts'
import type { Double } from '../doubles/server.ts'
import { hostedFields } from '../support/adyen.ts'
import { gatewayAt } from './gateway.ts'

/** Ends the double after the gateway, and shows what it found wrong. */
function endWith(double: Double) {
  onTestFinished(async () => {
    await double.close()
    expect(double.problems).toEqual([])
  })
}

const EUR = { currency: 'EUR' } as const
const card = { type: 'card', token: hostedFields() } as const

it('takes a deposit, a refund and a payout at Adyen through the public API', async () => {
  const double = await startAdyen()
  const gateway = await gatewayAt('adyen', double)
  endWith(double)
  const deposit = await gateway.post('/v1/deposits', { ...EUR, amount: '100.00', method: card, reference: 'd-1' })
  expect(deposit).toMatchObject({ status: 201, body: { status: 'succeeded', amount: '100.00' } })
  const id = String(deposit.body.id)

  const refund = await gateway.post(`/v1/deposits/${id}/refunds`, {
    player_id: undefined,
    ...EUR,
    amount: '10.00',
    reference: 'r-1',
  })
  expect(refund.status).toBe(201)
  await gateway.until(`/v1/refunds/${String(refund.body.id)}`, 'succeeded')

  const destination = { type: 'bank', iban: 'FI2112345600000785', name: 'Aino Virtanen' } as const
  const payout = await gateway.post('/v1/withdrawals', { ...EUR, amount: '40.00', destination, reference: 'w-1' })
  expect(payout.status).toBe(201)
  await gateway.until(`/v1/withdrawals/${String(payout.body.id)}`, 'paid')

  expect(double.truth.map(({ op, amount, state }) => [op, amount, state])).toEqual([
    ['charge', '10000', 'approved'],
    ['refund', '1000', 'approved'],
    ['payout', '4000', 'approved'],
  ])
  const wallet = await gateway.get('/v1/players/player-1/wallet')
  expect(wallet.body).toMatchObject({ balances: [{ currency: 'EUR', cash: '50.00' }] })
})

it('captures at Adyen what an account with manual capture only authorizes', async () => {
  const double = await startAdyen()
  const connectionConfig = { ...double.connectionConfig, capture: 'manual' }
  const gateway = await gatewayAt('adyen', { ...double, connectionConfig })
  endWith(double)
  const deposit = await gateway.post('/v1/deposits', { ...EUR, amount: '70.00', method: card, reference: 'd-4' })
  expect(deposit).toMatchObject({ status: 201, body: { status: 'processing' } })
  await gateway.until(`/v1/deposits/${String(deposit.body.id)}`, 'succeeded')
  const wallet = await gateway.get('/v1/players/player-1/wallet')
  expect(wallet.body).toMatchObject({ balances: [{ currency: 'EUR', cash: '70.00' }] })
})

it('takes a chargeback of Adyen out of the wallet, and shows it', async () => {
  const double = await startAdyen()
  const gateway = await gatewayAt('adyen', double)
  endWith(double)
  const deposit = await gateway.post('/v1/deposits', { ...EUR, amount: '30.44', method: card, reference: 'd-5' })
  expect(deposit.body).toMatchObject({ status: 'succeeded' })
  const list = `/v1/disputes?deposit_id=${String(deposit.body.id)}`
  await expect.poll(async () => (await gateway.get(list)).body.data, { timeout: 10_000 }).toHaveLength(1)
  const { data } = Object.assign({ data: [{ id: '' }] }, (await gateway.get(list)).body)
  const dispute = await gateway.get(`/v1/disputes/${data[0]?.id ?? ''}`)
  expect(dispute).toMatchObject({
    status: 200,
    body: {
      stage: 'chargeback',
      status: 'opened',
      amount: '30.44',
      taken_amount: '30.44',
      history: [{ amount: '30.44' }],
    },
  })
  const wallet = await gateway.get('/v1/players/player-1/wallet')
  expect(wallet.body).toMatchObject({ balances: [{ currency: 'EUR', cash: '0.00' }] })
  expect((await gateway.get('/v1/disputes/dsp_01kx0000000000000000000000')).status).toBe(404)
})

it("carries a player through the bank's page of Adyen", async () => {
  const double = await startAdyen()
  const gateway = await gatewayAt('adyen', double)
  endWith(double)
  const deposit = await gateway.post('/v1/deposits', { ...EUR, amount: '20.03', method: card, reference: 'd-2' })
  expect(deposit.body).toMatchObject({ status: 'requires_action', next_action: { type: 'three_ds', method: 'GET' } })
  const { url } = Object.assign({ url: '' }, deposit.body.next_action)
  // The bank sends the player back to the gateway, which asks Adyen.
  const back = await fetch(url, { redirect: 'manual' })
  await fetch(back.headers.get('location') ?? '', { redirect: 'manual' })
  await gateway.until(`/v1/deposits/${String(deposit.body.id)}`, 'succeeded')
  expect(double.truth).toHaveLength(1)
})

it('takes a payment in Bitcoin, rung in by a bell without amounts, and pays out once', async () => {
  const double = await startBtcpay()
  const gateway = await gatewayAt('btcpay', double)
  endWith(double)
  const BTC = { currency: 'BTC', network: 'bitcoin' } as const
  const method = { type: 'crypto', asset: 'BTC', network: 'bitcoin' } as const
  const deposit = await gateway.post('/v1/deposits', { ...BTC, amount: '0.01', method, reference: 'd-3' })
  expect(deposit.body).toMatchObject({ status: 'requires_action', next_action: { type: 'display_crypto' } })
  const [invoice = ''] = double.invoices()
  double.pay(invoice, '0.01')
  await gateway.until(`/v1/deposits/${String(deposit.body.id)}`, 'succeeded')

  const address = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
  const destination = { type: 'crypto', asset: 'BTC', network: 'bitcoin', address } as const
  const payout = await gateway.post('/v1/withdrawals', { ...BTC, amount: '0.004', destination, reference: 'w-3' })
  expect(payout.status).toBe(201)
  await gateway.until(`/v1/withdrawals/${String(payout.body.id)}`, 'paid')
  expect(double.truth.map(({ op, amount }) => [op, amount])).toEqual([
    ['charge', '0.01'],
    ['payout', '0.00400000'],
  ])
})
