import type { DisputeNews } from '../adapters/contract.ts'
import { decidingWord, standing } from '../core/dispute.ts'
import { cash, debt } from '../core/ledger/chart.ts'
import { duplicateKey } from '../core/ledger/deposits.ts'
import { chargebackReceived, disputeLossUndone, disputeLost, disputeWon } from '../core/ledger/disputes.ts'
import type { AccountCode } from '../core/ledger/posting.ts'
import type { Money } from '../core/money.ts'
import { presentDispute } from '../core/present.ts'
import { type AttemptRow, findAttempt } from '../db/attempts.ts'
import type { Tx } from '../db/client.ts'
import { addNews, type DisputeRow, findDispute, newsOf, openDispute, updateDispute } from '../db/disputes.ts'
import { announce } from '../db/events.ts'
import { balances, postIn, postingByKey } from '../db/ledger.ts'
import { addChargedBack, lockPayment } from '../db/payments.ts'
import { closeReviews, openReview } from '../db/reviews.ts'
import type { Deps } from './deps.ts'

/** What became of a word on a dispute. `too_early`: its deposit isn't known as captured yet. */
export type Heard =
  | { readonly kind: 'applied' | 'ignored' | 'too_early' }
  | { readonly kind: 'quarantined'; readonly why: string }

type Dispute = Pick<Deps, 'db' | 'clock' | 'newId' | 'newUuid'>

/** Its money was captured, so it can be disputed. */
const CAPTURED: ReadonlySet<string> = new Set(['succeeded', 'late_success', 'returned'])

/**
 * Records what a processor told of a dispute and moves the money to where all that was told says it is: out of the
 * player's cash when the bank took it, back when the dispute was won. Each word counts once, in whatever order it
 * came. What doesn't fit the deposit moves nothing, and people are asked.
 */
export const hearDispute = (deps: Dispute, attempt: AttemptRow, news: DisputeNews): Promise<Heard> =>
  deps.db.tx(attempt.operatorId, (tx) => hear(tx, deps, attempt, news))

async function hear(tx: Tx, deps: Dispute, { operatorId, id: attemptId, subjectId }: AttemptRow, news: DisputeNews) {
  const { reference, stage, status } = news
  const now = new Date(deps.clock.nowMs())
  const deposit = await lockPayment(tx, operatorId, subjectId)
  const attempt = await findAttempt(tx, operatorId, attemptId)
  if (!deposit || !attempt || deposit.direction !== 'deposit' || !CAPTURED.has(attempt.status)) {
    return { kind: 'too_early' } as const
  }
  const { asset, minor: amount } = news.amount
  const { playerId } = deposit
  const { connectionId } = attempt
  const whose = { depositId: deposit.id, attemptId, connectionId, playerId, reference }
  const made = { id: deps.newId('dispute'), ...whose, asset, amount, stage, status }
  const before = await openDispute(tx, operatorId, made)
  const fresh = await addNews(tx, operatorId, { disputeId: before.id, stage, status, asset, amount, at: now })
  const words = await newsOf(tx, operatorId, before.id)
  if (!fresh) {
    const same = words.find((word) => word.stage === stage && word.status === status)
    if (same?.asset === asset && same.amount === amount) return { kind: 'ignored' } as const
  }

  const stands = standing(words)
  const change = { stage: stands.stage, status: stands.status, amount: stands.amount }
  const named = await updateDispute(tx, operatorId, before.id, change)
  const moved = fresh ? await moveMoney(tx, deps, named, decidingWord(words)) : ({ why: 'amount_mismatch' } as const)
  const row = 'why' in moved ? named : moved.row
  if ('why' in moved) await askPeople(tx, deps, row, moved.why, 1)
  if (row.status === 'lost' && before.status !== 'lost' && row.owed > 0n) await askPeople(tx, deps, row, 'lost', 2)
  const changed = row.stage !== before.stage || row.status !== before.status || row.rounds !== before.rounds
  if (changed || before.sequence === 0) {
    const type = noticeOf(row, before)
    await announce(tx, operatorId, { type, resourceId: row.id, data: presentDispute(row), at: now, newId: deps.newId })
  }
  return 'why' in moved ? ({ kind: 'quarantined', why: moved.why } as const) : ({ kind: 'applied' } as const)
}

function noticeOf({ status }: DisputeRow, before: DisputeRow): string {
  const isNew = before.sequence === 0
  if (status === 'won' && (isNew || before.status !== status)) return 'dispute.won'
  if (status === 'lost' && (isNew || before.status !== status)) return 'dispute.lost'
  return isNew ? 'dispute.opened' : 'dispute.updated'
}

type Moved = { readonly row: DisputeRow } | { readonly why: string }

