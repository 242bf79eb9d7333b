import { afterAll, beforeAll, expect, it } from 'vitest'
import { PLAYER, type World, world } from '../support/world.ts'

let gateway: World
beforeAll(async () => {
  gateway = await world()
})
afterAll(() => gateway.close())

const IBAN = 'DE89370400440532013000'
const BTC = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
let made = 0
const player = async (name = 'Ada Example') => {
  made += 1
  const id = `player-${made}`
  await gateway.request('PUT', `/v1/players/${id}`, {
    body: { country: 'FI', currency: 'EUR', name, kyc: { status: 'verified' } },
  })
  return id
}
const save = (id: string, body: unknown) => gateway.request('POST', `/v1/players/${id}/instruments`, { body })
const listed = async (id: string) => (await gateway.request('GET', `/v1/players/${id}/instruments`)).body.data
const pay = (kind: 'deposits' | 'withdrawals', id: string, amount: string, by: Record<string, unknown>) => {
  made += 1
  const body = { player_id: id, amount, currency: 'EUR', reference: `ins-${made}`, ...by }
  return gateway.request('POST', `/v1/${kind}`, { body })
}
const card = (token: string, more: Record<string, unknown> = {}) => ({ method: { type: 'card', token, ...more } })
const through = (instrument_id: string) => ({ method: { type: 'instrument', instrument_id } })
const to = (instrument_id: string) => ({ destination: { type: 'instrument', instrument_id } })

it('saves every kind of instrument, masked whoever asks and sealed in the database', async () => {
  const id = await player()
  const bank = await save(id, { type: 'bank', iban: 'de89 3704 0044 0532 0130 00', name: 'Ada Example' })
  expect(bank).toMatchObject({
    status: 201,
    body: {
      type: 'bank',
      details: { iban: 'DE****3000', name: 'Ada Example' },
      verified: false,
      owner_match: 'match',
      used_for_deposit: false,
    },
  })
  const wallet = await save(id, { type: 'wallet', wallet: 'skrill', account: 'ada.lovelace@mail.example' })
  expect(wallet.body.details).toMatchObject({ wallet: 'skrill' })
  const coin = await save(id, { type: 'crypto', asset: 'BTC', network: 'bitcoin', address: BTC })
  expect(coin.body.details.address).toBe(`${BTC.slice(0, 6)}...${BTC.slice(-4)}`)
  const token = 'tok_saved_elsewhere_0001'
  const saved = await save(id, { type: 'card', token, brand: 'visa', last4: '1111', expiry: '12/30' })
  expect(saved.body).toMatchObject({ details: { brand: 'visa', last4: '1111', expiry: '12/30' } })
  expect(await listed(id)).toHaveLength(4)
  const rows = JSON.stringify(await gateway.database.admin`select * from instrument where player_id = ${id}`)
  const shown = JSON.stringify(await listed(id))
  for (const secret of [IBAN, 'ada.lovelace', BTC, token]) {
    expect(rows).not.toContain(secret)
    expect(shown).not.toContain(secret)
    expect(JSON.stringify(gateway.logs)).not.toContain(secret)
  }
})

it('refuses what can not be paid, card numbers above all, and keeps nothing of it', async () => {
  const id = await player()
  for (const [body, code] of [
    [{ type: 'card', token: '4111111111111111' }, 'pan_not_accepted'],
    [{ type: 'wallet', wallet: 'skrill', account: '4111 1111 1111 1111' }, 'pan_not_accepted'],
    [{ type: 'bank', iban: 'DE89370400440532013001', name: 'Ada Example' }, 'destination_invalid'],
    [{ type: 'crypto', asset: 'BTC', network: 'bitcoin', address: `${BTC.slice(0, -1)}5` }, 'destination_invalid'],
    [{ type: 'bank', iban: IBAN }, 'validation_failed'],
    [{ type: 'bank', iban: IBAN, name: 'Ada', owner_match: 'match' }, 'validation_failed'],
  ] as const)
    expect((await save(id, body)).body.code).toBe(code)
  expect(await listed(id)).toEqual([])
  expect((await save('nobody', { type: 'bank', iban: IBAN, name: 'Ada Example' })).status).toBe(404)
})

it('keeps one instrument per account, however it is spelt, and says whose it seems to be', async () => {
  const id = await player('Ada Example')
  const first = await save(id, { type: 'bank', iban: IBAN, name: 'Somebody Else' })
  expect(first.body.owner_match).toBe('mismatch')
  const again = await save(id, {
    type: 'bank',
    iban: 'DE89 3704 0044 0532 0130 00',
    name: 'ADA EXAMPLE',
    verified: true,
  })
  expect(again).toMatchObject({ status: 200, body: { id: first.body.id, verified: true } })
  expect(await listed(id)).toHaveLength(1)
  const log = await gateway.request('GET', `/v1/audit_log?subject=${first.body.id}`)
  expect(log.body.data).toMatchObject([{ what: 'instrument.verified', before: { verified: false } }])
})

