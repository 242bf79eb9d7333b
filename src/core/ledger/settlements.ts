import type { Money } from '../money.ts'
import { bank, PROCESSOR_FEES, receivable, reserve, SUSPENSE } from './chart.ts'
import { type AccountCode, type Posting, posting, type Transfer, transfer } from './posting.ts'

/**
 * A processor settled: `net` came to the bank (negative: it was taken from it), `fees` and `reserve` were kept back.
 * `fees` leaves out those already posted with each deposit. A negative `reserve` is one given back.
 */
export function settlementReceived({
  settlement,
  connection,
  bankAccount,
  net,
  fees,
  reserved,
}: {
  readonly settlement: string
  readonly connection: string
  readonly bankAccount: string
  readonly net: Money
  readonly fees?: Money
  readonly reserved?: Money
}): Posting {
  return posting(`settlement:${settlement}:received`, 'settlement_received', [
    signed(bank(bankAccount), receivable(connection), net),
    ...(fees ? [signed(PROCESSOR_FEES, receivable(connection), fees)] : []),
    ...(reserved ? [signed(reserve(connection), receivable(connection), reserved)] : []),
  ])
}

/** The processor paid a reserve out to the bank. */
export function reserveReleased({
  settlement,
  connection,
  bankAccount,
  amount,
}: {
  readonly settlement: string
  readonly connection: string
  readonly bankAccount: string
  readonly amount: Money
}): Posting {
  return posting(`settlement:${settlement}:reserve_released`, 'reserve_released', [
    transfer(bank(bankAccount), reserve(connection), amount),
  ])
}

/** Money came to the bank and nobody could be found for it. `reference` is the bank's own. */
export function suspenseReceived({
  reference,
  bankAccount,
  amount,
}: {
  readonly reference: string
  readonly bankAccount: string
  readonly amount: Money
}): Posting {
  return posting(`suspense:${reference}:received`, 'suspense_received', [transfer(bank(bankAccount), SUSPENSE, amount)])
}

/** Money in suspense found its owner: a processor's settlement, or a player (`to` is the account that it belongs to). */
export function suspenseMatched({
  reference,
  to,
  amount,
}: {
  readonly reference: string
  readonly to: AccountCode
  readonly amount: Money
}): Posting {
  return posting(`suspense:${reference}:matched`, 'suspense_matched', [transfer(SUSPENSE, to, amount)])
}

/** A move that a statement shows with a sign: a negative one goes the other way. */
const signed = (debit: AccountCode, credit: AccountCode, amount: Money): Transfer =>
  amount.minor < 0n
    ? transfer(credit, debit, { asset: amount.asset, minor: -amount.minor })
    : transfer(debit, credit, amount)
