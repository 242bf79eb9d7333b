import { readFile } from 'node:fs/promises'
import { createClient } from '../../src/auth/clients.ts'
import { SCOPES, type Scope } from '../../src/auth/scopes.ts'
import { isOwnSandboxSecret } from '../../src/core/secret-ref.ts'
import { insertConnection } from '../../src/db/connections.ts'
import { insertOperator } from '../../src/db/operators.ts'
import { savePlayer } from '../../src/db/players.ts'
import { buildGateway, type Gateway } from '../../src/entry/build.ts'
import { clientAddress } from '../../src/entry/client-address.ts'
import { freeListenPort, listen } from '../../src/entry/server.ts'
import { runOnce } from '../../src/jobs/run.ts'
import { openCipher } from '../../src/platform/cipher.ts'
import { nodeHttp } from '../../src/platform/http-node.ts'
import { openLog } from '../../src/platform/log.ts'
import { metricsRegistry } from '../../src/platform/metrics.ts'
import { nodeNotices } from '../../src/platform/notices-node.ts'
import { openSecrets } from '../../src/platform/secrets.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { type Sandbox, startSandbox } from './sandbox.ts'

/** An operator of a world, with a client that may do everything unless a token asks for less. */
export type WorldOperator = {
  readonly id: string
  readonly clientId: string
  readonly clientSecret: string
  /** Connections by processor: `sandbox_a`, `sandbox_b`, `sandbox_c`. */
  readonly connections: Readonly<Record<string, string>>
}

/** What is sent, besides method and path. Without `token` the first operator's is used; `null` sends none. */
export type WorldRequest = {
  readonly body?: unknown
  /** The Idempotency-Key: a fresh one for each POST unless given, none for `null`. */
  readonly key?: string | null
  readonly token?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

/** An answer, its JSON read where it is JSON: of type any, since a wrong path is undefined and fails the test. */
export type WorldAnswer = {
  readonly status: number
  readonly headers: Headers
  readonly body: Awaited<ReturnType<Response['json']>>
  readonly text: string
}

/** A whole gateway over real HTTP, on a database of its own, with three sandbox processors in this process. */
export type World = {
  readonly url: string
  readonly gateway: Gateway
  readonly app: Gateway['app']
  readonly db: TestDatabase['db']
  readonly database: TestDatabase
  /** Runs with the machine's clock; `pass` puts it ahead. */
  readonly clock: { nowMs(): number; pass(ms: number): void }
  readonly sandboxes: Readonly<Record<'a' | 'b' | 'c', Sandbox>>
  readonly operator: WorldOperator
  readonly second: WorldOperator
  /** Every log line that was written. */
  readonly logs: Readonly<Record<string, unknown>>[]
  token(scopes?: readonly Scope[], of?: WorldOperator): Promise<string>
  request(method: string, path: string, request?: WorldRequest): Promise<WorldAnswer>
  /** Does all background work that is due now, and what that makes due. Says how many jobs it did. */
  work(): Promise<number>
  close(): Promise<void>
}

/** A verified player of the first operator. */
export const PLAYER = 'p1'

/** More rounds of background work than any story has. */
const MAX_ROUNDS = 50
let keys = 0

/** Starts a world. Call `close` in `afterAll`. */
export async function world(): Promise<World> {
  const [database, a, b, c, port] = await Promise.all([
    testDatabase(),
    startSandbox({ id: 'sandbox_a' }),
    startSandbox({ id: 'sandbox_b' }),
    startSandbox({ id: 'sandbox_c' }),
    freeListenPort('127.0.0.1', 0),
  ])
  const url = `http://127.0.0.1:${port}`
  const clock = movableClock()
  const logs: Record<string, unknown>[] = []
  const key = () => crypto.getRandomValues(new Uint8Array(32))
  const notices = nodeNotices({ allowLoopback: true })
  const gateway = await buildGateway({
    db: database.db,
    clock,
    log: openLog((level, line) => void logs.push({ level, ...line })),
    metrics: metricsRegistry(),
    cipher: await openCipher({ masters: [key()], index: key() }),
    secrets: openSecrets({ test: secretsAt([a, b, c]) }, clock.nowMs),
    mayUseSecret: isOwnSandboxSecret,
    httpFor: () => nodeHttp(),
    notices,
    publicUrl: url,
    ipOf: clientAddress([]),
    strictAnswers: true,
    assets: (name) => readFile(new URL(`../../node_modules/swagger-ui-dist/${name}`, import.meta.url)),
    health: { state: () => 'running', checks: {} },
  })
  const server = await listen((request, ...rest) => gateway.app.fetch(request, ...rest), {
    host: '127.0.0.1',
    port,
    tls: undefined,
  })
  const operator = await anOperator(gateway, [a, b, c])
  const second = await anOperator(gateway, [a, b, c])
  const token: World['token'] = async (scopes = NOT_CASHIER, of = operator) => {
    const to = { operatorId: of.id, clientId: of.clientId, scopes: new Set(scopes) }
    return (await gateway.access.issue(to)).token
  }
  return {
    url,
    gateway,
    app: gateway.app,
    db: database.db,
    database,
    clock,
    sandboxes: { a, b, c },
    operator,
    second,
    logs,
    token,
    request: async (method, path, request = {}) => send(url, method, path, request, token),
    async work() {
      let done = 0
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        const did = await runOnce(gateway.deps, { handlers: gateway.jobs.handlers, periodic: {} })
        if (did === 0) return done
        done += did
      }
      throw new Error('background work makes more and more work')
    },
    async close() {
      await server.drain(1_000, new Promise(() => {}))
      await gateway.close()
      await notices.close()
      await Promise.all([a, b, c].map((sandbox) => sandbox.stop()))
      await database.close()
    },
  }
}

