import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Db, openDb, placeOf, type Tx } from '../../src/db/client.ts'
import { isOutcomeUnknown, sqlstateOf } from '../../src/db/errors.ts'
import { cutProxy } from '../support/cut-proxy.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
  await database.admin`create table book (account text, amount int)`
  await database.admin`create table once (id int primary key, iban text check (iban <> 'bad'))`
  await database.admin`grant all on book, once to paycage_app`
})
afterAll(() => database.close())

const kill = (pid: number) => database.admin`select pg_terminate_backend(${pid})`
const pidOf = async (tx: Tx) => Number((await tx<{ pid: number }[]>`select pg_backend_pid() as pid`)[0]?.pid)
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error) => error,
  )
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('a transaction', () => {
  it('works as the restricted role and knows the operator inside only', async () => {
    const rows = await database.db.tx(
      'opr_x',
      (tx) => tx`select current_user as who, current_setting('app.operator') as operator`,
    )
    expect(rows).toEqual([{ who: 'paycage_app', operator: 'opr_x' }])
    const after = await database.db.alone((sql) => sql`select current_setting('app.operator', true) as operator`)
    expect(after).toEqual([{ operator: '' }])
  })
  it('reads whole numbers past 2^53 exactly', async () => {
    const rows = await database.db.tx('opr_x', (tx) => tx`select 9007199254740993::int8 as a, 1e37::numeric as b`)
    expect(rows).toEqual([{ a: 9007199254740993n, b: 10n ** 37n }])
  })
  it('undoes everything when the work throws, and throws what the work threw', async () => {
    const error = await rejection(
      database.db.tx('opr_x', async (tx) => {
        await tx`insert into book values ('undone', 1)`
        throw new Error('mine')
      }),
    )
    expect(error).toMatchObject({ message: 'mine' })
    expect(await database.admin`select 1 from book where account = 'undone'`).toHaveLength(0)
  })
  it('does not commit when the work swallowed a failed query', async () => {
    const error = await rejection(
      database.db.tx('opr_x', async (tx) => {
        await tx`insert into book values ('swallowed', 1)`
        await tx`select 1 / 0`.catch(() => {})
      }),
    )
    expect(sqlstateOf(error)).toBe('22012')
    expect(await database.admin`select 1 from book where account = 'swallowed'`).toHaveLength(0)
  })
  it('names the first error, not the aborted transaction that follows from it', async () => {
    const error = await rejection(
      database.db.tx('opr_x', async (tx) => {
        await tx`select 1 / 0`.catch(() => {})
        await tx`select 1`
      }),
    )
    expect(sqlstateOf(error)).toBe('22012')
  })
  it('can roll back to a savepoint and go on', async () => {
    await database.db.tx('opr_x', async (tx) => {
      await tx`insert into book values ('savepoint', 1)`
      const inner = tx.savepoint((sub) =>
        sub`insert into book values ('savepoint', 2)`.then(() => Promise.reject(new Error('no'))),
      )
      await inner.catch(() => {})
    })
    expect(await database.admin`select amount from book where account = 'savepoint'`).toEqual([{ amount: 1 }])
  })
  it('is run again, whole, after a deadlock', async () => {
    await database.admin`insert into once (id) values (1), (2)`
    let runs = 0
    const touch = (first: number, second: number) =>
      database.db.tx('opr_x', async (tx) => {
        runs += 1
        await tx`update once set iban = 'a' where id = ${first}`
        await pause(50)
        await tx`update once set iban = 'b' where id = ${second}`
      })
    await Promise.all([touch(1, 2), touch(2, 1)])
    expect(runs).toBeGreaterThan(2)
  })
  it('gives up a conflict that never ends after five tries, as unavailable', async () => {
    let runs = 0
    const error = await rejection(
      database.db.tx('opr_x', async (tx) => {
        runs += 1
        await tx`do $$ begin raise exception 'again' using errcode = '40001'; end $$`
      }),
    )
    expect(error).toMatchObject({ code: 'unavailable' })
    expect(runs).toBe(5)
  })
})

describe('when the backend dies inside a transaction', () => {
  const single = (): Db => openDb({ url: database.url, max: 1, role: 'paycage_app' })

  it('never lets the rest of the transaction run on the next connection', async () => {
    const db = single()
    const gate = Promise.withResolvers<void>()
    const started = Promise.withResolvers<number>()
    let late: unknown
    const dying = rejection(
      db.tx('opr_x', async (tx) => {
        await tx`insert into book values ('player', -100)`
        started.resolve(await pidOf(tx))
        await gate.promise
        late = await rejection(tx`insert into book values ('house', 100)`)
      }),
    )
    await kill(await started.promise)
    expect(sqlstateOf(await dying)).toBe('08006')
    expect(await db.alone((sql) => sql`select 1 as x`)).toEqual([{ x: 1 }])
    gate.resolve()
    await pause(50)
    expect(sqlstateOf(late)).toBe('08006')
    expect(await database.admin`select sum(amount) from book where account in ('player', 'house')`).toEqual([
      { sum: null },
    ])
    await db.close()
  })
  it('never rolls back to a savepoint or commits on the next connection', async () => {
    const db = single()
    const error = await rejection(
      db.tx('opr_x', async (tx) => {
        const pid = await pidOf(tx)
        await tx.savepoint(async (sub) => {
          await sub`insert into book values ('sub', 1)`
          await kill(pid)
          await pause(50)
          throw new Error('rolls back to the savepoint')
        })
      }),
    )
    expect(sqlstateOf(error)).toBe('08006')
    expect(await db.tx('opr_x', (tx) => tx`select 1 as x`)).toEqual([{ x: 1 }])
    await db.close()
  })
  it('answers every query that waited, and those behind it', async () => {
    const db = single()
    const error = await rejection(
      db.tx('opr_x', async (tx) => {
        const pid = await pidOf(tx)
        const many = Array.from({ length: 150 }, () => rejection(tx`select pg_sleep(5)`))
        await pause(20)
        await kill(pid)
        const states = (await Promise.all(many)).map(sqlstateOf)
        expect(new Set(states)).toEqual(new Set(['08006']))
        throw new Error('after')
      }),
    )
    expect(sqlstateOf(error)).toBe('08006')
    await db.close()
  })
  it('goes on with other work at once', async () => {
    const db = openDb({ url: database.url, max: 2, role: 'paycage_app' })
    for (let round = 0; round < 10; round += 1) {
      const dying = rejection(db.tx('opr_x', async (tx) => kill(await pidOf(tx)).then(() => tx`select pg_sleep(1)`)))
      const living = db.tx('opr_x', (tx) => tx`select ${round}::int as round`)
      expect(await living).toEqual([{ round }])
      expect(sqlstateOf(await dying)).toBe('08006')
    }
    await db.close()
  })
})

