import type { Money } from '../money.ts'
import { BONUS_COST, bonus, cash } from './chart.ts'
import { gameKey } from './games.ts'
import { type Posting, posting, transfer } from './posting.ts'

type Bonus = { readonly reference: string; readonly player: string; readonly amount: Money }

/** A bonus given to a player, at the house's cost. */
export function bonusGranted({ reference, player, amount }: Bonus): Posting {
  return posting(gameKey(reference), 'bonus_granted', [transfer(BONUS_COST, bonus(player), amount)])
}

/** Bonus money that was played through: it becomes cash, and withdrawable. */
export function bonusConverted({ reference, player, amount }: Bonus): Posting {
  return posting(gameKey(reference), 'bonus_converted', [transfer(bonus(player), cash(player), amount)])
}

/** Bonus money that lapsed or was taken back. */
export function bonusForfeited({ reference, player, amount }: Bonus): Posting {
  return posting(gameKey(reference), 'bonus_forfeited', [transfer(bonus(player), BONUS_COST, amount)])
}
