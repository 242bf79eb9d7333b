import { expect, it, vi } from 'vitest'
import type { Answer, IdempotentRequest } from '../../src/api/endpoint.ts'
import { createIdempotent } from '../../src/api/idempotent.ts'
import { createDeposit } from '../../src/api/routes/deposits.ts'
import { Fault } from '../../src/core/errors.ts'
import { LEASE_MS } from '../../src/core/idempotency.ts'
import { deleteExpiredKeys } from '../../src/db/idempotency.ts'
import { insertOperator } from '../../src/db/operators.ts'
import { deposit } from '../../src/flows/deposit.ts'
import { depositOrder, type FlowWorld, flowWorld } from '../support/flows.ts'

const KEY = 'key-0123456789abcdef'
const BODY = {
  player_id: 'p1',
  amount: '12.50',
  currency: 'EUR',
  method: { type: 'card', token: 'tok_1' },
  reference: 'order-1',
}
const asked = (world: FlowWorld, change: Partial<IdempotentRequest> = {}): IdempotentRequest => ({
  operatorId: world.operatorId,
  key: KEY,
  method: 'post',
  route: '/v1/deposits',
  params: undefined,
  body: BODY,
  apiVersion: '2026-11-01',
  requestId: 'req_1',
  ...change,
})

/** A deposit through the engine and the endpoint's own handler. */
function depositing(
  world: FlowWorld,
  change: Partial<IdempotentRequest> = {},
  before: () => Promise<unknown> = async () => {},
) {
  const request = asked(world, change)
  const run = async (runId: string): Promise<Answer> => {
    await before()
    const scopes = new Set(['deposits:write'] as const)
    return createDeposit.handle(world.deps, {
      caller: { operatorId: request.operatorId, clientId: 'cli_1', tokenId: 'tok_1', scopes },
      params: undefined,
      query: {},
      body: request.body,
      runId,
      bytes: new Uint8Array(),
      header: () => undefined,
      headers: {},
      requestId: request.requestId,
      ip: '192.0.2.1',
      apiVersion: request.apiVersion,
    })
  }
  return createIdempotent(world.deps)(request, run)
}
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error) => (error instanceof Fault ? error.code : String(error)),
  )
/** Waits for what must come soon: five seconds are hundreds of turns. */
const until = (holds: () => unknown): Promise<unknown> =>
  vi.waitFor(async () => expect(await holds()).toBeTruthy(), { timeout: 5_000, interval: 10 })
/** The key is taken by now. */
const untilTaken = ({ database }: FlowWorld): Promise<unknown> =>
  until(async () => (await database.admin`select 1 from idempotency_key where state = 'running'`).length)
const payments = async ({ database }: FlowWorld) => (await database.admin`select id from payment`).length

it('makes one payment and one call of 100 requests at once under one key', async () => {
  const world = await flowWorld()
  const ended = await Promise.allSettled(Array.from({ length: 100 }, () => depositing(world)))
  const bodies = new Set(ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value.body] : [])))
  const refused = new Set(ended.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : [])))
  expect(bodies.size).toBe(1)
  expect([...refused].filter((one) => one !== 'request_in_progress')).toEqual([])
  expect(world.calls).toHaveLength(1)
  expect(await payments(world)).toBe(1)
})

it('gives the same status, bytes and headers again, in whatever order the members come', async () => {
  const world = await flowWorld()
  const first = await depositing(world)
  const reordered = Object.fromEntries(Object.entries(BODY).reverse())
  const again = await depositing(world, { body: reordered, requestId: 'req_2' })
  expect(again).toEqual({ ...first, replayed: true })
  expect(typeof first.body).toBe('string')
})

it('keeps the headers of an answer', async () => {
  const world = await flowWorld()
  const run = async () => ({ status: 201, body: { a: 1 }, headers: { etag: '"7"' } })
  const idempotent = createIdempotent(world.deps)
  await idempotent(asked(world), run)
  expect(await idempotent(asked(world), run)).toMatchObject({ replayed: true, headers: { etag: '"7"' } })
})

