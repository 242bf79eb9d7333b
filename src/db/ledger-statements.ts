import { assert } from '../core/errors.ts'
import type { NewUuid } from '../core/ids.ts'
import { accountSpec } from '../core/ledger/chart.ts'
import type { PostResult } from '../core/ledger/port.ts'
import { type AccountCode, MAX_TRANSFERS, type Posting, type Transfer } from '../core/ledger/posting.ts'
import type { Db, Statement, Tx } from './client.ts'

/** The arguments of `ledger.post` as array literals: each account once, transfers naming them by index. */
type PostArguments = Record<
  | 'codes'
  | 'assets'
  | 'classes'
  | 'overdrafts'
  | 'stripes'
  | 'ids'
  | 'keys'
  | 'kinds'
  | 'facts'
  | 'journals'
  | 'debits'
  | 'credits'
  | 'amounts',
  string
>

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

/** Tries the quick way for a single transfer, and goes the long one when that says no more than null. */
async function quickly(postings: readonly Posting[], newUuid: NewUuid, { one, many }: Calls): Promise<PostResult[]> {
  const [posting] = postings
  const [transfer] = posting?.transfers ?? []
  const isSingle = postings.length === 1 && posting?.transfers.length === 1
  const rows = isSingle && transfer ? await one({ id: newUuid(), posting, transfer }) : []
  return resultsOf(rows[0]?.results ? rows : await many(postArguments(postings, newUuid)))
}

function resultsOf(rows: readonly Row[]): PostResult[] {
  return (rows[0]?.results ?? '').split(',').map((word) => {
    assert(isResult(word), 'an answer that the ledger gives')
    return word
  })
}

const manyOf = (sql: Statement, operatorId: string, alone: boolean, call: PostArguments) => sql<
  Row[]
>`select array_to_string(ledger.post(${operatorId},
  ${call.codes}::text[], ${call.assets}::text[], ${call.classes}::text[], ${call.overdrafts}::numeric[], ${call.stripes}::int[],
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

/** Lays out postings for one call. The driver doesn't know array types without a query per connection, so literals it is. */
function postArguments(postings: readonly Posting[], newUuid: NewUuid): PostArguments {
  const transfers = postings.flatMap((posting, index) =>
    posting.transfers.map(({ debit, credit, amount: { asset, minor } }) => ({
      journal: index + 1,
      debit: { code: debit, asset },
      credit: { code: credit, asset },
      minor,
    })),
  )
  const accounts = accountTable(transfers.flatMap(({ debit, credit }) => [debit, credit]))
  return {
    ...accounts.literals,
    ids: plainArray(postings.map(() => newUuid())),
    keys: textArray(postings.map(({ key }) => key)),
    kinds: textArray(postings.map(({ kind }) => kind)),
    facts: textArray(postings.map(factsOf)),
    journals: plainArray(transfers.map(({ journal }) => journal)),
    debits: plainArray(transfers.map(({ debit }) => accounts.placeOf(debit))),
    credits: plainArray(transfers.map(({ credit }) => accounts.placeOf(credit))),
    amounts: plainArray(transfers.map(({ minor }) => minor)),
  }
}

type Account = { readonly code: AccountCode; readonly asset: string }

/** Accounts, each once, in the order in which the ledger finds and locks them: by code, then by asset. Tells their places, from 1 as SQL counts. */
export function accountTable(accounts: Iterable<Account>) {
  const byName = new Map<string, Account>()
  for (const account of accounts) byName.set(nameOf(account), account)
  const names = [...byName.keys()].sort()
  const places = new Map(names.map((name, index) => [name, index + 1]))
  const rows = names.flatMap((name) => byName.get(name) ?? [])
  const specs = rows.map(({ code }) => accountSpec(code))
  return {
    placeOf: (account: Account): number => places.get(nameOf(account)) ?? 0,
    literals: {
      codes: textArray(rows.map(({ code }) => code)),
      assets: textArray(rows.map(({ asset }) => asset)),
      classes: plainArray(specs.map((spec) => spec.class)),
      overdrafts: plainArray(specs.map(({ overdraft }) => overdraft ?? 'null')),
      stripes: plainArray(specs.map(({ stripes }) => stripes)),
    },
  }
}

/** NUL is in no text of the database, and before every other character: names sort as code and asset do. */
const nameOf = ({ code, asset }: Account) => `${code}\0${asset}`

/** An array literal of values that need no quotes: numbers, UUIDs, words of our own. */
export const plainArray = (values: readonly (string | number | bigint)[]): string => `{${values.join(',')}}`

/** An array literal of any text, null as NULL. */
export const textArray = (values: readonly (string | null)[]): string =>
  `{${values.map((value) => (value === null ? 'null' : `"${value.replaceAll(/["\\]/g, '\\$&')}"`)).join(',')}}`
