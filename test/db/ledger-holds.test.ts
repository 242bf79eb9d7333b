import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cash, GAMING_REVENUE } from '../../src/core/ledger/chart.ts'
import { depositSettled } from '../../src/core/ledger/deposits.ts'
import { betPlaced } from '../../src/core/ledger/games.ts'
import type { Hold } from '../../src/core/ledger/port.ts'
import { money } from '../../src/core/money.ts'
import { balances, postIn } from '../../src/db/ledger.ts'
import { expireHolds, holdIn, resolveIn } from '../../src/db/ledger-holds.ts'
import { verify } from '../../src/db/ledger-reads.ts'
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
  await post(depositSettled({ deposit: 'd', player: 'p', connection: 'con_1', amount: eur(1000n) }))
})

const post = (posting: Parameters<typeof postIn>[2]) =>
  database.db.tx(operator, (tx) => postIn(tx, operator, posting, { newUuid }))
const hold = (...holds: Hold[]) => database.db.tx(operator, (tx) => holdIn(tx, operator, holds))
const resolve = (id: string, minor: bigint) =>
  database.db.tx(operator, (tx) => resolveIn(tx, operator, { hold: id, minor, kind: 'hold_posted' }, { newUuid }))
const expire = (limit = 100) => database.db.tx(operator, (tx) => expireHolds(tx, operator, limit))
const stake = (minor: bigint, expiresAt?: Date): Hold => ({
  id: newUuid(),
  debit: cash('p'),
  credit: GAMING_REVENUE,
  amount: eur(minor),
  ...(expiresAt && { expiresAt }),
})
const wallet = async () => {
  const [balance] = await database.db.tx(operator, (tx) => balances(tx, operator, [cash('p')]))
  return [balance?.posted, balance?.available]
}
const whole = async () => (await database.db.tx(operator, (tx) => verify(tx, operator))).problems

describe('a hold', () => {
  it('reserves 6.00 of 10.00: it is still there, and can not be spent', async () => {
    expect(await hold(stake(600n))).toEqual(['held'])
    expect(await wallet()).toEqual([1000n, 400n])
    await expect(post(betPlaced({ reference: 'r', player: 'p', cash: eur(401n) }))).rejects.toMatchObject({
      code: 'insufficient_funds',
    })
    expect(await post(betPlaced({ reference: 'r', player: 'p', cash: eur(400n) }))).toBe('posted')
    expect(await whole()).toEqual([])
  })
  it('of a batch is refused for itself alone', async () => {
    expect(await hold(stake(600n), stake(500n), stake(400n))).toEqual(['held', 'insufficient_funds', 'held'])
  })
  it('taken again is the same hold; with another amount it is not', async () => {
    const one = stake(600n)
    await hold(one)
    expect(await hold(one)).toEqual(['exists'])
    expect(await hold({ ...one, amount: eur(601n) })).toEqual(['differs'])
    expect(await wallet()).toEqual([1000n, 400n])
  })
  it('is posted in part, and the rest given back', async () => {
    const one = stake(600n)
    await hold(one)
    expect(await resolve(one.id, 250n)).toBe('posted')
    expect(await wallet()).toEqual([750n, 750n])
    expect(await whole()).toEqual([])
  })
  it('is voided by posting nothing of it', async () => {
    const one = stake(600n)
    await hold(one)
    expect(await resolve(one.id, 0n)).toBe('voided')
    expect(await wallet()).toEqual([1000n, 1000n])
  })
  it('is resolved once: the same again is answered the same, anything else refused', async () => {
    const one = stake(600n)
    await hold(one)
    await resolve(one.id, 250n)
    expect(await resolve(one.id, 250n)).toBe('posted')
    await expect(resolve(one.id, 251n)).rejects.toMatchObject({ code: 'illegal_state' })
    await expect(resolve(one.id, 0n)).rejects.toMatchObject({ code: 'illegal_state' })
    expect(await wallet()).toEqual([750n, 750n])
  })
  it('never posts more than it is', async () => {
    const one = stake(600n)
    await hold(one)
    await expect(resolve(one.id, 601n)).rejects.toMatchObject({ code: 'amount_invalid' })
    await expect(resolve(newUuid(), 1n)).rejects.toMatchObject({ code: 'not_found' })
  })
  it('resolved by ten at once is resolved once', async () => {
    const one = stake(600n)
    await hold(one)
    const ends = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => resolve(one.id, BigInt(index % 2) * 600n)),
    )
    const kinds = new Set(ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : [])))
    expect(kinds.size).toBe(1)
    expect(await whole()).toEqual([])
  })
  it('that is over is given back by the worker, and can not be posted before it comes', async () => {
    const past = new Date(Date.now() - 1000)
    const [over, live] = [stake(300n, past), stake(300n, new Date(Date.now() + 3_600_000))]
    await hold(over, live)
    await expect(resolve(over.id, 300n)).rejects.toMatchObject({ code: 'illegal_state' })
    expect(await expire()).toBe(1)
    expect(await expire()).toBe(0)
    expect(await wallet()).toEqual([1000n, 700n])
    expect(await whole()).toEqual([])
  })
  it('is left by the worker to whoever is just resolving it', async () => {
    const over = stake(300n, new Date(Date.now() - 1000))
    await hold(over)
    await database.db.tx(operator, async (tx) => {
      await resolveIn(tx, operator, { hold: over.id, minor: 0n, kind: 'x' }, { newUuid })
      expect(await expire()).toBe(0)
    })
  })
})
