import { Fault } from '../core/errors.ts'
import { bonusConverted, bonusForfeited, bonusGranted } from '../core/ledger/bonuses.ts'
import { betPlaced, rolledBack, winPaid } from '../core/ledger/games.ts'
import type { Posting } from '../core/ledger/posting.ts'
import type { Money } from '../core/money.ts'
import type { Tx } from '../db/client.ts'
import { findTransaction, insertTransaction, markRolledBack, type TransactionRow } from '../db/games.ts'
import { balances, postIn } from '../db/ledger.ts'
import { lockPlayer } from '../db/players.ts'
import type { Deps } from './deps.ts'

/** A game or betting API's move of a player's wallet. */
export type PlayOrder = {
  readonly operatorId: string
  readonly playerId: string
  readonly type: 'bet' | 'win' | 'rollback' | 'bonus_grant' | 'bonus_convert' | 'bonus_forfeit'
  readonly amount: Money
  readonly reference: string
  readonly relatedReference: string | null
}

/** What came of it; `replayed` when the reference had been posted before. */
export type Played = { readonly row: TransactionRow; readonly replayed: boolean }

/** Posts a bet, win, rollback or bonus move, once per reference. A bet takes cash before bonus; a rollback gives back exactly what its bet took. */
export async function play(deps: Pick<Deps, 'db' | 'newUuid' | 'clock'>, order: PlayOrder): Promise<Played> {
  return deps.db.tx(order.operatorId, (tx) => playIn(tx, deps, order))
}

async function playIn(tx: Tx, deps: Pick<Deps, 'newUuid' | 'clock'>, order: PlayOrder): Promise<Played> {
  const { operatorId, playerId, reference, type, amount } = order
  if ((await lockPlayer(tx, operatorId, playerId)) === undefined) {
    throw new Fault('not_found', 'There is no such player.')
  }
  const before = await findTransaction(tx, operatorId, reference)
  if (before !== undefined) return replay(before, order)

  const step = type === 'rollback' ? await rollBack(tx, deps, order) : await move(tx, order)
  if (step.posting !== undefined) await postIn(tx, operatorId, step.posting, deps)
  const row = await insertTransaction(tx, operatorId, {
    reference,
    playerId,
    type,
    asset: amount.asset,
    amount: amount.minor,
    relatedReference: order.relatedReference,
    status: step.status,
    parts: { cash: step.cash.toString(), bonus: step.bonus.toString() },
    createdAt: new Date(deps.clock.nowMs()),
  })
  return { row, replayed: false }
}

/** The same reference again is answered as before; with other content it is a mistake of the caller's. */
function replay(before: TransactionRow, order: PlayOrder): Played {
  const { playerId, type, amount, relatedReference } = order
  if (before.status === 'tombstone') {
    throw new Fault('rolled_back', 'This bet was rolled back before it came; it is not placed.')
  }
  const same =
    before.playerId === playerId &&
    before.type === type &&
    before.asset === amount.asset &&
    before.amount === amount.minor &&
    before.relatedReference === relatedReference
  if (!same) throw new Fault('duplicate_reference', 'This reference was used for another transaction.')
  return { row: before, replayed: true }
}

type Step = {
  readonly posting?: Posting
  readonly status: TransactionRow['status']
  readonly cash: bigint
  readonly bonus: bigint
}

async function move(tx: Tx, { operatorId, playerId, type, amount, reference }: PlayOrder): Promise<Step> {
  const { asset, minor } = amount
  const player = playerId
  switch (type) {
    case 'bet': {
      const { cash, bonus } = await split(tx, operatorId, playerId, amount)
      const parts = { cash: { asset, minor: cash }, bonus: { asset, minor: bonus } }
      return { posting: betPlaced({ reference, player, ...parts }), status: 'posted', cash, bonus }
    }
    case 'win':
      return { posting: winPaid({ reference, player, amount }), status: 'posted', cash: minor, bonus: 0n }
    case 'bonus_grant':
      return { posting: bonusGranted({ reference, player, amount }), status: 'posted', cash: 0n, bonus: minor }
    case 'bonus_convert':
      return { posting: bonusConverted({ reference, player, amount }), status: 'posted', cash: minor, bonus: minor }
    default:
      return { posting: bonusForfeited({ reference, player, amount }), status: 'posted', cash: 0n, bonus: minor }
  }
}

/** What a bet takes: all it can from cash, the rest from bonus. */
async function split(tx: Tx, operatorId: string, playerId: string, { asset, minor }: Money) {
  const codes = [`player:${playerId}:cash`, `player:${playerId}:bonus`]
  const found = await balances(tx, operatorId, codes, asset)
  const available = (code: string | undefined) => found.find((balance) => balance.code === code)?.available ?? 0n
  const cash = available(codes[0]) < minor ? available(codes[0]) : minor
  const bonus = minor - cash
  if (bonus > available(codes[1])) throw new Fault('insufficient_funds', 'The bet is more than the player has.')
  return { cash, bonus }
}

/** Reverses a bet or win exactly, once. One that hasn't come yet leaves a tombstone, so that it is refused when it comes. */
async function rollBack(tx: Tx, deps: Pick<Deps, 'clock'>, order: PlayOrder): Promise<Step> {
  const { operatorId, playerId, amount, reference, relatedReference } = order
  if (relatedReference === null) {
    throw new Fault('related_not_found', 'A rollback names the transaction that it reverses in related_reference.')
  }
  const related = await findTransaction(tx, operatorId, relatedReference)
  if (related === undefined) {
    await insertTransaction(tx, operatorId, {
      reference: relatedReference,
      playerId,
      type: 'bet',
      asset: amount.asset,
      amount: amount.minor,
      relatedReference: null,
      status: 'tombstone',
      parts: { cash: '0', bonus: '0' },
      createdAt: new Date(deps.clock.nowMs()),
    })
    return { status: 'posted', cash: 0n, bonus: 0n }
  }
  if (related.playerId !== playerId || related.type === 'rollback') {
    throw new Fault('related_not_found', 'There is no such transaction of this player to roll back.')
  }
  if (related.asset !== amount.asset)
    throw new Fault('currency_mismatch', 'A rollback is in the currency of what it reverses.')
  if (related.amount !== amount.minor)
    throw new Fault('conflict', 'A rollback is of the whole amount that it reverses.')
  // Rolled back already, or before it came: nothing more to move.
  if (related.status !== 'posted') return { status: 'posted', cash: 0n, bonus: 0n }
  await markRolledBack(tx, operatorId, relatedReference)
  const [cash, bonus] = [BigInt(related.parts.cash), BigInt(related.parts.bonus)]
  const original = originalOf(related, { asset: amount.asset, minor: cash }, { asset: amount.asset, minor: bonus })
  return { posting: rolledBack({ reference, original }), status: 'posted', cash, bonus }
}

function originalOf({ type, reference, playerId }: TransactionRow, cash: Money, bonus: Money): Posting {
  if (type === 'bet') return betPlaced({ reference, player: playerId, cash, bonus })
  if (type === 'win') return winPaid({ reference, player: playerId, amount: cash })
  if (type === 'bonus_grant') return bonusGranted({ reference, player: playerId, amount: bonus })
  if (type === 'bonus_convert') return bonusConverted({ reference, player: playerId, amount: bonus })
  return bonusForfeited({ reference, player: playerId, amount: bonus })
}