/** Takes the money or gives it back, if it isn't where the deciding word says. */
async function moveMoney(
  tx: Tx,
  deps: Dispute,
  row: DisputeRow,
  decided: { readonly status: string; readonly asset: string; readonly amount: bigint } | undefined,
): Promise<Moved> {
  const isTaken = row.taken > 0n
  if (decided === undefined || isTaken === (decided.status !== 'won')) return { row }
  if (decided.asset !== row.asset) return { why: 'currency_mismatch' }
  return isTaken ? giveBack(tx, deps, row, decided.amount) : take(tx, deps, row, decided.amount)
}

async function take(tx: Tx, deps: Dispute, before: DisputeRow, minor: bigint): Promise<Moved> {
  const { operatorId, depositId, attemptId, asset } = before
  const amount = { asset, minor }
  const deposit = await lockPayment(tx, operatorId, depositId)
  const attempt = await findAttempt(tx, operatorId, attemptId)
  if (deposit?.asset !== asset) return { why: 'currency_mismatch' }
  // What the player never got, or has given back already, isn't taken from the player.
  const suspended = await postingByKey(tx, operatorId, duplicateKey(depositId, attemptId))
  if (suspended !== null || attempt?.status === 'returned') return { why: 'not_credited' }

  const rounds = before.rounds + 1
  const availableCash = await balanceOf(tx, before, cash(before.playerId))
  await postIn(tx, operatorId, chargebackReceived({ ...partsOf({ ...before, rounds }), amount, availableCash }), deps)
  const owed = minor > availableCash.minor ? minor - availableCash.minor : 0n
  // A refunded deposit can be charged back all the same: it has happened, so it is posted whole, and people hear of it.
  const counted = await addChargedBack(tx, operatorId, depositId, minor)
  const row = await updateDispute(tx, operatorId, before.id, { taken: minor, owed, borne: 0n, counted, rounds })
  await askPeople(tx, deps, row, counted < minor ? 'exceeds_captured' : 'chargeback', 1)
  return { row }
}

async function giveBack(tx: Tx, deps: Dispute, before: DisputeRow, minor: bigint): Promise<Moved> {
  const { operatorId, id, depositId, asset, taken, owed, borne, counted } = before
  if (minor !== taken) return { why: 'amount_mismatch' }
  const parts = partsOf(before)
  if (borne > 0n) await postIn(tx, operatorId, disputeLossUndone({ ...parts, amount: { asset, minor: borne } }), deps)
  const { minor: owes } = await balanceOf(tx, before, debt(before.playerId))
  const outstandingDebt = { asset, minor: owes < owed ? owes : owed }
  await postIn(tx, operatorId, disputeWon({ ...parts, amount: { asset, minor }, outstandingDebt }), deps)
  await addChargedBack(tx, operatorId, depositId, -counted)
  await closeReviews(tx, operatorId, id, new Date(deps.clock.nowMs()))
  return { row: await updateDispute(tx, operatorId, id, { taken: 0n, owed: 0n, borne: 0n, counted: 0n }) }
}

/** The house bears what the player still owes of a lost dispute: people said that it can't be collected. Call with the deposit locked. */
export async function bearLoss(tx: Tx, deps: Dispute, operatorId: string, disputeId: string): Promise<void> {
  const row = await findDispute(tx, operatorId, disputeId)
  if (row?.status !== 'lost' || row.borne > 0n) return
  const { asset, owed } = row
  const { minor: owes } = await balanceOf(tx, row, debt(row.playerId))
  const borne = owes < owed ? owes : owed
  if (borne === 0n) return
  await postIn(tx, operatorId, disputeLost({ ...partsOf(row), amount: { asset, minor: borne } }), deps)
  await updateDispute(tx, operatorId, disputeId, { borne })
}

/** What the postings of one taking share: each round has keys of its own. */
const partsOf = ({ id, playerId, connectionId, rounds }: DisputeRow) => ({
  dispute: rounds === 1 ? id : `${id}.${rounds}`,
  player: playerId,
  connection: connectionId,
})

async function balanceOf(tx: Tx, { operatorId, asset }: DisputeRow, code: AccountCode): Promise<Money> {
  const [balance] = await balances(tx, operatorId, [code], asset)
  return { asset, minor: balance?.available ?? 0n }
}

const askPeople = (tx: Tx, deps: Dispute, row: DisputeRow, code: string, approvalsNeeded: number): Promise<void> =>
  openReview(tx, row.operatorId, {
    id: deps.newId('review'),
    subjectId: row.id,
    kind: 'dispute',
    reasons: [{ check: 'dispute', code }],
    approvalsNeeded,
    requestedBy: 'system',
    editedBy: null,
  })
