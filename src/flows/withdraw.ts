import { CODES, Fault } from '../core/errors.ts'
import { withdrawalHeld } from '../core/ledger/withdrawals.ts'
import { type Destination, maskedOf } from '../core/method.ts'
import type { Money } from '../core/money.ts'
import { presentWithdrawal } from '../core/present.ts'
import { withdrawalPolicy } from '../core/settings.ts'
import { type ChainResult, walkChain } from '../core/withdrawal.ts'
import type { Tx } from '../db/client.ts'
import { announce } from '../db/events.ts'
import { enqueueJob } from '../db/jobs.ts'
import { balances, postIn } from '../db/ledger.ts'
import { operatorSettings } from '../db/operators.ts'
import { destinationHistory, findPaymentByRun, insertPayment, type PaymentRow } from '../db/payments.ts'
import { activeExclusion, lockPlayer } from '../db/players.ts'
import { openReview } from '../db/reviews.ts'
import type { Deps, DestinationVerdict } from './deps.ts'
import { type InstrumentRef, resolveInstrument } from './instruments.ts'
import { sealDestination } from './requests.ts'

/** A withdrawal as an operator asks for it. */
export type WithdrawalOrder = {
  readonly operatorId: string
  readonly requestedBy: string
  readonly runId: string
  readonly playerId: string
  readonly amount: Money
  readonly destination: Destination | InstrumentRef
  readonly reference: string
  readonly metadata: Readonly<Record<string, string>>
  readonly client: { ip?: string; user_agent?: string } | null
  readonly mayWithdraw: boolean
}

type Prepared = {
  readonly id: string
  readonly destination: Destination
  /** The saved instrument that it goes to, when it was named by that. */
  readonly instrumentId: string | null
  readonly verdict: DestinationVerdict
  readonly sealed: string
  readonly fingerprint: string
}

/**
 * Asks for a payout: walks the validation chain under the player's lock and puts the money on hold in the same
 * transaction. Answers with the withdrawal, approved or held for people; a refusal is stored with its verdicts and
 * thrown as the `Fault` of the check that failed.
 */
export async function withdraw(deps: Deps, order: WithdrawalOrder): Promise<PaymentRow> {
  // The same key again after a crash: what it began stands, whatever has become of the instrument since.
  const begun = await deps.db.tx(order.operatorId, (tx) => findPaymentByRun(tx, order.operatorId, order.runId))
  if (begun !== undefined) return begun
  const prepared = await prepare(deps, order)
  const { payment, chain } = await deps.db.tx(order.operatorId, (tx) => admit(tx, deps, order, prepared))
  for (const { name, status } of chain?.checks ?? []) {
    deps.metrics.count('paycage_withdrawal_checks_total', { check: name, result: status })
  }
  if (payment.status === 'rejected') throw refusalOf(payment)
  return payment
}

/** What needs no lock: which account is meant, is it one at all, and its sealed form. */
async function prepare(deps: Deps, order: WithdrawalOrder): Promise<Prepared> {
  const { operatorId, playerId, destination: named } = order
  const id = deps.newId('withdrawal')
  const saved =
    named.type === 'instrument'
      ? await deps.db.tx(operatorId, (tx) => resolveInstrument(tx, deps.cipher, operatorId, playerId, named))
      : undefined
  const destination = named.type === 'instrument' ? saved?.destination : named
  if (destination === undefined) throw new Error('an instrument was resolved to nothing')
  const verdict = deps.checkDestination(destination)
  const normalized = verdict.kind === 'valid' ? verdict.normalized : destination
  const { sealed, fingerprint } = await sealDestination(deps.cipher, operatorId, id, normalized)
  return {
    id,
    destination,
    instrumentId: saved?.row.id ?? null,
    verdict,
    sealed,
    // A card has the processor's fingerprint, which its token doesn't show.
    fingerprint: saved?.row.fingerprint ?? fingerprint,
  }
}

