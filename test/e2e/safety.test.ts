import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PLAYER, type World, world } from '../support/world.ts'

let gateway: World
beforeAll(async () => {
  gateway = await world()
  // Every player here is paid at the one IBAN of the examples.
  await gateway.database.admin`update operator set settings = '{"withdrawal": {"sharedDestination": "allow"}}'`
})
afterAll(() => gateway.close())

let orders = 0
const next = (prefix: string) => {
  orders += 1
  return `${prefix}-${orders}`
}
const card = (amount: unknown, more: Record<string, unknown> = {}) => ({
  player_id: PLAYER,
  amount,
  currency: 'EUR',
  reference: next('safety'),
  method: { type: 'card', token: 'tok_sandbox_ok' },
  ...more,
})
const deposit = (amount: unknown, more?: Record<string, unknown>) =>
  gateway.request('POST', '/v1/deposits?expand=attempts', { body: card(amount, more) })
const withdraw = (amount: unknown, player = PLAYER) =>
  gateway.request('POST', '/v1/withdrawals', {
    body: {
      player_id: player,
      amount,
      currency: 'EUR',
      reference: next('out'),
      destination: { type: 'bank', iban: 'DE89370400440532013000', name: 'Demo Player' },
    },
  })
const read = async (path: string) => (await gateway.request('GET', path)).body
const truth = async () => (await Promise.all(Object.values(gateway.sandboxes).map((sandbox) => sandbox.truth()))).flat()
const cash = async (player = PLAYER): Promise<string> =>
  (await read(`/v1/players/${player}/wallet`)).balances[0]?.cash ?? '0.00'
const settled = (path: string, status: string) =>
  expect
    .poll(
      async () => {
        await gateway.work()
        return (await read(path)).status
      },
      { timeout: 20_000, interval: 100 },
    )
    .toBe(status)

/** A player of one's own, verified and with this much in cash. */
async function player(balance: string): Promise<string> {
  const id = next('player')
  await gateway.request('PUT', `/v1/players/${id}`, {
    body: { country: 'FI', name: 'Demo Player', kyc: { status: 'verified' } },
  })
  expect((await deposit(balance, { player_id: id })).body.status).toBe('succeeded')
  return id
}

describe('races', () => {
  it('makes one payment and one call of the same request that comes 100 times at once', async () => {
    const body = card('7.00')
    const key = 'one-of-a-hundred-0001'
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => gateway.request('POST', '/v1/deposits', { body, key })),
    )
    const made = answers.filter(({ status }) => status === 201)
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
    expect(new Set(made.map(({ text }) => text)).size).toBe(1)
    const { attempts } = await read(`/v1/deposits/${made[0]?.body.id}?expand=attempts`)
    expect((await truth()).filter(({ our_ref }) => our_ref === attempts[0].id)).toHaveLength(1)
    expect((await gateway.request('POST', '/v1/deposits', { body, key })).text).toBe(made[0]?.text)
  })

  it('accepts one of 50 withdrawals of the whole balance that come at once', async () => {
    const rich = await player('100.00')
    const answers = await Promise.all(Array.from({ length: 50 }, () => withdraw('100.00', rich)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    for (const { status, body } of answers.filter((answer) => answer.status !== 201)) {
      expect([status, body.code]).toEqual([422, 'insufficient_funds'])
    }
  })
})

describe('an answer that never came', () => {
  it('is unknown, is never tried elsewhere, and is found: the money had been taken', async () => {
    const unsure = (await deposit('20.68')).body
    expect(unsure).toMatchObject({ status: 'unknown', attempts: [{ status: 'unknown' }] })
    gateway.clock.pass(6_000)
    await settled(`/v1/deposits/${unsure.id}`, 'succeeded')
    const { attempts } = await read(`/v1/deposits/${unsure.id}?expand=attempts`)
    expect(attempts).toHaveLength(1)
    expect((await truth()).filter(({ our_ref }) => our_ref === attempts[0].id)).toHaveLength(1)
  })

  it('becomes failed only when the processor proves that nothing was taken', async () => {
    const unsure = (await deposit('20.69')).body
    expect(unsure.status).toBe('unknown')
    gateway.clock.pass(6_000)
    await gateway.work()
    expect((await read(`/v1/deposits/${unsure.id}`)).status).toBe('unknown')
    gateway.clock.pass(60_000)
    await settled(`/v1/deposits/${unsure.id}`, 'failed')
    expect((await truth()).filter(({ our_ref }) => our_ref === unsure.attempts[0].id)).toEqual([])
  })

  it('keeps a payout on hold until it is known', async () => {
    const owner = await player('50.00')
    const { id } = (await withdraw('20.69', owner)).body
    await settled(`/v1/withdrawals/${id}`, 'unknown')
    expect((await read(`/v1/players/${owner}/wallet`)).balances[0]).toMatchObject({ cash: '29.31', held: '20.69' })
    // The proof that nothing left sends it once more, to the same end.
    gateway.clock.pass(60_000)
    await settled(`/v1/withdrawals/${id}`, 'approved')
    expect((await read(`/v1/players/${owner}/wallet`)).balances[0]).toMatchObject({ cash: '29.31', held: '20.69' })
    gateway.clock.pass(60_000)
    await settled(`/v1/withdrawals/${id}`, 'unknown')
    expect((await read(`/v1/withdrawals/${id}?expand=attempts`)).attempts).toHaveLength(2)
  })
})