const NOT_CASHIER = SCOPES.filter((scope) => scope !== 'cashier')

async function send(
  url: string,
  method: string,
  path: string,
  { body, key, token, headers }: WorldRequest,
  freshToken: World['token'],
): Promise<WorldAnswer> {
  keys += 1
  const idempotencyKey = key === undefined && method === 'POST' ? `world-request-${keys}-${process.pid}` : key
  const bearer = token === undefined ? await freshToken() : token
  const answer = await fetch(url + path, {
    method,
    headers: {
      ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
      ...(idempotencyKey && { 'idempotency-key': idempotencyKey }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await answer.text()
  const isJson = /[/+]json/.test(answer.headers.get('content-type') ?? '')
  return { status: answer.status, headers: answer.headers, text, body: isJson ? JSON.parse(text) : undefined }
}

async function anOperator({ deps, clients }: Gateway, sandboxes: readonly Sandbox[]): Promise<WorldOperator> {
  const id = deps.newId('operator')
  await deps.db.global((tx) => insertOperator(tx, { id, name: 'World' }))
  const { clientId, clientSecret } = await createClient(clients, { operatorId: id, name: 'world', scopes: NOT_CASHIER })
  const connections: Record<string, string> = {}
  await deps.db.tx(id, async (tx) => {
    for (const { id: processor, connectionConfig } of sandboxes) {
      const connection = deps.newId('connection')
      const config = { base_url: connectionConfig.base_url }
      const secretRef = `test:${processor}`
      await insertConnection(tx, id, { id: connection, processor, label: processor, config, secretRef })
      connections[processor] = connection
    }
    const player = { country: 'FI', currency: 'EUR', name: 'Ada Example', kycStatus: 'verified' } as const
    await savePlayer(tx, id, PLAYER, { ...player, dateOfBirth: '1990-01-01' }, 'world')
  })
  return { id, clientId, clientSecret, connections }
}

const secretsAt = (sandboxes: readonly Sandbox[]) => async (processor: string) => {
  const found = sandboxes.find(({ id }) => id === processor)
  if (!found) throw new Error(`no sandbox ${processor}`)
  const { api_key, webhook_secrets } = found.connectionConfig
  return { api_key, webhook_secrets }
}

function movableClock(): World['clock'] {
  let aheadMs = 0
  return {
    nowMs: () => Date.now() + aheadMs,
    pass(ms) {
      aheadMs += ms
    },
  }
}
