import { Fault } from '../core/errors.ts'
import {
  canonicalJson,
  decideKey,
  type KeptAnswer,
  LEASE_MS,
  refusalMeans,
  UNFINISHED_STATUS,
} from '../core/idempotency.ts'
import { claimKey, findKey, finishKey, freeKey, leaveKey, takeOverKey } from '../db/idempotency.ts'
import type { Deps } from '../flows/deps.ts'
import type { Answer, Idempotent, IdempotentRequest } from './endpoint.ts'
import { PROBLEMS, problemBody, problemHeaders } from './problem.ts'

/** A key that we hold: `fence` makes sure that nobody who lost it writes. */
type Lease = { readonly fence: bigint; readonly runId: string; readonly taken: 'new' | 'taken_over' }

type Store = Pick<Deps, 'db' | 'clock'>

/**
 * Runs each key once. The answer, a refusal of the business too, is kept word for word and given again to the same
 * request; another request under the key is refused. A run whose process died is taken over when its lease ends: flows
 * find what it had begun by the run's id, and go on from there. An unfinished run is never an answer that is kept.
 */
export function createIdempotent(deps: Pick<Deps, 'db' | 'clock' | 'metrics'>): Idempotent {
  return async (request, run) => {
    const fingerprint = await fingerprintOf(request)
    const held = await take(deps, request, fingerprint)
    if ('replay' in held) {
      deps.metrics.count('paycage_idempotency_total', { result: 'replayed' })
      return { ...held.replay, replayed: true }
    }
    deps.metrics.count('paycage_idempotency_total', { result: held.taken })
    const answer = await answerOf(deps, request, held, run)
    if (answer.status === UNFINISHED_STATUS) {
      await leave(deps, request, held)
      return answer
    }
    const { operatorId, key } = request
    const ours = await deps.db.tx(operatorId, (tx) => finishKey(tx, operatorId, { key, fence: held.fence, ...answer }))
    return ours ? answer : theirAnswer(deps, request, fingerprint)
  }
}

/** A run that slept past its lease was taken over: the answer is what the other one said, and nothing else. */
async function theirAnswer(
  deps: Store,
  { operatorId, key }: IdempotentRequest,
  fingerprint: string,
): Promise<Answer & { replayed?: boolean }> {
  const saved = await deps.db.tx(operatorId, (tx) => findKey(tx, operatorId, key))
  const decision = saved && decideKey(saved, fingerprint, new Date(deps.clock.nowMs()))
  if (decision?.kind !== 'replay') throw busy()
  return { ...shown(decision), replayed: true }
}

async function answerOf(
  deps: Store,
  request: IdempotentRequest,
  held: Lease,
  run: (runId: string) => Promise<Answer>,
): Promise<KeptAnswer> {
  try {
    const { status, body, headers } = await run(held.runId)
    return shown({ status, body: JSON.stringify(body ?? null), headers: headers ?? {} })
  } catch (error) {
    const means = error instanceof Fault ? refusalMeans(error.code) : 'unfinished'
    if (error instanceof Fault && means === 'final') {
      const body = JSON.stringify(problemBody(error, request.requestId))
      return shown({ status: PROBLEMS[error.code].status, body, headers: problemHeaders(error) })
    }
    await (means === 'free' ? free(deps, request, held) : leave(deps, request, held))
    throw error
  }
}

/** Best effort, both of them: where the database is away, the lease ends by itself. */
const free = (deps: Store, { operatorId, key }: IdempotentRequest, { fence }: Lease): Promise<void> =>
  deps.db.tx(operatorId, (tx) => freeKey(tx, operatorId, { key, fence })).catch(() => {})

const leave = (deps: Store, { operatorId, key }: IdempotentRequest, { fence }: Lease): Promise<void> =>
  deps.db
    .tx(operatorId, (tx) => leaveKey(tx, operatorId, { key, fence, now: new Date(deps.clock.nowMs()) }))
    .catch(() => {})

async function take(
  deps: Store,
  { operatorId, key }: IdempotentRequest,
  fingerprint: string,
): Promise<Lease | { readonly replay: Answer }> {
  return deps.db.tx(operatorId, async (tx) => {
    const now = new Date(deps.clock.nowMs())
    const leaseUntil = new Date(now.getTime() + LEASE_MS)
    const held = await claimKey(tx, operatorId, { key, fingerprint, leaseUntil, now })
    if ('fence' in held) return { fence: held.fence, runId: runIdOf(key, now), taken: 'new' }

    const { saved } = held
    if (saved === undefined) throw busy()
    const decision = decideKey(saved, fingerprint, now)
    if (decision.kind === 'replay') return { replay: shown(decision) }
    if (decision.kind === 'mismatch') {
      throw new Fault('idempotency_key_reused', 'This Idempotency-Key was used for another request; send a new one.')
    }
    if (decision.kind === 'busy') throw busy()
    if (!(await takeOverKey(tx, operatorId, { key, fence: decision.fence, leaseUntil }))) throw busy()
    return { fence: decision.fence + 1n, runId: runIdOf(key, saved.createdAt), taken: 'taken_over' }
  })
}

/** One use of a key: after its window the same key may begin another, which must not find the first one's payment. */
const runIdOf = (key: string, begun: Date): string => `${key}@${begun.getTime()}`

/** A kept text with the media type that its status implies: what is no success is a problem document. */
function shown({ status, body, headers }: KeptAnswer): KeptAnswer {
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  return { status, body, headers: { ...headers, 'content-type': type } }
}

const busy = () =>
  new Fault('request_in_progress', 'A request with this Idempotency-Key is being worked on; ask again soon.', {
    retryAfterSeconds: 1,
  })

async function fingerprintOf({ method, route, params, body, apiVersion }: IdempotentRequest): Promise<string> {
  const text = canonicalJson({ method, route, params: params ?? null, body: body ?? null, apiVersion })
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
