import { expect, it } from 'vitest'
import { cash, GAMING_REVENUE } from '../../src/core/ledger/chart.ts'
import { depositSettled } from '../../src/core/ledger/deposits.ts'
import { money } from '../../src/core/money.ts'
import { playerWallet, postIn } from '../../src/db/ledger.ts'
import { holdIn } from '../../src/db/ledger-holds.ts'
import { lastSeal } from '../../src/db/ledger-upkeep.ts'
import { checkLedger, keepLedger } from '../../src/jobs/ledger.ts'
import { databaseForThisTest } from '../support/database.ts'
import { anOperator, newUuid } from '../support/operators.ts'

const eur = (minor: bigint) => money('EUR', minor)

async function aGateway() {
  const { db, admin } = await databaseForThisTest()
  const gauges = new Map<string, number>()
  const said: string[] = []
  const say = (event: string) => {
    said.push(event)
  }
  const deps = {
    db,
    log: { debug: say, info: say, warn: say, error: say },
    metrics: { count() {}, observe() {}, gauge: (name: string, value: number) => void gauges.set(name, value) },
  }
  const operator = await anOperator(admin)
  await db.tx(operator, (tx) =>
    postIn(tx, operator, depositSettled({ deposit: 'd', player: 'p', connection: 'c', amount: eur(1000n) }), {
      newUuid,
    }),
  )
  return { db, admin, deps, operator, gauges, said }
}

it('gives back what is held too long, seals, and keeps the partitions of the coming months', async () => {
  const { db, admin, deps, operator } = await aGateway()
  const hold = {
    id: newUuid(),
    debit: cash('p'),
    credit: GAMING_REVENUE,
    amount: eur(400n),
    expiresAt: new Date(Date.now() - 1),
  }
  await db.tx(operator, (tx) => holdIn(tx, operator, [hold]))
  const months = async () =>
    (await admin`select 1 from pg_inherits where inhparent = 'ledger.transfer'::regclass`).length
  const before = await months()
  // a seal goes only as far as no transaction of the whole server is still under way, and other tests' are
  const sealed = async () => {
    await keepLedger(deps)
    return db.tx(operator, (tx) => lastSeal(tx, operator))
  }
  await expect.poll(sealed, { timeout: 10_000 }).toMatchObject({ no: 1n })
  expect(await months()).toBe(before)
  expect(await db.tx(operator, (tx) => playerWallet(tx, operator, 'p'))).toMatchObject([{ cash: 1000n }])
})

it('shows 0 while the books are whole, and the number of differences when they are not', async () => {
  const { admin, deps, gauges, said } = await aGateway()
  await checkLedger(deps)
  expect(gauges.get('paycage_ledger_imbalance')).toBe(0)
  await admin.begin(async (tx) => {
    await tx`set local session_replication_role = replica`
    await tx`update ledger.balance set credited = credited + 1 where overdraft = 0`
  })
  await checkLedger(deps)
  expect(gauges.get('paycage_ledger_imbalance')).toBe(2)
  expect(said).toContain('ledger_imbalance')
})
