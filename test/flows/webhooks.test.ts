import { expect, it } from 'vitest'
import type { Events, ProcessorEvent } from '../../src/adapters/contract.ts'
import { attemptsOf } from '../../src/db/attempts.ts'
import { findInbound, listInbound, storeInbound } from '../../src/db/inbound-webhooks.ts'
import { findPayment } from '../../src/db/payments.ts'
import { applyWebhook } from '../../src/flows/apply-webhook.ts'
import { deposit } from '../../src/flows/deposit.ts'
import type { Deps } from '../../src/flows/deps.ts'
import { receiveWebhook } from '../../src/flows/receive-webhook.ts'
import { newId } from '../support/access.ts'
import { depositOrder, eur, type FlowWorld, flowWorld } from '../support/flows.ts'

const inTx = <T>({ deps, operatorId }: FlowWorld, work: Parameters<typeof deps.db.tx<T>>[1]) =>
  deps.db.tx(operatorId, work)

const event = (id: string, more: Partial<ProcessorEvent> = {}): ProcessorEvent => ({
  ...{ id, flow: 'deposit', attempt: 'att_1', outcome: { kind: 'pending' } },
  ...more,
})

/** A gateway whose processor's adapter says `events` of whatever bytes come. */
function listening(world: FlowWorld, events: Events) {
  const asked: unknown[] = []
  const counted: unknown[] = []
  const warned: unknown[] = []
  const deps: Deps = {
    ...world.deps,
    processors: {
      ...world.deps.processors,
      events: async (connection, webhook) => {
        asked.push([connection.id, ...Object.values(webhook)])
        return events
      },
    },
    metrics: { ...world.deps.metrics, count: (name, labels) => void counted.push([name, labels]) },
    log: { ...world.deps.log, warn: (name, fields) => void warned.push([name, fields]) },
  }
  const receive = (processor = 'model_a', connectionId = world.conA) =>
    receiveWebhook(deps, { processor, connectionId, body: Buffer.from('{}'), headers: { x: 'y' } })
  return { receive, asked, counted, warned }
}

const stored = (world: FlowWorld) => inTx(world, (tx) => listInbound(tx, world.operatorId, { limit: 99 }))
const jobs = async ({ database }: FlowWorld) =>
  (await database.admin`select subject, run_at from job where kind = 'apply_webhook' order by subject`).map(
    ({ subject, run_at }) => [subject, run_at.getTime()],
  )

it('a verified webhook is stored word for word, event by event, and each is to be applied at once', async () => {
  const world = await flowWorld()
  const told = [
    event('e1', { atMs: 1_795_399_100_000 }),
    event('e2', { outcome: { kind: 'succeeded', reference: 'r', amount: eur('9007199254740993.00') } }),
  ]
  const { receive, asked, counted } = listening(world, { kind: 'verified', events: told })
  expect(await receive()).toEqual({ accepted: 2 })
  expect(asked).toEqual([[world.conA, Buffer.from('{}'), { x: 'y' }]])
  expect(counted).toEqual([['paycage_webhooks_received_total', { processor: 'model_a', result: 'verified' }]])
  const rows = (await stored(world)).sort((a, b) => (a.eventId < b.eventId ? -1 : 1))
  expect(rows).toMatchObject([
    { connectionId: world.conA, processor: 'model_a', eventId: 'e1', status: 'received', tries: 0 },
    { eventId: 'e2', processorAtMs: null },
  ])
  expect(Number(rows[0]?.processorAtMs)).toBe(1_795_399_100_000)
  expect(await jobs(world)).toEqual(rows.map(({ id }) => [id, world.clock.nowMs()]).sort())
})

it('the same event is taken once from a connection, and is another one from another', async () => {
  const world = await flowWorld()
  const { receive } = listening(world, { kind: 'verified', events: [event('e1')] })
  const all = await Promise.all([receive(), receive(), receive()])
  expect(all.map(({ accepted }) => accepted).sort()).toEqual([0, 0, 1])
  expect(await listening(world, { kind: 'verified', events: [event('e1'), event('e2')] }).receive()).toEqual({
    accepted: 1,
  })
  expect(await receive('model_b', world.conB)).toEqual({ accepted: 1 })
  expect(await jobs(world)).toHaveLength(3)
})

