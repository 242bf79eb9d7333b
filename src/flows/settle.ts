import type { Decline } from '../core/decline.ts'
import { declineOf, isNews, learnedFrom, phaseOf, reasonOf } from '../core/evidence.ts'
import { duplicateKey } from '../core/ledger/deposits.ts'
import { withdrawalSent, withdrawalUnsent } from '../core/ledger/withdrawals.ts'
import type { Outcome } from '../core/outcome.ts'
import { type AttemptStatus, advance, LIVE, nextLookUpMs, OPEN, type Said, WAITING } from '../core/payment.ts'
import { decisionOf, presentDeposit, presentRefund, presentWithdrawal } from '../core/present.ts'
import { type Effects, effectsOf, type Settling, TAKES_BACK } from '../core/settlement.ts'
import { type AttemptRow, attemptsOf, startAttempt, updateAttempt } from '../db/attempts.ts'
import type { Tx } from '../db/client.ts'
import { announce } from '../db/events.ts'
import { wakeParked } from '../db/inbound-webhooks.ts'
import { cancelJobs, enqueueJob } from '../db/jobs.ts'
import { balances, postedKeys, postIn } from '../db/ledger.ts'
import { decideReservation } from '../db/limits.ts'
import { addRefunded, addRefundedLate, lockPayment, type PaymentRow, updatePayment } from '../db/payments.ts'
import { lockPlayer } from '../db/players.ts'
import { lockRefund, type RefundRow, updateRefund } from '../db/refunds.ts'
import { closeReviews, openReview } from '../db/reviews.ts'
import { type CascadeInput, type DeclineOverride, type NextStep, nextStep } from '../router/cascade.ts'
import { declineOverrides, recordAttempt } from '../router/records.ts'
import type { Deps } from './deps.ts'
import { payOutLater } from './hold-withdrawal.ts'
import { keepInstrument } from './instruments.ts'
import { learnOfCard } from './remember-card.ts'

/** What somebody said of an attempt: the answer of the call, a webhook, a look-up, or people. `atMs`: the processor's own time of it. */
export type Told = Said & {
  readonly operatorId: string
  readonly attempt: Pick<AttemptRow, 'id' | 'flow' | 'subjectId'>
  readonly atMs?: number
}

/** What became of it. `next` is the attempt that follows at once, committed already and to be sent by the caller. */
export type Settled = {
  readonly kind: 'moved' | 'stays' | 'quarantined'
  readonly why?: string
  readonly status: AttemptStatus
  readonly subject: Subject
  readonly next?: AttemptRow
}

/** The payment or refund that an attempt belongs to. */
export type Subject =
  | { readonly flow: 'deposit' | 'withdrawal'; readonly row: PaymentRow }
  | { readonly flow: 'refund'; readonly row: RefundRow }

type Settle = Pick<Deps, 'db' | 'cipher' | 'clock' | 'newId' | 'newUuid' | 'log' | 'metrics' | 'processors'>

/**
 * The one door: whatever a processor said, by whatever way it came, enters the books here. One transaction moves the
 * attempt, the payment, the ledger, the notice and, where it is safe, commits the next attempt. Saying it twice, late
 * or out of order changes nothing.
 */
export async function settle(deps: Settle, told: Told): Promise<Settled> {
  const settled = await deps.db.tx(told.operatorId, (tx) => settleIn(tx, deps, told))
  report(deps, told, settled)
  return settled
}

/** What is told of a fact after it is committed. */
export function report(deps: Pick<Settle, 'log' | 'metrics'>, told: Told, settled: Settled): void {
  if (settled.kind === 'quarantined')
    deps.log.warn('fact_quarantined', { attempt_id: told.attempt.id, reason: settled.why })
  if (settled.kind === 'moved') measure(deps, settled.subject, settled.status)
}

/** `settle` inside the caller's transaction; `report` it once that is committed. */
export async function settleIn(tx: Tx, deps: Settle, told: Told): Promise<Settled> {
  const { operatorId, outcome } = told
  const subject = await lockSubject(tx, operatorId, told.attempt)
  // Read behind the lock, with those beside it: what the teller saw of it may be old.
  const before = await attemptsOf(tx, operatorId, told.attempt.subjectId)
  const attempt = before.find(({ id }) => id === told.attempt.id)
  if (attempt === undefined) throw new Error('an attempt that its payment does not have')
  const facts = { status: attempt.status, amount: amountOf(attempt), reference: attempt.processorReference }
  const step = advance(facts, told)
  const learned = learnedFrom(outcome, told.atMs)
  if (step.kind === 'stays') {
    if (isNews(attempt, learned)) await updateAttempt(tx, operatorId, attempt.id, learned)
    if (attempt.processorReference === null) await wakeParked(tx, { ...attempt, ...learned }, deps.clock.nowMs())
    return { kind: 'stays', why: step.why, status: attempt.status, subject }
  }
  if (step.kind === 'quarantined' || (step.kind === 'held' && !OPEN.has(attempt.status))) {
    await putAside(tx, deps, attempt, subject, step.why)
    return { kind: 'quarantined', why: step.why, status: attempt.status, subject }
  }
  const to = step.kind === 'held' ? 'integrity_hold' : step.to
  return move(tx, deps, told, { attempt, before, subject, to, ...(step.kind === 'held' && { why: step.why }) })
}

