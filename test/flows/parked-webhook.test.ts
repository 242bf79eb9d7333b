import { expect, it } from 'vitest'
import { attemptsOf } from '../../src/db/attempts.ts'
import { findInbound, storeInbound } from '../../src/db/inbound-webhooks.ts'
import { claimJobs } from '../../src/db/jobs.ts'
import { findPayment } from '../../src/db/payments.ts'
import { applyWebhook } from '../../src/flows/apply-webhook.ts'
import { deposit } from '../../src/flows/deposit.ts'
import { newId } from '../support/access.ts'
import { depositOrder, type FlowWorld, flowWorld } from '../support/flows.ts'
import { settleById } from '../support/settle.ts'

/** An event of the first processor that names a deposit by the processor's own reference only. */
async function told(world: FlowWorld, reference: string, connectionId = world.conA) {
  const { deps, operatorId, clock } = world
  const id = newId('inboundWebhook')
  const amount = { asset: 'EUR', minor: { $minor: '3000' } }
  const content = { id, flow: 'deposit', reference, outcome: { kind: 'succeeded', reference, amount } }
  const row = { id, connectionId, eventId: id, processor: 'model_a', content, processorAtMs: null }
  await deps.db.tx(operatorId, (tx) => storeInbound(tx, operatorId, [row], clock.nowMs() + 60_000))
  expect(await applyWebhook(deps, operatorId, id)).toHaveProperty('againAtMs')
  return id
}

const due = async ({ deps, clock }: FlowWorld) => {
  const asked = { kinds: ['apply_webhook'], limit: 10, leaseMs: 60_000, nowMs: clock.nowMs() }
  return (await deps.db.global((tx) => claimJobs(tx, asked))).map(({ subject }) => subject)
}

/** A deposit whose first answer is lost, so that nobody knows the processor's reference yet. */
async function unanswered(world: FlowWorld) {
  const { deps, operatorId } = world
  world.answer(() => ({ kind: 'unknown', reason: 'timeout', phase: 'written' }))
  const asked = await deposit(deps, depositOrder(world, '30.00'))
  const [attempt] = await deps.db.tx(operatorId, (tx) => attemptsOf(tx, operatorId, asked.id))
  return {
    learn: (reference: string) =>
      settleById(deps, {
        operatorId,
        attemptId: attempt?.id ?? '',
        outcome: { kind: 'pending', reference },
        source: 'find',
      }),
    status: async () => (await deps.db.tx(operatorId, (tx) => findPayment(tx, operatorId, asked.id)))?.status,
  }
}

it('applies an event that came before the reference that it names as soon as that is known', async () => {
  const world = await flowWorld()
  const { learn, status } = await unanswered(world)
  const id = await told(world, 'their_1')
  expect(await due(world)).toEqual([])
  await learn('their_1')
  expect(await due(world)).toEqual([id])
  await applyWebhook(world.deps, world.operatorId, id)
  expect(await status()).toBe('succeeded')
  const row = await world.deps.db.tx(world.operatorId, (tx) => findInbound(tx, world.operatorId, id))
  expect(row).toMatchObject({ status: 'applied', awaits: null })
})

it('wakes nothing that waits for another reference, or at another connection', async () => {
  const world = await flowWorld()
  const { learn } = await unanswered(world)
  await told(world, 'their_2')
  await told(world, 'their_1', world.conB)
  await learn('their_1')
  expect(await due(world)).toEqual([])
})
