import { expect, it } from 'vitest'
import type { Db } from '../../src/db/client.ts'
import { dbError, OUTCOME_UNKNOWN } from '../../src/db/errors.ts'
import { storeInbound } from '../../src/db/inbound-webhooks.ts'
import { combinedInbox, directInbox } from '../../src/db/inbox.ts'
import { newId } from '../support/access.ts'
import { type FlowWorld, flowWorld } from '../support/flows.ts'

const event = ({ conA }: FlowWorld, eventId: string) => ({
  id: newId('inboundWebhook'),
  connectionId: conA,
  eventId,
  processor: 'model_a',
  content: { id: eventId },
  processorAtMs: null,
})

/** A database whose single statements pass through `around`. */
const withAlone = (db: Db, around: <T>(run: () => Promise<T>) => Promise<T>): Db => ({
  ...db,
  alone: (statement) => around(() => db.alone(statement)),
})

const stored = async ({ database }: FlowWorld) => {
  const rows = await database.admin`
    select event_id from inbound_webhook w join job j on j.subject = w.id and j.kind = 'apply_webhook' order by event_id`
  return rows.map((row) => row.event_id)
}

it('stores what comes at once in few statements, each event once, each with its job', async () => {
  const world = await flowWorld()
  let statements = 0
  const db = withAlone(world.deps.db, (run) => {
    statements += 1
    return run()
  })
  const inbox = combinedInbox(db, world.clock)
  const store = (eventId: string) => inbox.store(world.operatorId, [event(world, eventId)], world.clock.nowMs())
  const names = Array.from({ length: 40 }, (_, n) => `evt_${n + 10}`)
  const fresh = await Promise.all([...names, ...names].map(store))
  expect(fresh.reduce((sum, n) => sum + n, 0)).toBe(40)
  expect(await store('evt_10')).toBe(0)
  expect(await stored(world)).toEqual(names)
  expect(statements).toBeLessThan(5)
})

it('refuses the one that the database refuses, and none of its neighbours', async () => {
  const world = await flowWorld()
  const inbox = combinedInbox(world.deps.db, world.clock)
  const store = (eventId: string) => inbox.store(world.operatorId, [event(world, eventId)], world.clock.nowMs())
  const ends = await Promise.allSettled([store('evt_1'), store('evt_\0'), store('evt_2')])
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(await stored(world)).toEqual(['evt_1', 'evt_2'])
})

it('finds out what it stored when the answer was lost, and stores what it had not', async () => {
  const world = await flowWorld()
  let losses = 1
  const lossy = (lost: 'the answer' | 'the statement') =>
    withAlone(world.deps.db, async (run) => {
      if (losses > 0 && lost === 'the answer') await run()
      losses -= 1
      if (losses >= 0) throw dbError(OUTCOME_UNKNOWN)
      return run()
    })
  const store = (db: Db, eventId: string) =>
    combinedInbox(db, world.clock).store(world.operatorId, [event(world, eventId)], world.clock.nowMs())
  expect(await store(lossy('the answer'), 'evt_1')).toBe(1)
  losses = 1
  expect(await store(lossy('the statement'), 'evt_2')).toBe(1)
  losses = 1
  expect(await store(lossy('the answer'), 'evt_1')).toBe(0)
  expect(await stored(world)).toEqual(['evt_1', 'evt_2'])
})

it('writes the rows of the operator that it is told, whoever the connection wrote for before', async () => {
  const world = await flowWorld()
  const row = event(world, 'evt_1')
  await world.deps.db.tx(newId('operator'), (tx) => storeInbound(tx, world.operatorId, [row], world.clock.nowMs()))
  expect(await stored(world)).toEqual(['evt_1'])
})

it('asks to come again rather than keep more than it can hold', async () => {
  const world = await flowWorld()
  const away = withAlone(world.deps.db, () => new Promise<never>(() => {}))
  const inbox = combinedInbox(away, world.clock)
  const store = (n: number) => inbox.store(world.operatorId, [event(world, `evt_${n}`)], 0)
  for (let n = 0; n < 5_000; n += 1) void store(n)
  await expect(store(5_000)).rejects.toMatchObject({ code: 'overloaded' })
})

it('sees a changed account a second later, and each time where nothing is remembered', async () => {
  const world = await flowWorld()
  const [combined, direct] = [combinedInbox(world.deps.db, world.clock), directInbox(world.deps.db)]
  expect(await combined.connection(world.conA)).toMatchObject({ id: world.conA, secretRef: null })
  await world.database.admin`update connection set secret_ref = 'env:NEW' where id = ${world.conA}`
  expect(await combined.connection(world.conA)).toMatchObject({ secretRef: null })
  expect(await direct.connection(world.conA)).toMatchObject({ secretRef: 'env:NEW' })
  world.clock.pass(1_000)
  expect(await combined.connection(world.conA)).toMatchObject({ secretRef: 'env:NEW' })
  expect(await combined.connection('con_nobody')).toBeUndefined()
})

it('says for ten seconds that it is slow when a crowd of webhooks took long to be stored, and never else', async () => {
  const world = await flowWorld()
  let takesMs = 0
  const late = withAlone(world.deps.db, (run) => {
    world.clock.pass(takesMs)
    return run()
  })
  const inbox = combinedInbox(late, world.clock)
  const come = (crowd: number, ms: number) => {
    takesMs = ms
    const one = (n: number) =>
      inbox.store(world.operatorId, [event(world, `evt_${ms}_${crowd}_${n}`)], world.clock.nowMs())
    return Promise.all(Array.from({ length: crowd }, (_, n) => one(n)))
  }
  await come(16, 24)
  await come(15, 25)
  expect(inbox.slow()).toBe(false)
  await come(16, 25)
  expect(inbox.slow()).toBe(true)
  world.clock.pass(9_999)
  expect(inbox.slow()).toBe(true)
  world.clock.pass(1)
  expect(inbox.slow()).toBe(false)
})