it('what is not verified leaves no trace but a counter and a line', async () => {
  const world = await flowWorld()
  const { receive, counted, warned } = listening(world, { kind: 'refused', why: 'stale' })
  await expect(receive()).rejects.toMatchObject({ code: 'signature_invalid' })
  expect(counted).toEqual([['paycage_webhooks_received_total', { processor: 'model_a', result: 'stale' }]])
  expect(warned).toEqual([['webhook_refused', { processor: 'model_a', connection_id: world.conA, reason: 'stale' }]])
  expect([await stored(world), await jobs(world)]).toEqual([[], []])
})

it('an address of no connection, or of another processor, is not found, and its bytes are not read', async () => {
  const world = await flowWorld()
  const { receive, asked, counted } = listening(world, { kind: 'verified', events: [event('e1')] })
  for (const [processor, connection] of [
    ['model_a', 'con_none'],
    ['model_b', world.conA],
    ['', world.conA],
  ] as const)
    await expect(receive(processor, connection)).rejects.toMatchObject({ code: 'not_found' })
  expect([asked, counted, await stored(world)]).toEqual([[], [], []])
})

/** A deposit of 30.00 that waits at the first processor, and a way to tell of it. */
async function waiting() {
  const world = await flowWorld()
  world.answer(() => ({ kind: 'pending', reference: 'r1' }))
  const paid = await deposit(world.deps, depositOrder(world, '30.00'))
  const [attempt] = await inTx(world, (tx) => attemptsOf(tx, world.operatorId, paid.id))
  const attemptId = attempt?.id ?? ''
  const errors: unknown[] = []
  const deps: Deps = { ...world.deps, log: { ...world.deps.log, error: (...of) => void errors.push(of) } }
  let n = 0
  const store = async (content: Readonly<Record<string, unknown>>, connectionId = world.conA) => {
    n += 1
    const id = newId('inboundWebhook')
    const row = { id, connectionId, eventId: `e${n}`, processor: 'model_a', processorAtMs: null, content }
    await inTx(world, (tx) => storeInbound(tx, world.operatorId, [row], world.clock.nowMs()))
    return id
  }
  const apply = async (id: string) => {
    const applied = await applyWebhook(deps, world.operatorId, id)
    const row = await inTx(world, (tx) => findInbound(tx, world.operatorId, id))
    const { status, detail, tries, subjectId } = row ?? {}
    return { ...applied, status, detail, tries, subjectId, attemptId: row?.attemptId }
  }
  const hear = async (content: Readonly<Record<string, unknown>>, connectionId?: string) =>
    apply(await store({ id: 'e', flow: 'deposit', ...content }, connectionId))
  const status = async () => (await inTx(world, (tx) => findPayment(tx, world.operatorId, paid.id)))?.status
  return { world, deps, paid, attemptId, errors, store, apply, hear, status }
}

const outcome = { kind: 'succeeded', reference: 'r1', amount: eur('30.00') } as const

it('an event finds its payment by our name or by theirs, moves it once, and says so', async () => {
  const { hear, attemptId, paid, status } = await waiting()
  const applied = { status: 'applied', detail: null, tries: 1, subjectId: paid.id, attemptId }
  expect(await hear({ reference: 'r1', outcome })).toEqual(applied)
  expect(await status()).toBe('succeeded')
  expect(await hear({ attempt: attemptId, outcome })).toMatchObject({
    status: 'ignored',
    subjectId: paid.id,
    attemptId,
  })
  expect(await hear({ attempt: attemptId, reference: 'of nobody', outcome })).toMatchObject({ status: 'ignored' })
})

it('the name that a processor gave is its own: at another connection it is nobody', async () => {
  const { world, hear, status } = await waiting()
  expect(await hear({ reference: 'r1', outcome }, world.conB)).toMatchObject({ status: 'parked' })
  expect(await status()).toBe('processing')
})

it('an event about a payment of another connection, or of another kind, is put aside and moves nothing', async () => {
  const { world, hear, attemptId, paid, errors, status } = await waiting()
  const aside = { status: 'quarantined', detail: 'it is about another connection', subjectId: paid.id, attemptId }
  expect(await hear({ attempt: attemptId, outcome }, world.conB)).toEqual({ ...aside, tries: 1 })
  expect(await hear({ attempt: attemptId, flow: 'withdrawal', outcome })).toMatchObject(aside)
  expect(errors).toEqual([
    ['webhook_of_wrong_connection', { connection_id: world.conB, attempt_id: attemptId }],
    ['webhook_of_wrong_connection', { connection_id: world.conA, attempt_id: attemptId }],
  ])
  expect(await status()).toBe('processing')
})

