import { expect, it } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import { attemptsOf } from '../../src/db/attempts.ts'
import { storeInbound } from '../../src/db/inbound-webhooks.ts'
import { playerWallet, postIn } from '../../src/db/ledger.ts'
import { findPayment } from '../../src/db/payments.ts'
import { lockPlayer } from '../../src/db/players.ts'
import { applyWebhook } from '../../src/flows/apply-webhook.ts'
import { decideReview } from '../../src/flows/decide-review.ts'
import { deposit } from '../../src/flows/deposit.ts'
import { lookUp } from '../../src/flows/look-up.ts'
import { payOut } from '../../src/flows/pay-out.ts'
import { refund } from '../../src/flows/refund.ts'
import { withdraw } from '../../src/flows/withdraw.ts'
import { adjusted } from '../support/adjusted.ts'
import { depositOrder, eur, type FlowWorld, flowWorld, withdrawalOrder } from '../support/flows.ts'
import { settleById } from '../support/settle.ts'

const AWAY = { kind: 'declined', decline: { code: 'issuer_unavailable' } } as const
const FLOAT = { kind: 'declined', decline: { code: 'payout_float_insufficient' } } as const
const LOST = { kind: 'unknown', reason: 'timeout', phase: 'written' } as const

const told = (world: FlowWorld, attemptId: string, outcome: Outcome) =>
  settleById(world.deps, { operatorId: world.operatorId, attemptId, outcome, source: 'webhook' })
const success = (reference: string, amount: string): Outcome => ({ kind: 'succeeded', reference, amount: eur(amount) })
const attempts = ({ deps, operatorId }: FlowWorld, id: string) =>
  deps.db.tx(operatorId, (tx) => attemptsOf(tx, operatorId, id))
const statusOf = async ({ deps, operatorId }: FlowWorld, id: string) =>
  (await deps.db.tx(operatorId, (tx) => findPayment(tx, operatorId, id)))?.status
const money = async ({ deps, operatorId }: FlowWorld) => {
  const [wallet] = await deps.db.tx(operatorId, (tx) => playerWallet(tx, operatorId, 'p1'))
  return { cash: wallet?.cash ?? 0n, held: wallet?.held ?? 0n }
}
const fund = (world: FlowWorld, amount: string) =>
  world.deps.db.tx(world.operatorId, (tx) => postIn(tx, world.operatorId, adjusted('p1', eur(amount)), world.deps))
const suspense = async ({ database, operatorId }: FlowWorld) =>
  (
    await database.admin`select posted::text from ledger.account_balance where operator_id = ${operatorId} and code = 'suspense'`
  )[0]?.posted
const jobs = async ({ database }: FlowWorld, kind: string) =>
  (await database.admin`select subject from job where kind = ${kind}`).map((row) => row.subject)

it('keeps a deposit credited by a late success when its second attempt is then declined', async () => {
  const world = await flowWorld()
  world.answer((call) => (call.connection === world.conA ? AWAY : { kind: 'pending', reference: 'b1' }))
  const asked = await deposit(world.deps, depositOrder(world, '30.00'))
  const [first, second] = await attempts(world, asked.id)
  await told(world, first?.id ?? '', success('a1', '30.00'))
  await told(world, second?.id ?? '', { kind: 'declined', decline: { code: 'do_not_honor' } })
  expect(await statusOf(world, asked.id)).toBe('succeeded')
  expect(await money(world)).toEqual({ cash: 3_000n, held: 0n })
})

it('does not ask a third processor when the first one turned out to have taken the money', async () => {
  const world = await flowWorld()
  world.answer(async (call) => {
    if (call.connection === world.conA) return AWAY
    await told(world, firstAttempt, success('a1', '30.00'))
    return AWAY
  })
  let firstAttempt = ''
  const order = depositOrder(world, '30.00')
  const { charge } = world.deps.processors
  const deps = {
    ...world.deps,
    processors: {
      ...world.deps.processors,
      charge: (...given: Parameters<typeof charge>) => {
        firstAttempt ||= given[1].attempt
        return charge(...given)
      },
    },
  }
  const asked = await deposit(deps, order)
  expect(await statusOf(world, asked.id)).toBe('succeeded')
  expect(world.calls).toHaveLength(2)
})

it('takes what is reversed out of suspense when it never was the player\u2019s', async () => {
  const world = await flowWorld()
  world.answer((call) => (call.connection === world.conA ? AWAY : undefined))
  const asked = await deposit(world.deps, depositOrder(world, '30.00'))
  const [first] = await attempts(world, asked.id)
  await told(world, first?.id ?? '', success('a1', '30.00'))
  expect(await suspense(world)).toBe('3000')
  await told(world, first?.id ?? '', { kind: 'returned', reference: 'a1', amount: eur('30.00') })
  expect(await suspense(world)).toBe('0')
  expect(await money(world)).toEqual({ cash: 3_000n, held: 0n })
})

