import type { NewUuid } from '../core/ids.ts'
import { type AccountSpec, accountSpec } from '../core/ledger/chart.ts'
import type { AccountCode, Posting } from '../core/ledger/posting.ts'

/** The arguments of `ledger.post` as array literals: each account once, transfers naming them by index. */
export type PostArguments = Record<
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

/** Lays out postings for one call. The driver doesn't know array types without a query per connection, so literals it is. */
export function postArguments(postings: readonly Posting[], newUuid: NewUuid): PostArguments {
  const accounts = accountTable()
  const transfers = postings.flatMap((posting, index) =>
    posting.transfers.map(({ debit, credit, amount }) => ({
      journal: index + 1,
      debit: accounts.indexOf(debit, amount.asset),
      credit: accounts.indexOf(credit, amount.asset),
      amount: amount.minor,
    })),
  )
  return {
    ...accounts.literals(),
    ids: plainArray(postings.map(() => newUuid())),
    keys: textArray(postings.map(({ key }) => key)),
    kinds: textArray(postings.map(({ kind }) => kind)),
    facts: textArray(postings.map(({ facts }) => (facts ? JSON.stringify(facts) : null))),
    journals: plainArray(transfers.map(({ journal }) => journal)),
    debits: plainArray(transfers.map(({ debit }) => debit)),
    credits: plainArray(transfers.map(({ credit }) => credit)),
    amounts: plainArray(transfers.map(({ amount }) => amount)),
  }
}

/** Gathers accounts, each once, and answers with their place (from 1, as SQL counts). */
export function accountTable() {
  const places = new Map<string, number>()
  const rows: { code: AccountCode; asset: string; spec: AccountSpec }[] = []
  return {
    indexOf(code: AccountCode, asset: string): number {
      // a space never stands in an asset's code
      const name = `${asset} ${code}`
      const known = places.get(name)
      if (known !== undefined) return known
      rows.push({ code, asset, spec: accountSpec(code) })
      places.set(name, rows.length)
      return rows.length
    },
    literals: () => ({
      codes: textArray(rows.map(({ code }) => code)),
      assets: textArray(rows.map(({ asset }) => asset)),
      classes: plainArray(rows.map(({ spec }) => spec.class)),
      overdrafts: plainArray(rows.map(({ spec }) => spec.overdraft ?? 'null')),
      stripes: plainArray(rows.map(({ spec }) => spec.stripes)),
    }),
  }
}

/** An array literal of values that need no quotes: numbers, UUIDs, words of our own. */
export const plainArray = (values: readonly (string | number | bigint)[]): string => `{${values.join(',')}}`

/** An array literal of any text, null as NULL. */
export const textArray = (values: readonly (string | null)[]): string =>
  `{${values.map((value) => (value === null ? 'null' : `"${value.replaceAll(/["\\]/g, '\\$&')}"`)).join(',')}}`
