import { expect, it } from 'vitest'
import { attemptsOf } from '../../src/db/attempts.ts'
import { findPayment } from '../../src/db/payments.ts'
import { refundsOf } from '../../src/db/refunds.ts'
import { listReviews } from '../../src/db/reviews.ts'
import { decideReview } from '../../src/flows/decide-review.ts'
import { deposit } from '../../src/flows/deposit.ts'
import { lookUp } from '../../src/flows/look-up.ts'
import { refund } from '../../src/flows/refund.ts'
import { depositOrder, eur, type FlowWorld, flowWorld } from '../support/flows.ts'
import { settleById } from '../support/settle.ts'

async function books(world: FlowWorld) {
  const rows = await world.deps.db.tx(
    world.operatorId,
    (tx) => tx<{ code: string; posted: bigint }[]>`
      select code, posted from ledger.account_balance where operator_id = ${world.operatorId} and asset = 'EUR'`,
  )
  const of = (code: string) => rows.find((row) => row.code === code)?.posted ?? 0n
  const receivable = (connection: string) => of(`connection:${connection}:receivable`)
  return { cash: of('player:p1:cash'), suspense: of('suspense'), a: receivable(world.conA), b: receivable(world.conB) }
}

/** A deposit of 30.00 that the first processor declined and took all the same, after the second had. */
async function capturedTwice() {
  const world = await flowWorld()
  const { deps, operatorId } = world
  world.answer((call) =>
    call.connection === world.conA ? { kind: 'declined', decline: { code: 'issuer_unavailable' } } : undefined,
  )
  const paid = await deposit(deps, depositOrder(world, '30.00'))
  const [first] = await deps.db.tx(operatorId, (tx) => attemptsOf(tx, operatorId, paid.id))
  const attemptId = first?.id ?? ''
  const late = { kind: 'succeeded', reference: 'late', amount: eur('30.00') } as const
  await settleById(deps, { operatorId, attemptId, outcome: late, source: 'webhook' })
  world.answer(() => undefined)
  world.calls.length = 0
  const approve = async (actor: string) => {
    const [review] = await deps.db.tx(operatorId, (tx) => listReviews(tx, operatorId, { status: 'open', limit: 5 }))
    const reviewId = review?.id ?? ''
    return decideReview(deps, { operatorId, reviewId, actor, decision: 'approve', reason: 'send it back' })
  }
  const refunds = () => deps.db.tx(operatorId, (tx) => refundsOf(tx, operatorId, paid.id))
  return { world, paid, attemptId, approve, refunds }
}

it('sends the second capture back by the processor that took it, when people say so', async () => {
  const { world, paid, attemptId, approve, refunds } = await capturedTwice()
  expect(await books(world)).toEqual({ cash: 3_000n, suspense: 3_000n, a: 3_000n, b: 3_000n })
  await approve('cli_one')
  expect(world.calls).toMatchObject([
    {
      verb: 'refund',
      connection: world.conA,
      request: { amount: eur('30.00'), original: { attempt: attemptId, reference: 'late' } },
    },
  ])
  expect(await refunds()).toMatchObject([{ status: 'succeeded', duplicateOf: attemptId }])
  expect(await books(world)).toEqual({ cash: 3_000n, suspense: 0n, a: 0n, b: 3_000n })
  const { operatorId } = world
  const row = await world.deps.db.tx(operatorId, (tx) => findPayment(tx, operatorId, paid.id))
  expect(row).toMatchObject({ status: 'succeeded', refunded: 0n })
})

it('asks people again when the processor refuses, and lets them try again', async () => {
  const { world, approve, refunds } = await capturedTwice()
  world.answer(() => ({ kind: 'declined', decline: { code: 'generic_decline' } }))
  await approve('cli_one')
  expect(await books(world)).toMatchObject({ cash: 3_000n, suspense: 3_000n })
  world.answer(() => undefined)
  await approve('cli_one')
  expect((await refunds()).map(({ status }) => status)).toEqual(['declined', 'succeeded'])
  expect(await books(world)).toEqual({ cash: 3_000n, suspense: 0n, a: 0n, b: 3_000n })
})

it('keeps the money in suspense while nobody knows, and looks it up', async () => {
  const { world, approve, refunds } = await capturedTwice()
  const { deps, operatorId } = world
  world.answer(() => ({ kind: 'unknown', reason: 'timeout' }))
  await approve('cli_one')
  const [unsure] = await refunds()
  expect(unsure?.status).toBe('unknown')
  expect(await books(world)).toMatchObject({ cash: 3_000n, suspense: 3_000n })
  const [attempt] = await deps.db.tx(operatorId, (tx) => attemptsOf(tx, operatorId, unsure?.id ?? ''))
  world.answer(({ request }) => ({ kind: 'succeeded', reference: 'rf', amount: request.amount }))
  await lookUp(deps, operatorId, attempt?.id ?? '')
  expect(await books(world)).toMatchObject({ cash: 3_000n, suspense: 0n, a: 0n })
})

it("refunds the deposit itself by the processor that was credited, whatever the second capture's state", async () => {
  const { world, paid } = await capturedTwice()
  const order = { operatorId: world.operatorId, requestedBy: 'cli', runId: 'r1', depositId: paid.id, amount: null }
  await refund(world.deps, { ...order, reason: null, reference: null })
  expect(world.calls).toMatchObject([{ connection: world.conB }])
  expect(await books(world)).toEqual({ cash: 0n, suspense: 3_000n, a: 3_000n, b: 0n })
})

it('takes a second capture that the processor gave back itself out of suspense, not from the player', async () => {
  const { world, attemptId } = await capturedTwice()
  const outcome = { kind: 'returned', reference: 'late', amount: eur('30.00') } as const
  const told = { operatorId: world.operatorId, attemptId, outcome, source: 'webhook' } as const
  expect(await settleById(world.deps, told)).toMatchObject({ kind: 'moved', status: 'returned' })
  expect(await books(world)).toEqual({ cash: 3_000n, suspense: 0n, a: 0n, b: 3_000n })
})

it('tells people of a refund that went through after another had been sent in its place', async () => {
  const { world, paid, approve, refunds } = await capturedTwice()
  const { deps, operatorId } = world
  world.answer(() => ({ kind: 'declined', decline: { code: 'generic_decline' } }))
  await approve('cli_one')
  world.answer(() => undefined)
  await approve('cli_one')
  const [refused] = await refunds()
  const [attempt] = await deps.db.tx(operatorId, (tx) => attemptsOf(tx, operatorId, refused?.id ?? ''))
  const outcome = { kind: 'succeeded', reference: 'late-refund', amount: eur('30.00') } as const
  const told = { operatorId, attemptId: attempt?.id ?? '', outcome, source: 'webhook' } as const
  expect(await settleById(deps, told)).toMatchObject({ kind: 'moved', status: 'late_success' })
  expect(await books(world)).toEqual({ cash: 3_000n, suspense: 0n, a: 0n, b: 3_000n })
  const open = await deps.db.tx(operatorId, (tx) =>
    listReviews(tx, operatorId, { subjectId: paid.id, status: 'open', limit: 5 }),
  )
  expect(open).toMatchObject([
    { kind: 'late_success', reasons: [{ code: 'refunded_after_release' }], approvalsNeeded: 2 },
  ])
})
