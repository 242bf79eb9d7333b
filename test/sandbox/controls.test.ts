import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Sandbox, startSandbox } from '../support/sandbox.ts'
import { eur, type SandboxAccount, sandboxAccount } from '../support/sandbox-account.ts'

let a: Sandbox
let account: SandboxAccount
let n = 0
/** A new attempt for each payment. */
const attempt = () => {
  n += 1
  return `att_${n}`
}

beforeAll(async () => {
  a = await startSandbox({ id: 'sandbox_a' })
  account = await sandboxAccount(a)
})
beforeEach(async () => {
  await a.control({ latency_ms: 0, fail_rate: 0, mode: 'up', notify: 'async' })
  await a.control({ rules: [] }, '/faults')
})
afterAll(async () => {
  await account.close()
  await a.stop()
})

const statesOf = async (sandbox: Sandbox, ref: string) =>
  (await sandbox.truth()).filter(({ our_ref }) => our_ref === ref).map(({ state }) => state)

/** The events of the first so many webhooks about an attempt, as the adapter verifies them. */
async function events(ref: string, count = 1) {
  const secrets = account.connected.webhookSecrets
  const heard = (await account.heard(ref, count)).map(({ body, headers }) =>
    account.connected.events({ body: Buffer.from(body), headers, secrets, nowMs: Date.now() }),
  )
  return (await Promise.all(heard)).flatMap((each) => (each.kind === 'verified' ? each.events : []))
}