it('saves a card when its deposit succeeds, and not when it is declined', async () => {
  const id = await player()
  const declined = await pay('deposits', id, '10.41', card('tok_sandbox_ok', { save: true }))
  expect(declined.body).toMatchObject({ status: 'declined', method: { type: 'card' } })
  expect(declined.body.method).not.toHaveProperty('instrument_id')
  expect(await listed(id)).toEqual([])

  const paid = await pay('deposits', id, '25.00', card('tok_sandbox_ok', { save: true }))
  const [saved] = await listed(id)
  expect(saved).toMatchObject({
    type: 'card',
    used_for_deposit: true,
    details: { brand: 'amex', funding: 'credit', bin_country: 'MT', last4: expect.stringMatching(/^\d{4}$/) },
  })
  expect(paid.body.method).toEqual({ type: 'card', instrument_id: saved.id })
  await pay('deposits', id, '26.00', card('tok_sandbox_ok', { save: true }))
  await pay('deposits', id, '27.00', card('tok_sandbox_ok'))
  expect(await listed(id)).toHaveLength(1)
})

it('saves a card when its pending deposit succeeds later', async () => {
  const id = await player()
  const pending = await pay('deposits', id, '10.99', card('tok_sandbox_ok', { save: true }))
  expect(pending.body.status).toBe('processing')
  expect(await listed(id)).toEqual([])
  await expect
    .poll(
      async () => {
        await gateway.work()
        return (await listed(id)).length
      },
      { timeout: 20_000, interval: 200 },
    )
    .toBe(1)
})

it('pays in with a saved card and pays out to a saved account', async () => {
  const id = await player()
  await pay('deposits', id, '50.00', card('tok_sandbox_ok', { save: true }))
  const [saved] = await listed(id)
  const again = await pay('deposits', id, '30.00', through(saved.id))
  expect(again).toMatchObject({
    status: 201,
    body: { status: 'succeeded', method: { type: 'card', instrument_id: saved.id } },
  })
  expect(again.text).not.toContain('tok_sandbox')

  const own = await save(id, { type: 'bank', iban: 'FR1420041010050500013M02606', name: 'Ada Example' })
  const out = await pay('withdrawals', id, '40.00', to(own.body.id))
  expect(out).toMatchObject({
    status: 201,
    body: { status: 'approved', destination: { type: 'bank', iban: 'FR****2606', instrument_id: own.body.id } },
  })
  await gateway.work()
  expect((await gateway.request('GET', `/v1/withdrawals/${out.body.id}`)).body.status).toBe('paid')
})

it('knows the account again that a saved instrument and a typed one share', async () => {
  const iban = 'GB29NWBK60161331926819'
  const [one, two] = [await player(), await player('Grace Example')]
  await pay('deposits', two, '50.00', card('tok_sandbox_ok'))
  await save(one, { type: 'bank', iban, name: 'Ada Example' })
  const held = await pay('withdrawals', two, '20.00', {
    destination: { type: 'bank', iban, name: 'Grace Example' },
  })
  expect(held.body).toMatchObject({ status: 'held' })
  expect(held.body.checks.find(({ name }: { name: string }) => name === 'destination').code).toBe('destination_shared')
})

it('takes an instrument that paid in for one that was used before', async () => {
  const id = await player()
  await pay('deposits', id, '50.00', card('tok_sandbox_ok', { save: true }))
  const [saved] = await listed(id)
  await gateway.request('PUT', `/v1/players/${id}/exclusion`, { body: { type: 'self_exclusion' } })
  const elsewhere = await save(id, { type: 'bank', iban: 'NL91ABNA0417164300', name: 'Ada Example' })
  const fresh = await pay('withdrawals', id, '10.00', to(elsewhere.body.id))
  expect(fresh.body.checks.find(({ name }: { name: string }) => name === 'self_exclusion').status).toBe('review')
  const back = await pay('withdrawals', id, '10.00', to(saved.id))
  expect(back.body.checks.find(({ name }: { name: string }) => name === 'self_exclusion')).toMatchObject({
    status: 'passed',
    code: 'self_excluded_return_of_funds',
  })
})

it('gives nobody another player’s instrument, another operator’s, or a forgotten one', async () => {
  const [owner, thief] = [await player(), await player('Mallory Example')]
  await pay('deposits', owner, '50.00', card('tok_sandbox_ok', { save: true }))
  await pay('deposits', thief, '50.00', card('tok_sandbox_ok'))
  const [saved] = await listed(owner)
  for (const answer of [
    await pay('deposits', thief, '10.00', through(saved.id)),
    await pay('withdrawals', thief, '10.00', to(saved.id)),
    await pay('deposits', thief, '10.00', through('ins_nothing')),
  ])
    expect(answer).toMatchObject({ status: 422, body: { code: 'instrument_not_found' } })
  const remove = (id: string, token?: string) =>
    gateway.request('DELETE', `/v1/players/${id}/instruments/${saved.id}`, { ...(token && { token }) })
  expect((await remove(thief)).status).toBe(404)
  expect((await remove(owner, await gateway.token(undefined, gateway.second))).status).toBe(404)
  expect((await remove(owner)).status).toBe(204)
  expect(await listed(owner)).toEqual([])
  const late = await pay('deposits', owner, '10.00', through(saved.id))
  expect(late.body.code).toBe('instrument_not_found')
  const wallet = await gateway.request('GET', `/v1/players/${thief}/wallet`)
  expect(wallet.body.balances).toMatchObject([{ cash: '50.00', held: '0.00' }])
})

