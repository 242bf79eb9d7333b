import { Fault } from '../../core/errors.ts'
import type { Db } from '../../db/client.ts'
import { takeFromBucket } from '../../db/rate-limits.ts'
import type { Clock } from '../../flows/deps.ts'
import type { EdgeContext, EdgeMiddleware } from '../edge.ts'

/** So many requests per window, all at once if they like. */
export type RatePolicy = { readonly name: string; readonly requests: number; readonly windowMs: number }

/** What a store says to one request. */
export type RateVerdict = {
  readonly allowed: boolean
  readonly remaining: number
  readonly resetMs: number
  readonly retryAfterMs: number
}

/** Where the counts live: in this process, or in PostgreSQL for all of them. */
export type RateStore = { take(key: string, policy: RatePolicy, nowMs: number): Promise<RateVerdict> }

/** Limits by who is calling. `auth` is for log-ins and tokens, and for calls whose token was refused; both count by address. */
export type RatePolicies = Readonly<Record<'client' | 'operator' | 'address' | 'auth', RatePolicy>>

const MINUTE_MS = 60_000
/** Intervals are fractions of a millisecond: their rounding must not refuse the last of a full burst. */
const TOLERANCE = 1e-3

/** Generous: they stop a loop that ran wild, not a busy operator. 1000 a second for one client, 20 a second for tokens. */
export const DEFAULT_POLICIES: RatePolicies = {
  client: { name: 'client', requests: 60_000, windowMs: MINUTE_MS },
  operator: { name: 'operator', requests: 120_000, windowMs: MINUTE_MS },
  address: { name: 'address', requests: 60_000, windowMs: MINUTE_MS },
  auth: { name: 'auth', requests: 1_200, windowMs: MINUTE_MS },
}

/**
 * The generic cell rate algorithm: one number per key, the time at which its bucket will be empty again. Admits a burst
 * of the whole window, then one request per interval. `emptyAtMs` is undefined for a key never seen.
 */
export function gcra(
  emptyAtMs: number | undefined,
  { requests, windowMs }: RatePolicy,
  nowMs: number,
): RateVerdict & { readonly emptyAtMs: number } {
  const interval = windowMs / requests
  const before = Math.max(emptyAtMs ?? nowMs, nowMs)
  const after = before + interval
  const allowed = after - nowMs <= windowMs + TOLERANCE
  const level = allowed ? after : before
  return {
    allowed,
    emptyAtMs: level,
    remaining: Math.max(0, Math.floor((windowMs - (level - nowMs)) / interval + TOLERANCE)),
    resetMs: level - nowMs,
    retryAfterMs: allowed ? 0 : after - windowMs - nowMs,
  }
}

/** Keys beyond this are forgotten, those that would be empty soonest first. 100 000 keys are 10 MB. */
const MOST_KEYS = 100_000

/** Counts within this process. */
export function memoryRateStore(mostKeys = MOST_KEYS): RateStore {
  const emptyAt = new Map<string, number>()
  return {
    async take(key, policy, nowMs) {
      const verdict = gcra(emptyAt.get(key), policy, nowMs)
      // Taken out first so that the map's order is the order of last use.
      emptyAt.delete(key)
      emptyAt.set(key, verdict.emptyAtMs)
      const [oldest] = emptyAt.keys()
      if (emptyAt.size > mostKeys && oldest !== undefined) emptyAt.delete(oldest)
      return verdict
    },
  }
}

/** An instance takes this share of a policy's requests at a time: the count is off by no more than that per instance. */
const LEASED_SHARE = 0.01
/** Permits that nobody used within this time are lost, so that an idle instance keeps none from the others. */
const LEASE_MS = 1_000

type Lease = { left: number; readonly levelMs: number; readonly takenAtMs: number }

/**
 * Counts for all instances together, in PostgreSQL. A generous policy is taken in blocks of a hundredth, so that a busy
 * client costs one statement per block; one of fewer than 200 requests is counted request by request, exactly.
 */
