import { expect, it, onTestFinished } from 'vitest'
import { btcpay } from '../../src/adapters/btcpay/index.ts'
import { createSend } from '../../src/adapters/send.ts'
import { nodeHttp } from '../../src/platform/http-node.ts'
import { scriptedServer } from '../contract/scripted-server.ts'
import { BTCPAY_CONFIG, btcpayPayOut } from '../support/btcpay.ts'

it('finds its payout among ten thousand, in an answer past the usual bound', async () => {
  const server = await scriptedServer()
  const http = nodeHttp()
  onTestFinished(async () => {
    await http.close()
    await server.close()
  })
  const { attempt, amount } = btcpayPayOut()
  const payout = (n: number, state: string, ref: string) => ({
    id: `payout_${n}`,
    revision: 0,
    date: 1_795_000_000 + n,
    destination: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
    originalCurrency: 'BTC',
    originalAmount: '0.002',
    payoutMethodId: 'BTC-CHAIN',
    state,
    metadata: { source: 'paycage', attempt: ref },
  })
  const all = Array.from({ length: 10_000 }, (_, n) => payout(n, 'Completed', `att_${n}`))
  const json = [...all, payout(10_000, 'InProgress', attempt)]
  expect(JSON.stringify(json).length).toBeGreaterThan(2_000_000)
  server.answerWith(() => ({ status: 200, json }))
  const connected = btcpay.connect({ ...BTCPAY_CONFIG, base_url: server.origin })
  const io = { send: createSend({ http, facts: btcpay.facts, connected }), nowMs: Date.now() }
  expect(await connected.find?.({ attempt, flow: 'withdrawal', amount }, io)).toEqual({
    kind: 'pending',
    reference: 'payout_10000',
  })
})
