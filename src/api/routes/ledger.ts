import { z } from '@hono/zod-openapi'
import { assetByCode, assetOf } from '../../core/currencies.ts'
import { assert, Fault } from '../../core/errors.ts'
import { type IdKind, typeIdOfUuid, uuidOfTypeId } from '../../core/ids.ts'
import { formatAmount, presentMoney } from '../../core/money.ts'
import type { Tx } from '../../db/client.ts'
import {
  type AccountRow,
  accountByUid,
  accounts,
  type EntryRow,
  entries,
  entryUuid,
  type JournalRow,
  journalById,
  verify,
} from '../../db/ledger-reads.ts'
import { endpoint } from '../endpoint.ts'
import { beforeOf, pageOf } from '../list.ts'
import { MONEY_SHOWN } from '../money.ts'
import { AmountShown, Currency, IdParams, PAGE, Page, PlayerId, Timestamp } from '../shapes.ts'

const When = z.iso.datetime({ offset: true }).transform((text) => new Date(text))
const At = When.optional()

const AccountShown = z
  .object({
    id: z.string(),
    code: z.string(),
    class: z.string(),
    normal_side: z.enum(['debit', 'credit']),
    currency: z.string(),
    network: z.string().optional(),
    balance: AmountShown,
    available: AmountShown,
    overdraft: AmountShown.nullable(),
    closed_at: Timestamp.nullable(),
    created_at: Timestamp,
    at: Timestamp.nullable(),
  })
  .openapi('LedgerAccount')

const EntryShown = z
  .object({
    id: z.string(),
    journal_id: z.string(),
    kind: z.string(),
    side: z.enum(['debit', 'credit']),
    ...MONEY_SHOWN,
    balance_after: AmountShown.nullable(),
    other_account: z.string(),
    created_at: Timestamp,
  })
  .openapi('LedgerEntry')

const JournalShown = z
  .object({
    id: z.string(),
    key: z.string(),
    kind: z.string(),
    facts: z.record(z.string(), z.string()).nullable(),
    created_at: Timestamp.nullable(),
    transfers: z.array(z.object({ debit: z.string(), credit: z.string(), ...MONEY_SHOWN })),
  })
  .openapi('LedgerJournal')

export const listLedgerAccounts = endpoint({
  method: 'get',
  path: '/v1/ledger/accounts',
  tag: 'ledger',
  summary: 'Accounts with their balances, now or at a time',
  scope: 'ledger:read',
  query: z.strictObject({
    ...PAGE,
    code: z.string().max(200).optional(),
    currency: Currency.optional(),
    network: z.string().max(20).optional(),
    player_id: PlayerId.optional(),
    at: At,
  }),
  answers: { 200: Page(AccountShown) },
  faults: ['currency_unsupported'],
  handle: async (deps, { caller: { operatorId }, query }) => {
    const { limit, code, player_id: playerId, at } = query
    const asset = query.currency === undefined ? undefined : assetCodeOf(query.currency, query.network)
    const before = uuidBefore('ledgerAccount', query.cursor)
    const filter = { limit: limit + 1, ...present({ before, code, asset, playerId, at }) }
    const rows = await deps.db.tx(operatorId, (tx) => accounts(tx, operatorId, filter))
    return { status: 200, body: pageOf(rows.map(withAccountId), limit, (row) => showAccount(row, at)) }
  },
})

export const getLedgerAccount = endpoint({
  method: 'get',
  path: '/v1/ledger/accounts/{id}',
  tag: 'ledger',
  summary: 'One account with its balance, now or at a time',
  scope: 'ledger:read',
  params: IdParams,
  query: z.strictObject({ at: At }),
  answers: { 200: AccountShown },
  handle: async (deps, { caller: { operatorId }, params, query }) => {
    const row = await deps.db.tx(operatorId, (tx) => accountOf(tx, operatorId, params.id, query.at))
    return { status: 200, body: showAccount(withAccountId(row), query.at) }
  },
})

export const listLedgerEntries = endpoint({
  method: 'get',
  path: '/v1/ledger/accounts/{id}/entries',
  tag: 'ledger',
  summary: 'Entries of an account, newest first',
  scope: 'ledger:read',
  params: IdParams,
  query: z.strictObject({ ...PAGE, 'created_at[gte]': At, 'created_at[lt]': At }),
  answers: { 200: Page(EntryShown) },
  handle: async (deps, { caller: { operatorId }, params, query }) => {
    const { limit, 'created_at[gte]': from, 'created_at[lt]': to } = query
    const filter = { limit: limit + 1, ...present({ before: uuidBefore('entry', query.cursor), from, to }) }
    const rows = await deps.db.tx(operatorId, async (tx) => {
      const account = await accountOf(tx, operatorId, params.id)
      return entries(tx, operatorId, account.id, filter)
    })
    return { status: 200, body: pageOf(rows.map(withEntryId), limit, showEntry) }
  },
})