export function sharedRateStore(db: Db): RateStore {
  const leases = new Map<string, Lease>()
  const lending = new Map<string, Promise<Lease | undefined>>()

  /** One block of permits, or undefined when the bucket can't hold it. Callers at the same time share it. */
  function lend(key: string, { requests, windowMs }: RatePolicy, block: number, nowMs: number) {
    const under = lending.get(key)
    if (under) return under
    const loan = db
      .global((tx) => takeFromBucket(tx, key, (windowMs / requests) * block, windowMs))
      .then(({ allowed, levelMs }) => {
        if (!allowed) return undefined
        const lease = { left: block, levelMs, takenAtMs: nowMs }
        keepLease(leases, key, lease)
        return lease
      })
      .finally(() => lending.delete(key))
    lending.set(key, loan)
    return loan
  }

  async function one(key: string, policy: RatePolicy): Promise<RateVerdict> {
    const interval = policy.windowMs / policy.requests
    const { allowed, levelMs } = await db.global((tx) => takeFromBucket(tx, key, interval, policy.windowMs))
    return verdictOf(policy, allowed, levelMs, 0)
  }

  return {
    async take(key, policy, nowMs) {
      const block = Math.floor(policy.requests * LEASED_SHARE)
      if (block < 2) return one(key, policy)
      const kept = leases.get(key)
      let lease = kept && kept.left > 0 && nowMs - kept.takenAtMs < LEASE_MS ? kept : undefined
      // A block that others emptied while this one waited for it: the next block.
      while (lease === undefined || lease.left <= 0) {
        lease = await lend(key, policy, block, nowMs)
        if (lease === undefined) return one(key, policy)
      }
      lease.left -= 1
      return verdictOf(policy, true, lease.levelMs, lease.left)
    },
  }
}

function keepLease(leases: Map<string, Lease>, key: string, lease: Lease): void {
  leases.delete(key)
  leases.set(key, lease)
  const [oldest] = leases.keys()
  if (leases.size > MOST_KEYS && oldest !== undefined) leases.delete(oldest)
}

function verdictOf({ requests, windowMs }: RatePolicy, allowed: boolean, levelMs: number, leased: number): RateVerdict {
  const interval = windowMs / requests
  return {
    allowed,
    remaining: leased + Math.max(0, Math.floor((windowMs - levelMs) / interval + TOLERANCE)),
    resetMs: Math.max(0, levelMs),
    retryAfterMs: allowed ? 0 : levelMs + interval - windowMs,
  }
}

/** What the limiter works with. */
export type RateLimits = { readonly store: RateStore; readonly policies: RatePolicies; readonly clock: Clock }

/** Counts a request against its client and its operator, or against its address when nobody is known, and says what is left (draft-ietf-httpapi-ratelimit-headers-10). */
export const rateLimit =
  (limits: RateLimits, kind: 'default' | 'auth', ipOf: (c: EdgeContext) => string): EdgeMiddleware =>
  async (c, next) => {
    const caller = c.get('caller')
    const counts: (readonly [string, RatePolicy])[] =
      kind === 'auth'
        ? [[`auth:${ipOf(c)}`, limits.policies.auth]]
        : caller === undefined
          ? [[`address:${ipOf(c)}`, limits.policies.address]]
          : [
              [`client:${caller.clientId}`, limits.policies.client],
              [`operator:${caller.operatorId}`, limits.policies.operator],
            ]
    c.get('headers')['ratelimit-policy'] = counts.map(([, policy]) => policyText(policy)).join(', ')
    const said: string[] = []
    for (const [key, policy] of counts) {
      const verdict = await limits.store.take(key, policy, limits.clock.nowMs())
      said.push(`"${policy.name}";r=${verdict.remaining};t=${Math.ceil(verdict.resetMs / 1000)}`)
      c.get('headers').ratelimit = said.join(', ')
      if (!verdict.allowed) throw limited(policy, verdict)
    }
    await next()
  }

/** The refusal of a request that came too soon. */
export const limited = ({ requests, windowMs }: RatePolicy, { retryAfterMs }: RateVerdict): Fault =>
  new Fault('rate_limited', `More than ${requests} requests in ${windowMs / 1000} s.`, {
    retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1000)),
  })

/** Counts a caller whom nobody knows by its address. Throws `rate_limited` when there were too many. */
export async function countStranger({ store, policies: { address }, clock }: RateLimits, ip: string): Promise<void> {
  const verdict = await store.take(`address:${ip}`, address, clock.nowMs())
  if (!verdict.allowed) throw limited(address, verdict)
}

const policyText = ({ name, requests, windowMs }: RatePolicy): string => `"${name}";q=${requests};w=${windowMs / 1000}`
