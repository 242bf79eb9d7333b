import { withdrawalReleased } from '../core/ledger/withdrawals.ts'
import { presentWithdrawal } from '../core/present.ts'
import { withdrawalPolicy } from '../core/settings.ts'
import { type ChainResult, walkChain } from '../core/withdrawal.ts'
import { type AttemptRow, countRounds, startAttempt } from '../db/attempts.ts'
import type { Tx } from '../db/client.ts'
import { getConnection } from '../db/connections.ts'
import { announce } from '../db/events.ts'
import { postIn } from '../db/ledger.ts'
import { operatorSettings } from '../db/operators.ts'
import {
  destinationHistory,
  findPayment,
  lockPayment,
  type PaymentRow,
  setDecision,
  updatePayment,
} from '../db/payments.ts'
import { activeExclusion, findPlayer, lockPlayer, type PlayerRow } from '../db/players.ts'
import { approvedReasons, openReview } from '../db/reviews.ts'
import type { Plan, RouteFacts } from '../router/plan.ts'
import { recordPlan } from '../router/records.ts'
import type { Deps } from './deps.ts'
import { openDestination, payOutOf } from './requests.ts'
import { settle } from './settle.ts'

/** When to try again, ms since 1970; absent: the payout is on its way, done, refused or with people. */
export type PaidOut = { readonly againAtMs?: number }

/** When a payout that could not leave (processors down) is tried again; after the last one people look. Closer together at first: most outages are short. */
const RETRY_MS = [30_000, 2 * 60_000, 10 * 60_000, 30 * 60_000, 3_600_000, 3 * 3_600_000, 6 * 3_600_000, 12 * 3_600_000]

/**
 * Sends an approved withdrawal: walks the chain once more under the player's lock, commits the attempt, calls the
 * processor, settles. Goes to another processor only on proof that nothing left, or where the float was too low.
 */
export async function payOut(deps: Deps, operatorId: string, withdrawalId: string): Promise<PaidOut> {
  const seen = await deps.db.tx(operatorId, async (tx) => {
    const payment = await findPayment(tx, operatorId, withdrawalId)
    return { payment, player: payment && (await findPlayer(tx, operatorId, payment.playerId)) }
  })
  if (!seen.payment || !seen.player || seen.payment.status !== 'approved') return {}
  const facts = factsOf(seen.payment, seen.player, deps.clock.nowMs())
  const plan = await deps.routing.planFor(operatorId, facts)
  const started = await deps.db.tx(operatorId, (tx) => start(tx, deps, operatorId, withdrawalId, { plan, facts }))
  if (started === undefined) return {}

  let { payment, attempt } = started
  for (;;) {
    const connection = await deps.db.tx(operatorId, (tx) => getConnection(tx, operatorId, attempt.connectionId))
    const outcome =
      connection === undefined
        ? ({ kind: 'not_sent', reason: 'connect_failed' } as const)
        : await deps.processors.payOut(connection, await payOutOf(deps, payment, attempt, started.player))
    const settled = await settle(deps, { operatorId, attemptId: attempt.id, outcome, source: 'answer' })
    if (settled.kind === 'unknown_attempt' || settled.subject.flow === 'refund') return {}
    payment = settled.subject.row
    if (settled.next === undefined) return payment.status === 'approved' ? retry(deps, payment) : {}
    attempt = settled.next
  }
}

type Started = { readonly payment: PaymentRow; readonly attempt: AttemptRow; readonly player: PlayerRow }

/** The execute step: everything is looked at again, because minutes or days may have passed since it was approved. */
async function start(
  tx: Tx,
  deps: Deps,
  operatorId: string,
  id: string,
  { plan, facts }: { plan: Plan; facts: RouteFacts },
): Promise<Started | undefined> {
  const seen = await findPayment(tx, operatorId, id)
  const player = seen && (await lockPlayer(tx, operatorId, seen.playerId))
  const payment = await lockPayment(tx, operatorId, id)
  if (!player || payment?.status !== 'approved') return undefined
  const now = new Date(deps.clock.nowMs())
  const chain = await walkAgain(tx, deps, payment, player, now)
  if (chain.result === 'failed') return refuse(tx, deps, payment, chain, now)
  if (chain.result === 'review') return hold(tx, deps, payment, chain.reasons, chain, now)
  const [first] = plan.route
  if (first === undefined) return hold(tx, deps, payment, [{ check: 'execute', code: 'no_route' }], chain, now)

  // From here it must succeed.
  await setDecision(tx, operatorId, id, plan)
  await recordPlan(tx, operatorId, { paymentId: id, facts, plan, newId: deps.newId })
  const approved = await updatePayment(tx, operatorId, id, { status: 'processing', checks: chain.checks })
  const attempt = await startAttempt(tx, operatorId, {
    id: deps.newId('attempt'),
    flow: 'withdrawal',
    subjectId: id,
    connectionId: first.connectionId,
    processor: first.processor,
    asset: payment.asset,
    amount: payment.amount,
    startedAt: now,
    timeoutMs: deps.processors.facts(first.processor)?.timeoutMs ?? 0,
  })
  return { payment: approved, attempt, player }
}

