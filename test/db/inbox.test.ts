import { expect, it } from 'vitest'
import type { Db } from '../../src/db/client.ts'
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

/** A database that counts transactions. */
function counting(db: Db) {
  let transactions = 0
  const counted: Db = {
    ...db,
    tx(operatorId, work) {
      transactions += 1
      return db.tx(operatorId, work)
    },
  }
  return { db: counted, transactions: () => transactions }
}

const stored = async ({ database }: FlowWorld) => {
  const rows = await database.admin`
    select event_id from inbound_webhook w join job j on j.subject = w.id and j.kind = 'apply_webhook' order by event_id`
  return rows.map((row) => row.event_id)
}

it('stores what comes at once in few transactions, each event once, each with its job', async () => {
  const world = await flowWorld()
  const { db, transactions } = counting(world.deps.db)
  const inbox = combinedInbox(db, world.clock)
  const store = (eventId: string) => inbox.store(world.operatorId, [event(world, eventId)], world.clock.nowMs())
  const names = Array.from({ length: 40 }, (_, n) => `evt_${n + 10}`)
  const fresh = await Promise.all([...names, ...names].map(store))
  expect(fresh.reduce((sum, n) => sum + n, 0)).toBe(40)
  expect(await store('evt_10')).toBe(0)
  expect(await stored(world)).toEqual(names)
  expect(transactions()).toBeLessThan(5)
})

it('refuses the one that the database refuses, and none of its neighbours', async () => {
  const world = await flowWorld()
  const inbox = combinedInbox(world.deps.db, world.clock)
  const store = (eventId: string) => inbox.store(world.operatorId, [event(world, eventId)], world.clock.nowMs())
  const ends = await Promise.allSettled([store('evt_1'), store('evt_\0'), store('evt_2')])
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(await stored(world)).toEqual(['evt_1', 'evt_2'])
})

it('asks to come again rather than keep more than it can hold', async () => {
  const world = await flowWorld()
  const away: Db = { ...world.deps.db, tx: () => new Promise<never>(() => {}) }
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
  const late: Db = {
    ...world.deps.db,
    tx(operatorId, work) {
      world.clock.pass(takesMs)
      return world.deps.db.tx(operatorId, work)
    },
  }
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
