import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { uuidText, uuidV7 } from '../../src/core/ids.ts'
import { depositSettled } from '../../src/core/ledger/deposits.ts'
import { betPlaced } from '../../src/core/ledger/games.ts'
import type { Posting } from '../../src/core/ledger/posting.ts'
import { money } from '../../src/core/money.ts'
import { sqlstateOf } from '../../src/db/errors.ts'
import { postIn } from '../../src/db/ledger.ts'
import { accounts } from '../../src/db/ledger-reads.ts'
import { postAll, postAlone } from '../../src/db/ledger-statements.ts'
import { databaseForThisTest, type TestDatabase, testDatabase } from '../support/database.ts'
import { anOperator, newUuid } from '../support/operators.ts'

const eur = (minor: bigint) => money('EUR', minor)
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** Mints ids of a time so far from now. */
const idFrom = (offsetMs: number) => () => uuidText(uuidV7(Date.now() + offsetMs, randomBytes(10)))
const cashOfPlayer = `account_id in (select id from ledger.account where code = 'player:p:cash')`

type Post = (posting: Posting, uuid?: () => string) => Promise<string>
type Deposited = TestDatabase & { readonly operator: string; readonly post: Post }

/** An operator with one deposit of 10.00. */
async function depositIn({ admin, db }: TestDatabase) {
  const operator = await anOperator(admin)
  const post: Post = (posting, uuid = newUuid) =>
    db.tx(operator, (tx) => postIn(tx, operator, posting, { newUuid: uuid }))
  await post(depositSettled({ deposit: 'd', player: 'p', connection: 'con_1', amount: eur(1000n) }))
  return { operator, post }
}

/** The same in a database of the test's own. */
async function withDeposit(): Promise<Deposited> {
  const database = await databaseForThisTest()
  return { ...database, ...(await depositIn(database)) }
}

/** For what leaves nothing behind. */
let shared: Deposited
beforeAll(async () => {
  const database = await testDatabase()
  shared = { ...database, ...(await depositIn(database)) }
})
afterAll(() => shared.close())

/** The SQLSTATE that a statement dies of, or done. */
const outcome = (work: PromiseLike<unknown>): Promise<string> =>
  Promise.resolve(work).then(
    () => 'done',
    (error) => sqlstateOf(error) ?? String(error?.code ?? error),
  )

describe.each([
  {
    guard: 'the trigger that keeps transfers as they are',
    attack: `update ledger.transfer set amount = 1`,
    dies: 'P0L01',
    without: `alter table ledger.transfer disable trigger user`,
  },
  {
    guard: 'the trigger that keeps transfers from being deleted',
    attack: `delete from ledger.transfer`,
    dies: 'P0L01',
    without: `alter table ledger.transfer disable trigger user`,
  },
  {
    guard: 'the trigger that keeps journals as they are',
    attack: `update ledger.journal set key = 'other'`,
    dies: 'P0L01',
    without: `alter table ledger.journal disable trigger user`,
  },
  {
    guard: 'the counters that never fall',
    attack: `update ledger.balance set debited = debited - 1 where debited > 0`,
    dies: 'P0L01',
    without: `drop trigger monotonic on ledger.balance`,
  },
  {
    guard: 'the identity of a balance',
    attack: `update ledger.balance set debit_normal = not debit_normal where overdraft is null`,
    dies: 'P0L01',
    without: `drop trigger identity on ledger.balance`,
  },
  {
    guard: 'the name that a balance is found by',
    attack: `update ledger.balance set code = 'player:x:cash' where code = 'player:p:cash'`,
    dies: 'P0L01',
    without: `drop trigger identity on ledger.balance`,
  },
  {
    guard: 'the identity of an account',
    attack: `update ledger.account set code = 'player:x:cash' where code = 'player:p:cash'`,
    dies: 'P0L01',
    without: `drop trigger identity on ledger.account`,
  },
  {
    guard: 'the bound of an account',
    attack: `update ledger.balance set debited = debited + 1001 where ${cashOfPlayer}`,
    dies: '23514',
    without: `alter table ledger.balance drop constraint no_overdraft`,
  },
  ...['NaN', 'Infinity', '-1', '0.5', '1e38'].map((value) => ({
    guard: `the domain that keeps ${value} out of a counter`,
    attack: `update ledger.balance set credited = credited + '${value}' where credited > 0 and ${cashOfPlayer}`,
    dies: value === '-1' ? 'P0L01' : '23514',
    without: `alter domain ledger.minor_units drop constraint minor_units_check; alter table ledger.balance disable trigger user; alter table ledger.balance drop constraint no_overdraft`,
  })),
  {
    guard: 'the bound that a striped account may not have',
    attack: `update ledger.account set overdraft = 0 where code = 'connection:con_1:receivable'`,
    dies: '23514',
    without: `alter table ledger.account drop constraint striped_is_unbounded`,
  },
  {
    guard: 'the trigger that keeps partitions from being emptied',
    attack: `do $$ begin execute 'truncate ' || (select tableoid::regclass from ledger.transfer limit 1); end $$`,
    dies: 'P0L01',
    without: `do $$ begin execute 'alter table ' || (select tableoid::regclass from ledger.transfer limit 1) || ' disable trigger user'; end $$`,
  },
])('$guard', ({ attack, dies, without }) => {
  it(`stops the database's owner, and without it nothing would`, async () => {
    const undo = new Error('undone, so that the next one finds it as it was')
    const trial = shared.admin.begin(async (tx) => {
      const attempt = () => outcome(tx.savepoint((inner) => inner.unsafe(attack)))
      expect(await attempt()).toBe(dies)
      await tx.unsafe(without)
      expect(await attempt()).toBe('done')
      throw undo
    })
    await expect(trial).rejects.toBe(undo)
  })
})

