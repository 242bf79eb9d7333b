import type { Money } from '../money.ts'
import { CHARGEBACK_FEES, CHARGEBACK_LOSS, cash, debt, receivable } from './chart.ts'
import { type Posting, posting, transfer } from './posting.ts'
import { upTo } from './split.ts'

type Disputed = {
  readonly dispute: string
  readonly player: string
  readonly connection: string
  readonly amount: Money
}

/** A chargeback: out of the player's cash as far as it goes, the rest becomes the player's debt; the processor's handling fee is the house's cost. */
export function chargebackReceived({
  dispute,
  player,
  connection,
  amount,
  availableCash,
  fee,
}: Disputed & { readonly availableCash: Money; readonly fee?: Money }): Posting {
  const { taken, left } = upTo(amount, availableCash)
  return posting(`dispute:${dispute}:received`, 'chargeback_received', [
    transfer(cash(player), receivable(connection), taken),
    transfer(debt(player), receivable(connection), left),
    ...(fee ? [transfer(CHARGEBACK_FEES, receivable(connection), fee)] : []),
  ])
}

/**
 * A dispute won: the processor gives all of it back. What the player still owes of it goes first, the rest to cash, so
 * that a debt collected meanwhile isn't paid twice; with nothing collected this is the exact reversal. `feeReturned`
 * only where the processor gives its fee back too.
 */
export function disputeWon({
  dispute,
  player,
  connection,
  amount,
  outstandingDebt,
  feeReturned,
}: Disputed & { readonly outstandingDebt: Money; readonly feeReturned?: Money }): Posting {
  const { taken, left } = upTo(amount, outstandingDebt)
  return posting(`dispute:${dispute}:won`, 'dispute_won', [
    transfer(receivable(connection), debt(player), taken),
    transfer(receivable(connection), cash(player), left),
    ...(feeReturned ? [transfer(receivable(connection), CHARGEBACK_FEES, feeReturned)] : []),
  ])
}

/** A dispute won after the house had borne what the player owed of it: the loss is undone, so that the win can be posted as any other. */
export function disputeLossUndone({ dispute, player, amount }: Omit<Disputed, 'connection'>): Posting {
  return posting(`dispute:${dispute}:loss_undone`, 'dispute_loss_undone', [
    transfer(debt(player), CHARGEBACK_LOSS, amount),
  ])
}

/** A dispute lost and the player's debt not collectable: the house bears it. */
export function disputeLost({ dispute, player, amount }: Omit<Disputed, 'connection'>): Posting {
  return posting(`dispute:${dispute}:lost`, 'dispute_lost', [transfer(CHARGEBACK_LOSS, debt(player), amount)])
}