async function walkAgain(tx: Tx, deps: Deps, payment: PaymentRow, player: PlayerRow, now: Date): Promise<ChainResult> {
  const { operatorId, asset, amount } = payment
  const destination = await openDestination(deps.cipher, payment)
  const verdict = deps.checkDestination(destination)
  const settings = await operatorSettings(tx, operatorId)
  const history = await destinationHistory(tx, operatorId, player.id, payment.destinationFingerprint ?? '')
  return walkChain(
    {
      caller: { mayWithdraw: true },
      player,
      amount: { asset, minor: amount },
      // Its money is on hold already; what is left in cash says nothing about it.
      available: null,
      wholeBalance: true,
      exclusion: (await activeExclusion(tx, operatorId, player.id, now)) ?? null,
      destination: {
        problem: verdict.kind === 'invalid' ? verdict.code : null,
        holder: destination.type === 'bank' ? destination.name : null,
        ...history,
      },
      policy: { ...withdrawalPolicy(settings, asset, player.licence), minimum: 0n },
    },
    now,
    { execute: true, approved: await approvedReasons(tx, operatorId, payment.id) },
  )
}

async function refuse(tx: Tx, deps: Deps, payment: PaymentRow, { checks }: ChainResult, now: Date): Promise<undefined> {
  const { operatorId, id, playerId, asset, amount } = payment
  const released = withdrawalReleased({ withdrawal: id, player: playerId, amount: { asset, minor: amount } })
  await postIn(tx, operatorId, released, deps)
  const row = await updatePayment(tx, operatorId, id, { status: 'rejected', checks })
  await notice(tx, deps, 'withdrawal.rejected', row, now)
}

async function hold(
  tx: Tx,
  deps: Deps,
  payment: PaymentRow,
  reasons: readonly { check: string; code: string }[],
  { checks }: ChainResult,
  now: Date,
): Promise<undefined> {
  const { operatorId, id, playerId } = payment
  const row = await updatePayment(tx, operatorId, id, { status: 'held', checks })
  await openReview(tx, operatorId, {
    id: deps.newId('review'),
    subjectId: id,
    kind: 'withdrawal',
    reasons: [...reasons],
    approvalsNeeded: 1,
    requestedBy: `player:${playerId}`,
    editedBy: null,
  })
  await notice(tx, deps, 'withdrawal.held', row, now)
}

const notice = (tx: Tx, deps: Deps, type: string, row: PaymentRow, at: Date): Promise<void> =>
  announce(tx, row.operatorId, { type, resourceId: row.id, data: presentWithdrawal(row), at, newId: deps.newId })

/** Nothing left: the payout waits, on hold, for a processor to come back. */
async function retry(deps: Deps, payment: PaymentRow): Promise<PaidOut> {
  const { operatorId, id } = payment
  return deps.db.tx(operatorId, async (tx) => {
    const waitMs = RETRY_MS[await countRounds(tx, operatorId, id)]
    if (waitMs !== undefined) return { againAtMs: deps.clock.nowMs() + waitMs }
    const row = await lockPayment(tx, operatorId, id)
    if (row?.status !== 'approved') return {}
    const chain: ChainResult = { result: 'review', checks: row.checks ?? [], reasons: [] }
    await hold(
      tx,
      deps,
      row,
      [{ check: 'execute', code: 'processors_unavailable' }],
      chain,
      new Date(deps.clock.nowMs()),
    )
    return {}
  })
}

function factsOf(payment: PaymentRow, player: PlayerRow, atMs: number) {
  return {
    direction: 'withdrawal',
    method: payment.methodType,
    amount: { asset: payment.asset, minor: payment.amount },
    playerId: player.id,
    playerCountry: player.country ?? 'ZZ',
    ...(player.segment !== null && { segment: player.segment }),
    ...(player.licence !== null && { licence: player.licence }),
    atMs,
  } as const
}
