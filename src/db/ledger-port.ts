import { assert } from '../core/errors.ts'
import type { NewUuid } from '../core/ids.ts'
import type { AccountBalance, LedgerEntry, LedgerPort } from '../core/ledger/port.ts'
import type { AccountCode } from '../core/ledger/posting.ts'
import type { Db, Tx } from './client.ts'
import { type Combiner, combiner } from './combiner.ts'
import { openingsOf } from './ledger-accounts.ts'
import { holdIn, resolveIn } from './ledger-holds.ts'
import { accounts, entries, verify } from './ledger-reads.ts'
import { assertPostable, postAlone } from './ledger-statements.ts'

/** More in one call make others wait behind their locks. */
const MAX_POST_MANY = 1_000

/** The ledger on PostgreSQL. `post` goes through the write combiner; one per process. */
export function postgresLedger(
  db: Db,
  { newUuid, writes = combiner(db, { newUuid }) }: { newUuid: NewUuid; writes?: Combiner },
): LedgerPort {
  return {
    openAccount: (operatorId, code, asset) => db.tx(operatorId, (tx) => openAccount(tx, operatorId, code, asset)),
    post: (operatorId, posting) => writes.post(operatorId, posting),
    postMany: async (operatorId, postings) => {
      const transfers = postings.reduce((sum, posting) => sum + posting.transfers.length, 0)
      assert(transfers <= MAX_POST_MANY, 'at most 1,000 transfers at a time')
      assert(new Set(postings.map(({ key }) => key)).size === postings.length, 'each key once')
      for (const posting of postings) assertPostable(posting)
      return postings.length === 0 ? [] : postAlone(db, operatorId, postings, newUuid)
    },
    hold: (operatorId, holds) => db.tx(operatorId, (tx) => holdIn(tx, operatorId, holds)),
    resolve: (operatorId, resolution) => db.tx(operatorId, (tx) => resolveIn(tx, operatorId, resolution, { newUuid })),
    balance: (operatorId, code, asset, at) => db.tx(operatorId, (tx) => balanceOf(tx, operatorId, code, asset, at)),
    entries: (operatorId, code, asset, limit) =>
      db.tx(operatorId, (tx) => entriesOf(tx, operatorId, code, asset, limit)),
    verify: (operatorId) => db.tx(operatorId, async (tx) => [...(await verify(tx, operatorId)).problems]),
  }
}

async function openAccount(tx: Tx, operatorId: string, code: AccountCode, asset: string): Promise<void> {
  const { codes, assets, classes, overdrafts, stripes } = openingsOf([{ code, asset }])
  await tx`select ledger.open_accounts(${operatorId}, ${codes}::text[], ${assets}::text[], ${classes}::text[],
    ${overdrafts}::numeric[], ${stripes}::int[])`
}

async function balanceOf(
  tx: Tx,
  operatorId: string,
  code: AccountCode,
  asset: string,
  at: Date | undefined,
): Promise<AccountBalance> {
  const [row] = await accounts(tx, operatorId, { limit: 1, code, asset, ...(at && { at }) })
  return { posted: row?.posted ?? 0n, available: row?.available ?? 0n }
}

async function entriesOf(
  tx: Tx,
  operatorId: string,
  code: AccountCode,
  asset: string,
  limit: number,
): Promise<LedgerEntry[]> {
  const [account] = await accounts(tx, operatorId, { limit: 1, code, asset })
  if (!account) return []
  const rows = await entries(tx, operatorId, account.id, { limit })
  return rows.map(({ journalId, n, debit, amount, after, createdAt }) => ({
    journal: journalId,
    n,
    side: debit ? 'debit' : 'credit',
    amount,
    after,
    at: createdAt,
  }))
}