/** States in which the processor gave its word: they count for its success rate. */
const ENDED_AT_PROCESSOR: ReadonlySet<AttemptStatus> = new Set(['succeeded', 'late_success', 'declined'])

/** `before`: all attempts of its subject as they stood, this one among them. */
type Move = {
  attempt: AttemptRow
  before: readonly AttemptRow[]
  subject: Subject
  to: AttemptStatus
  why?: string
}

async function move(tx: Tx, deps: Settle, told: Told, { attempt, before, subject, to, why }: Move): Promise<Settled> {
  const { operatorId, outcome } = told
  const now = new Date(deps.clock.nowMs())
  const overrides = outcome.kind === 'declined' ? await declineOverrides(tx, operatorId) : []
  const card =
    subject.flow === 'deposit' ? await learnOfCard(tx, deps, { attempt, outcome, to }, subject.row.method) : undefined
  const step = nextOf(deps, told, { attempt, subject, to, before, overrides, card })
  // What is taken back is bounded by the player's cash, which must not be spent while we look.
  const takesBack = TAKES_BACK.has(to)
  if (takesBack) await lockPlayer(tx, operatorId, subject.row.playerId)
  const [cash, stands] = await Promise.all([
    takesBack ? cashOf(tx, subject) : 0n,
    standsIn(tx, subject, attempt, takesBack),
  ])
  const effects = effectsOf(subject.flow, {
    id: subject.row.id,
    attempt: attempt.id,
    player: subject.row.playerId,
    connection: attempt.connectionId,
    amount: amountOf(attempt),
    status: subject.row.status,
    from: attempt.status,
    to,
    goesOn: step.kind === 'go',
    declinedBefore: before.some(({ status, id }) => status === 'declined' && id !== attempt.id),
    cash,
    ...stands,
    otherLive: before.some(({ status, id }) => LIVE.has(status) && id !== attempt.id),
    ...duplicateOf(subject),
    ...(outcome.kind === 'voided' ? { why: outcome.why } : why !== undefined && { why }),
    ...('fee' in outcome && outcome.fee && { processorFee: outcome.fee }),
  })

  const decline = declineOf(outcome)
  const reason = reasonOf(outcome, why)
  const learned = learnedFrom(outcome, told.atMs)
  await updateAttempt(tx, operatorId, attempt.id, {
    ...learned,
    status: to,
    phase: phaseOf(outcome),
    ...(reason !== undefined && { reason }),
    ...(decline && to !== 'integrity_hold' && { decline }),
    ended: !OPEN.has(to),
  })
  await wakeParked(tx, { ...attempt, ...learned }, now.getTime())
  if (subject.flow !== 'refund' && ENDED_AT_PROCESSOR.has(to)) {
    await recordAttempt(tx, operatorId, {
      paymentId: subject.row.id,
      connectionId: attempt.connectionId,
      processor: attempt.processor,
      flow: subject.flow,
      first: before[0]?.id === attempt.id,
      succeeded: to !== 'declined',
      decline,
      atMs: now.getTime(),
    })
  }
  for (const posting of effects.postings ?? []) await postIn(tx, operatorId, posting, deps)
  const next = step.kind === 'go' ? await planNext(tx, deps, attempt, step) : undefined
  const changed = await writeSubject(tx, deps, {
    subject,
    attempt,
    outcome,
    effects,
    goesOn: next !== undefined,
    decline,
  })
  const othersWait = before.some(({ status, id }) => id !== attempt.id && WAITING.has(status))
  await watch(tx, { ...attempt, status: to }, { now, othersWait })
  if (effects.review) await review(tx, deps, changed, effects.review)
  const shown = effects.status === 'approved' ? await tryPayOutAgain(tx, deps, changed) : changed
  return { kind: 'moved', status: to, subject: shown, ...(next && { next }) }
}

/** Nothing left the house: the promise of another try is made in the transaction that says so, whoever found it out. */
async function tryPayOutAgain(tx: Tx, deps: Settle, subject: Subject): Promise<Subject> {
  if (subject.flow !== 'withdrawal') return subject
  return { flow: subject.flow, row: await payOutLater(tx, deps, subject.row) }
}

