import { Fault } from '../core/errors.ts'
import { canonicalJson, decideKey, isFinalRefusal, LEASE_MS } from '../core/idempotency.ts'
import { claimKey, findKey, finishKey, releaseKey, takeOverKey } from '../db/idempotency.ts'
import { operatorSettings } from '../db/operators.ts'
import type { Deps } from '../flows/deps.ts'
import type { Answer, Idempotent, IdempotentRequest } from './endpoint.ts'
import { PROBLEMS, problemBody } from './problem.ts'

const HOUR_MS = 3_600_000

/** A key that we hold: `fence` makes sure that nobody who lost it writes. */
type Lease = { readonly fence: bigint; readonly runId: string }

/**
 * Runs each key once. The answer, a refusal of the business too, is kept word for word and given again to the same
 * request; another request under the key is refused. A run whose process died is taken over when its lease ends: flows
 * find what it had begun by the key, and go on from there.
 */
export function createIdempotent(deps: Pick<Deps, 'db' | 'clock' | 'metrics'>): Idempotent {
  return async (request, run) => {
    const fingerprint = await fingerprintOf(request)
    const held = await take(deps, request, fingerprint)
    if ('replay' in held) {
      deps.metrics.count('paycage_idempotency_total', { result: 'replayed' })
      return { ...held.replay, replayed: true }
    }
    deps.metrics.count('paycage_idempotency_total', { result: held.fence === 1n ? 'new' : 'taken_over' })
    const answer = await answerOf(deps, request, held, run)
    await deps.db.tx(request.operatorId, (tx) =>
      finishKey(tx, request.operatorId, {
        key: request.key,
        fence: held.fence,
        status: answer.status,
        body: answer.body,
      }),
    )
    return shown(answer)
  }
}

/** The answer to be kept, as text, so that a replay is the same to the byte. */
type Kept = { readonly status: number; readonly body: string }

async function answerOf(
  deps: Pick<Deps, 'db'>,
  { operatorId, key, requestId }: IdempotentRequest,
  { fence, runId }: Lease,
  run: (runId: string) => Promise<Answer>,
): Promise<Kept> {
  try {
    const { status, body } = await run(runId)
    return { status, body: JSON.stringify(body ?? null) }
  } catch (error) {
    // Anything else leaves the key running: nobody knows what was done, and the next request finds out.
    if (!(error instanceof Fault)) throw error
    if (!isFinalRefusal(error.code)) {
      await deps.db.tx(operatorId, (tx) => releaseKey(tx, operatorId, { key, fence }))
      throw error
    }
    return { status: PROBLEMS[error.code].status, body: JSON.stringify(problemBody(error, requestId)) }
  }
}

async function take(
  deps: Pick<Deps, 'db' | 'clock'>,
  { operatorId, key }: IdempotentRequest,
  fingerprint: string,
): Promise<Lease | { readonly replay: Answer }> {
  return deps.db.tx(operatorId, async (tx) => {
    const now = new Date(deps.clock.nowMs())
    const leaseUntil = new Date(now.getTime() + LEASE_MS)
    const { idempotencyHours } = await operatorSettings(tx, operatorId)
    const expiresAt = new Date(now.getTime() + idempotencyHours * HOUR_MS)
    const fence = await claimKey(tx, operatorId, { key, fingerprint, leaseUntil, expiresAt, now })
    if (fence !== undefined) return { fence, runId: runIdOf(key, now) }

    const saved = await findKey(tx, operatorId, key)
    if (saved === undefined) throw busy()
    const decision = decideKey(saved, fingerprint, now)
    if (decision.kind === 'replay') return { replay: shown(decision) }
    if (decision.kind === 'mismatch') {
      throw new Fault('idempotency_key_reused', 'This Idempotency-Key was used for another request; send a new one.')
    }
    if (decision.kind === 'busy') throw busy()
    if (!(await takeOverKey(tx, operatorId, { key, fence: decision.fence, leaseUntil }))) throw busy()
    return { fence: decision.fence + 1n, runId: runIdOf(key, saved.createdAt) }
  })
}

/** One use of a key: after its window the same key may begin another, which must not find the first one's payment. */
const runIdOf = (key: string, begun: Date): string => `${key}@${begun.getTime()}`

/** A kept text with the media type that its status implies: what is no success is a problem document. */
function shown({ status, body }: Kept): Answer {
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  return { status, body, headers: { 'content-type': type } }
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
