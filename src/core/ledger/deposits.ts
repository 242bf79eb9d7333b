import type { Money } from '../money.ts'
import { cash, debt, PLAYER_FEES, PROCESSOR_FEES, receivable, SUSPENSE } from './chart.ts'
import { type Posting, posting, transfer } from './posting.ts'
import { upTo } from './split.ts'

/** A deposit that the processor confirmed. `amount` is what the player gets; a fee charged to the player came on top of it. */
export type SettledDeposit = {
  readonly deposit: string
  readonly player: string
  readonly connection: string
  readonly amount: Money
  readonly playerFee?: Money
  readonly processorFee?: Money
}

/** The processor confirmed a deposit: the player gets all of it, the player's fee is the house's income, the processor's fee the house's cost. */
export function depositSettled({
  deposit,
  player,
  connection,
  amount,
  playerFee,
  processorFee,
}: SettledDeposit): Posting {
  return posting(`deposit:${deposit}:settled`, 'deposit_settled', [
    transfer(receivable(connection), cash(player), amount),
    ...(playerFee ? [transfer(receivable(connection), PLAYER_FEES, playerFee)] : []),
    ...(processorFee ? [transfer(PROCESSOR_FEES, receivable(connection), processorFee)] : []),
  ])
}

/** The key of a second capture's posting: that it exists says that this attempt's money waits in suspense, not with the player. */
export const duplicateKey = (deposit: string, attempt: string): string => `deposit:${deposit}:duplicate:${attempt}`

type Duplicate = {
  readonly deposit: string
  readonly attempt: string
  readonly connection: string
  readonly amount: Money
}

/** A second processor took the money of a deposit that is credited already: it waits in suspense until people send it back. */
export function duplicateCaptured({ deposit, attempt, connection, amount }: Duplicate): Posting {
  return posting(duplicateKey(deposit, attempt), 'duplicate_captured', [
    transfer(receivable(connection), SUSPENSE, amount),
  ])
}

/** The second capture of a deposit went back where it came from: the processor has less of ours, and nothing waits in suspense. */
export function duplicateRefunded({ deposit, attempt, connection, amount }: Duplicate): Posting {
  return posting(`${duplicateKey(deposit, attempt)}:refunded`, 'duplicate_refunded', [
    transfer(SUSPENSE, receivable(connection), amount),
  ])
}

/** A credited deposit that the processor took back: out of the player's cash as far as it goes, the rest becomes the player's debt. */
export function depositReversed({
  deposit,
  attempt,
  player,
  connection,
  amount,
  availableCash,
}: {
  readonly deposit: string
  readonly attempt: string
  readonly player: string
  readonly connection: string
  readonly amount: Money
  readonly availableCash: Money
}): Posting {
  const { taken, left } = upTo(amount, availableCash)
  return posting(`deposit:${deposit}:reversed:${attempt}`, 'deposit_reversed', [
    transfer(cash(player), receivable(connection), taken),
    transfer(debt(player), receivable(connection), left),
  ])
}

/** A player's debt paid out of the player's own cash, say from the next deposit. `reference` names the occasion. */
export function debtCollected({
  reference,
  player,
  amount,
}: {
  readonly reference: string
  readonly player: string
  readonly amount: Money
}): Posting {
  return posting(`debt:${reference}:collected`, 'debt_collected', [transfer(cash(player), debt(player), amount)])
}
