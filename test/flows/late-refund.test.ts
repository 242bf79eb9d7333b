import { expect, it } from 'vitest'
import { attemptsOf } from '../../src/db/attempts.ts'
import { balances } from '../../src/db/ledger.ts'
import { refundsOf } from '../../src/db/refunds.ts'
import { findReview, listReviews } from '../../src/db/reviews.ts'
import { decideReview } from '../../src/flows/decide-review.ts'
import { deposit } from '../../src/flows/deposit.ts'
import { refund } from '../../src/flows/refund.ts'
import { withdraw } from '../../src/flows/withdraw.ts'
import { depositOrder, eur, flowWorld, withdrawalOrder } from '../support/flows.ts'
import { settleById } from '../support/settle.ts'

/** A deposit of 30.00 that was declined and came all the same, after the player had paid in 30.00 once more. */
async function cameLate() {
  const world = await flowWorld()
  const { deps, operatorId } = world
  world.answer(() => ({ kind: 'declined', decline: { code: 'insufficient_funds' } }))
  const declined = await deposit(deps, depositOrder(world, '30.00'))
  world.answer(() => undefined)
  await deposit(deps, depositOrder(world, '30.00'))
  const [attempt] = await deps.db.tx(operatorId, (tx) => attemptsOf(tx, operatorId, declined.id))
  const outcome = { kind: 'succeeded', reference: 'late', amount: eur('30.00') } as const
  await settleById(deps, { operatorId, attemptId: attempt?.id ?? '', outcome, source: 'webhook' })
  const [review] = await deps.db.tx(operatorId, (tx) => listReviews(tx, operatorId, { status: 'open', limit: 5 }))
  const reviewId = review?.id ?? ''
  world.calls.length = 0
  return {
    world,
    declined,
    attempt,
    review,
    decide: (decision: 'approve' | 'reject') =>
      decideReview(deps, { operatorId, reviewId, actor: 'cli_one', decision, reason: 'paid twice' }),
    reviewNow: () => deps.db.tx(operatorId, (tx) => findReview(tx, operatorId, reviewId)),
    refunds: () => deps.db.tx(operatorId, (tx) => refundsOf(tx, operatorId, declined.id)),
    cash: async () =>
      (await deps.db.tx(operatorId, (tx) => balances(tx, operatorId, ['player:p1:cash'], 'EUR')))[0]?.available,
  }
}

it('takes the money, asks people, and sends exactly that deposit back by its processor when they say so', async () => {
  const { world, declined, attempt, review, decide, refunds, cash } = await cameLate()
  expect(await cash()).toBe(6_000n)
  expect(review).toMatchObject({ kind: 'late_success', subjectId: declined.id })
  expect(await decide('approve')).toMatchObject({ status: 'approved' })
  const original = { attempt: attempt?.id, reference: 'late' }
  expect(world.calls).toMatchObject([
    { verb: 'refund', connection: world.conA, request: { amount: eur('30.00'), original } },
  ])
  expect(await refunds()).toMatchObject([{ status: 'succeeded', amount: 3_000n, duplicateOf: null }])
  expect(await cash()).toBe(3_000n)
})

it('leaves the money with the player when they refuse', async () => {
  const { world, decide, refunds, cash } = await cameLate()
  expect(await decide('reject')).toMatchObject({ status: 'rejected' })
  expect(world.calls).toEqual([])
  expect(await refunds()).toEqual([])
  expect(await cash()).toBe(6_000n)
})

it('sends nothing back that the player no longer has, and the question stays open', async () => {
  const { world, decide, reviewNow, refunds } = await cameLate()
  await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  world.calls.length = 0
  await expect(decide('approve')).rejects.toMatchObject({ code: 'insufficient_funds' })
  expect(await reviewNow()).toMatchObject({ status: 'open' })
  expect(await refunds()).toEqual([])
  expect(world.calls).toEqual([])
})

it('sends nothing back twice: what was refunded meanwhile can only be refused', async () => {
  const { world, declined, decide, cash } = await cameLate()
  const { operatorId } = world
  const order = { operatorId, requestedBy: 'cli', runId: 'r1', depositId: declined.id, amount: null, reference: null }
  await refund(world.deps, { ...order, reason: null })
  await expect(decide('approve')).rejects.toMatchObject({ code: 'refund_exceeds_captured' })
  expect(await decide('reject')).toMatchObject({ status: 'rejected' })
  expect(await cash()).toBe(3_000n)
})

/** Declined by the first processor and unclear at the second; then the first one took it all the same. */
async function lateBesideUnclear() {
  const world = await flowWorld()
  const { deps, operatorId } = world
  const wrong = { kind: 'succeeded', reference: 'b1', amount: eur('300.00') } as const
  world.answer(({ connection }) =>
    connection === world.conA ? { kind: 'declined', decline: { code: 'issuer_unavailable' } } : wrong,
  )
  const asked = await deposit(deps, depositOrder(world, '30.00'))
  const [first] = await deps.db.tx(operatorId, (tx) => attemptsOf(tx, operatorId, asked.id))
  const outcome = { kind: 'succeeded', reference: 'late', amount: eur('30.00') } as const
  await settleById(deps, { operatorId, attemptId: first?.id ?? '', outcome, source: 'webhook' })
  world.answer(() => undefined)
  const open = () => deps.db.tx(operatorId, (tx) => listReviews(tx, operatorId, { status: 'open', limit: 5 }))
  const decide = async (decision: 'approve' | 'reject') => {
    const [review] = await open()
    for (const actor of ['cli_one', 'cli_two']) {
      const order = { operatorId, reviewId: review?.id ?? '', actor, decision, reason: 'looked it up' }
      await decideReview(deps, order).catch(() => undefined)
    }
  }
  const posted = async (code: string) =>
    (await deps.db.tx(operatorId, (tx) => balances(tx, operatorId, [code], 'EUR')))[0]?.posted ?? 0n
  return { open, decide, posted }
}

it('still asks about the attempt that is unclear after another one of the deposit came late', async () => {
  const { open, decide, posted } = await lateBesideUnclear()
  expect(await open()).toMatchObject([{ reasons: [{ code: 'amount_mismatch' }, { code: 'late_success' }] }])
  await decide('approve')
  expect(await posted('suspense')).toBe(3_000n)
  expect(await open()).toMatchObject([
    { kind: 'late_success', reasons: [{ code: 'captured_twice' }, { code: 'late_success' }] },
  ])
})

it('asks about the late deposit alone once the unclear attempt is cleared', async () => {
  const { open, decide, posted } = await lateBesideUnclear()
  await decide('reject')
  expect(await posted('suspense')).toBe(0n)
  expect(await open()).toMatchObject([{ kind: 'late_success', reasons: [{ code: 'late_success' }] }])
  await decide('approve')
  expect(await posted('player:p1:cash')).toBe(0n)
  expect(await open()).toEqual([])
})