it('refuses another body, route, parameter or version under the key, and runs none of them', async () => {
  const world = await flowWorld()
  await depositing(world)
  for (const change of [
    { body: { ...BODY, amount: '12.51' } },
    { route: '/v1/withdrawals' },
    { params: { id: 'dep_1' } },
    { apiVersion: '2027-01-01' },
  ]) {
    expect(await code(depositing(world, change))).toBe('idempotency_key_reused')
  }
  expect(world.calls).toHaveLength(1)
})

it('lets another operator use the same key, without a trace of the first', async () => {
  const world = await flowWorld()
  await depositing(world)
  await world.deps.db.global((tx) => insertOperator(tx, { id: 'opr_other', name: 'Other' }))
  const theirs = await depositing(world, { operatorId: 'opr_other' })
  expect(theirs).toMatchObject({ status: 422, body: expect.stringContaining('player_not_found') })
  expect(theirs).not.toHaveProperty('replayed')
})

it('goes on with what a dead process had begun, once its lease is over, and calls nobody twice', async () => {
  const world = await flowWorld()
  world.answer(() => new Promise(() => {}))
  void depositing(world).catch(() => {})
  await until(() => world.calls.length)
  expect(await code(depositing(world))).toBe('request_in_progress')
  world.clock.pass(LEASE_MS + 1)
  const unfinished = await depositing(world)
  expect(unfinished.status).toBe(202)
  const [attempt] = await world.database.admin`select id, subject_id from attempt`
  await world.database.admin`update attempt set status = 'unknown' where id = ${attempt?.id}`
  await world.database.admin`update payment set status = 'unknown'`
  const known = await depositing(world)
  expect(known.status).toBe(201)
  expect(String(known.body)).toContain(attempt?.subject_id)
  expect(await depositing(world)).toEqual({ ...known, replayed: true })
  expect(world.calls).toHaveLength(1)
  expect(await payments(world)).toBe(1)
})

it('gives a process that slept past its lease the answer of the one that took over', async () => {
  const world = await flowWorld()
  const { promise: slept, resolve: wake } = Promise.withResolvers<void>()
  const sleeper = depositing(world, {}, () => slept)
  await untilTaken(world)
  world.clock.pass(LEASE_MS + 1)
  const other = await depositing(world)
  wake()
  expect((await sleeper).body).toBe(other.body)
  expect(await depositing(world)).toEqual({ ...other, replayed: true })
  expect(world.calls).toHaveLength(1)
})

it('goes on with the same run when the database was away in the middle, and never begins a second one', async () => {
  const world = await flowWorld()
  const runs: string[] = []
  const idempotent = createIdempotent(world.deps)
  const away = idempotent(asked(world), async (runId) => {
    runs.push(runId)
    throw new Fault('unavailable', 'away')
  })
  expect(await code(away)).toBe('unavailable')
  const answer = await idempotent(asked(world), async (runId) => {
    runs.push(runId)
    return { status: 201, body: {} }
  })
  expect(answer.status).toBe(201)
  expect(new Set(runs).size).toBe(1)
})

it('frees the key of a request that was refused before anything was decided, and never gives a fence out twice', async () => {
  const world = await flowWorld()
  const idempotent = createIdempotent(world.deps)
  const { promise: slept, resolve: wake } = Promise.withResolvers<void>()
  const sleeper = idempotent(asked(world), async () => {
    await slept
    return { status: 201, body: { of: 'the sleeper' } }
  })
  await untilTaken(world)
  world.clock.pass(LEASE_MS + 1)
  const invalid = idempotent(asked(world), async () => {
    throw new Fault('validation_failed', 'no')
  })
  expect(await code(invalid)).toBe('validation_failed')
  const { promise: working, resolve: done } = Promise.withResolvers<void>()
  const third = idempotent(asked(world, { body: { other: true } }), async () => {
    await working
    return { status: 201, body: { of: 'the third' } }
  })
  await untilTaken(world)
  wake()
  await sleeper.catch(() => {})
  done()
  expect((await third).body).toBe('{"of":"the third"}')
})

