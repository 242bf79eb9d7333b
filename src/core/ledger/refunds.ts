import type { Money } from '../money.ts'
import { cash, receivable } from './chart.ts'
import { type Posting, posting, transfer } from './posting.ts'

/** A refund of a deposit that the processor confirmed: out of the player's cash. `held` money must be released or the refund refused first. */
export function refundSettled({
  refund,
  player,
  connection,
  amount,
}: {
  readonly refund: string
  readonly player: string
  readonly connection: string
  readonly amount: Money
}): Posting {
  return posting(`refund:${refund}:settled`, 'refund_settled', [transfer(cash(player), receivable(connection), amount)])
}
