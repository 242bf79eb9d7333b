import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { depositSettled } from '../../src/core/ledger/deposits.ts'
import { betPlaced, winPaid } from '../../src/core/ledger/games.ts'
import { money } from '../../src/core/money.ts'
import { type Db, openDb } from '../../src/db/client.ts'
import { combiner } from '../../src/db/combiner.ts'
import { playerWallet } from '../../src/db/ledger.ts'
import { postgresLedger } from '../../src/db/ledger-port.ts'
import { verify } from '../../src/db/ledger-reads.ts'
import { cutProxy } from '../support/cut-proxy.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { anOperator, newUuid } from '../support/operators.ts'

const eur = (minor: bigint) => money('EUR', minor)
let database: TestDatabase
let operator: string
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.close())
beforeEach(async () => {
  operator = await anOperator(database.admin)
  const ledger = postgresLedger(database.db, { newUuid })
  await ledger.postMany(
    operator,
    ['a', 'b'].map((player) => depositSettled({ deposit: player, player, connection: 'con_1', amount: eur(1000n) })),
  )
})

const bet = (reference: string, minor = 1n, player = 'a') => betPlaced({ reference, player, cash: eur(minor) })
const cashOf = async (player: string) =>
  (await database.db.tx(operator, (tx) => playerWallet(tx, operator, player)))[0]?.cash
const problems = async () => (await database.db.tx(operator, (tx) => verify(tx, operator))).problems
/** The database, counting statements. */
const counted = () => {
  let statements = 0
  const db: Db = {
    ...database.db,
    alone: (statement) => {
      statements += 1
      return database.db.alone(statement)
    },
  }
  return { db, statements: () => statements }
}

describe('the combiner', () => {
  it('sends 300 callers in a few statements, and each gets its own answer', async () => {
    const { db, statements } = counted()
    const { post } = combiner(db, { newUuid })
    const results = await Promise.all(Array.from({ length: 300 }, (_, index) => post(operator, bet(`r${index}`))))
    expect(new Set(results)).toEqual(new Set(['posted']))
    expect(statements()).toBeLessThan(20)
    expect(await cashOf('a')).toBe(700n)
    expect(await problems()).toEqual([])
  })
  it('lets one overdraft fail alone, in order, among neighbours on the same account', async () => {
    const { post } = combiner(database.db, { newUuid })
    const results = await Promise.all([
      post(operator, bet('1', 900n)),
      post(operator, bet('2', 101n)),
      post(operator, bet('3', 100n)),
      post(operator, bet('4', 1n)),
      post(operator, winPaid({ reference: '5', player: 'a', amount: eur(50n) })),
      post(operator, bet('6', 1000n, 'b')),
    ])
    expect(results).toEqual(['posted', 'insufficient_funds', 'posted', 'insufficient_funds', 'posted', 'posted'])
    expect(await cashOf('a')).toBe(50n)
    expect(await problems()).toEqual([])
  })
  it('posts a key once however many send it, and tells who sends it with another amount', async () => {
    const { post } = combiner(database.db, { newUuid })
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, index) => post(operator, bet('same', index === 49 ? 2n : 1n))),
    )
    expect(results.filter((result) => result === 'posted')).toHaveLength(1)
    expect(results[49]).toBe('differs')
    expect(results.filter((result) => result === 'exists')).toHaveLength(48)
    expect(await cashOf('a')).toBe(999n)
  })
  it('keeps operators apart: a batch is of one operator', async () => {
    const other = await anOperator(database.admin)
    const { post } = combiner(database.db, { newUuid })
    const results = await Promise.all([post(operator, bet('x')), post(other, bet('x'))])
    expect(results).toEqual(['posted', 'insufficient_funds'])
  })
  it('refuses what the ledger could not store before it can spoil a batch', async () => {
    const { post } = combiner(database.db, { newUuid })
    const [good, ...bad] = await Promise.allSettled([
      post(operator, bet('good')),
      post(operator, { ...bet('long'), key: 'k'.repeat(301) }),
      post(operator, {
        ...bet('huge'),
        transfers: [{ debit: 'player:a:cash', credit: 'gaming:revenue', amount: { asset: 'EUR', minor: 10n ** 38n } }],
      }),
      post(operator, {
        ...bet('unknown'),
        transfers: [{ debit: 'nobody', credit: 'gaming:revenue', amount: eur(1n) }],
      }),
    ])
    expect(good).toEqual({ status: 'fulfilled', value: 'posted' })
    expect(bad.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  })
  it('says overloaded when too many wait, and goes on afterwards', async () => {
    const { post, idle } = combiner(database.db, { newUuid, maxWaiting: 10 })
    const results = await Promise.allSettled(Array.from({ length: 40 }, (_, index) => post(operator, bet(`o${index}`))))
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
    expect(refused.length).toBe(30)
    expect(refused[0]).toMatchObject({ code: 'overloaded', extra: { retryAfterSeconds: 1 } })
    await idle()
    expect(await post(operator, bet('after'))).toBe('posted')
    expect(await cashOf('a')).toBe(989n)
  })
  it('never has more statements under way than it may', async () => {
    let most = 0
    let now = 0
    const db: Db = {
      ...database.db,
      alone: async (statement) => {
        now += 1
        most = Math.max(most, now)
        try {
          return await database.db.alone(statement)
        } finally {
          now -= 1
        }
      },
    }
    const { post } = combiner(db, { newUuid, maxBatch: 5 })
    await Promise.all(Array.from({ length: 100 }, (_, index) => post(operator, bet(`m${index}`))))
    expect(most).toBe(2)
  })
  it('posts once when the answer to a batch was lost', async () => {
    const proxy = await cutProxy(database.url)
    const db = openDb({ url: proxy.url, max: 2, role: 'paycage_app' })
    const { post } = combiner(db, { newUuid })
    await post(operator, bet('warm'))
    proxy.cutAt('SELECT 1')
    setTimeout(() => proxy.cutAt(undefined), 30)
    const results = await Promise.all(Array.from({ length: 10 }, (_, index) => post(operator, bet(`l${index}`))))
    expect(proxy.cuts()).toBeGreaterThan(0)
    expect(new Set(results)).toEqual(new Set(['exists']))
    expect(await cashOf('a')).toBe(989n)
    expect(await problems()).toEqual([])
    await db.close()
  })
  it('never deadlocks with 20 single transactions over the same accounts', async () => {
    const ledger = postgresLedger(database.db, { newUuid })
    await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        ledger.post(
          operator,
          index % 2
            ? bet(`d${index}`, 1n, index % 4 === 1 ? 'a' : 'b')
            : winPaid({ reference: `d${index}`, player: index % 4 ? 'a' : 'b', amount: eur(1n) }),
        ),
      ),
    )
    expect(await problems()).toEqual([])
  })
})