describe('3-D Secure', () => {
  it('goes on when the player has passed it, and not by what a URL says', async () => {
    const challenged = (await deposit('30.03', { return_url: 'https://shop.example/back?order=7' })).body
    expect(challenged).toMatchObject({ status: 'requires_action', next_action: { type: 'three_ds' } })
    const connection = challenged.attempts[0].connection_id
    const claimed = await fetch(`${gateway.url}/return/${connection}/${challenged.id}?status=ok&result=success`, {
      redirect: 'manual',
    })
    expect(claimed.headers.get('location')).toBe(`https://shop.example/back?order=7&deposit_id=${challenged.id}`)
    expect((await read(`/v1/deposits/${challenged.id}`)).status).toBe('requires_action')

    const body = new URLSearchParams({ result: 'approve' })
    const passed = await fetch(challenged.next_action.url, { method: 'POST', body, redirect: 'manual' })
    await fetch(passed.headers.get('location') ?? '', { redirect: 'manual' })
    expect((await read(`/v1/deposits/${challenged.id}`)).status).toBe('succeeded')
  })

  it('ends declined when the player fails it', async () => {
    const challenged = (await deposit('30.03')).body
    await fetch(challenged.next_action.url, {
      method: 'POST',
      body: new URLSearchParams({ result: 'decline' }),
      redirect: 'manual',
    })
    await settled(`/v1/deposits/${challenged.id}`, 'declined')
  })
})

describe('payouts', () => {
  it('walk the chain, are paid, and stand in the processor’s books', async () => {
    const owner = await player('80.00')
    const asked = (await withdraw('30.00', owner)).body
    expect(asked.checks.map(({ status }: { status: string }) => status)).toEqual([
      ...Array(8).fill('passed'),
      'skipped',
    ])
    await settled(`/v1/withdrawals/${asked.id}`, 'paid')
    const { attempts, checks } = await read(`/v1/withdrawals/${asked.id}?expand=attempts`)
    expect(checks.at(-1)).toMatchObject({ name: 'execute', status: 'passed' })
    const line = (await truth()).find(({ our_ref }) => our_ref === attempts[0].id)
    expect(line).toMatchObject({ op: 'payout', amount: '30.00', currency: 'EUR', state: 'approved' })
  })

  it('give the money back when the processor refuses', async () => {
    const owner = await player('80.00')
    const { id } = (await withdraw('30.05', owner)).body
    await settled(`/v1/withdrawals/${id}`, 'failed')
    expect(await cash(owner)).toBe('80.00')
  })

  it('re-credit what comes back after it was paid', async () => {
    const owner = await player('80.00')
    const { id } = (await withdraw('30.77', owner)).body
    await settled(`/v1/withdrawals/${id}`, 'returned')
    expect(await cash(owner)).toBe('80.00')
  })

  it('wait for people when the player is not verified, and leave when they approve', async () => {
    const owner = await player('80.00')
    await gateway.request('PUT', `/v1/players/${owner}`, { body: { kyc: { status: 'pending' } } })
    const asked = (await withdraw('30.00', owner)).body
    expect(asked.status).toBe('held')
    const review = (await read(`/v1/reviews?status=open&subject_id=${asked.id}`)).data[0]
    expect(review.reasons).toEqual([{ check: 'kyc', code: 'kyc_required' }])
    await gateway.work()
    expect((await read(`/v1/withdrawals/${asked.id}`)).status).toBe('held')
    const approved = await gateway.request('POST', `/v1/reviews/${review.id}/approve`, {
      body: { reason: 'passport seen' },
    })
    expect(approved.body.status).toBe('approved')
    await settled(`/v1/withdrawals/${asked.id}`, 'paid')
  })
})

