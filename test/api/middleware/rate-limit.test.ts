import fc from 'fast-check'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { endpoint } from '../../../src/api/endpoint.ts'
import { gcra, memoryRateStore, type RateStore, sharedRateStore } from '../../../src/api/middleware/rate-limit.ts'
import { Fault } from '../../../src/core/errors.ts'
import { edgeDeps, testApp } from '../../support/app.ts'
import { databaseForThisTest } from '../../support/database.ts'

const POLICY = { name: 'test', requests: 10, windowMs: 60_000 }

it('admits a burst of the whole window, then one request per interval', async () => {
  const store = memoryRateStore()
  const take = async (nowMs: number) => (await store.take('k', POLICY, nowMs)).allowed
  const burst = await Promise.all(Array.from({ length: 12 }, () => take(0)))
  expect(burst.filter(Boolean)).toHaveLength(10)
  expect(await take(5_999)).toBe(false)
  expect(await take(6_000)).toBe(true)
  expect(await take(6_000)).toBe(false)
  expect(await take(12_000)).toBe(true)
})

it('never admits more than two windows’ worth in any window, whatever comes', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20_000), { maxLength: 200 }), fc.integer({ min: 1, max: 50 }), (gaps, requests) => {
      let now = 0
      let emptyAt: number | undefined
      const admitted: number[] = []
      for (const gap of gaps) {
        now += gap
        const verdict = gcra(emptyAt, { ...POLICY, requests }, now)
        emptyAt = verdict.emptyAtMs
        if (verdict.allowed) admitted.push(now)
        // Whoever waits as told is let in.
        else expect(gcra(emptyAt, { ...POLICY, requests }, now + verdict.retryAfterMs).allowed).toBe(true)
      }
      for (const start of admitted)
        expect(admitted.filter((at) => at >= start && at < start + POLICY.windowMs).length).toBeLessThanOrEqual(
          requests * 2,
        )
    }),
  )
})

it('forgets the key that was used longest ago when there are too many', async () => {
  const store = memoryRateStore(2)
  const one = { ...POLICY, requests: 1 }
  for (const key of ['a', 'b', 'c']) await store.take(key, one, 0)
  expect((await store.take('c', one, 0)).allowed).toBe(false)
  expect((await store.take('a', one, 0)).allowed).toBe(true)
})

it('admits exactly the limit over several instances that share a database', async () => {
  const { db } = await databaseForThisTest()
  const stores: readonly RateStore[] = [sharedRateStore(db), sharedRateStore(db), sharedRateStore(db)]
  const slow = { name: 'shared', requests: 20, windowMs: 86_400_000 }
  const verdicts = await Promise.all(Array.from({ length: 60 }, (_, index) => stores[index % 3]?.take('k', slow, 0)))
  expect(verdicts.filter((verdict) => verdict?.allowed)).toHaveLength(20)
  const refused = verdicts.find((verdict) => verdict?.allowed === false)
  expect(refused?.retryAfterMs).toBeGreaterThan(0)
  expect(refused?.remaining).toBe(0)
  expect((await sharedRateStore(db).take('other', slow, 0)).remaining).toBe(19)
})

const ping = endpoint({
  method: 'get',
  path: '/v1/ping',
  tag: 'test',
  summary: 'Ping',
  scope: 'ledger:read',
  answers: { 200: z.object({}) },
  handle: async () => ({ status: 200, body: {} }),
})

it('takes a generous policy in blocks, and is off by no more than a block per instance', async () => {
  const { db } = await databaseForThisTest()
  let statements = 0
  const counted: typeof db = {
    ...db,
    global: (work) => {
      statements += 1
      return db.global(work)
    },
  }
  const policy = { name: 'busy', requests: 1_000, windowMs: 3_600_000 }
  const stores = [sharedRateStore(counted), sharedRateStore(counted)]
  const verdicts = await Promise.all(Array.from({ length: 1_500 }, (_, n) => stores[n % 2]?.take('busy', policy, 0)))
  const admitted = verdicts.filter((verdict) => verdict?.allowed).length
  expect(admitted).toBeGreaterThanOrEqual(980)
  expect(admitted).toBeLessThanOrEqual(1_001)
  expect(statements).toBeLessThan(1_500)
  // What an idle instance holds is lost to it after a second: it asks anew, and is told the truth.
  expect((await stores[0]?.take('busy', policy, 2_000))?.allowed).toBe(false)
})

it('counts callers whom nobody knows by their address', async () => {
  const app = testApp({
    endpoints: [ping],
    authenticate: async () => {
      throw new Fault('unauthenticated', 'No.')
    },
    ratePolicies: { address: { name: 'address', requests: 2, windowMs: 60_000 } },
  })
  const statuses = []
  for (let turn = 0; turn < 3; turn += 1) statuses.push((await app.request('/v1/ping')).status)
  expect(statuses).toEqual([401, 401, 429])
})

it('says what is left, then refuses with how long to wait, each client by itself', async () => {
  let clientId = 'cli_a'
  const app = testApp({
    endpoints: [ping],
    authenticate: async () => ({
      operatorId: `opr_${clientId}`,
      clientId,
      scopes: new Set(['ledger:read'] as const),
      tokenId: 't',
    }),
    deps: { ...edgeDeps(), clock: { nowMs: () => 1_800_000_000_000 } },
    ratePolicies: { client: { name: 'client', requests: 2, windowMs: 60_000 } },
  })
  const first = await app.request('/v1/ping')
  expect(first.headers.get('ratelimit-policy')).toBe('"client";q=2;w=60, "operator";q=120000;w=60')
  expect(first.headers.get('ratelimit')).toBe('"client";r=1;t=30, "operator";r=119999;t=1')
  await app.request('/v1/ping')
  const refused = await app.request('/v1/ping')
  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after')).toBe('30')
  expect(refused.headers.get('ratelimit')).toBe('"client";r=0;t=60')
  expect(await refused.json()).toMatchObject({ code: 'rate_limited', retryable: true })
  clientId = 'cli_b'
  expect((await app.request('/v1/ping')).status).toBe(200)
})