describe('when the answer to COMMIT is lost', () => {
  it('finds out that it was committed and answers as if nothing had happened', async () => {
    const proxy = await cutProxy(database.url)
    const db = openDb({ url: proxy.url, max: 2, role: 'paycage_app' })
    const value = await db.tx('opr_x', async (tx) => {
      await tx`insert into book values ('lost answer', 7)`
      proxy.cutAt('COMMIT')
      setTimeout(() => proxy.cutAt(undefined), 100)
      return 'mine'
    })
    expect(value).toBe('mine')
    expect(proxy.cuts()).toBe(1)
    expect(await database.admin`select amount from book where account = 'lost answer'`).toEqual([{ amount: 7 }])
    await db.close()
  })
  it('says that the outcome is unknown when nobody can tell', async () => {
    const proxy = await cutProxy(database.url)
    const db = openDb({ url: proxy.url, max: 2, role: 'paycage_app' })
    const error = await rejection(
      db.tx('opr_x', async (tx) => {
        await tx`insert into book values ('unknown', 7)`
        // the column's name stands before the id's value
        proxy.cutAt('xid')
        setTimeout(() => proxy.cutAt(undefined), 100)
      }),
    )
    expect(isOutcomeUnknown(error)).toBe(true)
    expect(error).toMatchObject({ code: 'unavailable' })
    await db.close()
  })
  it('says the same of a single statement', async () => {
    const proxy = await cutProxy(database.url)
    const db = openDb({ url: proxy.url, max: 2, role: 'paycage_app' })
    await db.alone((sql) => sql`select 1 as x`)
    proxy.cutAt('INSERT')
    expect(isOutcomeUnknown(await rejection(db.alone((sql) => sql`insert into book values ('alone', 1)`)))).toBe(true)
    proxy.cutAt(undefined)
    await db.close()
  })
})

describe('an error of the database', () => {
  it('carries its SQLSTATE and nothing of the driver: no statement, no parameter, no value', async () => {
    const secret = 'FI2112345600000785'
    for (const broken of [
      (tx: Tx) => tx`insert into once (id, iban) values (77, ${secret}), (77, ${secret})`,
      (tx: Tx) => tx`insert into once (id, iban) select 78, 'bad' where ${secret} <> ''`,
      (tx: Tx) => tx`select ${secret}::int`,
      (tx: Tx) => tx`select nowhere from once where iban = ${secret}`,
    ]) {
      const error = await rejection(database.db.tx('opr_x', broken))
      expect(sqlstateOf(error)).toMatch(/^(23505|23514|22P02|42703)$/)
      const names = error instanceof Error ? Object.getOwnPropertyNames(error) : []
      const whole = JSON.stringify(names.map((name) => [name, String(Reflect.get(error ?? {}, name))]))
      expect(whole).not.toContain(secret)
      expect(whole).not.toContain('iban')
      expect(error).not.toHaveProperty('cause')
    }
  })
  it('is unavailable when the statement takes longer than the server allows', async () => {
    const db = openDb({ url: database.url, max: 1, role: 'paycage_app', statementTimeoutMs: 50 })
    expect(await rejection(db.tx('opr_x', (tx) => tx`select pg_sleep(5)`))).toMatchObject({ code: 'unavailable' })
    await db.close()
  })
  it('is unavailable when a transaction is left idle, and the pool goes on', async () => {
    const db = openDb({ url: database.url, max: 1, role: 'paycage_app', idleInTransactionTimeoutMs: 250 })
    expect(await rejection(db.tx('opr_x', () => pause(1_000)))).toMatchObject({ code: 'unavailable' })
    expect(await db.tx('opr_x', (tx) => tx`select 1 as x`)).toEqual([{ x: 1 }])
    await db.close()
  })
  it('is unavailable when there is no server', async () => {
    const db = openDb({ url: 'postgres://postgres@127.0.0.1:1/none', max: 1 })
    expect(await rejection(db.tx('opr_x', (tx) => tx`select 1`))).toMatchObject({ code: 'unavailable' })
    await db.close()
  })
})

it('goes through a socket where the URL names its folder, and to no other machine than the one it shows', () => {
  const url = 'postgres://u:p@127.0.0.1:5432/db'
  expect(placeOf(`${url}?host=%2Fvar%2Frun`)).toEqual([url, { host: '/var/run' }])
  expect(placeOf(`${url}?host=10.0.0.1`)).toEqual([`${url}?host=10.0.0.1`, {}])
})
