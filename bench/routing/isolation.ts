import { Pool } from 'undici'
import { z } from 'zod'
import { sandboxA, sandboxB, sandboxC } from '../../src/adapters/sandbox/index.ts'
import { runJobs } from '../../src/jobs/run.ts'
import { startSandbox } from '../../test/support/sandbox.ts'
import { type BenchGateway, openGateway } from './gateway.ts'

/** Deposits at `sandbox_b` while `sandbox_a` answers and while it is a black hole, under the same load on both. */
export type IsolationFigures = {
  readonly rounds: number
  readonly perSecond: number
  readonly healthyP50Ms: number
  readonly healthyP99Ms: number
  readonly hungP50Ms: number
  readonly hungP99Ms: number
  /** Payments that waited for `sandbox_a` while the other was measured, in the half with the fewest. */
  readonly inFlight: number
  readonly errors: number
}

/** How long each half of a round is, and how many rounds there are. */
export type IsolationTimes = {
  readonly rounds: number
  readonly roundMs: number
  /** The time in which the deposits at `sandbox_a` are begun. */
  readonly beginsMs: number
}

/** Deposits a second at `sandbox_b`: far below what one gateway can do, or the figure would be the processor's queue. */
const PER_SECOND = 20
/** Deposits that are sent to `sandbox_a` before each half is measured. */
export const PAYMENTS_AT_A = 200
/** Each method has a bulkhead of its own: together they hold nearly all of them. */
const METHODS = [
  { type: 'card', token: 'tok_sandbox_ok' },
  { type: 'wallet', wallet: 'skrill' },
  { type: 'bank', country: 'FI' },
]
/** Longer than a half, as with real processors' adapters: what hangs hangs all the while. */
const patient = (timeoutMs: number) =>
  [sandboxA, sandboxB, sandboxC].map((adapter) => ({ ...adapter, facts: { ...adapter.facts, timeoutMs } }))
/** The work of beginning those deposits is over by then. */
const CALM_MS = 1_500
/** What a slow machine may need on top. */
const MARGIN_MS = 2_000

/** EUR goes to `sandbox_b` alone, SEK to `sandbox_a` alone. */
const RULES = `
language 1
rule "b" { when currency == "EUR" use ordered("sandbox_b") }
rule "a" { when currency == "SEK" use ordered("sandbox_a") }
default { use ordered(*) }`

type Ask = (method: string, path: string, body?: unknown) => Promise<{ status: number; body: unknown }>

/** A gateway with three processors of its own, and adapters with the patience that these times need. */
export async function openWithProcessors({ roundMs, beginsMs }: IsolationTimes) {
  const ids = ['sandbox_a', 'sandbox_b', 'sandbox_c'] as const
  const sandboxes = await Promise.all(ids.map((id) => startSandbox({ id, run: 'process' })))
  const gateway = await openGateway(sandboxes, patient(beginsMs + CALM_MS + roundMs + MARGIN_MS))
  return {
    gateway,
    steerA: async (mode: 'up' | 'hang') => void (await sandboxes[0]?.control({ mode })),
    async close() {
      await gateway.close()
      await Promise.all(sandboxes.map((sandbox) => sandbox.stop()))
    },
  }
}

/** Halves alternate, so that a machine that gets slower slows both. */
export async function isolationFigures(
  { gateway, steerA }: Awaited<ReturnType<typeof openWithProcessors>>,
  times: IsolationTimes,
): Promise<IsolationFigures> {
  const jobs = runJobs(gateway.deps, gateway.jobs, { concurrency: 4 })
  const pool = new Pool(`http://127.0.0.1:${gateway.port}`, { connections: 2 * PAYMENTS_AT_A })
  const ask = asOperator(pool, gateway)
  await prepare(ask)
  // The first half warms everything up.
  await halfOf(ask, 'up', times)
  const healthy: number[] = []
  const hung: number[] = []
  let inFlight = PAYMENTS_AT_A
  let errors = 0
  for (let round = 0; round < times.rounds; round += 1) {
    for (const [mode, took] of [['up', healthy] as const, ['hang', hung] as const]) {
      await steerA(mode)
      const seen = await halfOf(ask, mode, times)
      took.push(...seen.took)
      errors += seen.errors
      if (mode === 'hang') inFlight = Math.min(inFlight, seen.inFlight)
      await steerA('up')
      await seen.ended
    }
  }
  await jobs.stop()
  await pool.close()
  const [healthyP50Ms, healthyP99Ms] = quantiles(healthy)
  const [hungP50Ms, hungP99Ms] = quantiles(hung)
  const { rounds } = times
  return { rounds, perSecond: PER_SECOND, healthyP50Ms, healthyP99Ms, hungP50Ms, hungP99Ms, inFlight, errors }
}

