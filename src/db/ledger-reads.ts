import type { Problem } from '../core/ledger/port.ts'
import type { AccountCode } from '../core/ledger/posting.ts'
import type { Tx } from './client.ts'

/** An account with what it has, now or at the time that was asked for. */
export type AccountRow = {
  readonly id: bigint
  readonly uid: string
  readonly code: AccountCode
  readonly asset: string
  readonly class: string
  readonly debitNormal: boolean
  readonly overdraft: bigint | null
  readonly posted: bigint
  readonly available: bigint
  readonly closedAt: Date | null
  readonly createdAt: Date
}

/** One leg of a transfer, with the account on the other side. */
export type EntryRow = {
  readonly journalId: string
  readonly n: number
  readonly position: bigint
  readonly debit: boolean
  readonly asset: string
  readonly amount: bigint
  readonly after: bigint | null
  readonly other: AccountCode
  readonly kind: string
  readonly createdAt: Date
}

/** A transfer of a journal, by the codes of its accounts. */
export type JournalTransfer = {
  readonly n: number
  readonly debit: AccountCode
  readonly credit: AccountCode
  readonly asset: string
  readonly amount: bigint
}

/** A journal as it was posted. A buried key has no transfers and no time. */
export type JournalRow = {
  readonly id: string
  readonly key: string
  readonly kind: string
  readonly facts: Readonly<Record<string, string>> | null
  readonly createdAt: Date | null
  readonly transfers: readonly JournalTransfer[]
}

/** What a list of accounts may be narrowed to. `before` is the UUID of the last account of the page before. */
export type AccountFilter = {
  readonly limit: number
  readonly before?: string
  readonly code?: AccountCode
  readonly asset?: string
  readonly playerId?: string
  readonly at?: Date
}

/** Accounts, newest first. At a time in the past nothing is known of holds: available is what was posted. */
export async function accounts(tx: Tx, operatorId: string, filter: AccountFilter): Promise<AccountRow[]> {
  const { limit, before, code, asset, playerId, at } = filter
  const codes = playerId === undefined ? undefined : PLAYER_ACCOUNTS.map((word) => `player:${playerId}:${word}`)
  return tx<AccountRow[]>`select ${accountColumns(tx, at)} from ledger.account_balance b
    join ledger.account a on a.operator_id = b.operator_id and a.id = b.id
    where a.operator_id = ${operatorId}
    ${before === undefined ? tx`` : tx`and a.id < (select x.id from ledger.account x where x.operator_id = ${operatorId} and x.uid = ${before}::uuid)`}
    ${code === undefined ? tx`` : tx`and a.code = ${code}`}
    ${asset === undefined ? tx`` : tx`and a.asset = ${asset}`}
    ${codes === undefined ? tx`` : tx`and a.code in ${tx(codes)}`}
    ${at === undefined ? tx`` : tx`and a.created_at <= ${at.toISOString()}::timestamptz`}
    order by a.id desc limit ${limit}`
}

const PLAYER_ACCOUNTS = ['cash', 'bonus', 'held', 'receivable'] as const

/** One account by its public UUID, or undefined. */
export async function accountByUid(
  tx: Tx,
  operatorId: string,
  uid: string,
  at?: Date,
): Promise<AccountRow | undefined> {
  const [row] = await tx<AccountRow[]>`select ${accountColumns(tx, at)} from ledger.account_balance b
    join ledger.account a on a.operator_id = b.operator_id and a.id = b.id
    where a.operator_id = ${operatorId} and a.uid = ${uid}::uuid`
  return row
}

const accountColumns = (tx: Tx, at: Date | undefined) => tx`
  a.id, a.uid, a.code, a.asset, a.class, a.debit_normal, a.overdraft, a.closed_at, a.created_at,
  ${
    at === undefined
      ? tx`b.posted, b.available`
      : tx`ledger.posted_at(a, ${at.toISOString()}::timestamptz) as posted, ledger.posted_at(a, ${at.toISOString()}::timestamptz) as available`
  }`

/** What a list of entries may be narrowed to. `before` is the UUID of the last entry of the page before. */
export type EntryFilter = {
  readonly limit: number
  readonly before?: string
  readonly from?: Date
  readonly to?: Date
}

/** Entries of an account, newest first. */
export async function entries(tx: Tx, operatorId: string, account: bigint, filter: EntryFilter): Promise<EntryRow[]> {
  const { limit, before, from, to } = filter
  return tx<EntryRow[]>`
    select e.journal_id, e.n, e.position, e.debit, e.asset, e.amount, e.after, e.created_at, o.code as other, j.kind
    from (
      select * from ledger.entry x where x.operator_id = ${operatorId} and x.account_id = ${String(account)}::bigint
      ${before === undefined ? tx`` : tx`and (x.created_at, x.position) < ${placeOf(tx, operatorId, before)}`}
      ${from === undefined ? tx`` : tx`and x.created_at >= ${iso(from)}::timestamptz`}
      ${to === undefined ? tx`` : tx`and x.created_at < ${iso(to)}::timestamptz`}
      order by x.created_at desc, x.position desc limit ${limit}
    ) e
    join ledger.account o on o.operator_id = ${operatorId} and o.id = e.other_account_id
    join ledger.journal j on j.operator_id = ${operatorId} and j.id = e.journal_id
    order by e.created_at desc, e.position desc`
}

