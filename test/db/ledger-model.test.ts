import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bank, cash, GAMING_REVENUE, held, receivable, SUSPENSE } from '../../src/core/ledger/chart.ts'
import { type Posting, posting, transfer } from '../../src/core/ledger/posting.ts'
import { money } from '../../src/core/money.ts'
import { postgresLedger } from '../../src/db/ledger-port.ts'
import { verify } from '../../src/db/ledger-reads.ts'
import { books } from '../core/ledger/books.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { anOperator, newUuid } from '../support/operators.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.close())

/** Bounded and unbounded, striped and single, of both sides. */
const ACCOUNTS = [cash('a'), cash('b'), held('a'), receivable('con_1'), GAMING_REVENUE, bank('main'), SUSPENSE]
const account = fc.constantFrom(...ACCOUNTS)
/** Few are in the second one, so that many batches have an account whose code stands for another asset's account, too. */
const ASSETS = ['EUR', 'SEK']
const asset = fc.constantFrom('EUR', 'EUR', 'EUR', 'SEK')
const move = fc
  .tuple(account, account, asset, fc.bigInt(1n, 40n))
  .filter(([debit, credit]) => debit !== credit)
  .map(([debit, credit, code, minor]) => transfer(debit, credit, money(code, minor)))
/** Opens all of them; there is enough for a few moves, so that about half of the batches have one that is refused. */
const start = posting(
  'start',
  'adjustment',
  ASSETS.flatMap((code) => [
    ...[cash('a'), cash('b'), held('a'), SUSPENSE].map((to) => transfer(bank('main'), to, money(code, 100n))),
    transfer(receivable('con_1'), GAMING_REVENUE, money(code, 100n)),
  ]),
)
/** What each key stands for, the same whenever it is sent. */
const facts = fc.array(fc.array(move, { minLength: 1, maxLength: 3 }), { minLength: 30, maxLength: 30 })
const batches = fc.array(fc.uniqueArray(fc.nat(29), { minLength: 1, maxLength: 10 }), { minLength: 1, maxLength: 8 })

describe('the ledger beside books in memory', () => {
  it('gives every posting of every batch the answer that it would get alone and in turn, and ends with the same balances', async () => {
    await fc.assert(
      fc.asyncProperty(facts, batches, async (transfers, order) => {
        const operator = await anOperator(database.admin)
        const ledger = postgresLedger(database.db, { newUuid })
        const model = books()
        expect([await ledger.post(operator, start), model.post(start)]).toEqual(['posted', 'posted'])
        const postings = transfers.map((moves, n): Posting => posting(`fact:${n}`, 'adjustment', moves))
        for (const batch of order) {
          const sent = batch.flatMap((n) => postings[n] ?? [])
          expect(await ledger.postMany(operator, sent)).toEqual(sent.map((one) => model.post(one)))
        }
        for (const code of ACCOUNTS) {
          for (const inAsset of ASSETS) {
            const { posted } = await ledger.balance(operator, code, inAsset)
            expect(posted, `${code} ${inAsset}`).toBe(model.net(code, inAsset))
          }
        }
        const { problems } = await database.db.tx(operator, (tx) => verify(tx, operator))
        expect(problems).toEqual([])
      }),
      { numRuns: 60 },
    )
  })
})
