import { expect, it } from 'vitest'
import type { DisputeNews } from '../../src/adapters/contract.ts'
import { attemptsOf } from '../../src/db/attempts.ts'
import { listDisputes, newsOf } from '../../src/db/disputes.ts'
import { listEvents } from '../../src/db/events.ts'
import { findInbound, storeInbound } from '../../src/db/inbound-webhooks.ts'
import { findPayment } from '../../src/db/payments.ts'
import { listReviews } from '../../src/db/reviews.ts'
import { applyWebhook } from '../../src/flows/apply-webhook.ts'
import { decideReview } from '../../src/flows/decide-review.ts'
import { deposit } from '../../src/flows/deposit.ts'
import { refund } from '../../src/flows/refund.ts'
import { withdraw } from '../../src/flows/withdraw.ts'
import { newId } from '../support/access.ts'
import { depositOrder, eur, type FlowWorld, flowWorld, withdrawalOrder } from '../support/flows.ts'
import { settleById } from '../support/settle.ts'

const inTx = <T>({ deps, operatorId }: FlowWorld, work: Parameters<typeof deps.db.tx<T>>[1]) =>
  deps.db.tx(operatorId, work)

/** What stands in the books, by the accounts that disputes touch. */
async function books(world: FlowWorld) {
  const rows = await inTx(
    world,
    (tx) => tx<{ code: string; posted: bigint }[]>`
      select code, posted from ledger.account_balance where operator_id = ${world.operatorId} and asset = 'EUR'`,
  )
  const of = (code: string) => rows.find((row) => row.code === code)?.posted ?? 0n
  return {
    cash: of('player:p1:cash'),
    owed: of('player:p1:receivable'),
    receivable: of(`connection:${world.conA}:receivable`),
    loss: of('chargeback:loss'),
  }
}

/** A deposit of 100.00 by the first processor, and a way to tell its webhooks. */
async function captured() {
  const world = await flowWorld()
  const paid = await deposit(world.deps, depositOrder(world, '100.00'))
  const [attempt] = await inTx(world, (tx) => attemptsOf(tx, world.operatorId, paid.id))
  const attemptId = attempt?.id ?? ''
  let n = 0
  const tell = async (word: string, more: Partial<DisputeNews> = {}) => {
    const [stage, status] = word.split(' ')
    const dispute = { reference: 'D1', stage, status, amount: eur('100.00'), ...more }
    return hear({ dispute, outcome: { kind: 'unknown', reason: 'unmapped' } })
  }
  const hear = async (event: Readonly<Record<string, unknown>>) => {
    n += 1
    const id = newId('inboundWebhook')
    const content = { id: `e${n}`, flow: 'deposit', attempt: attemptId, ...event }
    const row = { id, connectionId: world.conA, eventId: `e${n}`, processor: 'model_a', processorAtMs: null, content }
    await inTx(world, (tx) => storeInbound(tx, world.operatorId, [row], world.clock.nowMs()))
    const { againAtMs } = await applyWebhook(world.deps, world.operatorId, id)
    const heard = await inTx(world, (tx) => findInbound(tx, world.operatorId, id))
    return { id, status: heard?.status, detail: heard?.detail, againAtMs }
  }
  const disputes = () => inTx(world, (tx) => listDisputes(tx, world.operatorId, { limit: 9 }))
  const deposited = () => inTx(world, (tx) => findPayment(tx, world.operatorId, paid.id))
  return { world, paid, attemptId, tell, hear, disputes, deposited }
}

const reviews = (world: FlowWorld, status = 'open') =>
  inTx(world, (tx) => listReviews(tx, world.operatorId, { kind: 'dispute', status, limit: 9 }))
const notices = async (world: FlowWorld, resourceId: string) =>
  (await inTx(world, (tx) => listEvents(tx, world.operatorId, { resourceId, limit: 20 })))
    .map(({ type }) => type)
    .reverse()