/** A request as somebody other than the adapter would send it. */
const raw = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${a.connectionConfig.base_url}/v1/charges`, {
    method: 'POST',
    headers: { authorization: `Bearer ${a.connectionConfig.api_key}`, 'idempotency-key': attempt(), ...headers },
    body: JSON.stringify(body),
  })

const rawCharge = (ref: string) => ({
  our_ref: ref,
  amount: '10.00',
  currency: 'EUR',
  player_ref: 'player-1',
  method: { type: 'card', token: 'tok_sandbox_ok' },
  return_url: 'http://127.0.0.1:9/',
  webhook_url: 'http://127.0.0.1:9/',
})

describe('the door', () => {
  it('no key or a wrong one is 401, and nothing is done', async () => {
    const ref = attempt()
    expect((await raw(rawCharge(ref), { authorization: '' })).status).toBe(401)
    expect((await raw(rawCharge(ref), { authorization: 'Bearer wrong' })).status).toBe(401)
    expect(await statesOf(a, ref)).toEqual([])
  })

  it('a key is kept with its answer: same request same charge, other request refused', async () => {
    const ref = attempt()
    const key = { 'idempotency-key': `key-${ref}` }
    const [first, again] = [await raw(rawCharge(ref), key), await raw(rawCharge(ref), key)]
    expect(await again.text()).toBe(await first.text())
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect((await raw({ ...rawCharge(ref), amount: '11.00' }, key)).status).toBe(409)
    expect((await raw(rawCharge(ref), { 'idempotency-key': '' })).status).toBe(400)
    expect(await statesOf(a, ref)).toEqual(['approved'])
  })

  it('two keys for one reference are two charges, so that a gateway which does that is found out', async () => {
    const ref = attempt()
    await raw(rawCharge(ref))
    await raw(rawCharge(ref))
    expect(await statesOf(a, ref)).toEqual(['approved', 'approved'])
    expect(await account.find(ref)).toEqual({ kind: 'unknown', reason: 'duplicate_request' })
  })

  it.each([
    ['a negative amount', { amount: '-10.00' }],
    ['zero', { amount: '0.00' }],
    ['a number', { amount: 10 }],
    ['too many decimals', { amount: '10.001' }],
    ['a currency of nobody', { currency: 'XXX' }],
    ['a coin without its network', { currency: 'BTC' }],
    ['a member that is not known', { cvc: '737' }],
    ['a card number', { method: { type: 'card', token: '4111 1111 1111 1111' } }],
    ['a webhook to a script', { webhook_url: 'javascript:alert(1)' }],
  ])('%s is refused with 422, and nothing is done', async (_name, change) => {
    const ref = attempt()
    const answer = await raw({ ...rawCharge(ref), ...change })
    expect(answer.status).toBe(422)
    expect(await answer.text()).not.toContain('4111')
    expect(await statesOf(a, ref)).toEqual([])
  })

  it('the settlement file has every movement of money, and nothing else', async () => {
    const [taken, declined, returned] = [attempt(), attempt(), attempt()]
    await account.charge(taken, '10.00')
    await account.charge(declined, '10.05')
    await account.payOut(returned, '10.77')
    await account.heard(returned)
    const { base_url, api_key } = a.connectionConfig
    const open = await fetch(`${base_url}/v1/settlement`)
    expect(open.status).toBe(401)
    const file = await fetch(`${base_url}/v1/settlement`, { headers: { authorization: `Bearer ${api_key}` } })
    const lines = (await file.text()).split('\n').map((line) => line.split(','))
    const of = (ref: string) =>
      lines.filter((line) => line[1] === ref).map(([type, , , sum, , , state]) => [type, sum, state])
    expect(of(taken)).toEqual([['charge', '10.00', 'approved']])
    expect(of(declined)).toEqual([])
    expect(of(returned)).toEqual([
      ['payout', '10.77', 'approved'],
      ['payout', '10.77', 'reversed'],
    ])
  })

  it('a body past 64 kB is refused', async () => {
    expect((await raw({ ...rawCharge(attempt()), filler: 'x'.repeat(70_000) })).status).toBe(413)
  })
})

describe('controls', () => {
  it.each([
    ['refuse_connection', { kind: 'not_sent', reason: 'connect_failed' }],
    ['down', { kind: 'not_sent', code: 'processor_maintenance' }],
    ['http_500', { kind: 'unknown', reason: 'http_5xx' }],
    ['hang', { kind: 'unknown', reason: 'timeout' }],
  ])('%s is %j, and up again it works', async (mode, outcome) => {
    const ref = attempt()
    await a.control({ mode })
    expect(await account.charge(ref, '10.00')).toMatchObject(outcome)
    await a.control({ mode: 'up' })
    expect(await statesOf(a, ref)).toEqual([])
    expect(await account.charge(attempt(), '10.00')).toMatchObject({ kind: 'succeeded' })
  })

  it('a fail rate of one refuses all, vouched', async () => {
    await a.control({ fail_rate: 1 })
    expect(await account.charge(attempt(), '10.00')).toMatchObject({ kind: 'not_sent', code: 'processor_maintenance' })
  })

  it('a caller that hung up while it waited is not charged: "not found" stays true', async () => {
    const ref = attempt()
    await a.control({ latency_ms: 900 })
    expect(await account.charge(ref, '10.00')).toMatchObject({ kind: 'unknown', reason: 'timeout' })
    await a.control({ latency_ms: 0 })
    // A later request of the same age proves that the first one had its turn.
    const { base_url, api_key } = a.connectionConfig
    await a.control({ latency_ms: 300 })
    await fetch(`${base_url}/v1/charges?our_ref=${ref}`, { headers: { authorization: `Bearer ${api_key}` } })
    await a.control({ latency_ms: 0 })
    expect(await account.find(ref)).toEqual({ kind: 'not_found' })
  })

  it('a wrong admin key or setting changes nothing', async () => {
    const wrong = await fetch(a.controlUrl.replace(/[0-9a-f]{24}/, '0'.repeat(24)), {
      method: 'PUT',
      body: '{"mode":"down"}',
    })
    expect(wrong.status).toBe(404)
    for (const body of [{ mode: 'sideways' }, { fail_rate: 2 }, { nonsense: 1 }, null])
      await expect(a.control(body)).rejects.toThrow('422')
    expect(await (await fetch(a.controlUrl)).json()).toEqual({
      latency_ms: 0,
      fail_rate: 0,
      mode: 'up',
      notify: 'async',
    })
  })

  it('notify all sends a webhook for what the answer said, too', async () => {
    await a.control({ notify: 'all' })
    const ref = attempt()
    await account.charge(ref, '10.05')
    expect(await events(ref)).toMatchObject([{ attempt: ref, outcome: { kind: 'declined' } }])
  })

  it.each([
    ['reset', 'unknown'],
    ['drop_answer', 'unknown'],
    ['hang', 'unknown'],
    ['slow_drip', 'unknown'],
    ['html', 'unknown'],
    ['empty', 'unknown'],
    ['http_500', 'unknown'],
    ['oversize', 'unknown'],
    ['gzip_bomb', 'unknown'],
    ['redirect', 'unknown'],
    ['wrong_reference', 'unknown'],
    ['unknown_status', 'unknown'],
    ['answer_twice', 'succeeded'],
    ['wrong_amount', 'succeeded'],
    ['wrong_currency', 'succeeded'],
  ])('the fault plan: %s after the work is %s, the money is taken, and the plan counts it', async (fault, kind) => {
    const ref = attempt()
    const rules = [{ on: 'charge', our_ref: ref, fault, times: 1 }]
    await a.control({ rules }, '/faults')
    const outcome = await account.charge(ref, '10.00')
    expect(outcome.kind).toBe(kind)
    if (fault.startsWith('wrong_')) expect('amount' in outcome && outcome.amount).not.toEqual(eur('10.00'))
    expect(await statesOf(a, ref)).toEqual(['approved'])
    expect(await (await fetch(`${a.controlUrl}/faults`)).json()).toMatchObject({ rules: [{ times: 1 }] })
    // The line after a broken answer is whole again.
    expect(await account.find(ref)).toMatchObject({ kind: 'succeeded', amount: eur('10.00') })
  })

  it('the fault plan: a webhook before its answer', async () => {
    const ref = attempt()
    await a.control({ notify: 'all' })
    await a.control({ rules: [{ our_ref: ref, fault: 'late_answer', delay_ms: 400 }] }, '/faults')
    const answer = account.charge(ref, '10.00').then(() => 'answer')
    expect(await Promise.race([answer, account.heard(ref).then(() => 'webhook')])).toBe('webhook')
    expect(await answer).toBe('answer')
  })

  it('the fault plan: before the work, nothing is taken', async () => {
    const ref = attempt()
    await a.control({ rules: [{ on: 'charge', when: 'before', fault: 'reset' }] }, '/faults')
    expect(await account.charge(ref, '10.00')).toMatchObject({ kind: 'unknown', reason: 'reset' })
    expect(await account.find(ref)).toEqual({ kind: 'not_found' })
  })
})

describe('webhooks', () => {
  it('are sent again until they are answered with 2xx, with the same id and body', async () => {
    const ref = attempt()
    let tries = 0
    account.hooks.answerWith(({ body }) => {
      if (body.includes(`"${ref}"`)) tries += 1
      return { status: tries > 0 && tries < 3 ? 503 : 200, json: {} }
    })
    await account.charge(ref, '10.99')
    const told = await events(ref, 3)
    expect(told.map(({ id }) => id)).toEqual(told.map(() => told[0]?.id))
    expect(new Set((await account.heard(ref, 3)).map(({ body }) => body)).size).toBe(1)
  })

  it.each([
    ['duplicate', 'verified'],
    ['reordered', 'verified'],
    ['wrong_amount', 'verified'],
    ['forged', 'signature_invalid'],
    ['unsigned', 'signature_missing'],
    ['stale', 'stale'],
    ['future', 'stale'],
    ['reserialised', 'signature_invalid'],
    ['wrong_processor', 'wrong_account'],
  ])('on demand: %s, which the adapter takes as %s', async (kind, taken) => {
    const ref = attempt()
    await account.charge(ref, '10.00')
    expect(await a.control({ our_ref: ref, kind, times: 2 }, '/webhooks')).toMatchObject({ statuses: [200, 200] })
    const came = await account.heard(ref, 2)
    expect(came).toHaveLength(2)
    for (const { body, headers } of came) {
      const secrets = account.connected.webhookSecrets
      const heard = await account.connected.events({ body: Buffer.from(body), headers, secrets, nowMs: Date.now() })
      expect(heard.kind === 'refused' ? heard.why : heard.kind).toBe(taken)
    }
  })
})
