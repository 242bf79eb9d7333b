import { execFile } from 'node:child_process'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { depositSettled } from '../../src/core/ledger/deposits.ts'
import { money } from '../../src/core/money.ts'
import { postIn } from '../../src/db/ledger.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { anOperator, newUuid } from '../support/operators.ts'

let database: TestDatabase
let operator: string
beforeAll(async () => {
  database = await testDatabase()
  operator = await anOperator(database.admin)
  const deposit = { deposit: 'd', player: 'p', connection: 'con_1', amount: money('EUR', 1000n) }
  await database.db.tx(operator, (tx) => postIn(tx, operator, depositSettled(deposit), { newUuid }))
})
afterAll(() => database.close())

const paycage = (...words: string[]): Promise<{ code: number; out: string }> =>
  new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['src/entry/cli.ts', 'ledger', ...words, '--database-url', database.url],
      (_, out) => resolve({ code: child.exitCode ?? -1, out }),
    )
  })

it('verifies whole books with exit code 0, and broken ones with 1 and where', async () => {
  const good = await paycage('verify', '--json')
  expect([good.code, JSON.parse(good.out)]).toEqual([
    0,
    [{ operator, journals: '1', transfers: '1', seals: '0', problems: [] }],
  ])
  await database.admin.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`update ledger.transfer set amount = amount + 1`
  })
  const bad = await paycage('verify')
  expect(bad.code).toBe(1)
  expect(bad.out).toContain('balance differs from its entries')
  await database.admin.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`update ledger.transfer set amount = amount - 1`
  })
}, 60_000)

it('seals, and verifies against the seal that was published', async () => {
  await paycage('seal')
  await paycage('seal')
  const { out } = await paycage('seal', '--json')
  const [{ seal }] = JSON.parse(out)
  expect(seal).toMatchObject({ no: '1', hash: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect((await paycage('verify', '--published', `1:${seal.hash}`)).code).toBe(0)
  expect((await paycage('verify', '--published', `1:${'0'.repeat(64)}`)).code).toBe(1)
}, 60_000)

it('prints the trial balance and the statement of an account', async () => {
  const balance = await paycage('trial-balance')
  expect(balance.out).toMatch(/player:\*:cash +EUR +0\.00 +10\.00/)
  expect(balance.out).toMatch(/connection:\*:receivable +EUR +10\.00 +0\.00/)
  const past = await paycage('trial-balance', '--at', '2020-01-01T00:00:00Z')
  expect(past.out).not.toContain('10.00')
  const statement = await paycage('statement', '--account', 'player:p:cash', '--asset', 'EUR')
  expect(statement.out).toMatch(/credit +10\.00 +10\.00 +deposit_settled +connection:con_1:receivable/)
  expect((await paycage('statement', '--account', 'player:q:cash', '--asset', 'EUR')).code).toBe(1)
}, 60_000)

it('ends with 2 when it can not be asked', async () => {
  expect((await paycage('statement')).code).toBe(2)
  expect((await paycage('verify', '--published', 'nonsense')).code).toBe(2)
  const none = await new Promise<number>((resolve) => {
    const child = execFile(
      process.execPath,
      ['src/entry/cli.ts', 'ledger', 'verify', '--database-url', 'postgres://x@127.0.0.1:1/x'],
      () => resolve(child.exitCode ?? -1),
    )
  })
  expect(none).toBe(2)
}, 60_000)
