import { accountSpec } from '../core/ledger/chart.ts'
import type { AccountCode, Transfer } from '../core/ledger/posting.ts'
import { plainArray, textArray } from './array-literals.ts'

/** Accounts as the ledger's functions take them: named by arrays, and then known by their places in these. */
type Account = { readonly code: AccountCode; readonly asset: string }
type AccountTable = { readonly accounts: readonly Account[]; readonly debits: string; readonly credits: string }

/**
 * The accounts of transfers, each once, in the order in which the ledger finds and locks them: by code, then by asset.
 * `debits` and `credits` are each transfer's places among them, from 1 as SQL counts.
 */
export function accountTable(transfers: readonly Transfer[]): AccountTable {
  const places = new Map<string, Map<AccountCode, Account & { place: number }>>()
  const placed = (code: AccountCode, { amount: { asset } }: Transfer) => {
    const ofAsset = places.get(asset) ?? new Map<AccountCode, Account & { place: number }>()
    places.set(asset, ofAsset)
    const account = ofAsset.get(code) ?? { code, asset, place: 0 }
    ofAsset.set(code, account)
    return account
  }
  const debits = transfers.map((transfer) => placed(transfer.debit, transfer))
  const credits = transfers.map((transfer) => placed(transfer.credit, transfer))
  const accounts = [...places.values()].flatMap((ofAsset) => [...ofAsset.values()]).sort(byName)
  for (const [index, account] of accounts.entries()) account.place = index + 1
  return {
    accounts,
    debits: plainArray(debits.map(({ place }) => place)),
    credits: plainArray(credits.map(({ place }) => place)),
  }
}

const byName = (a: Account, b: Account) => compare(a.code, b.code) || compare(a.asset, b.asset)
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0)

/** Accounts that exist, as array literals. */
export const namesOf = (accounts: readonly Account[]) => ({
  codes: textArray(accounts.map(({ code }) => code)),
  assets: textArray(accounts.map(({ asset }) => asset)),
})

/** Accounts that may have to be opened, as array literals: with what the chart says of them. */
export function openingsOf(accounts: readonly Account[]) {
  const specs = accounts.map(({ code }) => accountSpec(code))
  return {
    ...namesOf(accounts),
    classes: plainArray(specs.map((spec) => spec.class)),
    overdrafts: plainArray(specs.map(({ overdraft }) => overdraft ?? 'null')),
    stripes: plainArray(specs.map(({ stripes }) => stripes)),
  }
}