it('takes a chargeback out of cash once, and gives all of it back when it is won', async () => {
  const { world, tell, disputes, deposited } = await captured()
  expect(await tell('chargeback evidence_due')).toMatchObject({ status: 'applied' })
  expect(await books(world)).toEqual({ cash: 10_000n, owed: 0n, receivable: 10_000n, loss: 0n })
  expect(await tell('chargeback opened')).toMatchObject({ status: 'applied' })
  expect(await tell('chargeback opened')).toMatchObject({ status: 'ignored' })
  expect(await books(world)).toEqual({ cash: 0n, owed: 0n, receivable: 0n, loss: 0n })
  expect(await deposited()).toMatchObject({ status: 'succeeded', chargedBack: 10_000n })
  expect(await reviews(world)).toMatchObject([{ reasons: [{ check: 'dispute', code: 'chargeback' }] }])

  await tell('chargeback evidence_submitted')
  await tell('chargeback won')
  expect(await books(world)).toEqual({ cash: 10_000n, owed: 0n, receivable: 10_000n, loss: 0n })
  expect(await deposited()).toMatchObject({ chargedBack: 0n })
  expect(await reviews(world)).toEqual([])
  const [dispute, second] = await disputes()
  expect(second).toBeUndefined()
  expect(dispute).toMatchObject({ stage: 'chargeback', status: 'won', taken: 0n, rounds: 1 })
  expect(await notices(world, dispute?.id ?? '')).toEqual([
    'dispute.opened',
    'dispute.updated',
    'dispute.updated',
    'dispute.won',
  ])
})

it('ends with the same books in whatever order the news come', async () => {
  const words = ['inquiry opened', 'chargeback opened', 'chargeback won', 'chargeback lost', 'arbitration won']
  for (const order of [words, words.toReversed(), [2, 0, 3, 1, 4].map((at) => words[at] ?? '')]) {
    const { world, tell, disputes } = await captured()
    for (const word of order) await tell(word)
    expect(await books(world)).toEqual({ cash: 10_000n, owed: 0n, receivable: 10_000n, loss: 0n })
    const [dispute] = await disputes()
    expect(dispute).toMatchObject({ stage: 'arbitration', status: 'won', taken: 0n })
    expect(await inTx(world, (tx) => newsOf(tx, world.operatorId, dispute?.id ?? ''))).toHaveLength(5)
  }
})

it('takes it a second time when a won chargeback is lost after all', async () => {
  const { world, tell, disputes } = await captured()
  for (const word of ['chargeback opened', 'chargeback won', 'chargeback lost', 'chargeback lost']) await tell(word)
  expect(await books(world)).toEqual({ cash: 0n, owed: 0n, receivable: 0n, loss: 0n })
  expect(await disputes()).toMatchObject([{ status: 'lost', taken: 10_000n, rounds: 2 }])
})

it('makes the rest a debt of a player who has less, and lets two people have the house bear it', async () => {
  const { world, tell, disputes } = await captured()
  await withdraw(world.deps, withdrawalOrder(world, '70.00'))
  await tell('chargeback opened')
  expect(await books(world)).toMatchObject({ cash: 0n, owed: 7_000n })
  await tell('chargeback lost')
  const [review] = await reviews(world)
  expect(review).toMatchObject({ approvalsNeeded: 2, reasons: [{ code: 'chargeback' }, { code: 'lost' }] })
  const { operatorId } = world
  const yes = { operatorId, reviewId: review?.id ?? '', decision: 'approve', reason: 'not collectable' } as const
  await decideReview(world.deps, { ...yes, actor: 'cli_one' })
  expect(await books(world)).toMatchObject({ owed: 7_000n, loss: 0n })
  await decideReview(world.deps, { ...yes, actor: 'cli_two' })
  expect(await books(world)).toMatchObject({ cash: 0n, owed: 0n, loss: 7_000n })

  // Won at the last instance after all: the house has its loss back, the player no more than what was taken from cash.
  await tell('arbitration won')
  expect(await books(world)).toMatchObject({ cash: 3_000n, owed: 0n, loss: 0n })
  expect(await disputes()).toMatchObject([{ status: 'won', taken: 0n, owed: 0n, borne: 0n }])
})

