import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { depositSettled } from '../../src/core/ledger/deposits.ts'
import { betPlaced, winPaid } from '../../src/core/ledger/games.ts'
import { type Posting, posting, transfer } from '../../src/core/ledger/posting.ts'
import { money } from '../../src/core/money.ts'
import { type Db, openDb } from '../../src/db/client.ts'
import { combiner } from '../../src/db/combiner.ts'
import { playerWallet } from '../../src/db/ledger.ts'
import { postgresLedger } from '../../src/db/ledger-port.ts'
import { verify } from '../../src/db/ledger-reads.ts'
import { postAlone } from '../../src/db/ledger-statements.ts'
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
  it('answers exists for what was posted before, though the account is empty now, and posts its neighbours', async () => {
    const ledger = postgresLedger(database.db, { newUuid })
    const emptied = bet('all', 1000n)
    expect(await ledger.postMany(operator, [emptied])).toEqual(['posted'])
    expect(await ledger.postMany(operator, [emptied])).toEqual(['exists'])
    const batch = [bet('none left'), emptied, bet('of b', 400n, 'b'), bet('more of b', 601n, 'b')]
    expect(await ledger.postMany(operator, batch)).toEqual([
      'insufficient_funds',
      'exists',
      'posted',
      'insufficient_funds',
    ])
    expect(
      await ledger.postMany(operator, [bet('all', 999n), bet('of b', 400n, 'b'), bet('rest of b', 600n, 'b')]),
    ).toEqual(['differs', 'exists', 'posted'])
    expect([await cashOf('a'), await cashOf('b')]).toEqual([0n, 0n])
    expect(await problems()).toEqual([])
  })
  it('posts between the right accounts after a known key and before a refused one', async () => {
    const ledger = postgresLedger(database.db, { newUuid })
    await ledger.postMany(operator, [bet('known')])
    const results = await ledger.postMany(operator, [bet('known'), bet('new', 5n, 'b'), bet('refused', 5_000n)])
    expect(results).toEqual(['exists', 'posted', 'insufficient_funds'])
    const [latest] = await ledger.entries(operator, 'player:b:cash', 'EUR', 1)
    expect(latest).toMatchObject({ side: 'debit', amount: 5n, after: 995n })
    expect(await problems()).toEqual([])
  })
  it('says what an account is only when one is to be opened, and asks once where a code has more assets than are meant', async () => {
    const { db, statements } = counted()
    const kronor = depositSettled({ deposit: 'sek', player: 'a', connection: 'con_1', amount: money('SEK', 50n) })
    const send = async (...sent: Posting[]) => {
      const before = statements()
      expect(await postAlone(db, operator, sent, newUuid)).toEqual(sent.map(() => 'posted'))
      return statements() - before
    }
    const opened = await send(bet('opens revenue'), kronor)
    const between = await send(bet('known 1'), bet('known 2', 1n, 'b'))
    const another = await send(bet('known 3', 1n, 'b'), { ...kronor, key: 'more kronor' })
    expect([opened, between, another]).toEqual([2, 1, 1])
    const wallet = await database.db.tx(operator, (tx) => playerWallet(tx, operator, 'a'))
    expect(wallet.map(({ asset, cash }) => [asset, cash])).toEqual([
      ['EUR', 998n],
      ['SEK', 100n],
    ])
    expect(await problems()).toEqual([])
  })
  it('goes on with an account that was opened with more or fewer stripes than the chart has now', async () => {
    const { db } = database
    await db.tx(
      operator,
      (tx) => tx`select ledger.open_accounts(${operator}, '{gaming:revenue,bonus:cost}'::text[], '{JPY,JPY}'::text[],
        '{income,expense}'::text[], '{null,null}'::numeric[], '{2,16}'::int[])`,
    )
    const grant = (n: number) =>
      posting(`grant:${n}`, 'bonus_granted', [transfer('bonus:cost', 'player:a:bonus', money('JPY', 7n))])
    const lose = (n: number) =>
      posting(`lose:${n}`, 'bet_placed', [transfer('player:a:bonus', 'gaming:revenue', money('JPY', 7n))])
    const numbers = Array.from({ length: 12 }, (_, n) => n)
    // one by one over several connections, then all in one statement
    const one = await Promise.all(numbers.map((n) => postAlone(db, operator, [grant(n)], newUuid)))
    const all = await postAlone(db, operator, numbers.map(lose), newUuid)
    expect(new Set([...one.flat(), ...all])).toEqual(new Set(['posted']))
    expect(await problems()).toEqual([])
    const counters = () => database.admin<{ seq: bigint }[]>`select seq from ledger.balance
      where operator_id = ${operator} and code = 'bonus:cost' order by stripe`
    const before = await counters()
    await Promise.all(numbers.map((n) => postAlone(db, operator, [grant(100 + n)], newUuid)))
    const after = await counters()
    const used = after.filter(({ seq }, stripe) => seq !== before[stripe]?.seq)
    expect(used.length, 'stripes, as connections keep to one each').toBeGreaterThan(1)
  })
  it('keeps on beside holds on the same accounts', async () => {
    const ledger = postgresLedger(database.db, { newUuid })
    const hold = async () => {
      const id = newUuid()
      await ledger.hold(operator, [{ id, debit: 'player:a:cash', credit: 'gaming:revenue', amount: eur(1n) }])
      await ledger.resolve(operator, { hold: id, minor: 1n, kind: 'bet_placed' })
    }
    const work = Array.from({ length: 60 }, (_, n) => (n % 3 ? ledger.post(operator, bet(`beside:${n}`)) : hold()))
    const ended = await Promise.allSettled(work)
    expect(ended.filter(({ status }) => status === 'rejected')).toEqual([])
    expect(await cashOf('a')).toBe(940n)
    expect(await problems()).toEqual([])
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
  it('lets nobody wait for a row that a statement under way has locked but who needs it', async () => {
    const { db, statements } = counted()
    const { post } = combiner(db, { newUuid })
    const release = Promise.withResolvers<void>()
    const locked = Promise.withResolvers<void>()
    const holder = database.admin.begin(async (tx) => {
      await tx`select from ledger.balance where operator_id = ${operator} and code = 'player:a:cash' for update`
      locked.resolve()
      await release.promise
    })
    await locked.promise
    let posted = 0
    const ofA = [post(operator, bet('a1'))]
    await vi.waitUntil(() => statements() > 0)
    // twice as many as fill a batch of their own, and one that would hold them up
    ofA.push(post(operator, bet('a2')))
    const ofB = Array.from({ length: 32 }, (_, index) => post(operator, bet(`b${index}`, 1n, 'b')))
    for (const one of ofA) one.then(() => (posted += 1))
    expect(new Set(await Promise.all(ofB))).toEqual(new Set(['posted']))
    expect(posted).toBe(0)
    release.resolve()
    await holder
    expect(await Promise.all(ofA)).toEqual(['posted', 'posted'])
    expect(await problems()).toEqual([])
  })
  it('posts once when the answer to a batch was lost', async () => {
    const proxy = await cutProxy(database.url)
    const db = openDb({ url: proxy.url, max: 2, role: 'paycage_app' })
    const { post } = combiner(db, { newUuid })
    await post(operator, bet('warm'))
    proxy.cutAt('SELECT 1')
    const answers = Promise.all(Array.from({ length: 10 }, (_, index) => post(operator, bet(`l${index}`))))
    await vi.waitUntil(() => proxy.cuts() > 0, { timeout: 20_000 })
    proxy.cutAt(undefined)
    const results = await answers
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
