import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { depositSettled } from '../../src/core/ledger/deposits.ts'
import { betPlaced } from '../../src/core/ledger/games.ts'
import { money } from '../../src/core/money.ts'
import { postIn } from '../../src/db/ledger.ts'
import { newUuid } from '../support/operators.ts'
import { type World, world } from '../support/world.ts'

const eur = (minor: bigint) => money('EUR', minor)
let gateway: World
let between: string
beforeAll(async () => {
  gateway = await world()
  const { id } = gateway.operator
  const post = (posting: Parameters<typeof postIn>[2]) =>
    gateway.db.tx(id, (tx) => postIn(tx, id, posting, { newUuid }))
  await post(
    depositSettled({ deposit: 'd', player: 'p9', connection: 'con_1', amount: eur(1000n), playerFee: eur(10n) }),
  )
  await new Promise((resolve) => setTimeout(resolve, 5))
  between = new Date().toISOString()
  await new Promise((resolve) => setTimeout(resolve, 5))
  for (let n = 0; n < 5; n += 1) await post(betPlaced({ reference: `b${n}`, player: 'p9', cash: eur(100n) }))
})
afterAll(() => gateway.close())

const get = async (path: string) => gateway.request('GET', path)

describe('the ledger over HTTP', () => {
  it('shows the accounts of a player, now and as they were', async () => {
    const now = await get('/v1/ledger/accounts?player_id=p9')
    expect(now.body.data).toMatchObject([
      {
        code: 'player:p9:cash',
        balance: '5.00',
        available: '5.00',
        currency: 'EUR',
        class: 'liability',
        normal_side: 'credit',
        overdraft: '0.00',
      },
    ])
    const then = await get(`/v1/ledger/accounts/${now.body.data[0].id}?at=${between}`)
    expect(then.body).toMatchObject({ balance: '10.00', at: between })
  })
  it('tells what a striped account had at a time', async () => {
    const found = await get('/v1/ledger/accounts?code=connection:con_1:receivable')
    expect((await get(`/v1/ledger/accounts/${found.body.data[0].id}?at=${between}`)).body.balance).toBe('10.10')
    const before = await get(`/v1/ledger/accounts/${found.body.data[0].id}?at=2020-01-01T00:00:00Z`)
    expect(before.body.balance).toBe('0.00')
  })
  it('pages through entries, newest first, none twice and none left out', async () => {
    const account = (await get('/v1/ledger/accounts?player_id=p9')).body.data[0].id
    const seen: { id: string; balance_after: string; journal_id: string }[] = []
    let cursor = ''
    do {
      const page = await get(`/v1/ledger/accounts/${account}/entries?limit=2${cursor && `&cursor=${cursor}`}`)
      expect(page.status).toBe(200)
      seen.push(...page.body.data)
      cursor = page.body.next_cursor ?? ''
    } while (cursor)
    expect(seen.map(({ balance_after }) => balance_after)).toEqual(['5.00', '6.00', '7.00', '8.00', '9.00', '10.00'])
    expect(new Set(seen.map(({ id }) => id)).size).toBe(6)
    const first = await get(`/v1/ledger/journals/${seen.at(-1)?.journal_id}`)
    expect(first.body).toMatchObject({
      key: 'deposit:d:settled',
      kind: 'deposit_settled',
      transfers: [
        { debit: 'connection:con_1:receivable', credit: 'player:p9:cash', amount: '10.00', currency: 'EUR' },
        { debit: 'connection:con_1:receivable', credit: 'fees:player', amount: '0.10', currency: 'EUR' },
      ],
    })
  })
  it('verifies the books and says how much it looked at', async () => {
    const { body } = await get('/v1/ledger/verify')
    expect(body).toMatchObject({ ok: true, problems: [] })
    expect(BigInt(body.journals)).toBeGreaterThanOrEqual(6n)
  })
  it('shows another operator nothing, as if it were not there', async () => {
    const account = (await get('/v1/ledger/accounts?player_id=p9')).body.data[0].id
    const entry = (await get(`/v1/ledger/accounts/${account}/entries`)).body.data[0]
    const token = await gateway.token(undefined, gateway.second)
    for (const path of [
      `/v1/ledger/accounts/${account}`,
      `/v1/ledger/accounts/${account}/entries`,
      `/v1/ledger/journals/${entry.journal_id}`,
    ])
      expect((await gateway.request('GET', path, { token })).status).toBe(404)
    expect((await gateway.request('GET', '/v1/ledger/accounts?player_id=p9', { token })).body.data).toEqual([])
  })
  it.each(['/v1/ledger/accounts?at=yesterday', '/v1/ledger/accounts?currency=XXX', '/v1/ledger/accounts?cursor=AAAA'])(
    'refuses %s',
    async (path) => {
      expect((await get(path)).status).toBe(422)
    },
  )
})