/**
 * An entry's UUID is its journal's with another last byte: the number of the transfer, and whether it is the credit. The
 * 66 random bits that are left tell it from any other of the same millisecond.
 */
export function entryUuid({ journalId, n, debit }: Pick<EntryRow, 'journalId' | 'n' | 'debit'>): string {
  return journalId.slice(0, -2) + (2 * n + (debit ? 0 : 1)).toString(16).padStart(2, '0')
}

const placeOf = (tx: Tx, operatorId: string, entry: string) => tx`(
  select t.created_at, t.position from ledger.transfer t where t.operator_id = ${operatorId}
    and t.journal_id between ${`${entry.slice(0, -2)}00`}::uuid and ${`${entry.slice(0, -2)}ff`}::uuid
    and t.n = ${Number.parseInt(entry.slice(-2), 16) >> 1} limit 1)`

const iso = (date: Date): string => date.toISOString()

/** A journal with its transfers, or undefined. */
export async function journalById(tx: Tx, operatorId: string, id: string): Promise<JournalRow | undefined> {
  const [journal] = await tx<Omit<JournalRow, 'transfers' | 'createdAt'>[]>`
    select id, key, kind, facts from ledger.journal where operator_id = ${operatorId} and id = ${id}::uuid`
  if (!journal) return undefined
  const rows = await tx<(JournalTransfer & { createdAt: Date })[]>`
    select t.n, d.code as debit, c.code as credit, t.asset, t.amount, t.created_at from ledger.transfer t
    join ledger.account d on d.operator_id = ${operatorId} and d.id = t.debit_account
    join ledger.account c on c.operator_id = ${operatorId} and c.id = t.credit_account
    where t.operator_id = ${operatorId} and t.journal_id = ${id}::uuid order by t.n`
  return {
    ...journal,
    createdAt: rows[0]?.createdAt ?? null,
    transfers: rows.map(({ createdAt: _, ...transfer }) => transfer),
  }
}

/** The sum of accounts of one sort, on the side on which it stands. */
export type TrialBalanceRow = {
  readonly asset: string
  readonly account: string
  readonly accounts: bigint
  readonly debit: bigint
  readonly credit: bigint
}

/** The trial balance: all accounts by sort (`player:*:cash`), in each asset; debits and credits sum to the same. */
export async function trialBalance(tx: Tx, operatorId: string, at?: Date): Promise<TrialBalanceRow[]> {
  return tx<TrialBalanceRow[]>`
    select s.asset, s.account, count(*) as accounts,
      greatest(sum(case when s.debit_normal then s.posted else -s.posted end), 0) as debit,
      greatest(sum(case when s.debit_normal then -s.posted else s.posted end), 0) as credit
    from (
      select a.asset, regexp_replace(a.code, '^(player|connection|bank|fx:clearing):.+?(:[a-z]+)?$', '\\1:*\\2') as account, a.debit_normal,
        ${at === undefined ? tx`b.posted` : tx`ledger.posted_at(a, ${iso(at)}::timestamptz)`} as posted
      from ledger.account a join ledger.account_balance b on b.operator_id = a.operator_id and b.id = a.id
      where a.operator_id = ${operatorId}
    ) s group by s.asset, s.account order by s.asset, s.account`
}

/** What a verification looked at and found. The books are whole when `problems` is empty. */
export type Verification = {
  readonly journals: bigint
  readonly transfers: bigint
  readonly seals: bigint
  readonly problems: readonly Problem[]
}

/** At most so many problems are told: one is enough to stop, and a broken book can have as many as entries. */
const MAX_PROBLEMS = 100
/** A book of tens of millions takes minutes. */
const VERIFY_TIMEOUT = '10min'

/** Runs every check over an operator's books, in one snapshot. `published` is a seal that was kept elsewhere: a rewritten chain doesn't fit it. */
export async function verify(
  tx: Tx,
  operatorId: string,
  { published, timeout = VERIFY_TIMEOUT }: { published?: SealMark; timeout?: string } = {},
): Promise<Verification> {
  await tx`select set_config('statement_timeout', ${timeout}, true)`
  const [counts] = await tx<Omit<Verification, 'problems'>[]>`select
    (select count(*) from ledger.journal where operator_id = ${operatorId}) as journals,
    (select count(*) from ledger.transfer where operator_id = ${operatorId}) as transfers,
    (select count(*) from ledger.seal where operator_id = ${operatorId}) as seals`
  const problems = await tx<
    Problem[]
  >`select problem, reference from ledger.verify(${operatorId}) limit ${MAX_PROBLEMS}`
  const { journals = 0n, transfers = 0n, seals = 0n } = counts ?? {}
  const found = published ? await publishedProblem(tx, operatorId, published) : []
  return { journals, transfers, seals, problems: [...problems, ...found] }
}

/** A seal to be kept outside the database: its number and its hash in hex. */
export type SealMark = { readonly no: bigint; readonly hash: string }

async function publishedProblem(tx: Tx, operatorId: string, { no, hash }: SealMark): Promise<Problem[]> {
  const rows = await tx`select from ledger.seal
    where operator_id = ${operatorId} and no = ${String(no)}::bigint and hash = decode(${hash}, 'hex')`
  return rows.length === 1 ? [] : [{ problem: 'seal differs from the published one', reference: String(no) }]
}
