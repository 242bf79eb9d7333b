import { expect, it } from 'vitest'
import { playerWallet } from '../../src/db/ledger.ts'
import { findPayment } from '../../src/db/payments.ts'
import { savePlayer } from '../../src/db/players.ts'
import { listReviews } from '../../src/db/reviews.ts'
import { cancelWithdrawal } from '../../src/flows/cancel-withdrawal.ts'
import { decideReview } from '../../src/flows/decide-review.ts'
import { deposit } from '../../src/flows/deposit.ts'
import { excludePlayer } from '../../src/flows/exclude-player.ts'
import { lookUp } from '../../src/flows/look-up.ts'
import { payOut } from '../../src/flows/pay-out.ts'
import { withdraw } from '../../src/flows/withdraw.ts'
import { depositOrder, eur, type FlowWorld, flowWorld, withdrawalOrder } from '../support/flows.ts'
import { settleById } from '../support/settle.ts'

const wallet = async ({ deps, operatorId }: FlowWorld) => {
  const [found] = await deps.db.tx(operatorId, (tx) => playerWallet(tx, operatorId, 'p1'))
  return { cash: found?.cash ?? 0n, held: found?.held ?? 0n }
}
const statusOf = async ({ deps, operatorId }: FlowWorld, id: string) =>
  (await deps.db.tx(operatorId, (tx) => findPayment(tx, operatorId, id)))?.status
const reviews = ({ deps, operatorId }: FlowWorld) =>
  deps.db.tx(operatorId, (tx) => listReviews(tx, operatorId, { status: 'open', limit: 10 }))
const change = ({ deps, operatorId }: FlowWorld, what: Parameters<typeof savePlayer>[3]) =>
  deps.db.tx(operatorId, (tx) => savePlayer(tx, operatorId, 'p1', what, 'cli_test'))

async function funded(amount = '100.00'): Promise<FlowWorld> {
  const world = await flowWorld()
  await deposit(world.deps, depositOrder(world, amount))
  world.calls.length = 0
  return world
}

it('holds the money at once, then pays it out', async () => {
  const world = await funded()
  const asked = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  expect(asked.status).toBe('approved')
  expect(asked.checks?.map(({ name, status }) => [name, status])).toEqual([
    ['authenticated', 'passed'],
    ['kyc', 'passed'],
    ['available', 'passed'],
    ['minimum', 'passed'],
    ['self_exclusion', 'passed'],
    ['aml', 'passed'],
    ['responsible_gambling', 'passed'],
    ['destination', 'passed'],
    ['execute', 'skipped'],
  ])
  expect(await wallet(world)).toEqual({ cash: 6_000n, held: 4_000n })
  await payOut(world.deps, world.operatorId, asked.id)
  expect(await statusOf(world, asked.id)).toBe('paid')
  expect(await wallet(world)).toEqual({ cash: 6_000n, held: 0n })
})

it('accepts exactly one of 50 withdrawals of the whole balance that come at once', async () => {
  const world = await funded()
  const asked = await Promise.allSettled(
    Array.from({ length: 50 }, () => withdraw(world.deps, withdrawalOrder(world, '100.00'))),
  )
  expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(await wallet(world)).toEqual({ cash: 0n, held: 10_000n })
})

it('refuses a cent more than there is, keeps the verdicts, and leaves the reference free', async () => {
  const world = await funded()
  const order = withdrawalOrder(world, '100.01')
  const refused = await withdraw(world.deps, order).catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'insufficient_funds', extra: { members: { check: 'available' } } })
  expect(await wallet(world)).toEqual({ cash: 10_000n, held: 0n })
  const again = await withdraw(world.deps, { ...order, amount: eur('100.00'), runId: 'again' })
  expect(again.status).toBe('approved')
})

it.each([
  ['below the minimum', { amount: eur('0.99') }, 'below_minimum'],
  [
    'to an IBAN with a wrong check digit',
    { destination: { type: 'bank', iban: 'DE88370400440532013000', name: 'Ada Example' } as const },
    'destination_invalid',
  ],
  ['by a caller who may not', { mayWithdraw: false }, 'forbidden'],
])('refuses one %s', async (_what, different, code) => {
  const world = await funded()
  await expect(withdraw(world.deps, { ...withdrawalOrder(world, '50.00'), ...different })).rejects.toMatchObject({
    code,
  })
  expect(await wallet(world)).toEqual({ cash: 10_000n, held: 0n })
})

