import { expect, it } from 'vitest'
import { attemptsOf } from '../../src/db/attempts.ts'
import { playerWallet } from '../../src/db/ledger.ts'
import { findPayment } from '../../src/db/payments.ts'
import { listReviews } from '../../src/db/reviews.ts'
import { cancelDeposit } from '../../src/flows/cancel-deposit.ts'
import { captureDeposit } from '../../src/flows/capture-deposit.ts'
import { decideReview } from '../../src/flows/decide-review.ts'
import { deposit } from '../../src/flows/deposit.ts'
import { lookUp } from '../../src/flows/look-up.ts'
import { runOnce } from '../../src/jobs/run.ts'
import { JOBS } from '../../src/jobs/table.ts'
import { depositOrder, eur, type FlowWorld, flowWorld } from '../support/flows.ts'
import { settleById } from '../support/settle.ts'

const DAY_MS = 86_400_000
const cash = async ({ deps, operatorId }: FlowWorld) =>
  (await deps.db.tx(operatorId, (tx) => playerWallet(tx, operatorId, 'p1')))[0]?.cash ?? 0n
const status = async ({ deps, operatorId }: FlowWorld, id: string) =>
  (await deps.db.tx(operatorId, (tx) => findPayment(tx, operatorId, id)))?.status
const jobs = ({ deps }: FlowWorld) =>
  deps.db.global((tx) => tx<{ kind: string }[]>`select kind from job where kind in ('capture', 'cancel') order by kind`)
const lost = { kind: 'unknown', reason: 'timeout', phase: 'written' } as const

/** A deposit of 25.00 that is authorized at the first processor and waits. */
async function authorized() {
  const world = await flowWorld()
  world.answer(({ verb, request }) =>
    verb === 'charge' ? { kind: 'authorized', reference: 'a1', amount: request.amount } : undefined,
  )
  const waits = await deposit(world.deps, depositOrder(world, '25.00'))
  const [attempt] = await world.deps.db.tx(world.operatorId, (tx) => attemptsOf(tx, world.operatorId, waits.id))
  world.calls.length = 0
  const told = { operatorId: world.operatorId, attemptId: attempt?.id ?? '', source: 'webhook' } as const
  return { world, waits, told, id: attempt?.id ?? '' }
}
const captured = { kind: 'succeeded', reference: 'a1', amount: eur('25.00') } as const

it('orders the capture of an authorized deposit at once, and credits it on the word of the processor only', async () => {
  const { world, waits, told, id } = await authorized()
  expect(waits.status).toBe('processing')
  await runOnce(world.deps, { handlers: JOBS.handlers, periodic: {} })
  expect(world.calls).toMatchObject([
    { verb: 'capture', connection: world.conA, request: { attempt: id, reference: 'a1' } },
  ])
  expect(await status(world, waits.id)).toBe('processing')
  expect(await cash(world)).toBe(0n)

  await settleById(world.deps, { ...told, outcome: captured })
  expect(await status(world, waits.id)).toBe('succeeded')
  expect(await cash(world)).toBe(2_500n)
  expect(await captureDeposit(world.deps, world.operatorId, id)).toEqual({})
  expect(world.calls).toHaveLength(1)
})

it('takes a capture that is confirmed by its own answer for the last word', async () => {
  const { world, waits, id } = await authorized()
  world.answer(({ verb }) => (verb === 'capture' ? captured : undefined))
  await captureDeposit(world.deps, world.operatorId, id)
  expect(await status(world, waits.id)).toBe('succeeded')
  expect(await cash(world)).toBe(2_500n)
})

