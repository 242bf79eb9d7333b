import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { unstable_startWorker } from 'wrangler'
import { z } from 'zod'
import { createClient } from '../../src/auth/clients.ts'
import { SCOPES } from '../../src/auth/scopes.ts'
import type { Db } from '../../src/db/client.ts'
import { insertConnection } from '../../src/db/connections.ts'
import { insertOperator } from '../../src/db/operators.ts'
import { savePlayer } from '../../src/db/players.ts'
import { freePort } from '../../src/platform/embedded-postgres.ts'
import { newId } from '../support/access.ts'
import { databaseForThisTest } from '../support/database.ts'
import { startSandbox } from '../support/sandbox.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const key = (fill: number) => Buffer.alloc(32, fill).toString('base64')

it('takes a deposit in workerd, over Hyperdrive’s local stand-in, as a login of the restricted role', async () => {
  const { db, admin, url } = await databaseForThisTest()
  const sandbox = await startSandbox({ id: 'sandbox_a' })
  onTestFinished(() => sandbox.stop())
  const login = `worker_${process.pid}`
  await admin.unsafe(`create role ${login} login password 'a-test-only' in role paycage_app`)
  onTestFinished(async () => void (await admin.unsafe(`drop role ${login}`)))
  const { clientId, clientSecret } = await anOperator(db, sandbox.connectionConfig.base_url)
  const port = await freePort()
  const { api_key, webhook_secrets } = sandbox.connectionConfig
  await startWorker(port, Object.assign(new URL(url), { username: login, password: 'a-test-only' }).href, {
    PAYCAGE_SECRET_SANDBOX_A: JSON.stringify({ api_key, webhook_secrets }),
  })
  const base = `http://127.0.0.1:${port}`

  expect(await (await fetch(`${base}/readyz`)).json()).toMatchObject({ status: 'ready' })
  const granted = await fetch(`${base}/oauth/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: 'grant_type=client_credentials',
  })
  const { access_token: token } = z.object({ access_token: z.string() }).parse(await granted.json())
  const order = {
    player_id: 'p1',
    amount: '12.50',
    currency: 'EUR',
    reference: 'worker-1',
    method: { type: 'card', token: 'tok_sandbox_ok' },
  }
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'idempotency-key': 'worker-test-deposit-1',
  }
  const send = () => fetch(`${base}/v1/deposits`, { method: 'POST', headers, body: JSON.stringify(order) })
  const made = await send()
  expect(made.status).toBe(201)
  const body = await made.text()
  expect(JSON.parse(body)).toMatchObject({ status: 'succeeded', amount: '12.50', processor: 'sandbox_a' })
  // Again, on connections of other requests, and several at once.
  expect(await Promise.all([send(), send(), send()].map(async (answer) => (await answer).text()))).toEqual([
    body,
    body,
    body,
  ])
  expect((await sandbox.truth()).filter(({ state }) => state === 'approved')).toHaveLength(1)
  expect(await (await fetch(`${base}/cdn-cgi/handler/scheduled`)).text()).toBe('ok')
  const wallet = await fetch(`${base}/v1/players/p1/wallet`, { headers })
  expect(await wallet.json()).toMatchObject({ balances: [{ currency: 'EUR', cash: '12.50' }] })
}, 90_000)

/** An operator with one connection and one player, as the house's own tools would make it. */
async function anOperator(db: Db, baseUrl: string) {
  const operatorId = newId('operator')
  await db.global((tx) => insertOperator(tx, { id: operatorId, name: 'Worker' }))
  await db.tx(operatorId, async (tx) => {
    const secretRef = 'env:PAYCAGE_SECRET_SANDBOX_A'
    const account = { id: newId('connection'), processor: 'sandbox_a', label: 'a', config: { base_url: baseUrl } }
    await insertConnection(tx, operatorId, { ...account, secretRef })
    await savePlayer(tx, operatorId, 'p1', { country: 'FI', currency: 'EUR', kycStatus: 'verified' }, 'test')
  })
  const clients = { db, newId, clock: { nowMs: () => Date.now() } }
  return createClient(clients, { operatorId, name: 'worker', scopes: SCOPES.filter((scope) => scope !== 'cashier') })
}

/** The worker of `wrangler.toml` in local workerd, with the bindings of this test. */
async function startWorker(port: number, databaseUrl: string, vars: Record<string, string>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'paycage-worker-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const config = join(folder, 'wrangler.json')
  const content = {
    name: 'paycage-test',
    main: join(root, 'src/entry/worker.ts'),
    compatibility_date: '2026-10-01',
    compatibility_flags: ['nodejs_compat'],
    hyperdrive: [{ binding: 'HYPERDRIVE', id: '0'.repeat(32), localConnectionString: databaseUrl }],
    assets: { directory: join(root, 'node_modules/swagger-ui-dist'), binding: 'ASSETS', run_worker_first: true },
    vars: {
      PAYCAGE_PUBLIC_URL: `http://127.0.0.1:${port}`,
      PAYCAGE_MASTER_KEY: key(1),
      PAYCAGE_INDEX_KEY: key(2),
      ...vars,
    },
  }
  writeFileSync(config, JSON.stringify(content))
  const worker = await unstable_startWorker({
    config,
    dev: { server: { hostname: '127.0.0.1', port }, watch: false, logLevel: 'error', inspector: false },
  })
  onTestFinished(() => worker.dispose())
  await worker.ready
}