it('holds for people who is not verified, and pays when they say yes', async () => {
  const world = await funded()
  await change(world, { kycStatus: 'pending' })
  const asked = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  expect(asked.status).toBe('held')
  expect(await wallet(world)).toEqual({ cash: 6_000n, held: 4_000n })
  await payOut(world.deps, world.operatorId, asked.id)
  expect(await statusOf(world, asked.id)).toBe('held')

  const [review] = await reviews(world)
  expect(review?.reasons).toEqual([{ check: 'kyc', code: 'kyc_required' }])
  const order = {
    operatorId: world.operatorId,
    reviewId: review?.id ?? '',
    actor: 'cli_ops',
    reason: 'seen the passport',
  }
  await decideReview(world.deps, { ...order, decision: 'approve' })
  await payOut(world.deps, world.operatorId, asked.id)
  expect(await statusOf(world, asked.id)).toBe('paid')
})

it('gives the money back when people say no', async () => {
  const world = await funded()
  await change(world, { amlStatus: 'flagged' })
  const asked = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  const [review] = await reviews(world)
  const order = {
    operatorId: world.operatorId,
    reviewId: review?.id ?? '',
    actor: 'cli_ops',
    reason: 'no source of funds',
  }
  await decideReview(world.deps, { ...order, decision: 'reject' })
  expect(await statusOf(world, asked.id)).toBe('rejected')
  expect(await wallet(world)).toEqual({ cash: 10_000n, held: 0n })
})

it('wants two different people for a large one', async () => {
  const world = await funded('9000.00')
  await withdraw(world.deps, withdrawalOrder(world, '6000.00'))
  const [review] = await reviews(world)
  const order = {
    operatorId: world.operatorId,
    reviewId: review?.id ?? '',
    reason: 'fine',
    decision: 'approve',
  } as const
  expect(await decideReview(world.deps, { ...order, actor: 'cli_1' })).toMatchObject({ status: 'open' })
  await expect(decideReview(world.deps, { ...order, actor: 'cli_1' })).rejects.toMatchObject({
    code: 'four_eyes_required',
  })
  expect(await decideReview(world.deps, { ...order, actor: 'cli_2' })).toMatchObject({ status: 'approved' })
})

it('is not executed when KYC turns bad between the check and the payout', async () => {
  const world = await funded()
  const asked = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  await change(world, { kycStatus: 'rejected' })
  await payOut(world.deps, world.operatorId, asked.id)
  expect(await statusOf(world, asked.id)).toBe('rejected')
  expect(world.calls).toEqual([])
  expect(await wallet(world)).toEqual({ cash: 10_000n, held: 0n })
})

it('asks people again about a reason that they have not seen', async () => {
  const world = await funded()
  await change(world, { kycStatus: 'pending' })
  const asked = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  const [review] = await reviews(world)
  await decideReview(world.deps, {
    operatorId: world.operatorId,
    reviewId: review?.id ?? '',
    actor: 'cli_ops',
    reason: 'ok',
    decision: 'approve',
  })
  await change(world, { amlStatus: 'flagged' })
  await payOut(world.deps, world.operatorId, asked.id)
  expect(await statusOf(world, asked.id)).toBe('held')
  expect(world.calls).toEqual([])
})

it('keeps the hold while nobody knows, asks nobody else, and never lets time decide', async () => {
  const world = await funded()
  world.answer((call) =>
    call.verb === 'payOut' ? { kind: 'unknown', reason: 'timeout', phase: 'written' } : undefined,
  )
  const asked = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  await payOut(world.deps, world.operatorId, asked.id)
  expect(await statusOf(world, asked.id)).toBe('unknown')
  expect(world.calls).toHaveLength(1)
  world.clock.pass(100 * 86_400_000)
  await payOut(world.deps, world.operatorId, asked.id)
  expect(world.calls).toHaveLength(1)
  expect(await wallet(world)).toEqual({ cash: 6_000n, held: 4_000n })
})

it('does not go elsewhere after a refusal of the payout, and gives the money back', async () => {
  const world = await funded()
  world.answer(() => ({ kind: 'declined', decline: { code: 'do_not_honor' } }))
  const asked = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  await payOut(world.deps, world.operatorId, asked.id)
  expect(await statusOf(world, asked.id)).toBe('failed')
  expect(world.calls).toHaveLength(1)
  expect(await wallet(world)).toEqual({ cash: 10_000n, held: 0n })
})

