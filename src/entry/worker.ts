import { AsyncLocalStorage } from 'node:async_hooks'
import { isOwnSandboxSecret, isOwnSecret } from '../core/secret-ref.ts'
import { type Db, openDb } from '../db/client.ts'
import { runOnce } from '../jobs/run.ts'
import { openCipher } from '../platform/cipher.ts'
import { type Config, loadConfig } from '../platform/config.ts'
import { fetchHttp } from '../platform/http-fetch.ts'
import { openLog } from '../platform/log.ts'
import { jsonWriter } from '../platform/log-json.ts'
import { metricsRegistry } from '../platform/metrics.ts'
import { fetchNotices } from '../platform/notices-fetch.ts'
import { envSecrets } from '../platform/secrets/env.ts'
import { openSecrets } from '../platform/secrets.ts'
import { buildGateway, type Gateway } from './build.ts'

/** What `wrangler.toml` binds, beside the settings and secrets, which are texts. */
type Bindings = {
  readonly HYPERDRIVE: { readonly connectionString: string }
  readonly ASSETS: { fetch(url: string): Promise<Response> }
}
type Context = { waitUntil(work: Promise<unknown>): void }

const clock = { nowMs: () => Date.now() }
/** Workers open six connections at once per request; the rest is left to processors. */
const POOL = 3

/**
 * A socket belongs to the request that opened it, the gateway to the isolate: each request brings its own database, and
 * what the gateway remembers (keys, routing tables, breakers) is data alone.
 */
const current = new AsyncLocalStorage<Db>()
const db: Db = {
  tx: (operatorId, work) => here().tx(operatorId, work),
  global: (work) => here().global(work),
  alone: (statement) => here().alone(statement),
  close: async () => {},
}
let built: Promise<Gateway> | undefined

function here(): Db {
  const own = current.getStore()
  if (!own) throw new Error('there is no database outside a request')
  return own
}

/** The gateway on Cloudflare Workers: the same app over Hyperdrive, and the background work by the clock. */
export default {
  fetch: (request: Request, bindings: Bindings, context: Context): Promise<Response> =>
    withDatabase(bindings, context, async () => {
      const gateway = await gatewayOf(bindings)
      return gateway.app.fetch(request, bindings, context)
    }),
  scheduled: (_event: unknown, bindings: Bindings, context: Context): Promise<number> =>
    withDatabase(bindings, context, async () => {
      const { deps, jobs } = await gatewayOf(bindings)
      return runOnce(deps, jobs)
    }),
}

async function withDatabase<T>({ HYPERDRIVE }: Bindings, context: Context, work: () => Promise<T>): Promise<T> {
  // Hyperdrive gives a connection to one transaction at a time: nothing may be prepared on it, and the login itself is
  // the restricted role, since a role can't be taken on for longer.
  const own = openDb({ url: HYPERDRIVE.connectionString, max: POOL, prepare: false })
  try {
    return await current.run(own, work)
  } finally {
    context.waitUntil(own.close())
  }
}

function gatewayOf(bindings: Bindings): Promise<Gateway> {
  if (built) return built
  const building = build(bindings)
  built = building
  // The next request tries again: a database that was away must not spoil the isolate.
  building.catch(() => {
    built = undefined
  })
  return building
}

async function build({ HYPERDRIVE, ASSETS, ...rest }: Bindings): Promise<Gateway> {
  const environment = Object.fromEntries(
    Object.entries(rest).flatMap(([name, value]) => (isText(value) ? [[name, value]] : [])),
  )
  const config = configOf({ ...environment, DATABASE_URL: HYPERDRIVE.connectionString })
  const { PAYCAGE_PUBLIC_URL: publicUrl, PAYCAGE_MASTER_KEY: master, PAYCAGE_INDEX_KEY: index } = config
  if (!publicUrl || !master || !index)
    throw new Error('Workers need PAYCAGE_PUBLIC_URL, PAYCAGE_MASTER_KEY and PAYCAGE_INDEX_KEY')
  const masters = [master, ...config.PAYCAGE_PREVIOUS_MASTER_KEYS].map((key) => bytes(key.reveal()))
  return buildGateway({
    db,
    clock,
    log: openLog(jsonWriter(config.PAYCAGE_LOG_LEVEL, console.log, () => new Date())),
    metrics: metricsRegistry(),
    cipher: await openCipher({ masters, index: bytes(index.reveal()) }),
    secrets: openSecrets({ env: envSecrets(environment) }, clock.nowMs),
    mayUseSecret: config.PAYCAGE_ENV === 'sandbox' ? isOwnSandboxSecret : isOwnSecret,
    httpFor: () => fetchHttp((url, init) => fetch(url, init)),
    notices: fetchNotices(fetchHttp((url, init) => fetch(url, init))),
    publicUrl: publicUrl.replace(/\/+$/, ''),
    tokenSeconds: config.PAYCAGE_TOKEN_LIFETIME_SECONDS,
    behindTls: publicUrl.startsWith('https:'),
    // Set by Cloudflare itself; what a client sends under this name doesn't get here.
    ipOf: (c) => c.req.header('cf-connecting-ip') ?? '',
    assets: async (name) => {
      const answer = await ASSETS.fetch(`https://assets.local/${name}`)
      return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : undefined
    },
    health: {
      state: () => 'running',
      checks: { database: async () => (await db.global((tx) => tx`select 1`)).length === 1 || 'no answer' },
    },
    ...(config.PAYCAGE_METRICS_TOKEN && { metricsToken: config.PAYCAGE_METRICS_TOKEN.reveal() }),
  })
}

/** TLS ends at Cloudflare, so the settings need name no terminator. */
function configOf(environment: Record<string, string>): Config {
  const result = loadConfig({ PAYCAGE_TRUSTED_PROXIES: '127.0.0.1', ...environment }, () => {
    throw new Error('Workers have no files')
  })
  if (result.kind === 'invalid') throw new Error(`The settings don't hold: ${result.problems.join('; ')}`)
  return result.config
}

const isText = (value: unknown): value is string => typeof value === 'string'
const bytes = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))
