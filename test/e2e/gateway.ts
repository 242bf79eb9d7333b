import { onTestFinished } from 'vitest'
import { createClient } from '../../src/auth/clients.ts'
import { SCOPES } from '../../src/auth/scopes.ts'
import { insertConnection } from '../../src/db/connections.ts'
import { insertOperator } from '../../src/db/operators.ts'
import { savePlayer } from '../../src/db/players.ts'
import { buildGateway } from '../../src/entry/build.ts'
import { freeListenPort, listen } from '../../src/entry/server.ts'
import { runJobs } from '../../src/jobs/run.ts'
import { openCipher } from '../../src/platform/cipher.ts'
import { nodeHttp } from '../../src/platform/http-node.ts'
import { metricsRegistry } from '../../src/platform/metrics.ts'
import { nodeNotices } from '../../src/platform/notices-node.ts'
import type { Double } from '../doubles/server.ts'
import { databaseForThisTest } from '../support/database.ts'

/** An answer of the gateway: its status, and its body read as JSON. */
export type Answered = { readonly status: number; readonly body: Readonly<Record<string, unknown>> }

/** A whole gateway on a port of its own, with one operator, one verified player and one connection to a double. */
export type GatewayAtDouble = {
  post(path: string, body: unknown): Promise<Answered>
  get(path: string): Promise<Answered>
  /** Asks for a resource until it has this status. */
  until(path: string, status: string): Promise<Answered>
}

const PLAYER = 'player-1'
const randomKey = () => crypto.getRandomValues(new Uint8Array(32))

/** Starts it; everything ends with the test. The double's webhooks come to the gateway's own door. */
export async function gatewayAt(processor: string, double: Double): Promise<GatewayAtDouble> {
  const { db } = await databaseForThisTest()
  const clock = { nowMs: () => Date.now() }
  const host = '127.0.0.1'
  const port = await freeListenPort(host, 0)
  const publicUrl = `http://${host}:${port}`
  const { api_key, webhook_secrets, ...config } = double.connectionConfig
  const notices = nodeNotices({ allowLoopback: true })
  const gateway = await buildGateway({
    db,
    clock,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    metrics: metricsRegistry(),
    cipher: await openCipher({ masters: [randomKey()], index: randomKey() }),
    secrets: { get: async () => ({ api_key, webhook_secrets }) },
    mayUseSecret: () => true,
    httpFor: () => nodeHttp(),
    notices,
    publicUrl,
    ipOf: () => '192.0.2.1',
    assets: async () => undefined,
    health: { state: () => 'running', checks: {} },
    strictAnswers: true,
  })
  const server = await listen((request, ...rest) => gateway.app.fetch(request, ...rest), { host, port, tls: undefined })
  const jobs = runJobs(gateway.deps, gateway.jobs, { concurrency: 2 })
  onTestFinished(async () => {
    await jobs.stop()
    await server.drain(1_000, Promise.resolve())
    await gateway.close()
    await notices.close()
  })

  const operatorId = gateway.deps.newId('operator')
  const connection = gateway.deps.newId('connection')
  await db.global((tx) => insertOperator(tx, { id: operatorId, name: 'Test' }))
  await db.tx(operatorId, async (tx) => {
    await insertConnection(tx, operatorId, { id: connection, processor, label: processor, config, secretRef: 'env:X' })
    const known = { country: 'FI', currency: 'EUR', name: 'Aino Virtanen', kycStatus: 'verified' } as const
    await savePlayer(tx, operatorId, PLAYER, { ...known, dateOfBirth: '1990-01-01' }, 'test')
  })
  double.webhooksTo(`${publicUrl}/webhooks/${processor}/${connection}`)

  const scopes = SCOPES.filter((scope) => scope !== 'cashier')
  const { clientId, clientSecret } = await createClient(gateway.clients, { operatorId, name: 'test', scopes })
  const answered = async (answer: Response): Promise<Answered> => {
    const body: unknown = await answer.json()
    return { status: answer.status, body: Object.fromEntries(Object.entries(body ?? {})) }
  }
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
  })
  const { body: token } = await answered(await fetch(`${publicUrl}/oauth/token`, { method: 'POST', body: form }))
  const headers = { authorization: `Bearer ${String(token.access_token)}`, 'content-type': 'application/json' }
  const get = async (path: string) => answered(await fetch(publicUrl + path, { headers }))
  return {
    get,
    async post(path, body) {
      const idempotent = { ...headers, 'idempotency-key': crypto.randomUUID() }
      const text = JSON.stringify(typeof body === 'object' ? { player_id: PLAYER, ...body } : body)
      return answered(await fetch(publicUrl + path, { method: 'POST', headers: idempotent, body: text }))
    },
    async until(path, status) {
      for (;;) {
        const seen = await get(path)
        if (seen.body.status === status) return seen
        await new Promise((later) => setTimeout(later, 50))
      }
    },
  }
}
