import type { Money } from '../money.ts'
import { cash, debt, held, receivable } from './chart.ts'
import { type Posting, posting, transfer } from './posting.ts'
import { upTo } from './split.ts'

type Refund = { readonly refund: string; readonly player: string; readonly amount: Money }

/** A refund was asked for: its money is set aside, so that it can't be played or withdrawn while the processor decides. */
export function refundHeld({ refund, player, amount }: Refund): Posting {
  return posting(`refund:${refund}:held`, 'refund_held', [transfer(cash(player), held(player), amount)])
}

/** The processor confirmed the refund: it paid out of what it had captured for us. */
export function refundSettled({
  refund,
  player,
  connection,
  amount,
}: Refund & { readonly connection: string }): Posting {
  return posting(`refund:${refund}:settled`, 'refund_settled', [transfer(held(player), receivable(connection), amount)])
}

/** The refund certainly failed: the player has the money back. */
export function refundReleased({ refund, player, amount }: Refund): Posting {
  return posting(`refund:${refund}:released`, 'refund_released', [transfer(held(player), cash(player), amount)])
}

/** A refund that had been confirmed came back to the processor: the player has the money back. */
export function refundReturned({
  refund,
  player,
  connection,
  amount,
}: Refund & { readonly connection: string }): Posting {
  return posting(`refund:${refund}:returned`, 'refund_returned', [
    transfer(receivable(connection), cash(player), amount),
  ])
}

/** A refund that was given up succeeded after all: the processor has less of ours, out of the player's cash as far as it goes, the rest becomes the player's debt. */
export function refundedLate({
  refund,
  player,
  connection,
  amount,
  availableCash,
}: Refund & {
  readonly connection: string
  readonly availableCash: Money
}): Posting {
  const { taken, left } = upTo(amount, availableCash)
  return posting(`refund:${refund}:late`, 'refunded_late', [
    transfer(cash(player), receivable(connection), taken),
    transfer(debt(player), receivable(connection), left),
  ])
}