describe('the gateway role', () => {
  it.each([
    `insert into ledger.journal (operator_id, key, id, kind, transfers) values (current_setting('app.operator'), 'k', gen_random_uuid(), 'x', 0)`,
    `update ledger.balance set credited = credited + 1`,
    `delete from ledger.hold`,
    `insert into ledger.seal select * from ledger.seal`,
    `select ledger.unreserve(h) from ledger.hold h`,
    `truncate ledger.transfer`,
    `alter table ledger.transfer disable trigger user`,
    `select nextval('ledger.position')`,
  ])('may not: %s', async (statement) => {
    const { db, operator } = shared
    expect(await outcome(db.tx(operator, (tx) => tx.unsafe(statement)))).toBe('42501')
  })
  it('sees no row of another operator, even when the query forgets to say whose; without the policy it would', async () => {
    const { db, admin } = await withDeposit()
    const other = await anOperator(admin)
    const everything = () =>
      db.tx(
        other,
        (tx) => tx`select (select count(*) from ledger.account) + (select count(*) from ledger.entry)
      + (select count(*) from ledger.account_balance) + (select count(*) from ledger.journal) as rows`,
      )
    expect(await everything()).toEqual([{ rows: 0n }])
    expect(await db.alone((sql) => sql`select count(*) as rows from ledger.transfer`)).toEqual([{ rows: 0n }])
    for (const table of ['account', 'balance', 'journal', 'transfer'])
      await admin.unsafe(`alter table ledger.${table} disable row level security`)
    expect(await everything()).not.toEqual([{ rows: 0n }])
  })
  it('can not post without an operator, nor for another one: a stray statement moves nothing', async () => {
    const { db, operator, admin } = shared
    const other = await anOperator(admin)
    const statement = `select ledger.post_one('${operator}', false, '${newUuid()}', 'stray', 'x', null, 'EUR', 'player:p:cash', 'player:p:held', 1)`
    expect(await outcome(db.alone((sql) => sql.unsafe(statement)))).toBe('P0L09')
    expect(await outcome(db.tx(other, (tx) => tx.unsafe(statement)))).toBe('P0L09')
    expect(
      await outcome(db.tx(operator, (tx) => tx.unsafe(statement.replace('select', `select ledger.alone('x'),`)))),
    ).toBe('P0L09')
  })
})

