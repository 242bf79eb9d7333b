import { describe, expect, it } from 'vitest'
import { listDecisions } from '../../src/db/decisions.ts'
import { listUnmapped, setDeclineOverride } from '../../src/db/declines.ts'
import { sumRates } from '../../src/db/rates.ts'
import { deposit } from '../../src/flows/deposit.ts'
import { declineOverrides } from '../../src/router/records.ts'
import { depositOrder, flowWorld } from '../support/flows.ts'

describe('what a deposit leaves behind for routing', () => {
  it('is its plan, its outcome by attempt, and the success rates of both connections', async () => {
    const world = await flowWorld()
    world.answer(({ connection }) =>
      connection === world.conA ? { kind: 'declined', decline: { code: 'issuer_unavailable' } } : undefined,
    )
    await deposit(world.deps, depositOrder(world, '25.00'))
    const { rows, rates } = await world.database.db.tx(world.operatorId, async (tx) => ({
      rows: await listDecisions(tx, world.operatorId, { sinceMs: 0, limit: 10 }),
      rates: await sumRates(tx, world.operatorId, 0),
    }))
    expect(rows).toMatchObject([
      {
        route: [world.conA, world.conB],
        firstSucceeded: false,
        succeeded: true,
        connectionId: world.conB,
        amount: 2_500n,
      },
    ])
    const figures = Object.fromEntries(
      rates.map((row) => [row.connectionId, [row.attempts, row.succeeded, row.country]]),
    )
    expect(figures).toEqual({ [world.conA]: [1, 0, 'MT'], [world.conB]: [1, 1, 'MT'] })
  })

  it('says nothing of a connection that was never reached or never answered', async () => {
    const world = await flowWorld()
    world.answer(({ connection }) =>
      connection === world.conA
        ? { kind: 'not_sent', reason: 'connect_failed' }
        : { kind: 'unknown', reason: 'timeout' },
    )
    await deposit(world.deps, depositOrder(world, '25.00'))
    const rates = await world.database.db.tx(world.operatorId, (tx) => sumRates(tx, world.operatorId, 0))
    expect(rates).toEqual([])
  })

  it("ends at the operator's own word on a decline", async () => {
    const world = await flowWorld()
    const { operatorId } = world
    world.answer(() => ({ kind: 'declined', decline: { code: 'issuer_unavailable' } }))
    await world.database.db.tx(operatorId, (tx) =>
      setDeclineOverride(tx, operatorId, {
        code: 'issuer_unavailable',
        processor: 'model_a',
        next: 'never',
        reason: 'x',
        setBy: 'cli_x',
      }),
    )
    await deposit(world.deps, depositOrder(world, '25.00'))
    expect(world.calls.map(({ connection }) => connection)).toEqual([world.conA])
  })

  it('counts codes that nobody mapped', async () => {
    const world = await flowWorld()
    world.answer(() => ({ kind: 'declined', decline: { code: 'unmapped', processorCode: 'E-4711' } }))
    await deposit(world.deps, depositOrder(world, '25.00'))
    await deposit(world.deps, depositOrder(world, '26.00'))
    const seen = await world.database.db.tx(world.operatorId, (tx) => listUnmapped(tx, world.operatorId))
    expect(seen).toMatchObject([{ processor: 'model_a', flow: 'deposit', processorCode: 'E-4711', seen: 2 }])
  })
  it('counts neither a code that somebody mapped nor a refusal without a code', async () => {
    const world = await flowWorld()
    const declines = [{ code: 'unmapped' }, { code: 'lost_card', processorCode: 'E-1' }] as const
    for (const decline of declines) {
      world.answer(() => ({ kind: 'declined', decline }))
      await deposit(world.deps, depositOrder(world, '25.00'))
    }
    expect(await world.database.db.tx(world.operatorId, (tx) => listUnmapped(tx, world.operatorId))).toEqual([])
  })

  it("reads the operator's words for all processors and for one, and passes over a code that is gone", async () => {
    const world = await flowWorld()
    const { operatorId } = world
    const word = { next: 'never', reason: 'x', setBy: 'cli_x' } as const
    const overrides = await world.database.db.tx(operatorId, async (tx) => {
      for (const processor of ['*', 'model_a'])
        await setDeclineOverride(tx, operatorId, { ...word, code: 'issuer_unavailable', processor })
      await setDeclineOverride(tx, operatorId, { ...word, code: 'moon_phase', processor: '*' })
      return declineOverrides(tx, operatorId)
    })
    expect(overrides).toHaveLength(2)
    expect(overrides).toEqual(
      expect.arrayContaining([
        { code: 'issuer_unavailable', next: 'never' },
        { code: 'issuer_unavailable', next: 'never', processor: 'model_a' },
      ]),
    )
  })
})