describe('what is refused before anything is stored', () => {
  it.each([-100, '-100.00', '1e3', '0', '0.00', 1000, '0x10', '', null, '10.001', '99999999999999999999999'])(
    'an amount of %j',
    async (amount) => {
      const count = async () =>
        (await read('/v1/deposits?limit=100')).data.length + (await read('/v1/withdrawals?limit=100')).data.length
      const before = await count()
      for (const answer of [await deposit(amount), await withdraw(amount)]) {
        expect(answer.status).toBe(422)
        expect(answer.headers.get('content-type')).toContain('application/problem+json')
      }
      expect(await count()).toBe(before)
    },
  )

  it('a card number in any spelling, and does not repeat it', async () => {
    for (const number of ['4111111111111111', '4111-1111 1111.1111', '４１１１１１１１１１１１１１１１']) {
      const answer = await deposit('5.00', { metadata: { note: number } })
      expect([answer.status, answer.body.code]).toEqual([422, 'pan_not_accepted'])
      expect(answer.text).not.toContain(number)
    }
  })
})

describe('webhooks', () => {
  const path = () => `/webhooks/sandbox_a/${gateway.operator.connections.sandbox_a}`
  const send = (body: string, secret: string, at = Math.floor(Date.now() / 1000)) => {
    const signature = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')
    return fetch(gateway.url + path(), {
      method: 'POST',
      body,
      headers: { 'x-sandbox-signature': `t=${at},v1=${signature}` },
    })
  }
  const stored = async () => (await read('/v1/inbound_webhooks?limit=100')).data.length

  it('are refused without the account’s own signature, and leave no trace', async () => {
    const before = await stored()
    const body = '{"id":"evt_forged"}'
    expect((await fetch(gateway.url + path(), { method: 'POST', body })).status).toBe(401)
    expect((await send(body, 'a secret that is not theirs')).status).toBe(401)
    const other = gateway.sandboxes.b.connectionConfig.webhook_secrets[0] ?? ''
    expect((await send(body, other)).status).toBe(401)
    const own = gateway.sandboxes.a.connectionConfig.webhook_secrets[0] ?? ''
    expect((await send(body, own, Math.floor(Date.now() / 1000) - 301)).status).toBe(401)
    expect(await stored()).toBe(before)
  })

  it('are not known for another processor or connection', async () => {
    const wrong = await fetch(`${gateway.url}/webhooks/sandbox_b/${gateway.operator.connections.sandbox_a}`, {
      method: 'POST',
      body: '{}',
    })
    expect(wrong.status).toBe(404)
  })

  const hear = (attempt: string, kind: string, times = 1) =>
    gateway.sandboxes.a.control({ our_ref: attempt, kind, times, parallel: Math.min(times, 20) }, '/webhooks')

  it('credit once, however often one is sent', async () => {
    const owner = await player('1.00')
    const pending = (await deposit('12.99', { player_id: owner })).body
    await settled(`/v1/deposits/${pending.id}`, 'succeeded')
    expect(await hear(pending.attempts[0].id, 'duplicate', 200)).toMatchObject({ statuses: Array(200).fill(200) })
    await gateway.work()
    expect(await cash(owner)).toBe('13.99')
  })

  it('credit nothing when the amount is another one than was asked for, and people are told', async () => {
    const owner = await player('1.00')
    await gateway.sandboxes.a.control({ latency_ms: 0, notify: 'async' })
    const challenged = (await deposit('30.03', { player_id: owner })).body
    await hear(challenged.attempts[0].id, 'wrong_amount')
    await gateway.work()
    expect(await cash(owner)).toBe('1.00')
  })

  it.each(['forged', 'unsigned', 'stale', 'reserialised', 'wrong_processor'])(
    'that are %s are refused',
    async (kind) => {
      const paid = (await deposit('3.00')).body
      expect(await hear(paid.attempts[0].id, kind)).toMatchObject({ statuses: [401] })
    },
  )
})

it('keeps the ledger whole through all of it', async () => {
  const { admin } = gateway.database
  expect(await admin`select * from ledger.verify(${gateway.operator.id})`).toEqual([])
})
