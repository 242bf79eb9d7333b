import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { type Api, makeApi } from './api.ts'
import { openBooks } from './books.ts'
import { type Behaviour, control, HEALTHY } from './control.ts'
import { type FaultRule, type Faults, makeFaults, seeded, spoil } from './faults.ts'
import { type Journal, openJournal } from './journal.ts'
import { openProcessor } from './processor.ts'
import { type Answer, parseJson, problem, readBody, respond, sameSecret } from './web.ts'
import { startCourier } from './webhooks.ts'

/** What a sandbox processor is started with. Ports of 0 are chosen by the system. */
export type ProcessorSettings = {
  readonly id: string
  readonly dataDir: string
  readonly apiKeys: readonly string[]
  readonly webhookSecrets: readonly string[]
  readonly adminKey: string
  readonly host?: string
  readonly port?: number
  readonly controlPort?: number
}

/** A running sandbox processor. */
export type RunningProcessor = {
  readonly id: string
  readonly apiUrl: string
  /** Carries the admin key: whoever knows it steers the processor. */
  readonly controlUrl: string
  readonly truthFile: string
  close(): Promise<void>
}

/** A silent line is cut after this long; every caller's deadline is shorter. */
const SILENCE_MS = 60_000

/** The gateway takes "not found" after 10 s as proof, so a request that has waited this long is never acted on any more. */
const ACTS_WITHIN_MS = 5_000
const TURNS_TO_SEE_HANG_UP = 3

