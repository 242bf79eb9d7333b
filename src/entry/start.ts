import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isOwnSandboxSecret, isOwnSecret } from '../core/secret-ref.ts'
import { type Db, openDb } from '../db/client.ts'
import { combinedInbox } from '../db/inbox.ts'
import { APP_ROLE, migrate, pendingMigrations } from '../db/migrate.ts'
import { runJobs } from '../jobs/run.ts'
import { lanesOf } from '../jobs/table.ts'
import { type Cipher, openCipher } from '../platform/cipher.ts'
import type { Config } from '../platform/config.ts'
import { keptFile, newKey } from '../platform/data-folder.ts'
import { startEmbeddedPostgres } from '../platform/embedded-postgres.ts'
import { nodeHttp } from '../platform/http-node.ts'
import { openLog } from '../platform/log.ts'
import { pinoWriter } from '../platform/log-pino.ts'
import { metricsRegistry } from '../platform/metrics.ts'
import { nodeNotices } from '../platform/notices-node.ts'
import { envSecrets } from '../platform/secrets/env.ts'
import { fileSecrets } from '../platform/secrets/file.ts'
import { openSecrets, type Secrets } from '../platform/secrets.ts'
import { isPublicAddress } from '../platform/special-addresses.ts'
import { buildGateway, VERSION } from './build.ts'
import { clientAddress } from './client-address.ts'
import type { Lifecycle } from './lifecycle.ts'
import { ownDataFolder, type SandboxWorld, startSandboxWorld } from './sandbox-world.ts'
import { sandboxSecrets } from './seed.ts'
import { freeListenPort, listen } from './server.ts'
import { welcome } from './welcome.ts'

const clock = { nowMs: () => Date.now() }
const SWAGGER = new URL('../../node_modules/swagger-ui-dist/', import.meta.url)
/** Load balancers look every second or so: they must see "not ready" before connections are refused. */
const SEE_DRAINING_MS = 1_000

