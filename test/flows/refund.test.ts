import { expect, it } from 'vitest'
import { attemptsOf } from '../../src/db/attempts.ts'
import { playerWallet } from '../../src/db/ledger.ts'
import { findPayment } from '../../src/db/payments.ts'
import { findRefund } from '../../src/db/refunds.ts'
import { deposit } from '../../src/flows/deposit.ts'
import { refund } from '../../src/flows/refund.ts'
import { withdraw } from '../../src/flows/withdraw.ts'
import { depositOrder, eur, type FlowWorld, flowWorld, withdrawalOrder } from '../support/flows.ts'
import { settleById } from '../support/settle.ts'

const wallet = async ({ deps, operatorId }: FlowWorld) => {
  const [found] = await deps.db.tx(operatorId, (tx) => playerWallet(tx, operatorId, 'p1'))
  return { cash: found?.cash ?? 0n, held: found?.held ?? 0n }
}
const refunded = async ({ deps, operatorId }: FlowWorld, id: string) =>
  (await deps.db.tx(operatorId, (tx) => findPayment(tx, operatorId, id)))?.refunded

async function captured(amount = '100.00') {
  const world = await flowWorld()
  const paid = await deposit(world.deps, depositOrder(world, amount))
  world.calls.length = 0
  const order = (runId: string, text: string | null) => ({
    operatorId: world.operatorId,
    requestedBy: 'cli_test',
    runId,
    depositId: paid.id,
    amount: text === null ? null : eur(text),
    reason: null,
    reference: null,
  })
  return { world, paid, order }
}

it('sends a part back, then the rest, and not a cent more', async () => {
  const { world, paid, order } = await captured()
  expect(await refund(world.deps, order('r1', '60.00'))).toMatchObject({ status: 'succeeded', amount: 6_000n })
  await expect(refund(world.deps, order('r2', '40.01'))).rejects.toMatchObject({ code: 'refund_exceeds_captured' })
  expect(await refund(world.deps, order('r3', null))).toMatchObject({ status: 'succeeded', amount: 4_000n })
  expect(await refunded(world, paid.id)).toBe(10_000n)
  expect(await wallet(world)).toEqual({ cash: 0n, held: 0n })
})

it('accepts one of two refunds of 60 on 100 that come at once', async () => {
  const { world, order } = await captured()
  const both = await Promise.allSettled([
    refund(world.deps, order('a', '60.00')),
    refund(world.deps, order('b', '60.00')),
  ])
  expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  expect(world.calls).toHaveLength(1)
})

it('refunds nothing that the player has already withdrawn', async () => {
  const { world, paid, order } = await captured()
  await withdraw(world.deps, withdrawalOrder(world, '80.00'))
  await expect(refund(world.deps, order('r1', '30.00'))).rejects.toMatchObject({ code: 'insufficient_funds' })
  expect(await refunded(world, paid.id)).toBe(0n)
  expect(world.calls).toEqual([])
})

it('gives the money back to the player when the processor refuses', async () => {
  const { world, paid, order } = await captured()
  world.answer(() => ({ kind: 'declined', decline: { code: 'generic_decline' } }))
  expect(await refund(world.deps, order('r1', '60.00'))).toMatchObject({ status: 'declined' })
  expect(await refunded(world, paid.id)).toBe(0n)
  expect(await wallet(world)).toEqual({ cash: 10_000n, held: 0n })
})

it('keeps it on hold while nobody knows', async () => {
  const { world, paid, order } = await captured()
  world.answer(() => ({ kind: 'unknown', reason: 'reset', phase: 'written' }))
  expect(await refund(world.deps, order('r1', '60.00'))).toMatchObject({ status: 'unknown' })
  expect(await refunded(world, paid.id)).toBe(6_000n)
  expect(await wallet(world)).toEqual({ cash: 4_000n, held: 6_000n })
})

it.each([
  ['after it was confirmed', 'succeeded'],
  ['before its confirmation was heard', 'pending'],
] as const)('gives the money back to the player when the refund itself comes back %s, once', async (_when, kind) => {
  const { world, paid, order } = await captured()
  world.answer(({ request }) => ({ kind, reference: 'rf1', amount: request.amount }))
  const sent = await refund(world.deps, order('r1', '60.00'))
  const { deps, operatorId } = world
  const [attempt] = await deps.db.tx(operatorId, (tx) => attemptsOf(tx, operatorId, sent.id))
  const told = { operatorId, attemptId: attempt?.id ?? '', source: 'webhook' } as const
  const back = { kind: 'returned', reference: 'rf1', amount: eur('60.00') } as const
  for (let times = 0; times < 2; times += 1) await settleById(deps, { ...told, outcome: back })
  await settleById(deps, { ...told, outcome: { ...back, kind: 'succeeded' } })
  expect(await wallet(world)).toEqual({ cash: 10_000n, held: 0n })
  expect(await refunded(world, paid.id)).toBe(0n)
  expect(await deps.db.tx(operatorId, (tx) => findRefund(tx, operatorId, sent.id))).toMatchObject({ status: 'failed' })
})