it('replays a refusal of the business, and forgets it after the operator\u2019s window', async () => {
  const world = await flowWorld()
  const stranger = { body: { ...BODY, player_id: 'nobody' } }
  const first = await depositing(world, stranger)
  expect(first).toMatchObject({ status: 422, headers: { 'content-type': 'application/problem+json' } })
  expect(await depositing(world, stranger)).toEqual({ ...first, replayed: true })
  await world.database.admin`update operator set settings = '{"idempotencyHours": 24}'`
  world.clock.pass(72 * 3_600_000 + 1)
  expect(await depositing(world)).toMatchObject({ status: 201 })
  world.clock.pass(24 * 3_600_000 + 1)
  // The key is free again; the operator's own reference never is.
  expect(await depositing(world)).toMatchObject({ status: 409 })
  expect(world.calls).toHaveLength(1)
})

it('finds its own payment under the player\u2019s lock when it slept before it', async () => {
  const world = await flowWorld()
  const order = depositOrder(world, '5.00')
  const both = await Promise.all([deposit(world.deps, order), deposit(world.deps, order)])
  expect(new Set(both.map(({ id }) => id)).size).toBe(1)
  expect(world.calls).toHaveLength(1)
})

it('counts what was new, what was taken over and what was given again', async () => {
  const world = await flowWorld()
  const counted: unknown[] = []
  const metrics = {
    ...world.deps.metrics,
    count: (name: string, labels?: Readonly<Record<string, string>>) => void counted.push([name, labels?.result]),
  }
  const idempotent = createIdempotent({ ...world.deps, metrics })
  const hanging = idempotent(asked(world), () => new Promise<Answer>(() => {}))
  void hanging.catch(() => {})
  await untilTaken(world)
  world.clock.pass(LEASE_MS + 1)
  await idempotent(asked(world), async () => ({ status: 201, body: {} }))
  await idempotent(asked(world), async () => ({ status: 201, body: {} }))
  expect(counted).toEqual(['new', 'taken_over', 'replayed'].map((result) => ['paycage_idempotency_total', result]))
})

it('lets one of many take over when a lease ends, and tells the others to ask again soon', async () => {
  const world = await flowWorld()
  const idempotent = createIdempotent(world.deps)
  void idempotent(asked(world), () => new Promise<Answer>(() => {})).catch(() => {})
  await untilTaken(world)
  world.clock.pass(LEASE_MS)
  const { promise: working, resolve: done } = Promise.withResolvers<Answer>()
  let runs = 0
  const all = Array.from({ length: 8 }, () =>
    idempotent(asked(world), () => {
      runs += 1
      return working
    }),
  )
  const refused = await Promise.any(
    all.map((one) =>
      one.then(
        () => Promise.reject(new Error('ended')),
        (error) => error,
      ),
    ),
  )
  expect(refused).toMatchObject({ code: 'request_in_progress', extra: { retryAfterSeconds: 1 } })
  await until(() => runs)
  done({ status: 201, body: {} })
  const ended = await Promise.allSettled(all)
  expect(runs).toBe(1)
  expect(ended.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0)
})

it('is no answer for a process that slept past its lease while the one that took over still works', async () => {
  const world = await flowWorld()
  const idempotent = createIdempotent(world.deps)
  const { promise: slept, resolve: wake } = Promise.withResolvers<Answer>()
  const { promise: working, resolve: done } = Promise.withResolvers<Answer>()
  const sleeper = idempotent(asked(world), () => slept)
  await untilTaken(world)
  world.clock.pass(LEASE_MS)
  const { promise: took, resolve: taken } = Promise.withResolvers<void>()
  const other = idempotent(asked(world), () => {
    taken()
    return working
  })
  await took
  wake({ status: 201, body: { of: 'the sleeper' } })
  expect(await code(sleeper)).toBe('request_in_progress')
  done({ status: 201, body: { of: 'the other' } })
  expect((await other).body).toBe('{"of":"the other"}')
})

it('passes a mistake of ours on, and the next request goes on with the same run at once', async () => {
  const world = await flowWorld()
  const idempotent = createIdempotent(world.deps)
  const runs: string[] = []
  const broken = idempotent(asked(world), async (runId) => {
    runs.push(runId)
    throw new TypeError('a mistake')
  })
  await expect(broken).rejects.toThrow('a mistake')
  await idempotent(asked(world), async (runId) => {
    runs.push(runId)
    return { status: 201, body: {} }
  })
  expect(runs[0]).toBe(runs[1])
  expect(runs[0]).toContain(KEY)
})