async function admit(
  tx: Tx,
  deps: Deps,
  order: WithdrawalOrder,
  prepared: Prepared,
): Promise<{ payment: PaymentRow; chain?: ChainResult }> {
  const { operatorId, playerId, amount } = order
  const now = new Date(deps.clock.nowMs())
  const player = await lockPlayer(tx, operatorId, playerId)
  if (player === undefined) {
    throw new Fault('player_not_found', 'There is no player with this player_id; PUT /v1/players/{player_id} first.')
  }
  const [before, [balance], exclusion = null, settings, history] = await Promise.all([
    findPaymentByRun(tx, operatorId, order.runId),
    balances(tx, operatorId, [`player:${playerId}:cash`], amount.asset),
    activeExclusion(tx, operatorId, playerId, now),
    operatorSettings(tx, operatorId),
    destinationHistory(tx, operatorId, playerId, prepared.fingerprint),
  ])
  if (before !== undefined) return { payment: before }

  const available = balance?.available ?? 0n
  const { verdict } = prepared
  const chain = walkChain(
    {
      caller: { mayWithdraw: order.mayWithdraw },
      player,
      amount,
      available: { asset: amount.asset, minor: available },
      wholeBalance: amount.minor === available,
      exclusion,
      destination: {
        problem: verdict.kind === 'invalid' ? verdict.code : null,
        holder: prepared.destination.type === 'bank' ? prepared.destination.name : null,
        ...history,
      },
      policy: withdrawalPolicy(settings, amount.asset, player.licence),
    },
    now,
    { execute: false, approved: new Set() },
  )

  // From here it must succeed.
  const payment = await store(tx, order, prepared, chain)
  if (chain.result === 'failed') return { payment, chain }
  await postIn(tx, operatorId, withdrawalHeld({ withdrawal: payment.id, player: playerId, amount }), deps)
  if (chain.result === 'review') {
    await openReview(tx, operatorId, {
      id: deps.newId('review'),
      subjectId: payment.id,
      kind: 'withdrawal',
      reasons: chain.reasons.map(({ check, code }) => ({ check, code })),
      approvalsNeeded: chain.reasons.some(({ code }) => code === 'large_payout') ? 2 : 1,
      // The player asked for it; the client is only the operator's voice, and may decide with the right scope.
      requestedBy: `player:${playerId}`,
      editedBy: null,
    })
  } else {
    await enqueueJob(tx, { kind: 'pay_out', operatorId, subject: payment.id, runAtMs: now.getTime() })
  }
  await announce(tx, operatorId, {
    type: chain.result === 'review' ? 'withdrawal.held' : 'withdrawal.approved',
    resourceId: payment.id,
    data: presentWithdrawal(payment),
    at: now,
    newId: deps.newId,
  })
  return { payment, chain }
}

const STATUS = { passed: 'approved', review: 'held', failed: 'rejected' } as const

async function store(
  tx: Tx,
  order: WithdrawalOrder,
  { id, destination, instrumentId, verdict, sealed, fingerprint }: Prepared,
  chain: ChainResult,
): Promise<PaymentRow> {
  const stored = await insertPayment(tx, order.operatorId, {
    id,
    direction: 'withdrawal',
    playerId: order.playerId,
    asset: order.amount.asset,
    amount: order.amount.minor,
    status: STATUS[chain.result],
    reference: order.reference,
    methodType: destination.type,
    method: null,
    instrumentId,
    saveInstrument: false,
    destinationSealed: sealed,
    destinationMasked: {
      ...maskedOf(destination, verdict.kind === 'valid' ? verdict.masked : null),
      ...(instrumentId !== null && { instrument_id: instrumentId }),
    },
    destinationFingerprint: fingerprint,
    checks: [...chain.checks],
    returnUrl: null,
    metadata: { ...order.metadata },
    client: order.client,
    decline: null,
    decision: null,
    rulesetVersion: null,
    ruleId: null,
    runId: order.runId,
    requestedBy: order.requestedBy,
  })
  if (stored.kind === 'stored') return stored.row
  throw new Fault('duplicate_reference', 'This reference belongs to another payment of yours.', {
    members: { resource_id: stored.id },
  })
}

const DETAIL: Readonly<Record<string, string>> = {
  forbidden: 'This caller may not withdraw for this player.',
  kyc_required: "The player's identity was rejected; no money is sent until it is verified.",
  insufficient_funds: "The amount is more than the player's available cash.",
  below_minimum: 'The amount is below the minimum withdrawal.',
  self_excluded: "The operator's policy blocks withdrawals during self-exclusion.",
  destination_invalid: 'Money can not be sent to this destination; check the account or address.',
}

/** The refusal by the stored verdicts, so that a request that is run again after a crash hears the same. */
function refusalOf({ id, checks }: PaymentRow): Fault {
  const refused = checks?.find(({ status }) => status === 'failed')
  const code = CODES.find((known) => known === refused?.code) ?? 'validation_failed'
  return new Fault(code, DETAIL[code] ?? 'The withdrawal was refused.', {
    members: { withdrawal_id: id, check: refused?.name ?? null, checks },
  })
}
