import { assert } from '../errors.ts'
import type { Money } from '../money.ts'

/** An account of the chart by its code: `player:p1:cash`, `connection:con_…:receivable`. One per operator, code and asset. */
export type AccountCode = string

/** One move: the same amount debited to one account and credited to another, so it balances by construction. */
export type Transfer = { readonly debit: AccountCode; readonly credit: AccountCode; readonly amount: Money }

/** Facts kept beside a posting for whoever audits it: an exchange rate, its source. Never personal data: the ledger forgets nothing. */
export type PostingFacts = Readonly<Record<string, string>>

/** What really happened, in transfers that stand or fall together. */
export type Posting = {
  /** The business key: unique per operator for ever, so that one fact is posted once. */
  readonly key: string
  /** The name of the fact: `deposit_settled`. */
  readonly kind: string
  readonly transfers: readonly Transfer[]
  readonly facts?: PostingFacts
}

/** More transfers than any fact of ours needs (a closed-loop payout over 20 instruments with fees); a larger posting is a bug. */
export const MAX_TRANSFERS = 64

/** A move of `amount` from the credited to the debited account. */
export const transfer = (debit: AccountCode, credit: AccountCode, amount: Money): Transfer => ({
  debit,
  credit,
  amount,
})

/** A posting of the transfers that move something: zero amounts (no fee, no bonus part) are left out. Throws on a negative amount or on nothing at all: our bug. */
export function posting(key: string, kind: string, transfers: readonly Transfer[], facts?: PostingFacts): Posting {
  const moving = transfers.filter(({ amount }) => amount.minor !== 0n)
  assert(moving.length > 0 && moving.length <= MAX_TRANSFERS, `posting ${kind} has ${moving.length} transfers`)
  for (const { debit, credit, amount } of moving) {
    assert(amount.minor > 0n, `posting ${kind} has a negative amount`)
    assert(debit !== credit, `posting ${kind} moves money from an account to itself`)
  }
  return { key, kind, transfers: moving, ...(facts && { facts }) }
}

/** The same transfers the other way round, in reverse order: what undoes a posting exactly. */
export function inverse(transfers: readonly Transfer[]): Transfer[] {
  return transfers.toReversed().map(({ debit, credit, amount }) => transfer(credit, debit, amount))
}