it('credits nothing when the news of a reversal overtakes the news of its success', async () => {
  const world = await flowWorld()
  world.answer(() => LOST)
  const asked = await deposit(world.deps, depositOrder(world, '30.00'))
  const [attempt] = await attempts(world, asked.id)
  await told(world, attempt?.id ?? '', { kind: 'returned', reference: 'a1', amount: eur('30.00') })
  expect(await told(world, attempt?.id ?? '', success('a1', '30.00'))).toMatchObject({ kind: 'stays', why: 'older' })
  expect(await statusOf(world, asked.id)).toBe('failed')
  expect(await money(world)).toEqual({ cash: 0n, held: 0n })
})

it('writes nothing when a fact is told again', async () => {
  const world = await flowWorld()
  const asked = await deposit(world.deps, depositOrder(world, '30.00'))
  const [attempt] = await attempts(world, asked.id)
  const fact = success(attempt?.processorReference ?? '', '30.00')
  const versions = () => world.database.admin`
    select (select array_agg(xmin::text || ' ' || id order by id) from attempt) as attempts,
      (select array_agg(xmin::text || ' ' || id order by id) from payment) as payments,
      (select count(*)::int from job) as jobs, (select count(*)::int from ledger.journal) as journals`
  await told(world, attempt?.id ?? '', fact)
  const before = await versions()
  expect(await told(world, attempt?.id ?? '', fact)).toMatchObject({ status: 'succeeded' })
  expect(await versions()).toEqual(before)
})

it('tells people when one attempt succeeded under two references', async () => {
  const world = await flowWorld()
  const asked = await deposit(world.deps, depositOrder(world, '30.00'))
  const [attempt] = await attempts(world, asked.id)
  expect(await told(world, attempt?.id ?? '', success('another', '30.00'))).toMatchObject({ kind: 'quarantined' })
  expect(await money(world)).toEqual({ cash: 3_000n, held: 0n })
  expect(await world.database.admin`select kind from review`).toEqual([{ kind: 'integrity' }])
})

it('promises the next try of a payout in the transaction that finds out that nothing left', async () => {
  const world = await flowWorld()
  await fund(world, '100.00')
  world.answer(() => LOST)
  const asked = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  await payOut(world.deps, world.operatorId, asked.id)
  await world.database.admin`delete from job where kind = 'pay_out'`
  world.answer(() => ({ kind: 'not_found' }))
  world.clock.pass(60_000)
  const [attempt] = await attempts(world, asked.id)
  await lookUp(world.deps, world.operatorId, attempt?.id ?? '')
  expect(await statusOf(world, asked.id)).toBe('approved')
  expect(await jobs(world, 'pay_out')).toEqual([asked.id])
})

it('pays a late success out of the hold that still stands for it, and tries no more', async () => {
  const world = await flowWorld()
  await fund(world, '100.00')
  world.answer(() => ({ kind: 'not_sent', reason: 'connect_failed' }))
  const asked = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  await payOut(world.deps, world.operatorId, asked.id)
  expect(await money(world)).toEqual({ cash: 6_000n, held: 4_000n })
  const [attempt] = await attempts(world, asked.id)
  await told(world, attempt?.id ?? '', success('p1', '40.00'))
  expect(await statusOf(world, asked.id)).toBe('paid')
  expect(await money(world)).toEqual({ cash: 6_000n, held: 0n })
  world.calls.length = 0
  await payOut(world.deps, world.operatorId, asked.id)
  expect(world.calls).toEqual([])
})

it('stays paid when the attempt after a late success fails, and gives that one\u2019s hold back', async () => {
  const world = await flowWorld()
  await fund(world, '100.00')
  world.answer((call) => (call.connection === world.conA ? FLOAT : { kind: 'pending', reference: 'b1' }))
  const asked = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  await payOut(world.deps, world.operatorId, asked.id)
  const [first, second] = await attempts(world, asked.id)
  await told(world, first?.id ?? '', success('a1', '40.00'))
  await told(world, second?.id ?? '', { kind: 'declined', decline: { code: 'do_not_honor' } })
  expect(await statusOf(world, asked.id)).toBe('paid')
  expect(await money(world)).toEqual({ cash: 6_000n, held: 0n })
})

