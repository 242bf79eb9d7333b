import { expect, it } from 'vitest'
import { insertConnection, setFloat } from '../../src/db/connections.ts'
import { countAttempt } from '../../src/db/rates.ts'
import { type ActiveRow, NOTHING_PUBLISHED } from '../../src/db/rulesets.ts'
import { createRoutingTable, versionFor } from '../../src/router/active.ts'
import { flowWorld } from '../support/flows.ts'
import { deposit, processorFacts } from '../support/routing.ts'

const NOW = Date.UTC(2026, 10, 25)
const at = (offsetMs: number) => new Date(NOW + offsetMs)

it.each<[string, Partial<ActiveRow>, number]>([
  ['what is published', {}, 4],
  ['what was scheduled, from its very moment', { scheduledVersion: 6, scheduledAt: at(0) }, 6],
  ['nothing that is scheduled for later', { scheduledVersion: 6, scheduledAt: at(1) }, 4],
  ['nothing scheduled without a time', { scheduledVersion: 6 }, 4],
  ['nothing at a time without a version', { scheduledAt: at(-1) }, 4],
  ['what was before an emergency, from the moment that it ends', { revertAt: at(0), previousVersion: 3 }, 3],
  ['the built-in rule where nothing was before an emergency', { revertAt: at(0) }, 0],
  ['the emergency until it ends', { revertAt: at(1), previousVersion: 3 }, 4],
  [
    'what was before an emergency, not what was scheduled',
    { revertAt: at(0), previousVersion: 3, scheduledVersion: 6, scheduledAt: at(0) },
    3,
  ],
  ['a candidate for everybody', { candidate: 5, percent: 100 }, 5],
  ['a candidate for nobody', { candidate: 5, percent: 0 }, 4],
  ['what was scheduled over a candidate', { candidate: 5, percent: 100, scheduledVersion: 6, scheduledAt: at(0) }, 6],
])('a player is on %s', (_name, change, version) => {
  const active = { ...NOTHING_PUBLISHED, version: 4, ...change }
  for (const player of ['p1', 'p2', 'p3']) expect(versionFor(active, player, NOW)).toBe(version)
})

it('a share of players is on a candidate, each of them as it widens, and others on the next one', () => {
  const on = (candidate: number, percent: number) =>
    Array.from({ length: 2_000 }, (_, index) => `p${index}`).filter(
      (player) => versionFor({ ...NOTHING_PUBLISHED, version: 4, candidate, percent }, player, NOW) === candidate,
    )
  const [few, more] = [on(5, 5), on(5, 25)]
  expect(Math.abs(few.length - 100)).toBeLessThan(40)
  expect(Math.abs(more.length - 500)).toBeLessThan(80)
  expect(few.filter((player) => !more.includes(player))).toEqual([])
  expect(on(6, 5)).not.toEqual(few)
})

/** The routing table of an operator with two accounts, over a database that a test takes away and that counts. */
async function table() {
  const world = await flowWorld()
  const line = { away: false, reads: 0, breakers: 0 }
  const { db } = world.deps
  const tx: typeof db.tx = (...of) => {
    line.reads += 1
    return line.away ? Promise.reject(new Error('away')) : db.tx(...of)
  }
  const routing = createRoutingTable({
    db: { ...db, tx },
    clock: world.clock,
    processors: { facts: (id) => (id === 'unknown' ? undefined : processorFacts(id)) },
    breakers: {
      health: async () => ({ state: () => 'closed' }),
      refresh: () => {
        line.breakers += 1
      },
    },
  })
  const reads = async (work: () => Promise<unknown>) => {
    const before = line.reads
    await work()
    return line.reads - before
  }
  return { world, routing, line, reads, state: () => routing.stateOf(world.operatorId) }
}

it('what plans are made from is read anew after half a second, or when somebody says so; rates after ten', async () => {
  const { world, routing, line, reads, state } = await table()
  expect(await reads(state)).toBe(2)
  world.clock.pass(499)
  expect(await reads(() => Promise.all([state(), state()]))).toBe(0)
  world.clock.pass(1)
  expect(await reads(state)).toBe(1)
  world.clock.pass(9_499)
  expect(await reads(state)).toBe(1)
  world.clock.pass(500)
  expect(await reads(state)).toBe(2)
  routing.refresh(world.operatorId)
  expect(line.breakers).toBe(1)
  expect(await reads(state)).toBe(2)
})

it('a reading that failed is not kept', async () => {
  const { world, routing, line, state } = await table()
  const { operatorId } = world
  line.away = true
  await expect(state()).rejects.toThrow('away')
  await expect(routing.compiled(operatorId, 1)).rejects.toThrow('away')
  line.away = false
  expect((await state()).candidates.map(({ connection }) => connection.id).sort()).toEqual(
    [world.conA, world.conB].sort(),
  )
  await expect(routing.compiled(operatorId, 1)).rejects.toThrow('no ruleset version 1')
})

it('the built-in rule needs no database, and is compiled once', async () => {
  const { world, routing, reads } = await table()
  const compiled = () => routing.compiled(world.operatorId, 0)
  expect(await reads(compiled)).toBe(0)
  expect(await compiled()).toBe(await compiled())
  expect((await compiled()).fallback).toMatchObject({ strategy: 'ordered', connections: '*' })
})

it('an account of a processor that is gone is no candidate, and figures are those of the operator in the last hour', async () => {
  const { world, state } = await table()
  const { operatorId, conA, database, clock } = world
  const segment = { direction: 'deposit', method: 'card', asset: 'EUR', country: 'FI', binCountry: '' } as const
  await database.db.tx(operatorId, async (tx) => {
    await insertConnection(tx, operatorId, { id: 'con_gone', processor: 'unknown', label: 'gone' })
    await setFloat(tx, operatorId, { connectionId: conA, asset: 'EUR', minor: 7n })
    await countAttempt(tx, operatorId, { ...segment, connectionId: conA }, { succeeded: false, atMs: clock.nowMs() })
  })
  const { candidates, rates } = await state()
  expect(candidates.map(({ connection }) => connection.id)).not.toContain('con_gone')
  expect(rates.float(conA, 'EUR')).toBe(7n)
  expect(rates.success(conA, deposit())).toBeLessThan(0.8)
  clock.pass(70 * 60_000)
  expect((await state()).rates.success(conA, deposit())).toBeCloseTo(0.8, 9)
})
