import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { z } from 'zod'
import type { Adapter } from '../../src/adapters/contract.ts'
import { memoryRateStore } from '../../src/api/middleware/rate-limit.ts'
import { createClient } from '../../src/auth/clients.ts'
import { SCOPES } from '../../src/auth/scopes.ts'
import { openDb } from '../../src/db/client.ts'
import { insertConnection } from '../../src/db/connections.ts'
import { migrate } from '../../src/db/migrate.ts'
import { insertOperator } from '../../src/db/operators.ts'
import { buildGateway } from '../../src/entry/build.ts'
import { clientAddress } from '../../src/entry/client-address.ts'
import { freeListenPort, listen } from '../../src/entry/server.ts'
import { replayRules } from '../../src/flows/replay-rules.ts'
import { seedRecordedPayments } from '../../src/flows/seed-history.ts'
import { openCipher } from '../../src/platform/cipher.ts'
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'
import { nodeHttp } from '../../src/platform/http-node.ts'
import { openLog } from '../../src/platform/log.ts'
import { metricsRegistry } from '../../src/platform/metrics.ts'
import { nodeNotices } from '../../src/platform/notices-node.ts'
import { openSecrets } from '../../src/platform/secrets.ts'
import type { Sandbox } from '../../test/support/sandbox.ts'
import { rulesOf } from './rules.ts'

/** What the whole gateway did: seconds to record and to replay 10,000 payments, and evaluations over HTTP. */
export type GatewayFigures = {
  readonly seedSeconds: number
  readonly replaySeconds: number
  readonly replayed: number
  readonly evaluatePerSecond: number
  /** The load generator knows no 95th percentile: the next one up stands for it. */
  readonly evaluateP975Ms: number
  readonly evaluateErrors: number
}

const Cannon = z.object({
  requests: z.object({ average: z.number() }),
  latency: z.object({ p97_5: z.number() }),
  errors: z.number(),
  non2xx: z.number(),
})

const AUTOCANNON = fileURLToPath(new URL('../../node_modules/.bin/autocannon', import.meta.url))
const OPERATOR = 'opr_01kx0000000000000000000000'
/** Requests in flight: enough to keep one core busy, few enough that latency is work and not a queue. */
const CALLERS = 4

/** A gateway of the bench's own, on a database of its own, with an operator and an account at each sandbox processor. */
export type BenchGateway = Awaited<ReturnType<typeof openGateway>>

/** Starts it, with the processors behind its accounts and the adapters that speak with them. */
export async function openGateway(sandboxes: readonly Sandbox[], adapters: readonly Adapter[]) {
  const dir = mkdtempSync(join(tmpdir(), 'paycage-bench-'))
  chmodSync(dir, 0o755)
  const server = await startEmbeddedPostgres(join(dir, 'pg'))
  const root = postgres(server.url, { max: 1, onnotice: () => {} })
  await root.unsafe('create database bench')
  await root.end()
  const url = server.url.replace(/\/postgres$/, '/bench')
  await migrate(url)
  const db = openDb({ url, role: 'paycage_app' })
  const port = await freeListenPort('127.0.0.1', 0)
  const clock = { nowMs: () => Date.now() }
  const key = () => crypto.getRandomValues(new Uint8Array(32))
  const notices = nodeNotices({ allowLoopback: true })
  const configOf = (processor: string) => sandboxes.find(({ id }) => id === processor)?.connectionConfig
  const gateway = await buildGateway({
    db,
    clock,
    log: openLog(() => {}),
    metrics: metricsRegistry(),
    cipher: await openCipher({ masters: [key()], index: key() }),
    secrets: openSecrets({ test: async (processor) => ({ ...configOf(processor) }) }, clock.nowMs),
    mayUseSecret: () => true,
    httpFor: () => nodeHttp(),
    notices,
    publicUrl: `http://127.0.0.1:${port}`,
    ipOf: clientAddress([]),
    // One instance: its requests are counted in memory, not in the database.
    rateStore: memoryRateStore(),
    assets: async () => new Uint8Array(),
    health: { state: () => 'running', checks: {} },
    adapters,
  })
  const http = await listen((request, ...rest) => gateway.app.fetch(request, ...rest), {
    host: '127.0.0.1',
    port,
    tls: undefined,
  })
  await db.global((tx) => insertOperator(tx, { id: OPERATOR, name: 'Bench' }))
  await db.tx(OPERATOR, async (tx) => {
    for (const processor of ['sandbox_a', 'sandbox_b', 'sandbox_c']) {
      const { base_url } = { ...configOf(processor) }
      const account = { config: { base_url }, secretRef: `test:${processor}` }
      await insertConnection(tx, OPERATOR, {
        id: gateway.deps.newId('connection'),
        processor,
        label: processor,
        ...account,
      })
    }
  })
  const { clientId } = await createClient(gateway.clients, { operatorId: OPERATOR, name: 'bench', scopes: SCOPES })
  const scopes = new Set(SCOPES.filter((scope) => scope !== 'cashier'))
  const { token } = await gateway.access.issue({ operatorId: OPERATOR, clientId, scopes })
  return {
    ...gateway,
    port,
    token,
    async close() {
      await http.drain(1_000, new Promise(() => {}))
      await gateway.close()
      await notices.close()
      await db.close()
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Records and replays 10,000 payments, then fires evaluations from outside. */
export async function gatewayFigures(gateway: BenchGateway, seconds: number): Promise<GatewayFigures> {
  const replayed = await replayFigures(gateway.deps)
  await fire(gateway.port, gateway.token, 1)
  const shot = await fire(gateway.port, gateway.token, seconds)
  return {
    ...replayed,
    evaluatePerSecond: shot.requests.average,
    evaluateP975Ms: shot.latency.p97_5,
    evaluateErrors: shot.errors + shot.non2xx,
  }
}

type Deps = Awaited<ReturnType<typeof buildGateway>>['deps']

async function replayFigures(deps: Deps) {
  const { candidates } = await deps.routing.stateOf(OPERATOR)
  const start = performance.now()
  const nowMs = deps.clock.nowMs()
  await deps.db.tx(OPERATOR, (tx) => seedRecordedPayments(tx, OPERATOR, { candidates, nowMs }))
  const seeded = performance.now()
  const { payments } = await replayRules(deps, OPERATOR, rulesOf(50), { hours: 25 })
  return {
    seedSeconds: (seeded - start) / 1_000,
    replaySeconds: (performance.now() - seeded) / 1_000,
    replayed: payments,
  }
}

async function fire(port: number, token: string, seconds: number): Promise<z.infer<typeof Cannon>> {
  const body = { direction: 'deposit', method: 'card', amount: '25.00', currency: 'EUR', player_country: 'FI' }
  const headers = ['-H', `authorization=Bearer ${token}`, '-H', 'content-type=application/json']
  const shape = ['-j', '-n', '-c', String(CALLERS), '-d', String(seconds), '-m', 'POST', '-b', JSON.stringify(body)]
  const child = spawn(AUTOCANNON, [...shape, ...headers, `http://127.0.0.1:${port}/v1/routing/evaluate`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  for await (const chunk of child.stdout) output += chunk
  return Cannon.parse(JSON.parse(output))
}
