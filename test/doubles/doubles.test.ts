import { createServer } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { adyen } from '../../src/adapters/adyen/index.ts'
import { btcpay } from '../../src/adapters/btcpay/index.ts'
import type { Adapter, Connected, Io, Outcome, ProcessorEvent } from '../../src/adapters/contract.ts'
import { createSend } from '../../src/adapters/send.ts'
import { nodeHttp } from '../../src/platform/http-node.ts'
import { adyenCharge, adyenPayOut, adyenRefund } from '../support/adyen.ts'
import { btcpayCharge, btcpayPayOut, btcpayRefund } from '../support/btcpay.ts'
import { startAdyen } from './adyen.ts'
import { startBtcpay } from './btcpay.ts'
import type { Double } from './server.ts'

/** An account at a double: the adapter with its real sender, and a door where verified webhooks are kept. */
async function accountAt(adapter: Adapter, double: Double) {
  const connected: Connected = adapter.connect(double.connectionConfig)
  const events: ProcessorEvent[] = []
  const refused: string[] = []
  let turnedAway = 0
  const door = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    // The first of each test is turned away, so that all of them see a redelivery.
    if (turnedAway === 0) {
      turnedAway += 1
      response.writeHead(503).end()
      return
    }
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    const secrets = connected.webhookSecrets
    const heard = await connected.events({ body: Buffer.concat(chunks), headers, secrets, nowMs: Date.now() })
    if (heard.kind === 'verified') events.push(...heard.events)
    else refused.push(heard.why)
    response.writeHead(200).end()
  })
  const port = await new Promise<number>((listening) => {
    door.listen(0, '127.0.0.1', () => {
      const address = door.address()
      listening(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  double.webhooksTo(`http://127.0.0.1:${port}/`)
  const http = nodeHttp()
  const io = (deadlineMs = 5_000): Io => ({
    send: createSend({ http, facts: adapter.facts, connected, deadlineMs }),
    nowMs: Date.now(),
  })
  onTestFinished(async () => {
    await double.close()
    await http.close()
    door.closeAllConnections()
    await new Promise((closed) => door.close(closed))
    expect(double.problems).toEqual([])
    expect(refused).toEqual([])
  })
  return { connected, events, io }
}

const must = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('there is none')
  return value
}

/** Asks again until it is so; the test's own time-out is the end. */
async function until<T>(ask: () => T | Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await ask()
    if (isSo(value)) return value
    await new Promise((later) => setTimeout(later, 20))
  }
}

const outcomeOf = (events: readonly ProcessorEvent[], flow: string): Outcome | undefined =>
  events.findLast((event) => event.flow === flow)?.outcome

it('Adyen: a deposit, its refund and a payout, each told by a signed webhook', async () => {
  const double = await startAdyen()
  const { connected, events, io } = await accountAt(adyen, double)
  const paid = await must(connected.charge)(adyenCharge({ save: true }), io())
  expect(paid).toMatchObject({
    kind: 'succeeded',
    amount: { asset: 'EUR', minor: 1_250n },
    instrument: { token: 'M5N7TQ4TG5PFWR50', last4: '1111', brand: 'visa', country: 'FI' },
  })
  const reference = paid.kind === 'succeeded' ? paid.reference : ''
  const refund = { ...adyenRefund(), original: { ...adyenRefund().original, reference } }
  expect(await must(connected.refund)(refund, io())).toMatchObject({ kind: 'pending' })
  const payOut = await must(connected.payOut)(adyenPayOut(), io())
  expect(payOut).toMatchObject({ kind: 'pending' })
  await until(
    () => ['deposit', 'refund', 'withdrawal'].map((flow) => outcomeOf(events, flow)?.kind),
    (kinds) => kinds.every((kind) => kind === 'succeeded'),
  )
  const { attempt, amount } = adyenPayOut()
  expect(await must(connected.find)({ attempt, flow: 'withdrawal', amount }, io())).toMatchObject({
    kind: 'succeeded',
    amount,
  })
  expect(double.truth.map(({ op, ourRef, amount: value }) => [op, ourRef, value])).toEqual([
    ['charge', adyenCharge().attempt, '1250'],
    ['refund', adyenRefund().attempt, '500'],
    ['payout', attempt, '4000'],
  ])
})

it('Adyen: an answer that was lost is heard by the same key, and the money is taken once', async () => {
  const double = await startAdyen()
  const { connected, io } = await accountAt(adyen, double)
  const original = adyenCharge({ amount: { asset: 'EUR', minor: 1_268n } })
  const { attempt, amount } = original
  expect(await must(connected.charge)(original, io(300))).toMatchObject({ kind: 'unknown', reason: 'timeout' })
  const find = { attempt, flow: 'deposit', amount, original } as const
  expect(await must(connected.find)(find, io())).toMatchObject({ kind: 'succeeded', amount })
  expect(double.truth.filter(({ op }) => op === 'charge')).toHaveLength(1)
  // Past the window the key may be forgotten, and the same request would be a new one: it isn't sent.
  const late = { ...io(), nowMs: Date.now() + 7 * 86_400_000 }
  expect(await must(connected.find)(find, late)).toEqual({ kind: 'unknown', reason: 'unmapped' })
  expect(double.truth).toHaveLength(1)
})

it("Adyen: the bank's page leads back, and a return that comes twice is one", async () => {
  const double = await startAdyen()
  const { connected, io } = await accountAt(adyen, double)
  const charge = adyenCharge({ amount: { asset: 'EUR', minor: 1_203n } })
  const asked = await must(connected.charge)(charge, io())
  expect(asked).toMatchObject({ kind: 'requires_action', action: { type: 'three_ds', method: 'GET' } })
  const url = asked.kind === 'requires_action' && asked.action.type === 'three_ds' ? asked.action.url : ''
  const page = await fetch(url, { redirect: 'manual' })
  const params = Object.fromEntries(new URL(page.headers.get('location') ?? '').searchParams)
  const resume = { attempt: charge.attempt, reference: '', amount: charge.amount, params }
  const first = await must(connected.resume)(resume, io())
  expect(first).toMatchObject({ kind: 'succeeded', amount: charge.amount })
  expect(await must(connected.resume)(resume, io())).toEqual(first)
  expect(double.truth).toHaveLength(1)
})

it('Adyen: refusals, a payout without cover, a refund of more than was taken', async () => {
  const double = await startAdyen()
  const { connected, events, io } = await accountAt(adyen, double)
  const poor = await must(connected.charge)(adyenCharge({ amount: { asset: 'EUR', minor: 1_251n } }), io())
  expect(poor).toMatchObject({ kind: 'declined', decline: { code: 'insufficient_funds', processorCode: '12' } })
  const uncovered = adyenPayOut({ amount: { asset: 'EUR', minor: 4_052n } })
  await must(connected.payOut)(uncovered, io())
  const refused = await until(
    () => outcomeOf(events, 'withdrawal'),
    (outcome) => outcome?.kind === 'declined',
  )
  expect(refused).toMatchObject({ decline: { code: 'payout_float_insufficient' } })
  const reference = poor.kind === 'declined' ? (poor.reference ?? '') : ''
  const refund = { ...adyenRefund(), original: { ...adyenRefund().original, reference } }
  await must(connected.refund)(refund, io())
  expect(
    await until(
      () => outcomeOf(events, 'refund'),
      (outcome) => outcome !== undefined,
    ),
  ).toMatchObject({ kind: 'declined' })
})

it('BTCPay: an invoice is paid, refunded by a claim, and a payout goes out once', async () => {
  const double = await startBtcpay()
  const { connected, events, io } = await accountAt(btcpay, double)
  const charge = btcpayCharge()
  const asked = await must(connected.charge)(charge, io())
  expect(asked).toMatchObject({ kind: 'requires_action', action: { type: 'display_crypto', amount: '0.00250000' } })
  const invoice = asked.kind === 'requires_action' ? (asked.reference ?? '') : ''
  expect(await must(connected.charge)(charge, io())).toMatchObject({ reference: invoice })
  double.pay(invoice, '0.0025')
  const find = { attempt: charge.attempt, flow: 'deposit', amount: charge.amount } as const
  expect(await must(connected.find)(find, io())).toMatchObject({ kind: 'pending' })
  const settled = await until(
    () => must(connected.find)(find, io()),
    (outcome) => outcome.kind === 'succeeded',
  )
  expect(settled).toEqual({ kind: 'succeeded', reference: invoice, amount: charge.amount })

  const refund = btcpayRefund(invoice)
  const claimable = await must(connected.refund)(refund, io())
  expect(claimable).toMatchObject({ kind: 'requires_action', action: { type: 'redirect' } })
  const pull = claimable.kind === 'requires_action' ? (claimable.reference ?? '') : ''
  expect(await must(connected.refund)(refund, io())).toMatchObject({ reference: pull })
  double.claim(pull)
  const refunded = await until(
    () => must(connected.find)({ attempt: refund.attempt, flow: 'refund', amount: refund.amount }, io()),
    (outcome) => outcome.kind === 'succeeded',
  )
  expect(refunded).toEqual({ kind: 'succeeded', reference: pull, amount: refund.amount })

  const payOut = btcpayPayOut()
  expect(await must(connected.payOut)(payOut, io())).toMatchObject({ kind: 'pending' })
  expect(await must(connected.payOut)(payOut, io())).toMatchObject({ kind: 'pending' })
  const look = { attempt: payOut.attempt, flow: 'withdrawal', amount: payOut.amount, original: payOut } as const
  const sent = await until(
    () => must(connected.find)(look, io()),
    (outcome) => outcome.kind === 'succeeded',
  )
  expect(sent).toMatchObject({ amount: payOut.amount })
  expect(double.truth.map(({ op }) => op)).toEqual(['charge', 'refund', 'payout'])
  await until(
    () => events.filter(({ lookUp }) => lookUp).map(({ flow }) => flow),
    (flows) => flows.includes('deposit') && flows.includes('refund') && flows.includes('withdrawal'),
  )
})

it.each([
  ['too much', ['0.003'], false, { kind: 'succeeded', amount: { asset: 'BTC', minor: 300_000n } }],
  ['twice', ['0.0025', '0.0025'], false, { kind: 'succeeded', amount: { asset: 'BTC', minor: 500_000n } }],
  ['too little, in time', ['0.001'], false, { kind: 'requires_action', action: { amount: '0.00150000' } }],
  ['too little, too late', ['0.001'], true, { kind: 'succeeded', amount: { asset: 'BTC', minor: 100_000n } }],
  ['all of it, too late', ['0.0025'], true, { kind: 'succeeded', amount: { asset: 'BTC', minor: 250_000n } }],
  ['nothing', [], true, { kind: 'voided', why: 'expired' }],
] as const)('BTCPay: an invoice paid %s says what came', async (_name, coins, expired, expected) => {
  const double = await startBtcpay()
  const { connected, io } = await accountAt(btcpay, double)
  const charge = btcpayCharge()
  const asked = await must(connected.charge)(charge, io())
  const invoice = asked.kind === 'requires_action' ? (asked.reference ?? '') : ''
  if (expired) double.expire(invoice)
  for (const coin of coins) double.pay(invoice, coin)
  const find = { attempt: charge.attempt, flow: 'deposit', amount: charge.amount } as const
  await until(
    () => double.truth.length,
    (length) => length === coins.length,
  )
  expect(await must(connected.find)(find, io())).toMatchObject(expected)
})
