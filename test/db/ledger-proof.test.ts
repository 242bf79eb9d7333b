import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { depositSettled } from '../../src/core/ledger/deposits.ts'
import { betPlaced } from '../../src/core/ledger/games.ts'
import { money } from '../../src/core/money.ts'
import type { Db } from '../../src/db/client.ts'
import { postIn } from '../../src/db/ledger.ts'
import { type SealMark, verify } from '../../src/db/ledger-reads.ts'
import { advanceWatermark, lastSeal, sealAll } from '../../src/db/ledger-upkeep.ts'
import { lonelyDatabase, type TestDatabase } from '../support/database.ts'
import { anOperator, newUuid } from '../support/operators.ts'

const eur = (minor: bigint) => money('EUR', minor)
let database: TestDatabase
let operator: string
beforeAll(async () => {
  database = await lonelyDatabase()
})
afterAll(() => database.close())
beforeEach(async () => {
  operator = await anOperator(database.admin)
  await post(
    database.db,
    depositSettled({ deposit: 'd1', player: 'p1', connection: 'con_1', amount: eur(5000n), processorFee: eur(12n) }),
  )
  for (const reference of ['a', 'b', 'c'])
    await post(database.db, betPlaced({ reference, player: 'p1', cash: eur(100n) }))
})

const post = (db: Db, posting: Parameters<typeof postIn>[2]) =>
  db.tx(operator, (tx) => postIn(tx, operator, posting, { newUuid }))
const check = (published?: SealMark) =>
  database.db.tx(operator, (tx) => verify(tx, operator, published ? { published } : {}))
const problems = async () => (await check()).problems.map(({ problem }) => problem)
const seal = async (db = database.db) => {
  // the mark moves twice: once to set it, once to find that all before it have ended
  for (let turn = 0; turn < 2; turn += 1) await db.global(advanceWatermark)
  return sealAll(db, operator)
}
/** What a superuser can do who turns the triggers off first. */
const tamper = (statement: string, values: string[] = []) =>
  database.admin.begin(async (tx) => {
    await tx.unsafe(`set local session_replication_role = replica`)
    await tx.unsafe(statement, values)
  })
const firstBet = `(select id from ledger.journal where operator_id = $1 and key = 'game:a')`

describe('verify', () => {
  it('finds nothing in whole books and says how much it looked at', async () => {
    await seal()
    expect(await check()).toEqual({ journals: 4n, transfers: 5n, seals: 1n, problems: [] })
  })

  it.each([
    [
      'an amount edited',
      `update ledger.transfer set amount = amount + 1 where operator_id = $1 and journal_id = ${firstBet}`,
      'balance differs from its entries',
    ],
    [
      'a transfer deleted',
      `delete from ledger.transfer where operator_id = $1 and journal_id = ${firstBet}`,
      'journal is not whole',
    ],
    [
      'a balance raised',
      `update ledger.balance set credited = credited + 1 where operator_id = $1 and overdraft = 0`,
      'trial balance',
    ],
    [
      'a running balance edited',
      `update ledger.transfer set debit_after = 4 where operator_id = $1 and journal_id = ${firstBet}`,
      'running balance does not follow',
    ],
    [
      'two numbers swapped',
      `update ledger.transfer set debit_seq = 9 where operator_id = $1 and journal_id = ${firstBet}`,
      'entries are not numbered without a gap',
    ],
    [
      'a journal deleted',
      `delete from ledger.journal where operator_id = $1 and key = 'game:a'`,
      'journal is not whole',
    ],
    [
      'a reservation from nowhere',
      `update ledger.balance set debit_held = 1 where operator_id = $1 and overdraft = 0`,
      'holds differ from what is reserved',
    ],
    [
      'a bound lifted',
      `update ledger.account set overdraft = 500 where operator_id = $1 and code = 'player:p1:cash'`,
      'balance differs from its account',
    ],
    [
      'a stripe deleted',
      `delete from ledger.balance where operator_id = $1 and stripes > 1 and seq = 0 and stripe in (select max(stripe) from ledger.balance where stripes > 1 and seq = 0 and operator_id = $1)`,
      'balance differs from its account',
    ],
    [
      'a transfer moved to another account',
      `update ledger.transfer set debit_account = (select id from ledger.account where operator_id = $1 and code = 'fees:processor') where operator_id = $1 and journal_id = ${firstBet}`,
      'balance differs from its entries',
    ],
  ])('finds %s', async (_, statement, problem) => {
    await tamper(statement, [operator])
    expect(await problems()).toContain(problem)
  })

  it.each([
    [
      'the time of an old row',
      `update ledger.transfer set created_at = created_at - interval '1 day' where operator_id = $1 and journal_id = ${firstBet}`,
    ],
    ['the key of an old journal', `update ledger.journal set key = 'game:z' where operator_id = $1 and key = 'game:a'`],
    [
      'the kind of an old journal',
      `update ledger.journal set kind = 'win_paid' where operator_id = $1 and key = 'game:a'`,
    ],
  ])('finds %s edited once it is sealed, though every sum is right', async (_, statement) => {
    await seal()
    await tamper(statement, [operator])
    expect(await problems()).toEqual(['seal broken'])
  })

  it('finds a seal that was rewritten, and a chain that was rewritten by the one that was published', async () => {
    await seal()
    const published = await database.db.tx(operator, (tx) => lastSeal(tx, operator))
    await tamper(`update ledger.journal set kind = 'win_paid' where operator_id = $1 and key = 'game:a'`, [operator])
    await tamper(
      `update ledger.seal s set root = (select r.root from ledger.range_root($1, s.from_position, s.to_position) r) where operator_id = $1`,
      [operator],
    )
    expect(await problems()).toEqual(['seal broken'])
    await tamper(`update ledger.seal s set hash = ledger.seal_hash(s) where operator_id = $1`, [operator])
    expect(await problems()).toEqual([])
    expect((await check(published)).problems).toEqual([
      { problem: 'seal differs from the published one', reference: '1' },
    ])
  })
})