export const getJournal = endpoint({
  method: 'get',
  path: '/v1/ledger/journals/{id}',
  tag: 'ledger',
  summary: 'One journal: what happened, and the transfers that it moved',
  scope: 'ledger:read',
  params: IdParams,
  answers: { 200: JournalShown },
  handle: async (deps, { caller: { operatorId }, params }) => {
    const uuid = uuidOfTypeId('journal', params.id)
    const row = uuid && (await deps.db.tx(operatorId, (tx) => journalById(tx, operatorId, uuid)))
    if (!row) throw new Fault('not_found', 'There is no such resource.')
    return { status: 200, body: showJournal(row) }
  },
})

/** A request waits no longer than this for a verification; books too large for it are verified by the job and the command line. */
const VERIFY_TIMEOUT = '20s'

export const verifyLedger = endpoint({
  method: 'get',
  path: '/v1/ledger/verify',
  tag: 'ledger',
  summary: 'Checks that the books are whole',
  description:
    'Balances against entries, the trial balance of each currency, holds, numbering, seals. Whole books have no problem. Books that are too large for one request answer 503; `paycage ledger verify` has no such limit.',
  scope: 'ledger:read',
  answers: {
    200: z.object({
      ok: z.boolean(),
      journals: z.number().int(),
      transfers: z.number().int(),
      seals: z.number().int(),
      problems: z.array(z.object({ problem: z.string(), reference: z.string() })),
    }),
  },
  handle: async (deps, { caller: { operatorId } }) => {
    const found = await deps.db.tx(operatorId, (tx) => verify(tx, operatorId, { timeout: VERIFY_TIMEOUT }))
    const { journals, transfers, seals, problems } = found
    const counts = { journals: Number(journals), transfers: Number(transfers), seals: Number(seals) }
    return { status: 200, body: { ok: problems.length === 0, ...counts, problems: [...problems] } }
  },
})

async function accountOf(tx: Tx, operatorId: string, id: string, at?: Date): Promise<AccountRow> {
  const uuid = uuidOfTypeId('ledgerAccount', id)
  const row = uuid && (await accountByUid(tx, operatorId, uuid, at))
  if (!row) throw new Fault('not_found', 'There is no such resource.')
  return row
}

function uuidBefore(kind: IdKind, cursor: string | undefined): string | undefined {
  const id = beforeOf(kind, cursor)
  return id === undefined ? undefined : uuidOfTypeId(kind, id)
}

function assetCodeOf(currency: string, network: string | undefined): string {
  const asset = assetOf(currency, network)
  if (!asset)
    throw new Fault(
      'currency_unsupported',
      'This currency is not supported; a coin needs its network, fiat takes none.',
    )
  return asset.code
}

/** The members that are there: an absent filter is left out, not undefined. */
function present<T extends Record<string, unknown>>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const there: { [K in keyof T]?: Exclude<T[K], undefined> } = {}
  for (const name in members) if (isThere(members[name])) there[name] = members[name]
  return there
}

const isThere = <T>(value: T): value is Exclude<T, undefined> => value !== undefined

const withAccountId = (row: AccountRow) => ({ ...row, id: typeIdOfUuid('ledgerAccount', row.uid) })
const withEntryId = (row: EntryRow) => ({ ...row, id: typeIdOfUuid('entry', entryUuid(row)) })

function showAccount(row: ReturnType<typeof withAccountId>, at: Date | undefined) {
  const { asset } = row
  const known = assetByCode(asset)
  assert(known, 'an asset that we can count')
  return {
    id: row.id,
    code: row.code,
    class: row.class,
    normal_side: row.debitNormal ? ('debit' as const) : ('credit' as const),
    currency: known.currency,
    ...(known.network === undefined ? {} : { network: known.network }),
    balance: formatAmount({ asset, minor: row.posted }),
    available: formatAmount({ asset, minor: row.available }),
    overdraft: row.overdraft === null ? null : formatAmount({ asset, minor: row.overdraft }),
    closed_at: row.closedAt?.toISOString() ?? null,
    created_at: row.createdAt.toISOString(),
    at: at?.toISOString() ?? null,
  }
}

function showEntry(row: ReturnType<typeof withEntryId>) {
  const { asset, amount, after } = row
  return {
    id: row.id,
    journal_id: typeIdOfUuid('journal', row.journalId),
    kind: row.kind,
    side: row.debit ? ('debit' as const) : ('credit' as const),
    ...presentMoney({ asset, minor: amount }),
    balance_after: after === null ? null : formatAmount({ asset, minor: after }),
    other_account: row.other,
    created_at: row.createdAt.toISOString(),
  }
}

const showJournal = ({ id, key, kind, facts, createdAt, transfers }: JournalRow) => ({
  id: typeIdOfUuid('journal', id),
  key,
  kind,
  facts,
  created_at: createdAt?.toISOString() ?? null,
  transfers: transfers.map(({ debit, credit, asset, amount }) => ({
    debit,
    credit,
    ...presentMoney({ asset, minor: amount }),
  })),
})