it('refunds nothing that a chargeback has taken, and posts a chargeback of what was refunded for people to see', async () => {
  const { world, paid, tell, deposited } = await captured()
  const order = { operatorId: world.operatorId, requestedBy: 'cli', depositId: paid.id, reason: null, reference: null }
  await refund(world.deps, { ...order, runId: 'r1', amount: eur('60.00') })
  await tell('chargeback opened', { amount: eur('90.00') })
  expect(await books(world)).toMatchObject({ cash: 0n, owed: 5_000n, receivable: -5_000n })
  expect(await deposited()).toMatchObject({ refunded: 6_000n, chargedBack: 4_000n })
  expect(await reviews(world)).toMatchObject([{ reasons: [{ code: 'exceeds_captured' }] }])
  const more = refund(world.deps, { ...order, runId: 'r2', amount: eur('0.01') })
  await expect(more).rejects.toMatchObject({ code: 'refund_exceeds_captured' })
})

it.each([
  ['another currency', 'chargeback opened', { amount: { asset: 'USD', minor: 10_000n } }, 'currency_mismatch'],
  ['another amount for the same word', 'chargeback opened', { amount: eur('1.00') }, 'amount_mismatch'],
  ['a win of more than was taken', 'chargeback won', { amount: eur('100.01') }, 'amount_mismatch'],
])('moves nothing on %s, and asks people', async (_name, word, more, why) => {
  const { world, tell } = await captured()
  if (why === 'amount_mismatch') await tell('chargeback opened')
  const before = await books(world)
  expect(await tell(word, more)).toMatchObject({ status: 'quarantined', detail: why })
  expect(await books(world)).toEqual(before)
  expect((await reviews(world))[0]?.reasons.at(-1)?.code).toBe(why)
})

it('waits with a dispute over a deposit that is not known as captured', async () => {
  const world = await flowWorld()
  world.answer(() => ({ kind: 'pending', reference: 'r1' }))
  const waits = await deposit(world.deps, depositOrder(world, '10.00'))
  const [attempt] = await inTx(world, (tx) => attemptsOf(tx, world.operatorId, waits.id))
  const id = newId('inboundWebhook')
  const dispute = { reference: 'D1', stage: 'chargeback', status: 'opened', amount: eur('10.00') }
  const content = {
    id: 'e1',
    flow: 'deposit',
    attempt: attempt?.id,
    outcome: { kind: 'unknown', reason: 'unmapped' },
    dispute,
  }
  const row = { id, connectionId: world.conA, eventId: 'e1', processor: 'model_a', processorAtMs: null, content }
  await inTx(world, (tx) => storeInbound(tx, world.operatorId, [row], world.clock.nowMs()))
  expect(await applyWebhook(world.deps, world.operatorId, id)).toHaveProperty('againAtMs')
  expect(await inTx(world, (tx) => listDisputes(tx, world.operatorId, { limit: 9 }))).toEqual([])

  const outcome = { kind: 'succeeded', reference: 'r1', amount: eur('10.00') } as const
  await settleById(world.deps, {
    operatorId: world.operatorId,
    attemptId: attempt?.id ?? '',
    outcome,
    source: 'webhook',
  })
  expect(await applyWebhook(world.deps, world.operatorId, id)).toEqual({})
  expect(await books(world)).toMatchObject({ cash: 0n, receivable: 0n })
})

it('takes one chargeback once, told by thirty webhooks at once', async () => {
  const { world, tell } = await captured()
  await Promise.all(Array.from({ length: 30 }, () => tell('chargeback opened')))
  expect(await books(world)).toMatchObject({ cash: 0n, owed: 0n, receivable: 0n })
})

it('takes back a bank debit that was returned: cash first, the rest is owed', async () => {
  const { world, paid, hear } = await captured()
  await withdraw(world.deps, withdrawalOrder(world, '70.00'))
  const [attempt] = await inTx(world, (tx) => attemptsOf(tx, world.operatorId, paid.id))
  const reference = attempt?.processorReference ?? ''
  const outcome = { kind: 'returned', reference, amount: eur('100.00') } as const
  expect(await hear({ outcome })).toMatchObject({ status: 'applied' })
  expect(await hear({ outcome })).toMatchObject({ status: 'ignored' })
  expect(await books(world)).toMatchObject({ cash: 0n, owed: 7_000n })
  expect(await notices(world, paid.id)).toContain('deposit.reversed')
  const more = { operatorId: world.operatorId, requestedBy: 'cli', runId: 'r9', depositId: paid.id }
  const again = refund(world.deps, { ...more, amount: null, reason: null, reference: null })
  await expect(again).rejects.toMatchObject({ code: 'illegal_state' })
})
