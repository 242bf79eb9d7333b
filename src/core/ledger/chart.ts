import { assert } from '../errors.ts'
import type { AccountCode } from './posting.ts'

/**
 * The chart of accounts: what each account is, by its code. An account is opened by its first posting, as the row here
 * says. `overdraft: 0n` means that it may never go below zero, `null` that it may.
 *
 * The rule behind the column: an account that says what we owe or may pay out is bounded at zero, so that no bug can
 * pay twice; an account that mirrors the outside world (a processor, a bank) or the house's result is not, since a fact
 * that has happened must be recordable, and reconciliation finds the difference. Only an account without a bound may be
 * striped over several rows, as a bound needs one row to be checked against.
 */
export type AccountSpec = {
  readonly class: AccountClass
  /** The side that makes the balance grow. */
  readonly normal: 'debit' | 'credit'
  readonly overdraft: bigint | null
  readonly stripes: number
}

/** What an account is in the books. */
export type AccountClass = 'asset' | 'liability' | 'equity' | 'income' | 'expense'

/** Rows of a hot account: as many connections as write to it at once without waiting for each other. Eight is past what two cores can use. */
const HOT = 8

const bounded = (kind: AccountClass): AccountSpec => spec(kind, 0n, 1)
const unbounded = (kind: AccountClass, stripes = 1): AccountSpec => spec(kind, null, stripes)

function spec(kind: AccountClass, overdraft: bigint | null, stripes: number): AccountSpec {
  return { class: kind, normal: kind === 'asset' || kind === 'expense' ? 'debit' : 'credit', overdraft, stripes }
}

/** Accounts of which there is one. */
const HOUSE: ReadonlyMap<AccountCode, AccountSpec> = new Map([
  // Inbound money without an owner: no more can be matched than came.
  ['suspense', bounded('liability')],
  ['fees:processor', unbounded('expense', HOT)],
  ['fees:player', unbounded('income', HOT)],
  ['chargeback:loss', unbounded('expense')],
  ['chargeback:fee', unbounded('expense')],
  ['gaming:revenue', unbounded('income', HOT)],
  ['bonus:cost', unbounded('expense', HOT)],
  ['adjustments', unbounded('equity')],
  ['fx:result', unbounded('income')],
])

/** Accounts of which there are many. A player's or connection's id may contain colons, so the last word decides and the pattern is greedy. */
const MANY: readonly (readonly [pattern: RegExp, spec: AccountSpec])[] = [
  [/^player:.+:cash$/, bounded('liability')],
  [/^player:.+:bonus$/, bounded('liability')],
  [/^player:.+:held$/, bounded('liability')],
  // What the player owes after a chargeback. Below zero it would be money owed to the player, whose place is cash.
  [/^player:.+:receivable$/, bounded('asset')],
  // Captured and not yet settled. A processor may pay out of it before it has captured as much.
  [/^connection:.+:receivable$/, unbounded('asset', HOT)],
  [/^connection:.+:reserve$/, unbounded('asset')],
  // Payouts sent and not yet confirmed: a second confirmation of one payout finds nothing to confirm.
  [/^connection:.+:payable$/, bounded('liability')],
  [/^bank:.+$/, unbounded('asset')],
  // The position between two currencies: long in one, short in the other.
  [/^fx:clearing:.+$/, unbounded('equity')],
]

/** What the account of that code is. Throws on a code that the chart doesn't know: our bug. */
export function accountSpec(code: AccountCode): AccountSpec {
  const found = HOUSE.get(code) ?? MANY.find(([pattern]) => pattern.test(code))?.[1]
  assert(found, 'an account code that is not in the chart')
  return found
}

/** A player's money that can be played with or withdrawn. */
export const cash = (player: string): AccountCode => `player:${player}:cash`
/** A player's bonus money: playable, not withdrawable. */
export const bonus = (player: string): AccountCode => `player:${player}:bonus`
/** A player's money set aside for a withdrawal under way. */
export const held = (player: string): AccountCode => `player:${player}:held`
/** What a player owes the house. */
export const debt = (player: string): AccountCode => `player:${player}:receivable`
/** What a processor has captured for us and not yet settled. */
export const receivable = (connection: string): AccountCode => `connection:${connection}:receivable`
/** What a processor keeps back as security. */
export const reserve = (connection: string): AccountCode => `connection:${connection}:reserve`
/** Payouts that a processor was told to make and has not confirmed. */
export const payable = (connection: string): AccountCode => `connection:${connection}:payable`
/** One of the house's bank accounts. */
export const bank = (account: string): AccountCode => `bank:${account}`
/** The position of a currency pair, named in alphabetical order so that both directions share it: `fx:clearing:EUR-SEK`. */
export const fxClearing = (one: string, other: string): AccountCode =>
  `fx:clearing:${[one, other].toSorted().join('-')}`

/** Inbound money that nobody could be found for yet. */
export const SUSPENSE: AccountCode = 'suspense'
/** What processors charge the house. */
export const PROCESSOR_FEES: AccountCode = 'fees:processor'
/** What the house charges players. */
export const PLAYER_FEES: AccountCode = 'fees:player'
/** Chargebacks that could not be collected. */
export const CHARGEBACK_LOSS: AccountCode = 'chargeback:loss'
/** What processors charge for handling chargebacks. */
export const CHARGEBACK_FEES: AccountCode = 'chargeback:fee'
/** Stakes less wins. */
export const GAMING_REVENUE: AccountCode = 'gaming:revenue'
/** Bonuses given less forfeited. */
export const BONUS_COST: AccountCode = 'bonus:cost'
/** Corrections by people, under four eyes. */
export const ADJUSTMENTS: AccountCode = 'adjustments'
/** What the house gained by exchange. */
export const FX_RESULT: AccountCode = 'fx:result'
