import { expect, it } from 'vitest'
import { attemptsOf } from '../../src/db/attempts.ts'
import { playerWallet } from '../../src/db/ledger.ts'
import { savePlayer } from '../../src/db/players.ts'
import { deposit } from '../../src/flows/deposit.ts'
import { lookUp } from '../../src/flows/look-up.ts'
import { depositOrder, eur, type FlowWorld, flowWorld } from '../support/flows.ts'
import { settleById } from '../support/settle.ts'

const cash = async ({ deps, operatorId }: FlowWorld) =>
  (await deps.db.tx(operatorId, (tx) => playerWallet(tx, operatorId, 'p1')))[0]?.cash ?? 0n
const attempts = ({ deps, operatorId }: FlowWorld, id: string) =>
  deps.db.tx(operatorId, (tx) => attemptsOf(tx, operatorId, id))
const statuses = async (world: FlowWorld, id: string) => (await attempts(world, id)).map(({ status }) => status)
const fees = { kind: 'declined', decline: { code: 'issuer_unavailable' } } as const

it('credits a deposit that the first processor takes', async () => {
  const world = await flowWorld()
  const paid = await deposit(world.deps, depositOrder(world, '25.00'))
  expect(paid).toMatchObject({ status: 'succeeded', connectionId: world.conA })
  expect(await cash(world)).toBe(2_500n)
})

it('goes on to the next processor when the first one says that the issuer is away', async () => {
  const world = await flowWorld()
  world.answer((call) => (call.connection === world.conA ? fees : undefined))
  const paid = await deposit(world.deps, depositOrder(world, '25.91'))
  expect(paid).toMatchObject({ status: 'succeeded', connectionId: world.conB })
  expect(await statuses(world, paid.id)).toEqual(['declined', 'succeeded'])
  expect(await cash(world)).toBe(2_591n)
})

it('stops at a hard decline', async () => {
  const world = await flowWorld()
  world.answer(() => ({ kind: 'declined', decline: { code: 'lost_card' } }))
  const paid = await deposit(world.deps, depositOrder(world, '25.41'))
  expect(paid).toMatchObject({ status: 'declined', decline: { code: 'lost_card' } })
  expect(world.calls).toHaveLength(1)
})

it('never asks a second processor when the answer was lost, and takes the look-up for the truth', async () => {
  const world = await flowWorld()
  world.answer((call) =>
    call.verb === 'charge' ? { kind: 'unknown', reason: 'timeout', phase: 'written' } : undefined,
  )
  const unsure = await deposit(world.deps, depositOrder(world, '25.68'))
  expect(unsure.status).toBe('unknown')
  expect(world.calls.map(({ verb }) => verb)).toEqual(['charge'])
  expect(await cash(world)).toBe(0n)

  world.answer(({ request }) => ({ kind: 'succeeded', reference: 'r1', amount: request.amount }))
  const [attempt] = await attempts(world, unsure.id)
  expect(await lookUp(world.deps, world.operatorId, attempt?.id ?? '')).toEqual({})
  expect(await statuses(world, unsure.id)).toEqual(['succeeded'])
  expect(await cash(world)).toBe(2_568n)
})

it('believes "not found" only when it is old enough to prove something', async () => {
  const world = await flowWorld()
  world.answer((call) => (call.verb === 'charge' ? { kind: 'unknown', reason: 'timeout' } : undefined))
  const unsure = await deposit(world.deps, depositOrder(world, '25.69'))
  const [attempt] = await attempts(world, unsure.id)
  const id = attempt?.id ?? ''
  world.clock.pass(5_000)
  expect(await lookUp(world.deps, world.operatorId, id)).toHaveProperty('againAtMs')
  expect(await statuses(world, unsure.id)).toEqual(['unknown'])
  world.clock.pass(60_000)
  expect(await lookUp(world.deps, world.operatorId, id)).toEqual({})
  expect(await statuses(world, unsure.id)).toEqual(['not_sent'])
})

it('changes nothing when a look-up fails, however old the payment is', async () => {
  const world = await flowWorld()
  world.answer(() => ({ kind: 'unknown', reason: 'timeout' }))
  const unsure = await deposit(world.deps, depositOrder(world, '25.68'))
  const [attempt] = await attempts(world, unsure.id)
  world.clock.pass(400 * 86_400_000)
  await lookUp(world.deps, world.operatorId, attempt?.id ?? '')
  expect(await statuses(world, unsure.id)).toEqual(['unknown'])
})

it('credits nothing when the processor names another amount, and asks people', async () => {
  const world = await flowWorld()
  world.answer(() => ({ kind: 'succeeded', reference: 'r1', amount: eur('250.00') }))
  const odd = await deposit(world.deps, depositOrder(world, '25.00'))
  expect(odd.status).toBe('unknown')
  expect(await statuses(world, odd.id)).toEqual(['integrity_hold'])
  expect(await cash(world)).toBe(0n)
})

