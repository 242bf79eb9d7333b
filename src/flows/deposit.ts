import { assetByCode } from '../core/currencies.ts'
import type { DeclineCode } from '../core/decline.ts'
import { Fault } from '../core/errors.ts'
import { brokenLimit } from '../core/limits.ts'
import type { ChargeMethod } from '../core/method.ts'
import type { Money } from '../core/money.ts'
import { presentDeposit } from '../core/present.ts'
import { type AttemptRow, startAttempt } from '../db/attempts.ts'
import type { CardKnown } from '../db/cards.ts'
import type { Tx } from '../db/client.ts'
import { getConnection } from '../db/connections.ts'
import { announce } from '../db/events.ts'
import { insertReservation, limitUses } from '../db/limits.ts'
import { depositsSoFar, findPaymentByRun, insertPayment, type PaymentRow } from '../db/payments.ts'
import { activeExclusion, findPlayer, lockPlayer, type PlayerRow } from '../db/players.ts'
import type { Plan, RouteFacts } from '../router/plan.ts'
import { recordPlan } from '../router/records.ts'
import type { ConnectionRef, Deps } from './deps.ts'
import {
  type CardToSave,
  chargeMethodOf,
  holdCard,
  type InstrumentRef,
  prepareCard,
  resolveInstrument,
} from './instruments.ts'
import { cardInPlan, knownCard } from './remember-card.ts'
import { chargeOf } from './requests.ts'
import { settle } from './settle.ts'

/** A deposit as an operator asks for it. */
export type DepositOrder = {
  readonly operatorId: string
  readonly requestedBy: string
  readonly runId: string
  readonly playerId: string
  readonly amount: Money
  readonly method: ChargeMethod | InstrumentRef
  /** Saves the card when the deposit succeeds. */
  readonly save?: boolean
  readonly reference: string
  readonly returnUrl: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly client: { ip?: string; user_agent?: string } | null
}

/** An order whose instrument is known: saved before, to be saved, or none. */
type Resolved = Omit<DepositOrder, 'method'> & {
  readonly method: ChargeMethod
  readonly instrumentId: string | null
  readonly toSave: CardToSave | null
}

type Begun =
  | { readonly kind: 'stands'; readonly payment: PaymentRow }
  | { readonly kind: 'goes'; readonly payment: PaymentRow; readonly attempt: AttemptRow; readonly player: PlayerRow }

/**
 * Takes a deposit: checks, plan, attempt committed before its call, call, `settle`; then the next attempt while that is
 * safe. Answers with the deposit as it stands when there is nothing more to be done now. Throws a `Fault` for what the
 * operator can mend; a decline is an answer, not a fault.
 */
export async function deposit(deps: Deps, order: DepositOrder): Promise<PaymentRow> {
  const begun = await begin(deps, order)
  if (begun.kind === 'stands') return begun.payment
  let { payment, attempt } = begun
  for (;;) {
    const connection = await deps.db.tx(order.operatorId, (tx) =>
      getConnection(tx, order.operatorId, attempt.connectionId),
    )
    const outcome = await charge(deps, connection, chargeOf(deps, payment, attempt, begun.player))
    const settled = await settle(deps, {
      operatorId: order.operatorId,
      attempt,
      outcome,
      source: 'answer',
    })
    if (settled.subject.flow === 'refund') return payment
    payment = settled.subject.row
    // The cascade is bounded by nextStep: four attempts and thirty seconds.
    if (settled.next === undefined) return payment
    attempt = settled.next
  }
}

/** A connection that vanished between plan and call was never called. */
function charge(
  deps: Deps,
  connection: ConnectionRef | undefined,
  request: Parameters<Deps['processors']['charge']>[1],
) {
  if (connection === undefined) return Promise.resolve({ kind: 'not_sent', reason: 'connect_failed' } as const)
  return deps.processors.charge(connection, request)
}

async function begin(deps: Deps, order: DepositOrder): Promise<Begun> {
  const { operatorId } = order
  const nowMs = deps.clock.nowMs()
  const { payment, player, deposits, seenCard } = await deps.db.tx(operatorId, async (tx) => {
    const [payment, player, deposits] = await Promise.all([
      // The same key again after a crash: what it began stands, and the look-up jobs carry it on.
      findPaymentByRun(tx, operatorId, order.runId),
      findPlayer(tx, operatorId, order.playerId),
      depositsSoFar(tx, operatorId, order.playerId),
    ])
    return { payment, player, deposits, seenCard: await knownCard(tx, deps.cipher, order, nowMs) }
  })
  if (payment !== undefined) return { kind: 'stands', payment }
  if (player === undefined) throw playerNotFound()
  const { card = seenCard, ...resolved } = await resolve(deps, order, nowMs)
  const facts = { ...factsOf(resolved, player, deposits, nowMs), ...cardFacts(resolved, card) }
  const plan = await deps.routing.planFor(operatorId, facts)
  return deps.db.tx(operatorId, (tx) => admit(tx, deps, resolved, { plan, facts }))
}

async function resolve(deps: Deps, order: DepositOrder, nowMs: number): Promise<Resolved & { card?: CardKnown }> {
  const { operatorId, playerId, method, save = false } = order
  if (method.type === 'instrument') {
    return deps.db.tx(operatorId, async (tx) => {
      const { row, destination } = await resolveInstrument(tx, deps.cipher, operatorId, playerId, method)
      const resolved = { ...order, method: chargeMethodOf(destination), instrumentId: row.id, toSave: null }
      const card = await knownCard(tx, deps.cipher, resolved, nowMs)
      return { ...resolved, ...(card && { card }) }
    })
  }
  const toSave = save && method.type === 'card' ? await prepareCard(deps, operatorId, method.token) : null
  return { ...order, method, instrumentId: null, toSave }
}

