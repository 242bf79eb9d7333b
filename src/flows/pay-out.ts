import { withdrawalReleased } from '../core/ledger/withdrawals.ts'
import { presentWithdrawal } from '../core/present.ts'
import { withdrawalPolicy } from '../core/settings.ts'
import { type ChainResult, walkChain } from '../core/withdrawal.ts'
import { type AttemptRow, startAttempt } from '../db/attempts.ts'
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
import { approvedReasons } from '../db/reviews.ts'
import type { Plan, RouteFacts } from '../router/plan.ts'
import { recordPlan } from '../router/records.ts'
import type { Deps } from './deps.ts'
import { holdForPeople } from './hold-withdrawal.ts'
import { cardInPlan, knownCard } from './remember-card.ts'
import { openDestination, payOutOf } from './requests.ts'
import { settle } from './settle.ts'

/**
 * Sends an approved withdrawal: walks the chain once more under the player's lock, commits the attempt, calls the
 * processor, settles. Goes to another processor only on proof that nothing left, or where the float was too low.
 */
export async function payOut(deps: Deps, operatorId: string, withdrawalId: string): Promise<void> {
  const seen = await deps.db.tx(operatorId, async (tx) => {
    const payment = await findPayment(tx, operatorId, withdrawalId)
    if (payment?.status !== 'approved') return undefined
    const { asset, amount: minor } = payment
    const order = { operatorId, amount: { asset, minor }, method: await openDestination(deps.cipher, payment) }
    return {
      payment,
      player: await findPlayer(tx, operatorId, payment.playerId),
      card: await knownCard(tx, deps.cipher, order, deps.clock.nowMs()),
    }
  })
  if (!seen?.player) return
  const facts = { ...factsOf(seen.payment, seen.player, deps.clock.nowMs()), ...cardInPlan(seen.card) }
  const plan = await deps.routing.planFor(operatorId, facts)
  const started = await deps.db.tx(operatorId, (tx) => start(tx, deps, operatorId, withdrawalId, { plan, facts }))
  if (started === undefined) return

  let { payment, attempt } = started
  for (;;) {
    const connection = await deps.db.tx(operatorId, (tx) => getConnection(tx, operatorId, attempt.connectionId))
    const outcome =
      connection === undefined
        ? ({ kind: 'not_sent', reason: 'connect_failed' } as const)
        : await deps.processors.payOut(connection, await payOutOf(deps, payment, attempt, started.player))
    const settled = await settle(deps, { operatorId, attempt, outcome, source: 'answer' })
    if (settled.subject.flow === 'refund') return
    payment = settled.subject.row
    // Where nothing left, settle has promised the next try already.
    if (settled.next === undefined) return
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
  const [first] = plan.route
  const reasons = chain.result === 'review' ? chain.reasons : [{ check: 'execute', code: 'no_route' }]
  if (chain.result === 'review' || first === undefined) {
    await holdForPeople(tx, deps, payment, reasons, chain.checks)
    return undefined
  }

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

const notice = (tx: Tx, deps: Deps, type: string, row: PaymentRow, at: Date): Promise<void> =>
  announce(tx, row.operatorId, { type, resourceId: row.id, data: presentWithdrawal(row), at, newId: deps.newId })

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