describe('a posting', () => {
  it.each([
    ['a day and an hour old', -25 * HOUR_MS],
    ['a minute more than a day old', -24 * HOUR_MS - MINUTE_MS],
    ['a minute more than an hour ahead', HOUR_MS + MINUTE_MS],
    ['two hours ahead', 2 * HOUR_MS],
  ])('under an id that is %s is refused', async (_, offsetMs) => {
    const { post } = shared
    expect(await outcome(post(betPlaced({ reference: 'far', player: 'p', cash: eur(1n) }), idFrom(offsetMs)))).toBe(
      'P0L10',
    )
  })
  it.each([
    ['a minute less than a day old', -24 * HOUR_MS + MINUTE_MS],
    ['a minute less than an hour ahead', HOUR_MS - MINUTE_MS],
  ])('under an id that is %s is taken, the short way and the long one', async (_, offsetMs) => {
    const { db, operator, post } = shared
    const bet = betPlaced({ reference: `near:${offsetMs}`, player: 'p', cash: eur(1n) })
    expect(await post(bet, idFrom(offsetMs))).toBe('posted')
    const win = betPlaced({ reference: `nearer:${offsetMs}`, player: 'p', cash: eur(1n) })
    const twice = [...bet.transfers, ...bet.transfers]
    expect(await postAlone(db, operator, [{ ...win, transfers: twice }], idFrom(offsetMs))).toEqual(['posted'])
  })
  it('under an id that is no UUIDv7 is refused', async () => {
    const { post } = shared
    expect(
      await outcome(post(betPlaced({ reference: 'v4', player: 'p', cash: eur(1n) }), () => crypto.randomUUID())),
    ).toBe('P0L10')
  })
  it('to a closed account is refused, and an account that holds money is not closed', async () => {
    const { db, operator, post } = await withDeposit()
    const close = () =>
      db.tx(operator, (tx) => tx`select ledger.close_account(${operator}, 'player:p:cash', 'EUR') as closed`)
    expect(await outcome(close())).toBe('P0L13')
    await post(betPlaced({ reference: 'all', player: 'p', cash: eur(1000n) }))
    expect(await close()).toEqual([{ closed: true }])
    expect(
      await outcome(post(depositSettled({ deposit: 'late', player: 'p', connection: 'con_1', amount: eur(1n) }))),
    ).toBe('illegal_state')
    const [account] = await db.tx(operator, (tx) => accounts(tx, operator, { limit: 1, code: 'player:p:cash' }))
    expect(account?.closedAt).toBeInstanceOf(Date)
  })
  it('may use a credit line that was given, to the cent; one that is used is not taken back', async () => {
    const { db, operator, post } = await withDeposit()
    const line = (minor: string) =>
      db.tx(
        operator,
        (tx) => tx`select ledger.set_overdraft(${operator}, 'player:p:cash', 'EUR', ${minor}::numeric) as set`,
      )
    await line('50')
    expect(await outcome(post(betPlaced({ reference: '1', player: 'p', cash: eur(1051n) })))).toBe('insufficient_funds')
    expect(await outcome(post(betPlaced({ reference: '2', player: 'p', cash: eur(1050n) })))).toBe('done')
    expect(await outcome(line('49'))).toBe('P0L13')
    expect(await outcome(line('NaN'))).toBe('P0L13')
  })
  it('of a single transfer asks the long way about what a check or the key refuses; without the check it would go through', async () => {
    const { admin, operator } = await withDeposit()
    const undo = new Error('undone')
    const trial = admin.begin(async (tx) => {
      await tx`select set_config('app.operator', ${operator}, true)`
      const one = async (amount: string, key = newUuid()) => {
        const [row] = await tx`select ledger.post_one(${operator}, false, ${newUuid()}, ${key}, 'x', null, 'EUR',
          'player:p:cash', 'connection:con_1:receivable', ${amount}::numeric) as result`
        return row?.result
      }
      for (const amount of ['1001', '0', '-1', '0.5', 'NaN', 'Infinity', '1e38']) expect(await one(amount)).toBe(null)
      expect([await one('1', 'twice'), await one('1', 'twice')]).toEqual(['posted', null])
      expect(await tx`select count(*)::int as transfers from ledger.transfer`).toEqual([{ transfers: 2 }])
      await tx`alter table ledger.balance drop constraint no_overdraft`
      expect(await one('1001')).toBe('posted')
      throw undo
    })
    await expect(trial).rejects.toBe(undo)
  })
  it('never reads all balances, though its session planned when there were few', async () => {
    const { db, admin } = await testDatabase({ max: 1 })
    const operator = await anOperator(admin)
    const deposits = (count: number, id: string) =>
      Array.from({ length: count }, (_, n) =>
        depositSettled({ deposit: `${n}:${id}`, player: `p${n}`, connection: 'con_1', amount: eur(1n) }),
      )
    /** Rows of `ledger.balance` that so many postings read. */
    const reads = (count: number, id: string) =>
      db.tx(operator, async (tx) => {
        // counts what the session hasn't told the server yet, of transactions before this one, too
        const soFar = async () => {
          const [row] = await tx<{ read: number }[]>`select (seq_tup_read + idx_tup_fetch)::int as read
            from pg_stat_xact_user_tables where relid = 'ledger.balance'::regclass`
          return row?.read ?? Number.NaN
        }
        const before = await soFar()
        await postAll(tx, operator, deposits(count, id), newUuid)
        return (await soFar()) - before
      })
    // nobody tells the session that the table has grown
    await admin`alter table ledger.balance set (autovacuum_enabled = false)`
    await reads(20, 'opens')
    await admin`analyze ledger.balance`
    await Promise.all([reads(1, 'plans one'), reads(20, 'plans many')])
    await admin`select set_config('app.operator', ${operator}, false)`
    await admin`select ledger.open_accounts(${operator}, array_agg('player:x' || n || ':cash'), array_agg('EUR'::text),
      array_agg('liability'::text), array_agg(0::numeric), array_agg(1)) from generate_series(1, 2000) n`
    // each account's row when it is locked and when it is changed, and the stripes of the connection's account
    expect(await reads(1, 'one')).toBeLessThan(20)
    expect(await reads(20, 'many')).toBeLessThan(100)
    await admin`drop index ledger.balance_code`
    expect(await reads(20, 'without the index')).toBeGreaterThan(2000)
  })
  it('of a key that a rollback has taken is refused as rolled back', async () => {
    const { db, operator, post } = shared
    const bury = () =>
      db.tx(operator, (tx) => tx`select ledger.bury(${operator}, ${newUuid()}::uuid, 'game:gone') as result`)
    expect(await bury()).toEqual([{ result: 'buried' }])
    expect(await bury()).toEqual([{ result: 'buried' }])
    await expect(post(betPlaced({ reference: 'gone', player: 'p', cash: eur(1n) }))).rejects.toMatchObject({
      code: 'rolled_back',
    })
  })
})