/** Starts everything that the settings ask for, each thing owned by `life`, and answers with what to tell the person at the terminal. */
export async function startGateway(config: Config, life: Lifecycle): Promise<string> {
  const { HOST: host, PAYCAGE_ENV, PAYCAGE_DATA_DIR } = config
  const log = openLog(pinoWriter(config.PAYCAGE_LOG_LEVEL))
  const port = await freeListenPort(host, config.PORT)
  const baseUrl = `${tlsOf(config) ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
  const publicUrl = config.PAYCAGE_PUBLIC_URL?.replace(/\/+$/, '') ?? baseUrl
  const isSandbox = PAYCAGE_ENV === 'sandbox'
  const dataDir = isSandbox ? await ownDataFolder(PAYCAGE_DATA_DIR, life) : PAYCAGE_DATA_DIR

  // Things end in the opposite order of their start: the database is there until everything else is gone.
  const database = await databaseOf(config, dataDir, life)
  const world = isSandbox ? startSandboxWorld(dataDir, life, log.warn) : undefined
  await migrate(database.ownerUrl, database.login)
  const db = await life.own(
    'database pool',
    () => openPool(config, database.url),
    (pool) => pool.close(),
  )
  const notices = await life.own(
    'notices',
    () => nodeNotices({ allowLoopback: isSandbox }),
    (way) => way.close(),
  )
  let state: 'starting' | 'running' | 'draining' = 'starting'
  const gateway = await life.own(
    'gateway',
    async () =>
      buildGateway({
        db,
        inbox: combinedInbox(db, clock),
        clock,
        log,
        metrics: metricsRegistry(),
        cipher: await cipherOf(config, dataDir),
        secrets: secretsOf(config, dataDir, world),
        mayUseSecret: isSandbox ? isOwnSandboxSecret : isOwnSecret,
        // An operator's settings name hosts: in live none of our own network's, unless its processors are there.
        httpFor: () => nodeHttp(isSandbox || config.PAYCAGE_PRIVATE_PROCESSORS ? {} : { refuseAddress: isPrivate }),
        notices,
        publicUrl,
        tokenSeconds: config.PAYCAGE_TOKEN_LIFETIME_SECONDS,
        behindTls: publicUrl.startsWith('https:'),
        ipOf: clientAddress(config.PAYCAGE_TRUSTED_PROXIES),
        assets: (name) => readFile(new URL(name, SWAGGER)).catch(() => undefined),
        health: { state: () => state, checks: checksOf(db) },
        ...(config.PAYCAGE_METRICS_TOKEN && { metricsToken: config.PAYCAGE_METRICS_TOKEN.reveal() }),
        ...(world && { steerSandbox: world.steer }),
      }),
    (built) => built.close(),
  )
  const kept = await world?.settle(gateway, baseUrl)
  for (const [name, table] of Object.entries(lanesOf(gateway.jobs))) {
    await life.own(
      `${name} jobs`,
      () =>
        runJobs(gateway.deps, table, {
          concurrency: config.PAYCAGE_JOB_CONCURRENCY,
          giveWay: gateway.deps.inbox.slow,
        }),
      (loop) => loop.stop(),
    )
  }
  await life.own(
    'server',
    () => listen((request, ...rest) => gateway.app.fetch(request, ...rest), { host, port, tls: tlsOf(config) }),
    async (server) => {
      state = 'draining'
      await Promise.race([new Promise((done) => setTimeout(done, SEE_DRAINING_MS)), life.hurry])
      await server.drain(config.PAYCAGE_DRAIN_TIMEOUT_MS, life.hurry)
    },
  )
  state = 'running'
  log.info('started', { version: VERSION, environment: PAYCAGE_ENV, host, port })
  return kept ? welcome({ baseUrl, dataDir, kept, note: database.note }) : `Paycage ${VERSION} listens on ${baseUrl}`
}

type Database = {
  /** For migrations. */
  readonly ownerUrl: string
  readonly url: string
  /** The login of `url` where it isn't the owner: it must be let into the gateway's role. */
  readonly login?: string
  readonly note?: string
}

async function databaseOf(config: Config, dataDir: string, life: Lifecycle): Promise<Database> {
  const url = config.DATABASE_URL?.reveal()
  if (url === undefined) {
    const server = await life.own(
      'PostgreSQL',
      () => startEmbeddedPostgres(join(dataDir, 'postgres')),
      (running) => running.stop(),
    )
    const note = server.movedBecause && `The database lies in the temporary directory: ${server.movedBecause}.`
    return { ownerUrl: server.url, url: server.url, ...(note && { note }) }
  }
  const ownerUrl = config.PAYCAGE_DATABASE_OWNER_URL?.reveal()
  if (ownerUrl === undefined) return { ownerUrl: url, url }
  return { ownerUrl, url, login: decodeURIComponent(new URL(url).username) }
}

const openPool = (config: Config, url: string): Db =>
  openDb({
    url,
    role: APP_ROLE,
    max: config.PAYCAGE_DATABASE_POOL,
    statementTimeoutMs: config.PAYCAGE_STATEMENT_TIMEOUT_MS,
    idleInTransactionTimeoutMs: config.PAYCAGE_STATEMENT_TIMEOUT_MS,
  })

/** The settings' keys; live has them (the settings say so), the sandbox keeps some of its own. */
function cipherOf(config: Config, dataDir: string): Promise<Cipher> {
  const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'))
  const master = config.PAYCAGE_MASTER_KEY?.reveal() ?? keptFile(join(dataDir, 'master.key'), newKey)
  const index = config.PAYCAGE_INDEX_KEY?.reveal() ?? keptFile(join(dataDir, 'index.key'), newKey)
  const previous = config.PAYCAGE_PREVIOUS_MASTER_KEYS.map((key) => key.reveal())
  return openCipher({ masters: [master, ...previous].map(bytes), index: bytes(index) })
}

const isPrivate = (address: string): boolean => !isPublicAddress(address)

function secretsOf(config: Config, dataDir: string, world: SandboxWorld | undefined): Secrets {
  const sources = {
    env: envSecrets(process.env),
    file: fileSecrets(config.PAYCAGE_SECRETS_DIR ?? join(dataDir, 'secrets')),
    ...(world && { sandbox: sandboxSecrets(world.kept) }),
  }
  return openSecrets(sources, clock.nowMs)
}

const checksOf = (db: Db): Readonly<Record<string, () => Promise<true | string>>> => ({
  database: async () => (await db.global((tx) => tx`select 1`)).length === 1 || 'no answer',
  migrations: async () => (await db.global(pendingMigrations)) === 0 || 'pending',
})

function tlsOf({ PAYCAGE_TLS_CERT_FILE: cert, PAYCAGE_TLS_KEY_FILE: key }: Config) {
  return cert !== undefined && key !== undefined ? { cert, key } : undefined
}
