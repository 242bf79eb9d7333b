import packageJson from '../../package.json' with { type: 'json' }
import type { Adapter } from '../adapters/contract.ts'
import type { HttpPort } from '../adapters/http.ts'
import { ADAPTERS } from '../adapters/index.ts'
import { type AppOptions, buildApp } from '../api/app.ts'
import type { Endpoint } from '../api/endpoint.ts'
import { createIdempotent } from '../api/idempotent.ts'
import { sharedRateStore } from '../api/middleware/rate-limit.ts'
import { NOTICES } from '../api/notices.ts'
import { keyEndpoints } from '../api/routes/keys.ts'
import { oauthEndpoints } from '../api/routes/oauth.ts'
import { type SteerSandbox, sandboxEndpoints } from '../api/routes/sandbox.ts'
import { type Access, openAccess } from '../auth/access.ts'
import type { ClientDeps } from '../auth/clients.ts'
import { openKeyring } from '../auth/keys.ts'
import { type NewId, type NewUuid, typeId, uuidText, uuidV7 } from '../core/ids.ts'
import type { Db } from '../db/client.ts'
import { directInbox, type Inbox } from '../db/inbox.ts'
import { postgresLedger } from '../db/ledger-port.ts'
import { checkDestination } from '../destinations/index.ts'
import { announceBreaker } from '../flows/announce-breaker.ts'
import type { Clock, ConnectionRef, Deps, Log, Notices } from '../flows/deps.ts'
import type { JobTable } from '../jobs/run.ts'
import { JOBS } from '../jobs/table.ts'
import { chance } from '../platform/chance.ts'
import type { Cipher } from '../platform/cipher.ts'
import type { MetricsRegistry } from '../platform/metrics.ts'
import type { Secrets } from '../platform/secrets.ts'
import { createRoutingTable } from '../router/active.ts'
import { type BreakerChange, createBreakers } from '../router/breaker.ts'
import { ENDPOINTS } from './endpoints.ts'
import { bindProcessors } from './processors.ts'

/** What the runtime brings: everything that differs between Node, Workers and tests. */
export type GatewayParts = Pick<AppOptions, 'assets' | 'ipOf' | 'behindTls' | 'strictAnswers' | 'rateStore'> & {
  readonly db: Db
  /** Absent: each webhook is stored for itself. */
  readonly inbox?: Inbox
  readonly clock: Clock
  readonly log: Log
  readonly metrics: MetricsRegistry
  readonly cipher: Cipher
  readonly secrets: Secrets
  readonly mayUseSecret: Deps['mayUseSecret']
  readonly httpFor: (connection: ConnectionRef) => HttpPort
  /** The guarded way out to operators' receivers; its opener closes it. */
  readonly notices: Notices
  readonly publicUrl: string
  readonly health: AppOptions['operations']['health']
  readonly tokenSeconds?: number
  /** The processors of the house, unless a bench or a test brings its own. */
  readonly adapters?: readonly Adapter[]
  readonly metricsToken?: string
  /** Present where sandbox processors run. */
  readonly steerSandbox?: SteerSandbox
}

/** A gateway put together: the HTTP app, what its flows reach, and the work to be done in the background. */
export type Gateway = {
  readonly app: { fetch(request: Request, ...rest: unknown[]): Response | Promise<Response> }
  readonly deps: Deps
  readonly access: Access
  readonly clients: ClientDeps
  readonly jobs: JobTable<Deps>
  /** Ends the calls to processors. The database is its opener's to close. */
  close(): Promise<void>
}

/** The release that runs. */
export const VERSION = packageJson.version

/** Puts the house together: the one place that sees every part of it. */
export async function buildGateway(parts: GatewayParts): Promise<Gateway> {
  const { db, clock, log, metrics, cipher, publicUrl, tokenSeconds } = parts
  const { newId, newUuid } = idsOf(clock)
  const onChange = (change: BreakerChange) => announceBreaker({ db, newId }, change)
  const breakers = createBreakers({ db, clock, metrics, log, onChange })
  const processors = bindProcessors({
    adapters: parts.adapters ?? ADAPTERS,
    httpFor: parts.httpFor,
    secrets: parts.secrets,
    mayUseSecret: parts.mayUseSecret,
    clock,
    log,
    guard: (key, call) => breakers.run(key, call),
    onCall: ({ processor }, { durationMs }) =>
      metrics.observe('http_client_request_duration_seconds', durationMs / 1000, { processor }),
  })
  const routing = createRoutingTable({ db, clock, processors, breakers })
  const deps: Deps = {
    db,
    ledger: postgresLedger(db, { newUuid }),
    inbox: parts.inbox ?? directInbox(db),
    clock,
    newId,
    newUuid,
    processors,
    routing,
    cipher,
    notices: parts.notices,
    checkDestination,
    mayUseSecret: parts.mayUseSecret,
    publicUrl,
    log,
    metrics,
  }
  const keyring = await openKeyring({ db, cipher, clock })
  const audience = `${publicUrl}/v1`
  const access = openAccess({
    db,
    clock,
    newId,
    keyring,
    issuer: publicUrl,
    audience,
    ...(tokenSeconds !== undefined && { tokenSeconds }),
  })
  const clients: ClientDeps = { db, newId, clock }
  const app = buildApp({
    deps,
    authenticate: (request) => access.authenticate(request),
    idempotent: createIdempotent(deps),
    endpoints: endpointsOf({ access, clients, ...(parts.steerSandbox && { steerSandbox: parts.steerSandbox }) }),
    ipOf: parts.ipOf,
    newTraceId: () => newUuid().replaceAll('-', ''),
    version: VERSION,
    assets: parts.assets,
    webhooks: NOTICES,
    rateStore: parts.rateStore ?? sharedRateStore(db),
    behindTls: parts.behindTls ?? false,
    strictAnswers: parts.strictAnswers ?? false,
    operations: {
      health: parts.health,
      renderMetrics: () => metrics.render(),
      ...(parts.metricsToken !== undefined && { metricsToken: parts.metricsToken }),
    },
  })
  const tidy = { everyMs: 3_600_000, run: () => access.tidy() }
  return {
    app,
    deps,
    access,
    clients,
    jobs: { ...JOBS, periodic: { ...JOBS.periodic, forget_expired_access: tidy } },
    close: () => processors.close(),
  }
}

/** Every endpoint of the gateway but the operations and documentation ones, which the app adds itself. */
function endpointsOf(parts: {
  readonly access: Access
  readonly clients: ClientDeps
  readonly steerSandbox?: SteerSandbox
}): readonly Endpoint[] {
  return [
    ...ENDPOINTS,
    ...oauthEndpoints(parts.access, parts.clients),
    ...keyEndpoints(parts.clients),
    ...(parts.steerSandbox ? sandboxEndpoints(parts.steerSandbox) : []),
  ]
}

function idsOf(clock: Clock): { newId: NewId; newUuid: NewUuid } {
  const draw = chance()
  const next = () => uuidV7(clock.nowMs(), draw())
  return { newId: (kind) => typeId(kind, next()), newUuid: () => uuidText(next()) }
}
