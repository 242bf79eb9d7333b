import { Fault } from '../core/errors.ts'
import { bonus, cash } from '../core/ledger/chart.ts'
import { rolledBack } from '../core/ledger/games.ts'
import type { PostResult } from '../core/ledger/port.ts'
import type { Posting } from '../core/ledger/posting.ts'
import {
  betParts,
  factsOf,
  PARTS,
  type Parts,
  type Play,
  partsOf,
  playKey,
  playPosting,
  sameRequest,
} from '../core/play.ts'
import { balances, buryIn, journalByKey, postingByKey } from '../db/ledger.ts'
import { findPlayer } from '../db/players.ts'
import type { Deps } from './deps.ts'

/** A move as an operator's game server asks for it. */
export type PlayOrder = Play & { readonly operatorId: string }

/** What came of it; `replayed` when it had been posted before. `buried`: a rollback came before its bet, which is refused from now on. */
export type Played = {
  readonly status: 'posted' | 'buried'
  readonly parts: Parts
  readonly at: Date
  readonly replayed: boolean
}

type Ports = Pick<Deps, 'db' | 'ledger' | 'newUuid' | 'clock'>

/** Another bet may take the cash between the look and the posting; after so many times the player has simply not enough. */
const MAX_SPLITS = 4

/**
 * Posts a bet, win, rollback or bonus move, once per reference. The posting is the only thing written, so it goes with
 * whatever others post at this moment, in one statement; its key makes a repeat harmless, and the ledger's own bounds
 * keep two bets at once from spending the same money.
 */
export async function play(deps: Ports, order: PlayOrder): Promise<Played> {
  return order.type === 'rollback' ? rollBack(deps, order) : move(deps, order, order.type)
}

async function move(deps: Ports, order: PlayOrder, type: Exclude<Play['type'], 'rollback'>): Promise<Played> {
  for (let split = 1; ; split += 1) {
    const parts =
      type === 'bet' ? await splitOf(deps, order) : await knownPlayer(deps, order, PARTS[type](order.amount.minor))
    const result = await deps.ledger.post(order.operatorId, playPosting(type, order, parts))
    if (result === 'posted') return { status: 'posted', parts, at: new Date(deps.clock.nowMs()), replayed: false }
    if (result === 'exists' || result === 'differs') return replay(deps, order)
    if (result !== 'insufficient_funds' || type !== 'bet' || split >= MAX_SPLITS) throw refusal(result)
  }
}

/** The same reference again is answered as before; with other content it is a mistake of the caller's. */
async function replay({ db }: Ports, order: PlayOrder): Promise<Played> {
  const { operatorId, reference } = order
  const journal = await db.tx(operatorId, (tx) => journalByKey(tx, operatorId, playKey(reference)))
  if (journal?.facts === undefined || !sameRequest(journal.facts, order)) {
    throw new Fault('duplicate_reference', 'This reference was used for another transaction.')
  }
  return { status: 'posted', parts: partsOf(journal.facts), at: journal.at, replayed: true }
}

async function splitOf({ db }: Ports, order: PlayOrder): Promise<Parts> {
  const { operatorId, playerId, amount, reference } = order
  return db.tx(operatorId, async (tx) => {
    if ((await findPlayer(tx, operatorId, playerId)) === undefined) throw noPlayer()
    const found = await balances(tx, operatorId, [cash(playerId), bonus(playerId)], amount.asset)
    const of = (code: string) => found.find((balance) => balance.code === code)?.available ?? 0n
    const before = await journalByKey(tx, operatorId, playKey(reference))
    // What was placed already is not placed again: its split is of then, whatever is left now.
    if (before?.facts !== undefined) return partsOf(before.facts)
    return betParts(amount.minor, { cash: of(cash(playerId)), bonus: of(bonus(playerId)) })
  })
}

async function knownPlayer({ db }: Ports, { operatorId, playerId }: PlayOrder, parts: Parts): Promise<Parts> {
  const player = await db.tx(operatorId, (tx) => findPlayer(tx, operatorId, playerId))
  if (player === undefined) throw noPlayer()
  return parts
}

/** Reverses a bet, win or bonus move exactly, once. One that hasn't come yet has its key buried, so that it is refused when it comes. */
async function rollBack(deps: Ports, order: PlayOrder): Promise<Played> {
  const { operatorId, relatedReference, amount } = order
  if (relatedReference === null) {
    throw new Fault('related_not_found', 'A rollback names the transaction that it reverses in related_reference.')
  }
  const key = playKey(relatedReference)
  const nothing = { cash: 0n, bonus: 0n }
  const found = await deps.db.tx(operatorId, async (tx) => {
    if ((await findPlayer(tx, operatorId, order.playerId)) === undefined) throw noPlayer()
    const journal = await journalByKey(tx, operatorId, key)
    if (journal === undefined && (await buryIn(tx, operatorId, key, deps)) === 'buried') return 'buried'
    return {
      journal: journal ?? (await journalByKey(tx, operatorId, key)),
      original: await postingByKey(tx, operatorId, key),
    }
  })
  const at = new Date(deps.clock.nowMs())
  if (found === 'buried') return { status: 'buried', parts: nothing, at, replayed: false }
  const { journal, original } = found
  if (original === null) return { status: 'buried', parts: nothing, at, replayed: true }
  if (journal?.facts === undefined || journal.facts.player !== order.playerId) {
    throw new Fault('related_not_found', 'There is no such transaction of this player to roll back.')
  }
  if (journal.facts.asset !== amount.asset) {
    throw new Fault('currency_mismatch', 'A rollback is in the currency of what it reverses.')
  }
  if (journal.facts.minor !== amount.minor.toString()) {
    throw new Fault('conflict', 'A rollback is of the whole amount that it reverses.')
  }
  const parts = partsOf(journal.facts)
  const result = await deps.ledger.post(operatorId, reversal(order, original, parts))
  if (result !== 'posted' && result !== 'exists') throw refusal(result)
  return { status: 'posted', parts, at, replayed: result === 'exists' }
}

function reversal(order: PlayOrder, original: Posting, parts: Parts): Posting {
  const posting = rolledBack({ reference: order.reference, original })
  return { ...posting, facts: { ...posting.facts, ...factsOf(order, parts) } }
}

const REFUSALS: Record<Exclude<PostResult, 'posted' | 'exists'>, () => Fault> = {
  insufficient_funds: () => new Fault('insufficient_funds', 'The player does not have that much.'),
  differs: () => new Fault('duplicate_reference', 'This reference was used for another transaction.'),
  buried: () => new Fault('rolled_back', 'This was rolled back before it came; it is not placed.'),
  closed: () => new Fault('illegal_state', "The player's account is closed."),
}
const refusal = (result: Exclude<PostResult, 'posted' | 'exists'>): Fault => REFUSALS[result]()

const noPlayer = () => new Fault('not_found', 'There is no such player.')
