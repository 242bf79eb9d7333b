import type { Money } from '../money.ts'
import { bonus, cash, GAMING_REVENUE } from './chart.ts'
import { inverse, type Posting, posting, transfer } from './posting.ts'

/** A stake: so much of the player's cash and so much of the bonus. `reference` is the operator's own, unique for ever. */
export function betPlaced({
  reference,
  player,
  cash: fromCash,
  bonus: fromBonus,
}: {
  readonly reference: string
  readonly player: string
  readonly cash?: Money
  readonly bonus?: Money
}): Posting {
  return posting(gameKey(reference), 'bet_placed', [
    ...(fromCash ? [transfer(cash(player), GAMING_REVENUE, fromCash)] : []),
    ...(fromBonus ? [transfer(bonus(player), GAMING_REVENUE, fromBonus)] : []),
  ])
}

/** A win, to the player's cash. */
export function winPaid({
  reference,
  player,
  amount,
}: {
  readonly reference: string
  readonly player: string
  readonly amount: Money
}): Posting {
  return posting(gameKey(reference), 'win_paid', [transfer(GAMING_REVENUE, cash(player), amount)])
}

/**
 * The exact inverse of an existing game posting. Its key comes from the original's, so that one bet is rolled back once
 * whatever references the game server sends; `reference` of the rollback itself is kept as a fact.
 */
export function rolledBack({
  reference,
  original,
}: {
  readonly reference: string
  readonly original: Posting
}): Posting {
  return posting(rollbackKey(original.key), 'rolled_back', inverse(original.transfers), { reference })
}

/** The key of a bet, win or bonus move by the operator's reference: one reference is one fact. */
export const gameKey = (reference: string): string => `game:${reference}`

/** The key under which the posting of `key` is rolled back. */
export const rollbackKey = (key: string): string => `${key}:rolled_back`
