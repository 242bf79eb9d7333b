import { type Money, subtract } from '../money.ts'
import { cash, debt, held, PLAYER_FEES, PROCESSOR_FEES, payable, receivable } from './chart.ts'
import { type Posting, posting, type Transfer, transfer } from './posting.ts'
import { upTo } from './split.ts'

/**
 * A withdrawal's way through the books. `amount` is the same in each builder: what left the player's cash, with the
 * player's fee inside it. `playerFee` must be given alike to each of them.
 */
type Held = { readonly withdrawal: string; readonly player: string; readonly amount: Money }
type Sent = Held & { readonly attempt: string; readonly connection: string; readonly playerFee?: Money }
type Paid = Omit<Sent, 'player' | 'attempt'> & { readonly processorFee?: Money }
type Late = Omit<Sent, 'playerFee'>
type Returned = Sent & { readonly paid: boolean }

/** The player asked for money and the checks let it stand: set aside, if the cash is there. */
export function withdrawalHeld({ withdrawal, player, amount }: Held): Posting {
  return posting(`withdrawal:${withdrawal}:held`, 'withdrawal_held', [transfer(cash(player), held(player), amount)])
}

/** Rejected, cancelled or certainly failed: the player has it back. */
export function withdrawalReleased({ withdrawal, player, amount }: Held): Posting {
  return posting(`withdrawal:${withdrawal}:released`, 'withdrawal_released', [
    transfer(held(player), cash(player), amount),
  ])
}

/** A processor was told to pay: what it owes the player stands in the payable, our fee is earned. */
export function withdrawalSent(sent: Sent): Posting {
  return posting(`withdrawal:${sent.withdrawal}:sent:${sent.attempt}`, 'withdrawal_sent', outOfHeld(sent))
}

/** A sent attempt certainly failed: back to held, from where another attempt or the release may follow. */
export function withdrawalUnsent(sent: Sent): Posting {
  return posting(
    `withdrawal:${sent.withdrawal}:unsent:${sent.attempt}`,
    'withdrawal_unsent',
    outOfHeld(sent).map(({ debit, credit, amount }) => transfer(credit, debit, amount)),
  )
}

function outOfHeld({ player, connection, amount, playerFee }: Sent): Transfer[] {
  return [
    transfer(held(player), payable(connection), net(amount, playerFee)),
    ...(playerFee ? [transfer(held(player), PLAYER_FEES, playerFee)] : []),
  ]
}

/** The processor confirmed the payout: paid out of what it has captured for us. */
export function withdrawalPaid({ withdrawal, connection, amount, playerFee, processorFee }: Paid): Posting {
  return posting(`withdrawal:${withdrawal}:paid`, 'withdrawal_paid', [
    transfer(payable(connection), receivable(connection), net(amount, playerFee)),
    ...(processorFee ? [transfer(PROCESSOR_FEES, receivable(connection), processorFee)] : []),
  ])
}

/** A payout that was given up was paid after all, when its money had been released: out of the player's cash as far as it goes, the rest becomes the player's debt. */
export function withdrawalPaidLate({
  withdrawal,
  attempt,
  player,
  connection,
  amount,
  availableCash,
}: Late & { readonly availableCash: Money }): Posting {
  const { taken, left } = upTo(amount, availableCash)
  return posting(`withdrawal:${withdrawal}:paid_late:${attempt}`, 'withdrawal_paid_late', [
    transfer(cash(player), receivable(connection), taken),
    transfer(debt(player), receivable(connection), left),
  ])
}

/** A payout that was given up was paid after all, while its money was still on hold for another try. */
export function withdrawalPaidFromHeld({ withdrawal, attempt, player, connection, amount }: Late): Posting {
  return posting(`withdrawal:${withdrawal}:paid_late:${attempt}`, 'withdrawal_paid_from_held', [
    transfer(held(player), receivable(connection), amount),
  ])
}

/** The payout bounced, before (`paid: false`) or after it was confirmed: the player has all of it back, our fee too, since a payout that didn't arrive earns none. */
export function withdrawalReturned({
  withdrawal,
  attempt,
  player,
  connection,
  amount,
  playerFee,
  paid,
}: Returned): Posting {
  const from = paid ? receivable(connection) : payable(connection)
  return posting(`withdrawal:${withdrawal}:returned:${attempt}`, 'withdrawal_returned', [
    transfer(from, cash(player), net(amount, playerFee)),
    ...(playerFee ? [transfer(PLAYER_FEES, cash(player), playerFee)] : []),
  ])
}

const net = (amount: Money, fee: Money | undefined): Money => (fee ? subtract(amount, fee) : amount)