it('orders a capture again whose answer was lost, later and later, under the same key, for a day', async () => {
  const { world, waits, id } = await authorized()
  world.answer(() => lost)
  const waited: number[] = []
  for (;;) {
    const { againAtMs } = await captureDeposit(world.deps, world.operatorId, id)
    if (againAtMs === undefined) break
    waited.push(againAtMs - world.clock.nowMs())
    world.clock.pass(againAtMs - world.clock.nowMs())
  }
  expect(waited[0]).toBe(5_000)
  expect(waited.toSorted((a, b) => a - b)).toEqual(waited)
  expect(Math.max(...waited)).toBe(2 * 3_600_000)
  expect(waited.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(DAY_MS + 3 * 3_600_000)
  expect(new Set(world.calls.map(({ request }) => request.attempt))).toEqual(new Set([id]))
  expect(await status(world, waits.id)).toBe('processing')
  expect(await cash(world)).toBe(0n)
})

it('hands a deposit that is never captured to two people, whose word ends it', async () => {
  const { world, waits, id } = await authorized()
  world.answer(() => lost)
  for (let look = 0; look < 15; look += 1) await lookUp(world.deps, world.operatorId, id)
  const { operatorId } = world
  const [review] = await world.deps.db.tx(operatorId, (tx) => listReviews(tx, operatorId, { limit: 5 }))
  expect(review).toMatchObject({ kind: 'unknown_outcome', subjectId: waits.id, approvalsNeeded: 2 })
  const no = {
    operatorId,
    reviewId: review?.id ?? '',
    decision: 'reject',
    reason: 'not captured, says the bank',
  } as const
  await decideReview(world.deps, { ...no, actor: 'cli_one' })
  expect(await status(world, waits.id)).toBe('processing')
  await decideReview(world.deps, { ...no, actor: 'cli_two' })
  expect(await status(world, waits.id)).toBe('cancelled')
  expect(await cash(world)).toBe(0n)
})

it('cancels an authorized deposit on the word of the processor only, and captures it no more', async () => {
  const { world, waits, told } = await authorized()
  expect(await cancelDeposit(world.deps, world.operatorId, waits.id)).toMatchObject({ status: 'processing' })
  expect(await jobs(world)).toEqual([])
  await runOnce(world.deps, { handlers: JOBS.handlers, periodic: {} })
  expect(world.calls.map(({ verb }) => verb)).toEqual(['cancel'])

  await settleById(world.deps, { ...told, outcome: { kind: 'voided', reference: 'a1', why: 'cancelled' } })
  expect(await status(world, waits.id)).toBe('cancelled')
  expect(await cash(world)).toBe(0n)
})

it('keeps ordering a cancellation whose answer was lost', async () => {
  const { world, waits } = await authorized()
  world.answer(() => lost)
  expect(await cancelDeposit(world.deps, world.operatorId, waits.id)).toMatchObject({ status: 'processing' })
  expect(await jobs(world)).toEqual([{ kind: 'cancel' }])
  world.clock.pass(61_000)
  await runOnce(world.deps, { handlers: { cancel: JOBS.handlers.cancel ?? (async () => {}) }, periodic: {} })
  expect(world.calls.map(({ verb }) => verb)).toEqual(['cancel', 'cancel'])
})

it('credits a capture that was faster than the cancellation, and one that comes after it, once', async () => {
  const { world, waits, told } = await authorized()
  await captureDeposit(world.deps, world.operatorId, told.attemptId)
  await cancelDeposit(world.deps, world.operatorId, waits.id)
  await settleById(world.deps, { ...told, outcome: { kind: 'voided', reference: 'a1', why: 'cancelled' } })
  expect(await settleById(world.deps, { ...told, outcome: captured })).toMatchObject({ status: 'late_success' })
  expect(await settleById(world.deps, { ...told, outcome: captured })).toMatchObject({ kind: 'stays' })
  expect(await cash(world)).toBe(2_500n)
})

it('refuses to cancel what has succeeded', async () => {
  const { world, waits, told } = await authorized()
  await settleById(world.deps, { ...told, outcome: captured })
  await expect(cancelDeposit(world.deps, world.operatorId, waits.id)).rejects.toMatchObject({ code: 'illegal_state' })
  expect(world.calls).toEqual([])
})

it('credits nothing of a capture that had failed before its success was heard', async () => {
  const { world, waits, told } = await authorized()
  await settleById(world.deps, { ...told, outcome: { ...captured, kind: 'returned' } })
  expect(await status(world, waits.id)).toBe('failed')
  expect(await settleById(world.deps, { ...told, outcome: captured })).toMatchObject({ kind: 'stays', why: 'older' })
  expect(await cash(world)).toBe(0n)
})