/** Where an attempt's money stands in the books, by what was posted for it. */
async function standsIn(
  tx: Tx,
  { flow, row }: Subject,
  { id, connectionId, asset, amount }: AttemptRow,
  takesBack: boolean,
): Promise<{ sent: boolean; inSuspense: boolean }> {
  if (flow === 'refund' || (flow === 'deposit' && !takesBack)) return { sent: false, inSuspense: false }
  const about = { attempt: id, connection: connectionId, amount: { asset, minor: amount } }
  if (flow === 'deposit') {
    const key = duplicateKey(row.id, id)
    return { sent: false, inSuspense: (await postedKeys(tx, row.operatorId, [key])).has(key) }
  }
  const payout = { withdrawal: row.id, player: row.playerId, ...about }
  const [sent, unsent] = [withdrawalSent(payout).key, withdrawalUnsent(payout).key]
  const posted = await postedKeys(tx, row.operatorId, [sent, unsent])
  return { sent: posted.has(sent) && !posted.has(unsent), inSuspense: false }
}

/** Locks the payment or refund: everything that moves it queues behind this row. */
async function lockSubject(tx: Tx, operatorId: string, { flow, subjectId }: Told['attempt']): Promise<Subject> {
  if (flow === 'refund') {
    const row = await lockRefund(tx, operatorId, subjectId)
    if (row === undefined) throw new Error('an attempt without its refund')
    return { flow, row }
  }
  const row = await lockPayment(tx, operatorId, subjectId)
  if (row === undefined) throw new Error('an attempt without its payment')
  return { flow, row }
}

/** What the next step is weighed by. */
type Weighed = {
  readonly overrides: readonly DeclineOverride[]
  readonly card: CascadeInput['card']
}

/** Whether the cascade goes on. Only while the caller of the attempt waits for its answer: nobody stands at the page when a webhook declines. */
function nextOf(deps: Settle, told: Told, { attempt, subject, to, before, overrides, card }: Move & Weighed): NextStep {
  // A late success of an earlier attempt may have paid it meanwhile: another try would move the money twice.
  const isPaid = subject.row.status === 'succeeded' || subject.row.status === 'paid'
  const plan = subject.flow === 'refund' || isPaid ? undefined : decisionOf(subject.row.decision)
  if (plan === undefined || told.source !== 'answer' || (to !== 'declined' && to !== 'not_sent')) {
    return { kind: 'stop', why: 'in_hand' }
  }
  return nextStep({
    plan,
    attempts: before.map((tried) => {
      const decline = tried.id === attempt.id ? declineOf(told.outcome) : (tried.decline ?? undefined)
      const declined = tried.id === attempt.id ? to === 'declined' : tried.status === 'declined'
      return {
        connectionId: tried.connectionId,
        ...(declined && decline && { decline: decline.code }),
        ...(tried.stepUp && { stepUp: true }),
        ...((tried.reason === 'circuit_open' || tried.reason === 'overloaded') && { keptBack: true }),
      }
    }),
    last: told.outcome,
    nowMs: deps.clock.nowMs(),
    startedAtMs: before[0]?.startedAt.getTime() ?? deps.clock.nowMs(),
    flow: subject.flow,
    overrides,
    ...(card && { card }),
  })
}

/** Commits the next attempt together with the end of the last one, so that no crash can leave both or neither. */
function planNext(
  tx: Tx,
  deps: Settle,
  { operatorId, flow, subjectId, asset, amount }: AttemptRow,
  { connection, stepUp = false }: Extract<NextStep, { kind: 'go' }>,
): Promise<AttemptRow> {
  const { connectionId, processor } = connection
  return startAttempt(tx, operatorId, {
    id: deps.newId('attempt'),
    flow,
    subjectId,
    connectionId,
    processor,
    asset,
    amount,
    stepUp,
    startedAt: new Date(deps.clock.nowMs()),
    timeoutMs: deps.processors.facts(processor)?.timeoutMs ?? 0,
  })
}

/** Looks after an attempt that has no last word yet, and has an authorization captured; what people were asked about one that has it has answered itself. */
async function watch(
  tx: Tx,
  attempt: AttemptRow,
  { now, othersWait }: { now: Date; othersWait: boolean },
): Promise<void> {
  const { operatorId, id, flow, subjectId, status, lookups } = attempt
  const job = { operatorId, subject: id }
  // Gambling cards allow no open authorizations (MCC 7995): a deposit's is captured at once. What has ended needs neither order any more.
  const orders = flow === 'deposit' && status !== 'authorized' ? ['capture', 'cancel'] : []
  if (flow === 'deposit' && status === 'authorized')
    await enqueueJob(tx, { ...job, kind: 'capture', runAtMs: now.getTime() })
  const over = !OPEN.has(status)
  await cancelJobs(tx, { ...job, kinds: over ? ['look_up', ...orders] : orders })
  if (over && status !== 'integrity_hold' && !othersWait) await closeReviews(tx, operatorId, subjectId, now)
  const wait = over ? undefined : nextLookUpMs(lookups)
  if (wait !== undefined) await enqueueJob(tx, { ...job, kind: 'look_up', runAtMs: now.getTime() + wait })
}

