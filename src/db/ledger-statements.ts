import { assert } from '../core/errors.ts'
import type { NewUuid } from '../core/ids.ts'
import type { PostResult } from '../core/ledger/port.ts'
import { MAX_TRANSFERS, type Posting, type Transfer } from '../core/ledger/posting.ts'
import { plainArray, textArray } from './array-literals.ts'
import type { Db, Statement, Tx } from './client.ts'
import { accountTable, namesOf, openingsOf } from './ledger-accounts.ts'

const RESULTS: readonly string[] = [
  'posted',
  'exists',
  'differs',
  'buried',
  'insufficient_funds',
  'closed',
] satisfies PostResult[]
const isResult = (word: string): word is PostResult => RESULTS.includes(word)

/** The column checks of the ledger, before a posting shares a statement with others: one that breaks them would break its neighbours. */
export function assertPostable({ key, kind, transfers }: Posting): void {
  assert(
    key.length >= 1 && key.length <= 300 && kind.length >= 1 && kind.length <= 64,
    'a key and a kind of sane length',
  )
  assert(!key.includes('\0'), 'text without a NUL')
  assert(transfers.length >= 1 && transfers.length <= MAX_TRANSFERS, 'a posting of 1 to 64 transfers')
  for (const { debit, credit, amount } of transfers) {
    assert(amount.minor > 0n && amount.minor < MAX_MINOR && debit !== credit, 'a transfer of a sane amount')
  }
}

/** What the ledger's numerics hold: 38 digits. */
const MAX_MINOR = 10n ** 38n

/** Posts inside a transaction; an answer per posting, in their order. */
export const postAll = (tx: Tx, operatorId: string, postings: readonly Posting[], newUuid: NewUuid) =>
  quickly(postings, newUuid, {
    one: (call) => oneOf(tx, operatorId, false, call),
    many: (call) => manyOf(tx, operatorId, false, call),
  })

/** Posts in a statement that is a transaction of its own: half the round trips, and nothing to be left open. */
export const postAlone = (db: Db, operatorId: string, postings: readonly Posting[], newUuid: NewUuid) =>
  quickly(postings, newUuid, {
    one: (call) => db.alone((sql) => oneOf(sql, operatorId, true, call)),
    many: (call) => db.alone((sql) => manyOf(sql, operatorId, true, call)),
  })

type Row = { results: string | null }
type Calls = {
  readonly one: (call: OneArguments) => PromiseLike<readonly Row[]>
  readonly many: (call: PostArguments) => PromiseLike<readonly Row[]>
}

/** Tries the quick ways: for a single transfer, and between accounts that exist. Goes the long one when these say no more than null. */
async function quickly(postings: readonly Posting[], newUuid: NewUuid, { one, many }: Calls): Promise<PostResult[]> {
  const [posting] = postings
  const [transfer] = posting?.transfers ?? []
  const isSingle = postings.length === 1 && posting?.transfers.length === 1
  if (isSingle && transfer) {
    const rows = await one({ id: newUuid(), posting, transfer })
    return resultsOf(rows[0]?.results ? rows : await many(opening(postArguments(postings, newUuid))))
  }
  const call = postArguments(postings, newUuid)
  const rows = await many(call)
  return resultsOf(rows[0]?.results ? rows : await many(opening(call)))
}

function resultsOf(rows: readonly Row[]): PostResult[] {
  return (rows[0]?.results ?? '').split(',').map((word) => {
    assert(isResult(word), 'an answer that the ledger gives')
    return word
  })
}

const manyOf = (sql: Statement, operatorId: string, alone: boolean, call: PostArguments) => sql<
  Row[]
>`select array_to_string(ledger.post(${operatorId}, ${call.codes}::text[], ${call.assets}::text[],
  ${call.classes}::text[], ${call.overdrafts}::numeric[], ${call.stripes}::int[],
  ${call.ids}::uuid[], ${call.keys}::text[], ${call.kinds}::text[], ${call.facts}::jsonb[],
  ${call.journals}::int[], ${call.debits}::int[], ${call.credits}::int[], ${call.amounts}::numeric[], ${alone}), ',') as results`

/** The arguments of `ledger.post_one`: a posting of a single transfer. */
type OneArguments = { readonly id: string; readonly posting: Posting; readonly transfer: Transfer }

const oneOf = (sql: Statement, operatorId: string, alone: boolean, { id, posting, transfer }: OneArguments) => {
  const { debit, credit, amount } = transfer
  return sql<Row[]>`select ledger.post_one(${operatorId}, ${alone}, ${id}, ${posting.key}, ${posting.kind},
    ${factsOf(posting)}::text::jsonb, ${amount.asset}, ${debit}, ${credit}, ${String(amount.minor)}::numeric) as results`
}

const factsOf = ({ facts }: Posting): string | null => (facts ? JSON.stringify(facts) : null)

const NONE_TO_OPEN: Record<'classes' | 'overdrafts' | 'stripes', string | null> = {
  classes: null,
  overdrafts: null,
  stripes: null,
}

/** The arguments of `ledger.post` for accounts that exist: it answers null when one doesn't. */
function postArguments(postings: readonly Posting[], newUuid: NewUuid) {
  const transfers = postings.flatMap((posting) => posting.transfers)
  const { accounts, debits, credits } = accountTable(transfers)
  return {
    accounts,
    ...namesOf(accounts),
    ...NONE_TO_OPEN,
    ids: plainArray(postings.map(() => newUuid())),
    keys: textArray(postings.map(({ key }) => key)),
    kinds: textArray(postings.map(({ kind }) => kind)),
    facts: textArray(postings.map(factsOf)),
    journals: plainArray(postings.flatMap((posting, index) => posting.transfers.map(() => index + 1))),
    debits,
    credits,
    amounts: plainArray(transfers.map(({ amount }) => amount.minor)),
  }
}
type PostArguments = ReturnType<typeof postArguments>

/** The same for accounts that may have to be opened first. */
const opening = (call: PostArguments) => ({ ...call, ...openingsOf(call.accounts) })