it.each(['validation_failed', 'unavailable'] as const)(
  'says %s even when the database is away by the time that the key is given back',
  async (refusal) => {
    const world = await flowWorld()
    let away = false
    const { db } = world.deps
    const tx: typeof db.tx = (...of) => (away ? Promise.reject(new Error('the database is away')) : db.tx(...of))
    const refused = createIdempotent({ ...world.deps, db: { ...db, tx } })(asked(world), async () => {
      away = true
      throw new Fault(refusal, 'no')
    })
    expect(await code(refused)).toBe(refusal)
  },
)

it('keeps an answer without a body or headers, and one of trouble as a problem', async () => {
  const world = await flowWorld()
  const idempotent = createIdempotent(world.deps)
  const answered = (status: number, key: string, body?: unknown) =>
    idempotent(asked(world, { key }), async () => ({ status, body }))
  expect(await answered(204, 'key-204-0123456789')).toEqual({
    ...{ status: 204, body: 'null', headers: { 'content-type': 'application/json' } },
  })
  expect(await answered(399, 'key-399-0123456789', 1)).toMatchObject({
    headers: { 'content-type': 'application/json' },
  })
  expect(await answered(400, 'key-400-0123456789', 1)).toMatchObject({
    headers: { 'content-type': 'application/problem+json' },
  })
})

it('keeps a refusal with what its headers say', async () => {
  const world = await flowWorld()
  const refused = async () => {
    throw new Fault('limit_exceeded', 'no', { retryAfterSeconds: 7 })
  }
  const idempotent = createIdempotent(world.deps)
  const first = await idempotent(asked(world), refused)
  expect(first.headers).toMatchObject({ 'retry-after': '7', 'content-type': 'application/problem+json' })
  expect(await idempotent(asked(world), refused)).toEqual({ ...first, replayed: true })
})

it('gives an answer again to the end of its window, and begins another run after it', async () => {
  const world = await flowWorld()
  const idempotent = createIdempotent(world.deps)
  const runs: string[] = []
  const run = async (runId: string): Promise<Answer> => {
    runs.push(runId)
    return { status: 201, body: { run: runs.length } }
  }
  await idempotent(asked(world), run)
  world.clock.pass(72 * 3_600_000)
  expect(await idempotent(asked(world), run)).toMatchObject({ replayed: true, body: '{"run":1}' })
  world.clock.pass(1)
  expect(await idempotent(asked(world, { body: { other: true } }), run)).toMatchObject({ body: '{"run":2}' })
  expect(new Set(runs).size).toBe(2)
})

it('takes another method for another request, and what is absent for nothing', async () => {
  const world = await flowWorld()
  const idempotent = createIdempotent(world.deps)
  const run = async () => ({ status: 201, body: {} })
  await idempotent(asked(world, { body: undefined, params: undefined }), run)
  expect(await idempotent(asked(world, { body: null, params: null }), run)).toHaveProperty('replayed')
  expect(await code(idempotent(asked(world, { body: undefined, method: 'put' }), run))).toBe('idempotency_key_reused')
  const [{ fingerprint } = { fingerprint: '' }] = await world.database.admin`select fingerprint from idempotency_key`
  expect(fingerprint).toMatch(/^[0-9a-f]{64}$/)
})

it('forgets what is past its window, so many at a time, and never a run that goes on', async () => {
  const world = await flowWorld()
  const { operatorId, clock } = world
  const idempotent = createIdempotent(world.deps)
  for (const key of ['key-a-0123456789', 'key-b-0123456789', 'key-c-0123456789'])
    await idempotent(asked(world, { key }), async () => ({ status: 201, body: {} }))
  await code(
    idempotent(asked(world, { key: 'key-running-0123' }), async () => {
      throw new Fault('unavailable', 'away')
    }),
  )
  const forget = (limit: number) =>
    world.deps.db.tx(operatorId, (tx) => deleteExpiredKeys(tx, operatorId, new Date(clock.nowMs()), limit))
  expect(await forget(9)).toBe(0)
  clock.pass(72 * 3_600_000 + 1)
  expect([await forget(2), await forget(2), await forget(2)]).toEqual([2, 1, 0])
  expect(await world.database.admin`select key from idempotency_key`).toEqual([{ key: 'key-running-0123' }])
})