/** Starts a processor: its API on one port, its controls on another, so that they stay reachable while the API is closed. */
export async function startProcessor(settings: ProcessorSettings): Promise<RunningProcessor> {
  const { id, host = '127.0.0.1', apiKeys, webhookSecrets, adminKey } = settings
  const journal = await openJournal(settings.dataDir)
  const books = openBooks(journal)
  const courier = startCourier(books, journal, webhookSecrets)
  const faults = makeFaults()
  let behaviour = HEALTHY
  let apiUrl = ''
  const processor = openProcessor({
    id,
    books,
    courier,
    pageUrl: () => apiUrl,
    notifyAll: () => behaviour.notify === 'all',
  })
  const api = makeApi(processor, books)
  const line = makeLine({ api, faults, journal, apiKeys, behaviour: () => behaviour })
  const apiServer = listener(line)
  const port = await listen(apiServer, host, settings.port ?? 0)
  apiUrl = `http://${host}:${port}`

  async function behave(next: Behaviour) {
    const closes = next.mode === 'refuse_connection'
    behaviour = next
    if (closes && apiServer.listening) await shut(apiServer)
    if (!closes && !apiServer.listening) await listen(apiServer, host, port)
  }

  const controlServer = listener(async (request, response) => {
    const [, key = '', ...rest] = (request.url ?? '').split('?', 1)[0]?.split('/') ?? []
    const body = await readBody(request)
    const it = { id, secrets: webhookSecrets, books, faults, behaviour: () => behaviour, behave }
    const answer = !sameSecret(key, adminKey)
      ? problem(404, 'not_found', 'There is nothing here.')
      : await control(it, request.method ?? '', `/${rest.join('/')}`, body ?? '')
    if (answer !== 'silence') respond(response, answer)
  })
  const controlPort = await listen(controlServer, host, settings.controlPort ?? 0)
  return {
    id,
    apiUrl,
    controlUrl: `http://${host}:${controlPort}/${adminKey}/control`,
    truthFile: journal.truthFile,
    async close() {
      courier.stop()
      processor.stop()
      await Promise.all([shut(apiServer), shut(controlServer)])
      await journal.close()
    },
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>

function listener(handle: Handler): Server {
  // Long enough that a client's pool closes first: a request into a closing socket would be an unknown outcome.
  return createServer({ keepAliveTimeout: 30_000 }, (request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
}

const listen = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((listening, failed) => {
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      const address = server.address()
      listening(typeof address === 'object' && address !== null ? address.port : port)
    })
  })

const shut = (server: Server): Promise<void> =>
  new Promise((closed) => {
    server.close(() => closed())
    server.closeAllConnections()
  })

type LineParts = {
  readonly api: Api
  readonly faults: Faults
  readonly journal: Journal
  readonly apiKeys: readonly string[]
  behaviour(): Behaviour
}

/** The API's handler: how the processor behaves and what the fault plan says stand around what it does. */
function makeLine({ api, faults, journal, apiKeys, behaviour }: LineParts): Handler {
  const random = seeded(Date.now())
  return async (request, response) => {
    const url = URL.parse(request.url ?? '/', 'http://sandbox.local')
    const arrivedMs = performance.now()
    const { mode, latency_ms, fail_rate } = behaviour()
    if (mode === 'hang') return silence(response)
    const body = await readBody(request)
    if (latency_ms > 0) await wait(latency_ms)
    // A caller who has hung up meanwhile is seen to have done so only at the next reads of his socket, a turn or two later.
    for (let turns = 0; turns < TURNS_TO_SEE_HANG_UP; turns += 1) await turn()
    const tooLate = !request.socket.writable || performance.now() - arrivedMs > ACTS_WITHIN_MS
    if (tooLate) return respond(response, MAINTENANCE)
    const refusal = refusalOf(mode, random() < fail_rate)
    if (refusal) return respond(response, refusal)
    if (!url || body === undefined) return respond(response, TOO_LARGE)
    const method = request.method ?? ''
    const topic = api.topicOf({ method, url })
    const needsKey = topic !== 'page' && topic !== 'tokens'
    if (needsKey && !isKnown(apiKeys, request.headers.authorization)) return respond(response, UNAUTHENTICATED)
    const ourRef = ourRefOf(url, body)
    const early = faults.strike('before', topic, ourRef)
    if (early) return spoiled(response, early, NOTHING_DONE)
    const idempotencyKey = oneHeader(request.headers['idempotency-key'])
    const answer = api.handle({ method, url, body, idempotencyKey })
    // Nothing is told before it is on disk, not even a look-up.
    await journal.durable()
    if (answer === 'silence') return silence(response)
    const late = faults.strike('after', topic, ourRef)
    return late ? spoiled(response, late, answer) : respond(response, answer)
  }
}

const MAINTENANCE: Exclude<Answer, 'silence'> = {
  status: 503,
  json: { error: { code: 'maintenance', detail: 'Not processed. Try another processor.' } },
}
const NOTHING_DONE = { status: 200, json: {} } as const
const TOO_LARGE: Exclude<Answer, 'silence'> = {
  status: 413,
  json: { error: { code: 'too_large', detail: 'Body too large.' } },
}
const UNAUTHENTICATED: Exclude<Answer, 'silence'> = {
  status: 401,
  json: { error: { code: 'unauthenticated', detail: 'Send the API key as a bearer token.' } },
  headers: { 'www-authenticate': 'Bearer' },
}

function refusalOf(mode: Behaviour['mode'], unlucky: boolean): Exclude<Answer, 'silence'> | undefined {
  if (mode === 'http_500') return { status: 500, json: { error: { code: 'internal', detail: 'Something broke.' } } }
  return mode === 'down' || unlucky ? MAINTENANCE : undefined
}

function spoiled(response: ServerResponse, rule: FaultRule, answer: Exclude<Answer, 'silence'>): void {
  spoil(response, answer, rule)
  if (rule.fault === 'hang') silence(response)
}

function silence(response: ServerResponse): void {
  const timer = setTimeout(() => response.destroy(), SILENCE_MS)
  response.on('close', () => clearTimeout(timer))
}

const oneHeader = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined

function isKnown(apiKeys: readonly string[], authorization = ''): boolean {
  const key = authorization.replace(/^Bearer /, '')
  return authorization.startsWith('Bearer ') && apiKeys.filter((known) => sameSecret(known, key)).length > 0
}

/** The reference that a request is about, for the fault plan. */
function ourRefOf(url: URL, body: string): string | undefined {
  const asked = url.searchParams.get('our_ref')
  if (asked !== null) return asked
  const json = parseJson(body)
  return typeof json === 'object' && json !== null && 'our_ref' in json && typeof json.our_ref === 'string'
    ? json.our_ref
    : undefined
}
