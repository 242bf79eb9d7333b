import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { depositSettled } from '../../src/core/ledger/deposits.ts'
import { betPlaced } from '../../src/core/ledger/games.ts'
import { withdrawalHeld } from '../../src/core/ledger/withdrawals.ts'
import { money } from '../../src/core/money.ts'
import { balances, playerWallet, postIn } from '../../src/db/ledger.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { anOperator, newUuid } from '../support/operators.ts'

const eur = (minor: bigint) => money('EUR', minor)
let database: TestDatabase
let operator: string
beforeAll(async () => {
  database = await testDatabase()
  operator = await anOperator(database.admin)
})
afterAll(() => database.close())

const post = (posting: Parameters<typeof postIn>[2], operatorId = operator) =>
  database.db.tx(operatorId, (tx) => postIn(tx, operatorId, posting, { newUuid }))
const deposit = (id: string, minor = 1000n) =>
  depositSettled({
    deposit: id,
    player: id,
    connection: 'con_1',
    amount: eur(minor),
    playerFee: eur(10n),
    processorFee: eur(3n),
  })

describe('postIn', () => {
  it('posts a deposit of 10.00 with fees and opens the accounts', async () => {
    expect(await post(deposit('p1'))).toBe('posted')
    const found = await database.db.tx(operator, (tx) =>
      balances(tx, operator, [
        'player:p1:cash',
        'connection:con_1:receivable',
        'fees:player',
        'fees:processor',
        'bank:none',
      ]),
    )
    expect(found).toEqual([
      { code: 'connection:con_1:receivable', asset: 'EUR', posted: 1007n, available: 1007n },
      { code: 'fees:player', asset: 'EUR', posted: 10n, available: 10n },
      { code: 'fees:processor', asset: 'EUR', posted: 3n, available: 3n },
      { code: 'player:p1:cash', asset: 'EUR', posted: 1000n, available: 1000n },
    ])
  })
  it('answers exists to the same posting and moves nothing', async () => {
    await post(deposit('p2'))
    expect(await post(deposit('p2'))).toBe('exists')
    expect(await database.db.tx(operator, (tx) => playerWallet(tx, operator, 'p2'))).toEqual([
      { asset: 'EUR', cash: 1000n, bonus: 0n, held: 0n },
    ])
  })
  it('refuses the same key with another amount', async () => {
    await post(deposit('p3'))
    await expect(post(deposit('p3', 1001n))).rejects.toMatchObject({ code: 'conflict' })
  })
  it('never lets cash go below zero', async () => {
    await post(deposit('p4'))
    await expect(post(withdrawalHeld({ withdrawal: 'w4', player: 'p4', amount: eur(1001n) }))).rejects.toMatchObject({
      code: 'insufficient_funds',
    })
    expect(await post(withdrawalHeld({ withdrawal: 'w4', player: 'p4', amount: eur(1000n) }))).toBe('posted')
    expect(await database.db.tx(operator, (tx) => playerWallet(tx, operator, 'p4'))).toEqual([
      { asset: 'EUR', cash: 0n, bonus: 0n, held: 1000n },
    ])
  })
  it('refuses to post for an operator that is not the one of the transaction', async () => {
    const other = await anOperator(database.admin)
    await expect(database.db.tx(other, (tx) => postIn(tx, operator, deposit('p5'), { newUuid }))).rejects.toMatchObject(
      {},
    )
  })
  it('lets one of 20 concurrent twins post and tells the others that it exists', async () => {
    await post(deposit('p6'))
    const bet = betPlaced({ reference: 'r6', player: 'p6', cash: eur(100n) })
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(bet)))
    expect(answers.filter((answer) => answer === 'posted')).toHaveLength(1)
  })
})