/** The ladder of checks under the player's lock; after the line it must succeed. */
async function admit(
  tx: Tx,
  deps: Deps,
  order: Resolved,
  { plan, facts }: { plan: Plan; facts: RouteFacts },
): Promise<Begun> {
  const { operatorId, playerId, amount } = order
  const now = new Date(deps.clock.nowMs())
  const player = await lockPlayer(tx, operatorId, playerId)
  if (player === undefined) throw playerNotFound()
  const [before, exclusion, uses] = await Promise.all([
    // A process that slept since it looked finds here what was done in its place.
    findPaymentByRun(tx, operatorId, order.runId),
    activeExclusion(tx, operatorId, playerId, now),
    limitUses(tx, operatorId, playerId, amount.asset, now),
  ])
  if (before !== undefined) return { kind: 'stands', payment: before }
  if (player.amlStatus === 'frozen') throw new Fault('aml_hold', 'This player can not deposit at present.')
  if (exclusion) throw new Fault('self_excluded', 'The player is excluded from gambling; no deposit is taken.')
  const broken = brokenLimit(uses, amount.minor)
  if (broken) {
    throw new Fault(
      'limit_exceeded',
      `The deposit would pass the player's ${broken.metric} limit per ${broken.period}.`,
      {
        members: { limit_id: broken.id },
      },
    )
  }

  // From here it must succeed.
  const payment = await store(tx, deps, order, plan)
  await recordPlan(tx, operatorId, { paymentId: payment.id, facts, plan, newId: deps.newId })
  const [first] = plan.route
  if (first === undefined) {
    await announce(tx, operatorId, {
      type: 'deposit.declined',
      resourceId: payment.id,
      data: presentDeposit(payment),
      at: now,
      newId: deps.newId,
    })
    return { kind: 'stands', payment }
  }
  const reservation = {
    id: deps.newId('reservation'),
    playerId,
    paymentId: payment.id,
    asset: amount.asset,
    amount: amount.minor,
  }
  await insertReservation(tx, operatorId, reservation, now)
  const attempt = await startAttempt(tx, operatorId, {
    id: deps.newId('attempt'),
    flow: 'deposit',
    subjectId: payment.id,
    connectionId: first.connectionId,
    processor: first.processor,
    asset: amount.asset,
    amount: amount.minor,
    startedAt: now,
    timeoutMs: deps.processors.facts(first.processor)?.timeoutMs ?? 0,
  })
  return { kind: 'goes', payment, attempt, player }
}

async function store(tx: Tx, deps: Deps, order: Resolved, plan: Plan): Promise<PaymentRow> {
  const routed = plan.route.length > 0
  const { operatorId, playerId, toSave } = order
  const saves = routed && toSave !== null
  const stored = await insertPayment(tx, order.operatorId, {
    id: deps.newId('deposit'),
    direction: 'deposit',
    playerId: order.playerId,
    asset: order.amount.asset,
    amount: order.amount.minor,
    status: routed ? 'processing' : 'declined',
    reference: order.reference,
    methodType: order.method.type,
    method: order.method,
    instrumentId: saves ? await holdCard(tx, operatorId, playerId, toSave) : order.instrumentId,
    saveInstrument: saves,
    destinationSealed: null,
    destinationMasked: null,
    destinationFingerprint: null,
    checks: null,
    returnUrl: order.returnUrl,
    metadata: { ...order.metadata },
    client: order.client,
    decline: routed ? null : { code: refusalOf(plan) },
    decision: plan,
    rulesetVersion: plan.rulesetVersion,
    ruleId: plan.ruleId,
    runId: order.runId,
    requestedBy: order.requestedBy,
  })
  if (stored.kind === 'stored') return stored.row
  throw new Fault('duplicate_reference', 'This reference belongs to another payment of yours.', {
    members: { resource_id: stored.id },
  })
}

/** What is known of a card, where the deposit is by one. */
const cardFacts = ({ method }: Resolved, card: CardKnown | undefined) =>
  method.type === 'card' ? cardInPlan(card, method.hint) : {}

/** The code of a deposit that no account may take: its card's scheme, or anything else. */
const refusalOf = ({ leftOut }: Plan): DeclineCode =>
  leftOut.some(({ code }) => code === 'scheme_retry_blocked') ? 'scheme_retry_blocked' : 'no_route'

function factsOf(order: Resolved, player: PlayerRow, deposits: number, atMs: number): RouteFacts {
  const { method } = order
  return {
    direction: 'deposit',
    method: method.type,
    amount: order.amount,
    playerId: order.playerId,
    playerCountry: player.country ?? 'ZZ',
    ...(player.segment !== null && { segment: player.segment }),
    ...(player.licence !== null && { licence: player.licence }),
    firstDeposit: deposits === 0,
    depositsSoFar: deposits,
    ...(method.type === 'wallet' && { wallet: method.wallet }),
    ...(method.type === 'crypto' && { cryptoAsset: method.asset, network: method.network }),
    ...(method.type !== 'crypto' && networkOf(order.amount)),
    atMs,
  }
}

const networkOf = ({ asset }: Money): { network?: string } => {
  const network = assetByCode(asset)?.network
  return network === undefined ? {} : { network }
}

const playerNotFound = () =>
  new Fault('player_not_found', 'There is no player with this player_id; PUT /v1/players/{player_id} first.')