it('an event that contradicts what is known is put aside, with the reason', async () => {
  const { hear, attemptId, paid } = await waiting()
  await hear({ attempt: attemptId, outcome })
  expect(await hear({ attempt: attemptId, outcome: { ...outcome, amount: eur('31.00') } })).toEqual({
    ...{ status: 'quarantined', detail: 'another success: amount_mismatch', tries: 1, subjectId: paid.id, attemptId },
  })
  expect(await hear({ attempt: attemptId, outcome: { kind: 'pending', reference: 'r1' } })).toMatchObject({
    ...{ status: 'ignored', detail: 'older', subjectId: paid.id, attemptId },
  })
})

it('an event about nobody waits longer and longer for its payment, for a day, and then for people', async () => {
  const { world, store, apply } = await waiting()
  const id = await store({ id: 'e', flow: 'deposit', attempt: 'att_none', outcome })
  const waits: (number | undefined)[] = []
  for (let n = 1; n <= 9; n += 1) {
    const { againAtMs, ...row } = await apply(id)
    expect(row).toMatchObject({ status: 'parked', tries: n, subjectId: null, detail: 'no payment of ours fits it' })
    waits.push(againAtMs === undefined ? undefined : againAtMs - world.clock.nowMs())
  }
  expect(waits).toEqual([1_000, 5_000, 30_000, 300_000, 1_800_000, 14_400_000, 86_400_000, undefined, undefined])
})

it('an event that came before the answer which names it is applied when it is tried again', async () => {
  const { store, apply, deps, world, attemptId, status } = await waiting()
  const id = await store({ id: 'e', flow: 'deposit', reference: 'r9', outcome: { ...outcome, reference: 'r9' } })
  expect(await apply(id)).toMatchObject({ status: 'parked' })
  await world.database.admin`update attempt set processor_reference = 'r9' where id = ${attemptId}`
  expect(await apply(id)).toMatchObject({ status: 'applied', tries: 2 })
  expect(await status()).toBe('succeeded')
  expect(await applyWebhook(deps, world.operatorId, id)).toEqual({})
})

it('nothing is done for an event that is not there, or that is none', async () => {
  const { world, deps, store, attemptId, status } = await waiting()
  const all = { id: 'e', flow: 'deposit', attempt: attemptId, outcome }
  const without = (name: string) => Object.fromEntries(Object.entries(all).filter(([key]) => key !== name))
  for (const id of ['iwh_none', ...(await Promise.all(['id', 'flow', 'outcome'].map((name) => store(without(name)))))])
    expect(await applyWebhook(deps, world.operatorId, id)).toEqual({})
  expect((await stored(world)).map(({ status: is, tries }) => [is, tries])).toEqual(
    Array.from({ length: 3 }, () => ['received', 0]),
  )
  expect(await status()).toBe('processing')
})

it('a bell rings for a look-up while the payment is open, and for nothing when it has ended', async () => {
  const { world, hear, attemptId } = await waiting()
  const rung = async () =>
    (
      await world.database
        .admin`select run_at from job where kind = 'look_up' and run_at <= ${new Date(world.clock.nowMs())}`
    ).length
  const bell = { attempt: attemptId, outcome: { kind: 'unknown', reason: 'unmapped' }, lookUp: true }
  await hear({ ...bell, lookUp: undefined })
  expect(await rung()).toBe(0)
  await hear({ attempt: attemptId, outcome })
  await world.database.admin`delete from job`
  await hear(bell)
  expect(await rung()).toBe(0)
})

it("the processor's own time of a fact is kept with the payment", async () => {
  const { world, hear, attemptId, paid } = await waiting()
  await hear({ attempt: attemptId, outcome, atMs: 1_795_399_100_000 })
  const [attempt] = await inTx(world, (tx) => attemptsOf(tx, world.operatorId, paid.id))
  expect(attempt?.factAtMs).toBe(1_795_399_100_000n)
})