it('accepts money that comes after a decline, once, and never from a second processor into the wallet', async () => {
  const world = await flowWorld()
  world.answer((call) => (call.connection === world.conA ? fees : undefined))
  const paid = await deposit(world.deps, depositOrder(world, '30.00'))
  const [first] = await attempts(world, paid.id)
  const late = {
    operatorId: world.operatorId,
    attemptId: first?.id ?? '',
    outcome: { kind: 'succeeded', reference: 'late', amount: eur('30.00') },
    source: 'webhook',
  } as const
  expect(await settleById(world.deps, late)).toMatchObject({ kind: 'moved', status: 'late_success' })
  expect(await settleById(world.deps, late)).toMatchObject({ kind: 'stays' })
  expect(await cash(world)).toBe(3_000n)
  const suspense = await world.deps.db.tx(
    world.operatorId,
    (tx) => tx`
    select posted from ledger.account_balance where operator_id = ${world.operatorId} and code = 'suspense'`,
  )
  expect(suspense).toEqual([{ posted: 3_000n }])
})

it('keeps a success against a failure that comes after it', async () => {
  const world = await flowWorld()
  const paid = await deposit(world.deps, depositOrder(world, '30.00'))
  const [attempt] = await attempts(world, paid.id)
  const failure = {
    operatorId: world.operatorId,
    attemptId: attempt?.id ?? '',
    source: 'webhook',
    outcome: fees,
  } as const
  expect(await settleById(world.deps, failure)).toMatchObject({ kind: 'quarantined', status: 'succeeded' })
  expect(await cash(world)).toBe(3_000n)
})

it('posts one success once, however often and from however many sides it is told at once', async () => {
  const world = await flowWorld()
  world.answer(() => ({ kind: 'pending', reference: 'r9' }))
  const waiting = await deposit(world.deps, depositOrder(world, '12.99'))
  expect(waiting.status).toBe('processing')
  const [attempt] = await attempts(world, waiting.id)
  const told = {
    operatorId: world.operatorId,
    attemptId: attempt?.id ?? '',
    outcome: { kind: 'succeeded', reference: 'r9', amount: eur('12.99') },
    source: 'webhook',
  } as const
  const settled = await Promise.all(Array.from({ length: 30 }, () => settleById(world.deps, told)))
  expect(settled.filter(({ kind }) => kind === 'moved')).toHaveLength(1)
  expect(await cash(world)).toBe(1_299n)
})

it('finds what its own run began when it is run again, and starts nothing new', async () => {
  const world = await flowWorld()
  const order = depositOrder(world, '25.00')
  const first = await deposit(world.deps, order)
  const again = await deposit(world.deps, order)
  expect(again.id).toBe(first.id)
  expect(world.calls).toHaveLength(1)
})

it('refuses a reference that another payment has, for ever', async () => {
  const world = await flowWorld()
  const order = depositOrder(world, '25.00')
  const first = await deposit(world.deps, order)
  const twin = deposit(world.deps, { ...order, runId: 'another-run' })
  await expect(twin).rejects.toMatchObject({
    code: 'duplicate_reference',
    extra: { members: { resource_id: first.id } },
  })
  expect(world.calls).toHaveLength(1)
})

it('takes nothing from a frozen or unknown player', async () => {
  const world = await flowWorld()
  await expect(deposit(world.deps, { ...depositOrder(world, '1.00'), playerId: 'nobody' })).rejects.toMatchObject({
    code: 'player_not_found',
  })
  await world.deps.db.tx(world.operatorId, (tx) =>
    savePlayer(tx, world.operatorId, 'p1', { amlStatus: 'frozen' }, 'cli'),
  )
  await expect(deposit(world.deps, depositOrder(world, '1.00'))).rejects.toMatchObject({ code: 'aml_hold' })
  expect(world.calls).toEqual([])
})

it('asks people about a second success that names another amount', async () => {
  const world = await flowWorld()
  const paid = await deposit(world.deps, depositOrder(world, '30.00'))
  const [attempt] = await attempts(world, paid.id)
  const reference = attempt?.processorReference ?? ''
  const outcome = { kind: 'succeeded', reference, amount: eur('31.00') } as const
  const told = { operatorId: world.operatorId, attemptId: attempt?.id ?? '', source: 'webhook', outcome } as const
  expect(await settleById(world.deps, told)).toMatchObject({
    kind: 'quarantined',
    why: 'another success: amount_mismatch',
  })
  expect(await cash(world)).toBe(3_000n)
})
