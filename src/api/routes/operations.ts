import { z } from 'zod'
import { Fault } from '../../core/errors.ts'
import { type Endpoint, endpoint } from '../endpoint.ts'

/** How the process is doing. The process itself answers; the app only asks. */
export type Health = {
  /** `draining` from the moment that it was told to stop: load balancers must look elsewhere before it does. */
  state(): 'starting' | 'running' | 'draining'
  /** By name: `true`, or one word for what is wrong. May throw, which is a failure too. */
  readonly checks: Readonly<Record<string, () => Promise<true | string>>>
}

/** What the operations endpoints show. */
export type OperationsOptions = {
  readonly health: Health
  readonly version: string
  readonly commit?: string
  readonly apiVersions: readonly string[]
  readonly clock: { nowMs(): number }
  /** The registry's text. */
  readonly renderMetrics: () => string
  /** When set, `/metrics` wants it as a bearer token, from everywhere. When not, it answers this machine only. */
  readonly metricsToken?: string
}

/** Probes come every second from several places: one look per second is enough for all of them. */
const READY_FRESH_MS = 1000
/** A check that hangs has failed. */
const CHECK_MS = 2000

const Readiness = z.object({ status: z.enum(['ready', 'not_ready']), checks: z.record(z.string(), z.string()) })
const State = z.object({ status: z.string() })
const PROBE = { method: 'get', tag: 'operations', scope: 'public', rate: 'none' } as const

/** Liveness, readiness, start-up, version and metrics. */
export function operationsEndpoints(options: OperationsOptions): readonly Endpoint[] {
  const { health, version, commit, apiVersions } = options
  const readiness = readinessOf(options)
  return [
    endpoint({
      ...PROBE,
      path: '/livez',
      summary: 'Is the process alive?',
      answers: { 200: State },
      handle: async () => ({ status: 200, body: { status: 'alive' } }),
    }),
    endpoint({
      ...PROBE,
      path: '/startupz',
      summary: 'Has it started?',
      answers: { 200: State, 503: State },
      handle: async () =>
        health.state() === 'starting'
          ? { status: 503, body: { status: 'starting' } }
          : { status: 200, body: { status: 'started' } },
    }),
    endpoint({
      ...PROBE,
      path: '/readyz',
      summary: 'May traffic be sent here?',
      description: 'Each check with `ok` or what is wrong. 503 from the moment that the process was told to stop.',
      answers: { 200: Readiness, 503: Readiness },
      handle: async () => {
        const checks = await readiness()
        const ready = Object.values(checks).every((said) => said === 'ok')
        return ready
          ? { status: 200, body: { status: 'ready', checks } }
          : { status: 503, body: { status: 'not_ready', checks }, headers: { 'retry-after': '5' } }
      },
    }),
    endpoint({
      ...PROBE,
      path: '/version',
      summary: 'What is running here?',
      answers: {
        200: z.object({
          name: z.string(),
          version: z.string(),
          commit: z.string().optional(),
          api_versions: z.array(z.string()),
        }),
      },
      handle: async () => ({
        status: 200,
        body: { name: 'paycage', version, ...(commit !== undefined && { commit }), api_versions: [...apiVersions] },
      }),
    }),
    metrics(options),
  ]
}

const metrics = ({ renderMetrics, metricsToken }: OperationsOptions): Endpoint =>
  endpoint({
    ...PROBE,
    path: '/metrics',
    summary: 'Metrics as Prometheus text',
    description:
      'With a metrics token configured, send it as a bearer token. Without one, only this machine is answered, and only directly: a request that came through a proxy is refused.',
    answers: { 200: 'text/plain; version=0.0.4; charset=utf-8' },
    faults: ['unauthenticated'],
    handle: async (_deps, { ip, header }) => {
      const allowed =
        metricsToken === undefined
          ? isLoopback(ip) && !FORWARDED.some((name) => header(name) !== undefined)
          : sameText(header('authorization') ?? '', `Bearer ${metricsToken}`)
      if (!allowed) throw new Fault('unauthenticated', 'Metrics are open to this machine or with the metrics token.')
      return { status: 200, body: renderMetrics() }
    },
  })

/** Headers that proxies set: whoever sends one isn't this machine, or stands behind a proxy on it. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'cf-connecting-ip', 'via'] as const

const isLoopback = (ip: string): boolean => /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(ip) || ip === '::1'

/** Every character is looked at, whichever differs first. */
function sameText(given: string, right: string): boolean {
  let difference = given.length ^ right.length
  for (let index = 0; index < right.length; index += 1)
    difference |= (given.charCodeAt(index % Math.max(1, given.length)) || 0) ^ right.charCodeAt(index)
  return difference === 0
}

/** Runs all checks at once, at most once a second, however many ask. */
function readinessOf({ health, clock }: OperationsOptions): () => Promise<Record<string, string>> {
  let checkedAtMs = Number.NEGATIVE_INFINITY
  let last: Promise<Record<string, string>> = Promise.resolve({})
  const look = async () =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(health.checks).map(async ([name, check]) => [name, await outcomeOf(check)] as const),
      ),
    )
  return async () => {
    const state = health.state()
    if (state !== 'running') return { process: state }
    if (clock.nowMs() - checkedAtMs >= READY_FRESH_MS) {
      checkedAtMs = clock.nowMs()
      last = look()
    }
    return { process: 'ok', ...(await last) }
  }
}

/** One word: why a check threw is for the log of whoever it belongs to, not for a probe. */
async function outcomeOf(check: () => Promise<true | string>): Promise<string> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve('timeout'), CHECK_MS)
  })
  const said = Promise.resolve()
    .then(check)
    .then(
      (result) => (result === true ? 'ok' : result),
      () => 'failed',
    )
  const outcome = await Promise.race([said, late])
  clearTimeout(timer)
  return outcome
}
