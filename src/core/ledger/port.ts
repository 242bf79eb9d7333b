import type { Money } from '../money.ts'
import type { AccountCode, Posting } from './posting.ts'

/**
 * What the gateway asks of a ledger. PostgreSQL is the implementation (`db/ledger-port.ts`); the words map one to one to
 * TigerBeetle's, see `docs/internals/ledger.md`. Everything is per operator, and everything may be sent again: a
 * posting is known by its key, a hold by its id.
 */
export type LedgerPort = {
  /** Opens the account of that code as the chart says. Opening it again changes nothing. */
  openAccount(operatorId: string, code: AccountCode, asset: string): Promise<void>
  /** Posts one journal, in company of whatever others are posting. Throws `overloaded` when too many wait. */
  post(operatorId: string, posting: Posting): Promise<PostResult>
  /** Posts journals in one go, each all or nothing, none at the cost of another; an answer for each, in their order. At most 1,000 transfers. */
  postMany(operatorId: string, postings: readonly Posting[]): Promise<PostResult[]>
  /** Reserves amounts for later; an answer for each, in their order. */
  hold(operatorId: string, holds: readonly Hold[]): Promise<HoldResult[]>
  /** Posts a hold in whole or in part and gives the rest back, once. Throws `illegal_state` when it was resolved otherwise or is over. */
  resolve(operatorId: string, resolution: Resolution): Promise<'posted' | 'voided'>
  /** What an account has, now or at a time; zero when it was never opened. */
  balance(operatorId: string, code: AccountCode, asset: string, at?: Date): Promise<AccountBalance>
  /** Entries of an account, newest first. */
  entries(operatorId: string, code: AccountCode, asset: string, limit: number): Promise<LedgerEntry[]>
  /** Every difference that the books have; none when they are whole. */
  verify(operatorId: string): Promise<Problem[]>
}

/** What became of a posting. `differs`: the key is taken by other transfers; `buried`: by a rollback that came before. */
export type PostResult = 'posted' | 'exists' | 'differs' | 'buried' | 'insufficient_funds' | 'closed'

/** An amount to be reserved: it can't be spent from the debited account, and isn't on the credited one yet. */
export type Hold = {
  /** A UUIDv7, minted once: the hold's identity. */
  readonly id: string
  readonly debit: AccountCode
  readonly credit: AccountCode
  readonly amount: Money
  /** Given back by itself from then on. */
  readonly expiresAt?: Date
}

/** What became of a hold. */
export type HoldResult = 'held' | 'exists' | 'differs' | 'insufficient_funds' | 'closed'

/** The end of a hold: `minor` of its amount is posted, 0n for none of it. */
export type Resolution = { readonly hold: string; readonly minor: bigint; readonly kind: string }

/** What an account has. `available` leaves out what holds have reserved; at a time in the past it equals `posted`. */
export type AccountBalance = { readonly posted: bigint; readonly available: bigint }

/** One leg of a transfer, as the account sees it. */
export type LedgerEntry = {
  readonly journal: string
  readonly n: number
  readonly side: 'debit' | 'credit'
  readonly amount: bigint
  /** The balance after it; null on a striped account, which has no single order. */
  readonly after: bigint | null
  readonly at: Date
}

/** One difference in the books, and where. */
export type Problem = { readonly problem: string; readonly reference: string }