async function writeSubject(
  tx: Tx,
  deps: Settle,
  {
    subject,
    attempt,
    outcome,
    effects,
    goesOn,
    decline,
  }: {
    subject: Subject
    attempt: AttemptRow
    outcome: Outcome
    effects: Effects
    goesOn: boolean
    decline: Decline | undefined
  },
): Promise<Subject> {
  const { operatorId } = attempt
  const now = new Date(deps.clock.nowMs())
  const change = {
    ...(effects.status !== undefined && { status: effects.status }),
    ...(decline && !goesOn && { decline }),
  }
  if (effects.reservation) await decideReservation(tx, operatorId, subject.row.id, effects.reservation, now)
  let changed: Subject
  if (subject.flow === 'refund') {
    if (effects.refundShare === 'freed') await addRefunded(tx, operatorId, subject.row.depositId, -attempt.amount)
    if (effects.refundShare === 'taken') await addRefundedLate(tx, operatorId, subject.row.depositId, attempt.amount)
    changed = { flow: 'refund', row: await updateRefund(tx, operatorId, subject.row.id, change) }
  } else {
    const paid = effects.status === 'succeeded' || effects.status === 'paid'
    changed = {
      flow: subject.flow,
      row: await updatePayment(tx, operatorId, subject.row.id, {
        ...change,
        ...(paid && { connectionId: attempt.connectionId, settled: true, decline: null }),
        ...(outcome.kind === 'requires_action'
          ? { nextAction: outcome.action }
          : effects.status && { nextAction: null }),
      }),
    }
  }
  if (changed.flow === 'deposit' && effects.status === 'succeeded') {
    const seen = outcome.kind === 'succeeded' ? outcome.instrument : undefined
    await keepInstrument(tx, deps.cipher, changed.row, attempt.processor, seen, now)
  }
  if (effects.notice) {
    await announce(tx, operatorId, {
      type: effects.notice,
      resourceId: subject.row.id,
      data: presented(changed),
      at: now,
      newId: deps.newId,
    })
  }
  return changed
}

const presented = (subject: Subject): Record<string, unknown> => {
  if (subject.flow === 'refund') return presentRefund(subject.row)
  return subject.flow === 'deposit' ? presentDeposit(subject.row) : presentWithdrawal(subject.row)
}

async function review(tx: Tx, deps: Settle, subject: Subject, wanted: NonNullable<Effects['review']>): Promise<void> {
  await openReview(tx, subject.row.operatorId, {
    id: deps.newId('review'),
    subjectId: duplicateOf(subject).duplicateOf?.deposit ?? subject.row.id,
    kind: wanted.kind,
    reasons: [{ check: wanted.kind, code: wanted.code }],
    approvalsNeeded: wanted.approvals,
    requestedBy: 'system',
    editedBy: null,
  })
}

/** A fact that contradicts what is known changes nothing, and people hear of it. */
async function putAside(tx: Tx, deps: Settle, attempt: AttemptRow, subject: Subject, why: string): Promise<void> {
  deps.metrics.count('paycage_facts_quarantined_total', { processor: attempt.processor, flow: attempt.flow })
  // While the attempt waits for its last word, closing this says what that word is: two people.
  const approvals = WAITING.has(attempt.status) ? 2 : 1
  await review(tx, deps, subject, { kind: 'integrity', code: why, approvals })
}

/** The second capture that a refund sends back, where it is one of these. */
const duplicateOf = (subject: Subject): Pick<Settling, 'duplicateOf'> =>
  subject.flow === 'refund' && subject.row.duplicateOf !== null
    ? { duplicateOf: { deposit: subject.row.depositId, attempt: subject.row.duplicateOf } }
    : {}

/** The player's cash, which bounds what may be taken back from it. */
async function cashOf(tx: Tx, { row }: Subject): Promise<bigint> {
  const code = `player:${row.playerId}:cash`
  const [balance] = await balances(tx, row.operatorId, [code], row.asset)
  return balance?.available ?? 0n
}

const amountOf = ({ asset, amount }: { asset: string; amount: bigint }): Settling['amount'] => ({
  asset,
  minor: amount,
})

function measure({ metrics }: Pick<Settle, 'metrics'>, subject: Subject, status: AttemptStatus): void {
  metrics.count('paycage_attempts_total', { flow: subject.flow, outcome: status })
  if (subject.flow === 'refund') return
  const { direction, methodType, asset, status: shown } = subject.row
  metrics.count('paycage_payments_total', { direction, method: methodType, currency: asset, status: shown })
}