describe('sealing', () => {
  it('chains each range to the one before and seals nothing twice', async () => {
    expect(await seal()).toBe(5n)
    expect(await seal()).toBe(0n)
    await post(database.db, betPlaced({ reference: 'later', player: 'p1', cash: eur(1n) }))
    expect(await seal()).toBe(1n)
    const seals =
      await database.admin`select no, transfers, from_position = lag(to_position) over (order by no) as follows, previous = lag(hash) over (order by no) as chained from ledger.seal where operator_id = ${operator} order by no`
    expect(seals).toEqual([
      { no: '1', transfers: '5', follows: null, chained: null },
      { no: '2', transfers: '1', follows: true, chained: true },
    ])
  })

  it('leaves out what may still be committed below the mark, and seals it later', async () => {
    await seal()
    const gate = Promise.withResolvers<void>()
    const posted = Promise.withResolvers<void>()
    const slow = database.db.tx(operator, async (tx) => {
      await postIn(
        tx,
        operator,
        depositSettled({ deposit: 'slow', player: 'p2', connection: 'con_2', amount: eur(7n) }),
        { newUuid },
      )
      posted.resolve()
      await gate.promise
    })
    await posted.promise
    await post(database.db, betPlaced({ reference: 'quick', player: 'p1', cash: eur(1n) }))
    expect(await seal()).toBe(0n)
    gate.resolve()
    await slow
    expect(await seal()).toBe(2n)
    expect(await problems()).toEqual([])
  })

  it('goes on in a new epoch after a dump was restored into another cluster', async () => {
    await seal()
    await post(database.db, betPlaced({ reference: 'unsealed', player: 'p1', cash: eur(1n) }))
    const restored = await restoreElsewhere()
    const { db } = restored
    await post(db, betPlaced({ reference: 'after the restore', player: 'p1', cash: eur(1n) }))
    await seal(db)
    await seal(db)
    const found = await db.tx(operator, (tx) => verify(tx, operator))
    expect(found).toMatchObject({ problems: [], transfers: 7n })
    const [sums] =
      await restored.admin`select sum(transfers) as sealed, max(epoch) - min(epoch) as epochs from ledger.seal where operator_id = ${operator}`
    expect(sums).toEqual({ sealed: '7', epochs: 1 })
  })
})

/** What pg_dump and pg_restore do, for the tables of this test: rows as they are, sequences by setval, in a cluster of its own with low transaction ids. */
async function restoreElsewhere() {
  const restored = await lonelyDatabase()
  onTestFinished(() => restored.close())
  // Settings are a session's: one connection does it all.
  const admin = await restored.admin.reserve()
  await admin.unsafe(`set session_replication_role = replica`)
  for (const table of [
    'public.operator',
    'ledger.account',
    'ledger.balance',
    'ledger.journal',
    'ledger.transfer',
    'ledger.hold',
    'ledger.seal',
    'ledger.epoch',
    'ledger.watermark',
  ]) {
    const [columns] =
      await database.admin`select string_agg(quote_ident(attname), ', ' order by attnum) as names from pg_attribute
      where attrelid = ${table}::regclass and attnum > 0 and not attisdropped and attgenerated = ''`
    const [rows] = await database.admin.unsafe(`select coalesce(json_agg(t), '[]')::text as all from ${table} t`)
    await admin.unsafe(
      `insert into ${table} (${columns?.names}) overriding system value select ${columns?.names} from json_populate_recordset(null::${table}, $1::text::json)`,
      [rows?.all],
    )
  }
  await admin.unsafe(`set session_replication_role = origin`)
  for (const sequence of ['ledger.position', 'ledger.account_id_seq']) {
    const [at] = await database.admin.unsafe(`select last_value from ${sequence}`)
    await admin`select setval(${sequence}, ${at?.last_value}::bigint)`
  }
  admin.release()
  return restored
}