const session = async (playerId: string) =>
  (
    await gateway.gateway.access.issue({
      operatorId: gateway.operator.id,
      clientId: gateway.operator.clientId,
      scopes: new Set(['cashier'] as const),
      playerId,
    })
  ).token

it('lets a player save and use the own instruments only, and verify none', async () => {
  const [one, two] = [await player(), await player()]
  const token = await session(one)
  const body = { type: 'bank', iban: 'BE68539007547034', name: 'Ada Example' }
  const own = await gateway.request('POST', `/v1/players/${one}/instruments`, { token, body })
  expect(own.status).toBe(201)
  const verify = { token, body: { ...body, verified: true } }
  expect((await gateway.request('POST', `/v1/players/${one}/instruments`, verify)).body.code).toBe('forbidden')
  expect((await gateway.request('POST', `/v1/players/${two}/instruments`, { token, body })).status).toBe(404)
  expect((await gateway.request('GET', `/v1/players/${two}/instruments`, { token })).status).toBe(404)
})

type Option = {
  method: Record<string, string>
  available: boolean
  reason: string | null
  accounts: { code: string; usable: boolean; label: string }[]
  instruments: { id: string }[]
}
const options = (id: string, body: Record<string, unknown>, token?: string) =>
  gateway.request('POST', `/v1/players/${id}/payment_options`, {
    body: { amount: '25.00', currency: 'EUR', ...body },
    ...(token && { token }),
  })

it('says which methods a player may use now, through which accounts, and with which instruments', async () => {
  const id = await player()
  await pay('deposits', id, '50.00', card('tok_sandbox_ok', { save: true }))
  const [saved] = await listed(id)
  const { body } = await options(id, {})
  expect(body).toMatchObject({ player_id: id, direction: 'deposit', refusal: null, reviews: [] })
  const cards: Option = body.options.find(({ method }: Option) => method.type === 'card')
  expect(cards).toMatchObject({ available: true, reason: null, instruments: [{ id: saved.id }] })
  expect(cards.accounts.map(({ label, usable }) => [label, usable])).toEqual([
    ['sandbox_a', true],
    ['sandbox_b', true],
    ['sandbox_c', true],
  ])
  const coin = await options(id, { amount: '0.01', currency: 'BTC', network: 'bitcoin' })
  expect(coin.body.options.map(({ method }: Option) => method)).toEqual([
    { type: 'crypto', asset: 'BTC', network: 'bitcoin' },
  ])
  const own = await options(id, {}, await session(id))
  expect(own.body.options.every(({ accounts }: Option) => accounts.length === 0)).toBe(true)
})

it('says why not: exclusion, limits, money, and what each account lacks', async () => {
  const id = await player()
  await pay('deposits', id, '50.00', card('tok_sandbox_ok'))
  const tooMuch = await options(id, { direction: 'withdrawal', amount: '50.01' })
  expect(tooMuch.body).toMatchObject({ refusal: 'insufficient_funds', reviews: [] })
  const fine = await options(id, { direction: 'withdrawal', amount: '50.00' })
  expect(fine.body.options.map(({ available }: Option) => available)).toContain(true)
  const limit = { metric: 'deposit_gross', window: 'day', amount: '60.00', currency: 'EUR' }
  await gateway.request('POST', `/v1/players/${id}/limits`, { body: limit })
  expect((await options(id, { amount: '10.00' })).body.refusal).toBe(null)
  expect((await options(id, { amount: '10.01' })).body.refusal).toBe('limit_exceeded')
  await gateway.request('PUT', `/v1/players/${id}/exclusion`, { body: { type: 'self_exclusion' } })
  const excluded = (await options(id, {})).body
  expect(excluded.options.every(({ available, reason }: Option) => !available && reason === 'self_excluded')).toBe(true)

  const other = await player()
  const [connection = ''] = Object.values(gateway.operator.connections)
  const limits = { methods: ['bank'] }
  await gateway.request('PATCH', `/v1/connections/${connection}`, { body: { limits } })
  const { body } = await options(other, {})
  const cards: Option = body.options.find(({ method }: Option) => method.type === 'card')
  expect(cards.accounts.find(({ usable }) => !usable)).toMatchObject({ code: 'method_not_allowed' })
  await gateway.request('PATCH', `/v1/connections/${connection}`, { body: { limits: {} } })
  expect((await options('nobody', {})).status).toBe(404)
  expect((await options(PLAYER, { amount: '-1' })).status).toBe(422)
})