it('finds a payout\u2019s money again when it was sent before its amount was doubted', async () => {
  const world = await flowWorld()
  await fund(world, '100.00')
  world.answer(() => ({ kind: 'pending', reference: 'a1' }))
  const asked = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  await payOut(world.deps, world.operatorId, asked.id)
  const [attempt] = await attempts(world, asked.id)
  await told(world, attempt?.id ?? '', success('a1', '41.00'))
  const [review] = await world.database.admin`select id from review where status = 'open'`
  for (const actor of ['ann', 'bob']) {
    await decideReview(world.deps, {
      operatorId: world.operatorId,
      reviewId: review?.id,
      actor,
      decision: 'approve',
      reason: 'seen',
    })
  }
  expect(await statusOf(world, asked.id)).toBe('paid')
  expect(await money(world)).toEqual({ cash: 6_000n, held: 0n })
})

it('closes a review and moves its money in one transaction', async () => {
  const world = await flowWorld()
  world.answer(() => LOST)
  const asked = await deposit(world.deps, depositOrder(world, '30.00'))
  const [attempt] = await attempts(world, asked.id)
  for (let day = 0; day < 20; day += 1) await lookUp(world.deps, world.operatorId, attempt?.id ?? '')
  const [review] = await world.database.admin`select id, approvals_needed from review where status = 'open'`
  expect(review?.approvals_needed).toBe(2)
  const say = (actor: string) =>
    decideReview(world.deps, {
      operatorId: world.operatorId,
      reviewId: review?.id,
      actor,
      decision: 'approve',
      reason: 'in their books',
    })
  await say('ann')
  expect(await statusOf(world, asked.id)).toBe('unknown')
  await expect(say('ann')).rejects.toMatchObject({ code: 'four_eyes_required' })
  // The second word can't be carried out: then it was not said either.
  await world.database
    .admin`alter table ledger.journal add constraint refused check (kind <> 'deposit_settled') not valid`
  await expect(say('bob')).rejects.toThrow()
  expect(await world.database.admin`select status from review where id = ${review?.id}`).toEqual([{ status: 'open' }])
  await world.database.admin`alter table ledger.journal drop constraint refused`
  await say('bob')
  expect(await statusOf(world, asked.id)).toBe('succeeded')
  expect(await money(world)).toEqual({ cash: 3_000n, held: 0n })
})

it('counts a refund that went through after it was declined, so that it is not sent again', async () => {
  const world = await flowWorld()
  const paid = await deposit(world.deps, depositOrder(world, '30.00'))
  world.answer(() => AWAY)
  const order = {
    operatorId: world.operatorId,
    requestedBy: 'cli',
    runId: 'r1',
    depositId: paid.id,
    amount: null,
    reason: null,
    reference: null,
  }
  const back = await refund(world.deps, order)
  const [attempt] = await attempts(world, back.id)
  await told(world, attempt?.id ?? '', success('f1', '30.00'))
  expect(await money(world)).toEqual({ cash: 0n, held: 0n })
  await expect(refund(world.deps, { ...order, runId: 'r2' })).rejects.toMatchObject({ code: 'refund_exceeds_captured' })
})

it('asks the processor at once when its webhook is only a bell', async () => {
  const world = await flowWorld()
  world.answer(() => ({ kind: 'pending', reference: 'a1' }))
  const asked = await deposit(world.deps, depositOrder(world, '30.00'))
  const [attempt] = await attempts(world, asked.id)
  const { operatorId } = world
  const content = {
    id: 'evt_1',
    flow: 'deposit',
    attempt: attempt?.id,
    outcome: { kind: 'unknown', reason: 'unmapped' },
    lookUp: true,
  }
  const about = { connectionId: world.conA, processor: 'model_a', processorAtMs: null }
  const row = { id: 'iwh_1', eventId: 'evt_1', ...about, content }
  await world.deps.db.tx(operatorId, (tx) => storeInbound(tx, operatorId, [row], world.clock.nowMs()))
  await applyWebhook(world.deps, operatorId, 'iwh_1')
  expect(
    await world.database
      .admin`select subject from job where kind = 'look_up' and run_at <= ${new Date(world.clock.nowMs())}`,
  ).toEqual([{ subject: attempt?.id }])
})

it('credits a deposit while somebody else holds the player: the two wait for each other in no order', async () => {
  const world = await flowWorld()
  const { deps, operatorId } = world
  world.answer(() => ({ kind: 'pending', reference: 'a1' }))
  const asked = await deposit(deps, depositOrder(world, '30.00'))
  const [attempt] = await attempts(world, asked.id)
  await deps.db.tx(operatorId, async (tx) => {
    await lockPlayer(tx, operatorId, 'p1')
    await told(world, attempt?.id ?? '', success('a1', '30.00'))
  })
  expect(await statusOf(world, asked.id)).toBe('succeeded')
})