const pause = (ms: number) => new Promise((done) => setTimeout(done, Math.max(0, ms)))

function asOperator(pool: Pool, { token }: BenchGateway): Ask {
  return async (method, path, body) => {
    const answer = await pool.request({
      method: z.enum(['GET', 'POST', 'PUT']).parse(method),
      path,
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': crypto.randomUUID(),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.body.text()
    return { status: answer.statusCode, body: text === '' ? null : JSON.parse(text) }
  }
}

async function must(ask: Ask, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await ask(method, path, body)
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

const Id = z.object({ id: z.string() })
const HOUR_MS = 3_600_000

async function prepare(ask: Ask): Promise<void> {
  const until = new Date(Date.now() + HOUR_MS).toISOString()
  await must(ask, 'PUT', '/v1/players/bench', { country: 'FI', currency: 'EUR', kyc: { status: 'verified' } })
  const draft = Id.parse(await must(ask, 'POST', '/v1/routing/rulesets', { name: 'bench', text: RULES }))
  const publication = { reason: 'bench', break_glass: { expires_at: until } }
  await must(ask, 'POST', `/v1/routing/rulesets/${draft.id}/publish`, publication)
  const { data } = z.object({ data: z.array(Id) }).parse(await must(ask, 'GET', '/v1/connections?processor=sandbox_a'))
  // The breaker would end the trial at once: forced closed, only the bulkheads stand between the two.
  for (const { id } of data) {
    const forced = { state: 'closed', reason: 'bench', expires_at: until }
    await must(ask, 'POST', `/v1/connections/${id}/breaker`, forced)
  }
}

/**
 * One half of a round. First the deposits at `sandbox_a`, which end or hang there; then a fixed rate at `sandbox_b`,
 * whether answers come or not. Latencies count from the time that a request was due.
 */
async function halfOf(ask: Ask, mode: 'up' | 'hang', { roundMs, beginsMs }: IsolationTimes) {
  const took: number[] = []
  let waiting = 0
  let errors = 0
  const pay = (currency: string, method: unknown) =>
    ask('POST', '/v1/deposits', {
      player_id: 'bench',
      amount: '25.00',
      currency,
      method,
      reference: crypto.randomUUID(),
      return_url: 'http://127.0.0.1/back',
    })
  const sent = Array.from({ length: PAYMENTS_AT_A }, async (_, n) => {
    await pause((n / PAYMENTS_AT_A) * beginsMs)
    waiting += 1
    await pay('SEK', METHODS[n % METHODS.length])
    waiting -= 1
  })
  // Where they are answered, all of them end first: their work must not be counted against the healthy half.
  await (mode === 'up' ? Promise.all(sent) : pause(beginsMs))
  await pause(CALM_MS)
  const inFlight = waiting
  const [card] = METHODS
  const began = performance.now()
  const asked = Array.from({ length: (roundMs / 1_000) * PER_SECOND }, async (_, n) => {
    const dueMs = began + (n * 1_000) / PER_SECOND
    await pause(dueMs - performance.now())
    const { status, body } = await pay('EUR', card)
    took.push(performance.now() - dueMs)
    if (status !== 201 || z.object({ status: z.string() }).parse(body).status !== 'succeeded') errors += 1
  })
  await Promise.all(asked)
  return { took, inFlight, errors, ended: Promise.all(sent) }
}

function quantiles(took: number[]): [number, number] {
  const sorted = took.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return [at(0.5), at(0.99)]
}
