import { Fault } from './errors.ts'
import { bonusConverted, bonusForfeited, bonusGranted } from './ledger/bonuses.ts'
import { betPlaced, gameKey, winPaid } from './ledger/games.ts'
import type { Posting } from './ledger/posting.ts'
import type { Money } from './money.ts'

/** A game or betting API's move of a player's wallet. */
export type Play = {
  readonly playerId: string
  readonly type: PlayType
  readonly amount: Money
  readonly reference: string
  readonly relatedReference: string | null
}

/** What the game side may do. */
export const PLAY_TYPES = ['bet', 'win', 'rollback', 'bonus_grant', 'bonus_convert', 'bonus_forfeit'] as const
export type PlayType = (typeof PLAY_TYPES)[number]

/** What of a move was cash and what was bonus, minor units. */
export type Parts = { readonly cash: bigint; readonly bonus: bigint }

type Move = Exclude<PlayType, 'rollback'>
type Moved = { readonly player: string; readonly reference: string; readonly amount: Money; readonly parts: Parts }

const part = ({ amount }: Moved, minor: bigint): Money => ({ asset: amount.asset, minor })

const POSTINGS: Record<Move, (moved: Moved) => Posting> = {
  bet: (moved) => betPlaced({ ...moved, cash: part(moved, moved.parts.cash), bonus: part(moved, moved.parts.bonus) }),
  win: winPaid,
  bonus_grant: bonusGranted,
  bonus_convert: bonusConverted,
  bonus_forfeit: bonusForfeited,
}

/** The posting of a move, with the request kept as facts: the ledger is all that remembers it. */
export function playPosting(type: Move, play: Play, parts: Parts): Posting {
  const { playerId: player, reference, amount } = play
  return { ...POSTINGS[type]({ player, reference, amount, parts }), facts: factsOf(play, parts) }
}

/** A bet takes all it can from cash and the rest from bonus. Throws `insufficient_funds` when both are not enough. */
export function betParts(minor: bigint, available: Parts): Parts {
  const cash = available.cash < minor ? available.cash : minor
  const bonus = minor - cash
  if (bonus > available.bonus) throw new Fault('insufficient_funds', 'The bet is more than the player has.')
  return { cash, bonus }
}

/** What each other move is of. */
export const PARTS: Record<Exclude<Move, 'bet'>, (minor: bigint) => Parts> = {
  win: (minor) => ({ cash: minor, bonus: 0n }),
  bonus_grant: (minor) => ({ cash: 0n, bonus: minor }),
  bonus_convert: (minor) => ({ cash: minor, bonus: minor }),
  bonus_forfeit: (minor) => ({ cash: 0n, bonus: minor }),
}

/** A request as the ledger keeps it beside its posting. */
export function factsOf(play: Play, { cash, bonus }: Parts): Record<string, string> {
  return {
    type: play.type,
    player: play.playerId,
    asset: play.amount.asset,
    minor: play.amount.minor.toString(),
    related: play.relatedReference ?? '',
    cash: cash.toString(),
    bonus: bonus.toString(),
  }
}

/** True when the facts are of the same request: how it was split may differ, since the wallet had changed. */
export function sameRequest(facts: Readonly<Record<string, string>>, play: Play): boolean {
  const asked = factsOf(play, { cash: 0n, bonus: 0n })
  return ['type', 'player', 'asset', 'minor', 'related'].every((name) => facts[name] === asked[name])
}

/** The parts that the facts of a move tell. */
export const partsOf = (facts: Readonly<Record<string, string>>): Parts => ({
  cash: BigInt(facts.cash ?? '0'),
  bonus: BigInt(facts.bonus ?? '0'),
})

/** The key under which a move of this reference stands in the ledger. */
export const playKey = gameKey