describe('partitions', () => {
  it('are there for months ahead, are not made twice, and carry the guards', async () => {
    const { admin, db, operator } = await withDeposit()
    expect(await db.global((tx) => tx`select ledger.make_partitions() as made`)).toEqual([{ made: 0 }])
    expect(await db.global((tx) => tx`select ledger.make_partitions(0, 9) as made`)).toEqual([{ made: 3 }])
    const [last] =
      await admin`select c.relrowsecurity and c.relforcerowsecurity as forced, (select count(*)::int from pg_trigger t where t.tgrelid = c.oid) as triggers
      from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'ledger.transfer'::regclass order by c.relname desc limit 1`
    expect(last).toEqual({ forced: true, triggers: 2 })
    expect(await outcome(db.tx(operator, (tx) => tx`select ledger.make_partitions(0, 61)`))).toBe('P0L12')
  })
  it('are of UTC months, whatever the time zone of the session', async () => {
    const { admin } = await withDeposit()
    await admin.unsafe(`set time zone 'Pacific/Auckland'`)
    expect(await admin`select ledger.make_partitions(1, 6) as made`).toEqual([{ made: 0 }])
  })
})

describe('the driver without our guard', () => {
  it('makes money out of nothing when a backend dies, which is why every query passes a gate', async () => {
    const { admin, url }: TestDatabase = await databaseForThisTest()
    await admin`create table book (account text, amount int)`
    const bare = postgres(url, { max: 1, backoff: () => 0.01, onnotice: () => {} })
    const gate = Promise.withResolvers<void>()
    const started = Promise.withResolvers<number>()
    const dying = bare
      .begin(async (tx) => {
        await tx`insert into book values ('player', -100)`
        const [row] = await tx<{ pid: number }[]>`select pg_backend_pid() as pid`
        started.resolve(row?.pid ?? 0)
        await gate.promise
        await tx`insert into book values ('house', 100)`
      })
      .catch(() => {})
    await admin`select pg_terminate_backend(${await started.promise})`
    await dying
    await bare`select 1`
    gate.resolve()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await admin`select account, amount from book`).toEqual([{ account: 'house', amount: 100 }])
    await bare.end({ timeout: 0 })
  })
})