it('goes elsewhere on proof that nothing left, and waits on hold when nobody can be reached', async () => {
  const world = await funded()
  const refused = { kind: 'not_sent', reason: 'connect_failed' } as const
  world.answer((call) => (call.connection === world.conA ? refused : undefined))
  const first = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  await payOut(world.deps, world.operatorId, first.id)
  expect(await statusOf(world, first.id)).toBe('paid')

  world.answer(() => refused)
  const second = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  await payOut(world.deps, world.operatorId, second.id)
  expect(await world.database.admin`select kind from job where subject = ${second.id}`).toEqual([{ kind: 'pay_out' }])
  expect(await statusOf(world, second.id)).toBe('approved')
  expect(await wallet(world)).toEqual({ cash: 2_000n, held: 4_000n })
})

it('re-credits a payout that comes back, once', async () => {
  const world = await funded()
  const asked = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  await payOut(world.deps, world.operatorId, asked.id)
  const [call] = world.calls
  const attemptId = call?.request.attempt ?? ''
  const outcome = { kind: 'returned', reference: `ref_${attemptId}`, amount: eur('40.00') } as const
  const back = { operatorId: world.operatorId, attemptId, outcome, source: 'webhook' } as const
  await Promise.all([settleById(world.deps, back), settleById(world.deps, back)])
  expect(await statusOf(world, asked.id)).toBe('returned')
  expect(await wallet(world)).toEqual({ cash: 10_000n, held: 0n })
})

it('lets the player take it back before it leaves, but not where the licence forbids it', async () => {
  const world = await funded()
  const asked = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  expect((await cancelWithdrawal(world.deps, world.operatorId, asked.id)).status).toBe('cancelled')
  expect(await wallet(world)).toEqual({ cash: 10_000n, held: 0n })
  await payOut(world.deps, world.operatorId, asked.id)
  expect(world.calls).toEqual([])

  await change(world, { licence: 'GB' })
  const kept = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  await expect(cancelWithdrawal(world.deps, world.operatorId, kept.id)).rejects.toMatchObject({ code: 'forbidden' })
})

it('lets an excluded player have the own money back to where it went before, and asks people about a new place', async () => {
  const world = await funded()
  const before = await withdraw(world.deps, withdrawalOrder(world, '20.00'))
  await payOut(world.deps, world.operatorId, before.id)
  const exclusion = {
    operatorId: world.operatorId,
    playerId: 'p1',
    type: 'self_exclusion',
    until: null,
    source: 'player',
    by: 'cli_test',
  } as const
  await excludePlayer(world.deps, exclusion)
  await expect(deposit(world.deps, depositOrder(world, '5.00'))).rejects.toMatchObject({ code: 'self_excluded' })
  expect((await withdraw(world.deps, withdrawalOrder(world, '20.00'))).status).toBe('approved')
  const elsewhere = { type: 'bank', iban: 'GB33BUKB20201555555555', name: 'Ada Example' } as const
  expect((await withdraw(world.deps, { ...withdrawalOrder(world, '20.00'), destination: elsewhere })).status).toBe(
    'held',
  )
})

it('asks people about an account that another player is paid at, unless the operator allows it', async () => {
  const world = await funded()
  await withdraw(world.deps, withdrawalOrder(world, '10.00'))
  await world.deps.db.tx(world.operatorId, (tx) =>
    savePlayer(tx, world.operatorId, 'p2', { name: 'Ada Example', kycStatus: 'verified' }, 'cli_test'),
  )
  await deposit(world.deps, { ...depositOrder(world, '50.00'), playerId: 'p2' })
  expect((await withdraw(world.deps, { ...withdrawalOrder(world, '10.00'), playerId: 'p2' })).status).toBe('held')
  await world.database.admin`update operator set settings = '{"withdrawal": {"sharedDestination": "allow"}}'`
  expect((await withdraw(world.deps, { ...withdrawalOrder(world, '10.00'), playerId: 'p2' })).status).toBe('approved')
})

it('is sent again when a look-up proves that nothing had left', async () => {
  const world = await funded()
  world.answer((call) => (call.verb === 'payOut' ? { kind: 'unknown', reason: 'timeout' } : undefined))
  const asked = await withdraw(world.deps, withdrawalOrder(world, '40.00'))
  await payOut(world.deps, world.operatorId, asked.id)
  await world.database.admin`delete from job where kind = 'pay_out'`
  world.clock.pass(60_000)
  await lookUp(world.deps, world.operatorId, world.calls[0]?.request.attempt ?? '')
  expect(await statusOf(world, asked.id)).toBe('approved')
  const jobs = await world.deps.db.global((tx) => tx`select kind from job where subject = ${asked.id}`)
  expect(jobs).toEqual([{ kind: 'pay_out' }])
})
