import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it, onTestFinished, vi } from 'vitest'
import { freePort } from '../../src/platform/embedded-postgres.ts'
import {
  type GatewayProcess,
  refusedGateway,
  type SandboxFile,
  spawnGateway,
  startGatewayProcess,
} from '../support/process.ts'

// Whole starts, on a machine that may do other things too.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 })

// One folder and one story: each test begins where the one before it ended.
const dataDir = mkdtempSync(join(tmpdir(), 'paycage-start-'))
chmodSync(dataDir, 0o711)
let running: GatewayProcess | undefined
let first: SandboxFile | undefined
const port = await freePort()

afterAll(async () => {
  await running?.end('SIGTERM')
  rmSync(dataDir, { recursive: true, force: true })
})

const start = async () => {
  running = await startGatewayProcess(dataDir, { PORT: String(port) })
  return running
}

/** Every process that has the folder among its arguments: the database and the processors. */
const leftBehind = () =>
  spawnSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
    .stdout.split('\n')
    .filter((line) => line.includes(dataDir))

async function token({ base_url, client_id, client_secret }: SandboxFile): Promise<string> {
  const answer = await fetch(`${base_url}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client_id}:${client_secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  })
  return (await answer.json()).access_token
}

async function deposit(file: SandboxFile, reference: string, amount = '25.00') {
  const answer = await fetch(`${file.base_url}/v1/deposits`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await token(file)}`,
      'content-type': 'application/json',
      'idempotency-key': `start-test-${reference}`,
    },
    body: JSON.stringify({
      player_id: 'demo-player',
      amount,
      currency: 'EUR',
      reference,
      method: { type: 'card', token: 'tok_sandbox_ok' },
    }),
  })
  return { status: answer.status, body: await answer.json() }
}

it('starts on an empty folder, keeps its secrets to its owner, and takes a deposit by the printed command', async () => {
  const { file, output } = await start()
  first = file
  expect(statSync(join(dataDir, 'sandbox.json')).mode & 0o777).toBe(0o600)
  expect(file.processors.map(({ id }) => id)).toEqual(['sandbox_a', 'sandbox_b', 'sandbox_c'])
  const command = output().slice(output().indexOf('curl -s'), output().lastIndexOf("}'") + 2)
  const ran = spawnSync('sh', ['-c', command], { encoding: 'utf8' })
  const made = JSON.parse(ran.stdout)
  expect(made).toMatchObject({ status: 'succeeded', amount: '25.00', processor: 'sandbox_a' })
  const truth = readFileSync(file.processors[0]?.truth_file ?? '', 'utf8')
  expect(truth).toContain('"state":"approved"')
})

it('steers a sandbox processor, and is answered with how it behaves', async () => {
  if (!first) throw new Error('not started')
  const steer = async (change: unknown, id = 'sandbox_a') => {
    const answer = await fetch(`${first?.base_url}/v1/sandbox/processors/${id}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${first && (await token(first))}`, 'content-type': 'application/json' },
      body: JSON.stringify(change),
    })
    return { status: answer.status, body: await answer.json() }
  }
  const refusing = { id: 'sandbox_a', latency_ms: 0, fail_rate: 0, mode: 'refuse_connection' }
  expect(await steer({ mode: 'refuse_connection' })).toEqual({ status: 200, body: refusing })
  const cascaded = await deposit(first, 'steered-1')
  expect(cascaded.body).toMatchObject({ status: 'succeeded', processor: 'sandbox_b' })
  expect(await steer({ mode: 'up' })).toMatchObject({ status: 200, body: { mode: 'up' } })
  expect(await steer({ mode: 'sideways' })).toMatchObject({ status: 422 })
  expect(await steer({ mode: 'up' }, 'sandbox_x')).toMatchObject({ status: 404 })
})

it('makes a history for rules to be simulated on, and no money of it', async () => {
  if (!first) throw new Error('not started')
  const headers = { authorization: `Bearer ${await token(first)}`, 'content-type': 'application/json' }
  const post = async (path: string, body: unknown) => {
    const answer = await fetch(first?.base_url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: answer.status, body: await answer.json() }
  }
  expect(await post('/v1/sandbox/history', { count: 200 })).toEqual({ status: 201, body: { recorded: 200 } })
  const text = 'language 1 default { use ordered("sandbox_b", "sandbox_a", "sandbox_c") }'
  const draft = await post('/v1/routing/rulesets', { name: 'b first', text })
  const simulated = await post(`/v1/routing/rulesets/${draft.body.id}/simulate`, { hours: 24 })
  expect(simulated.body.payments).toBeGreaterThanOrEqual(200)
  expect(simulated.body.changed).toBeGreaterThan(100)
  expect(await post('/v1/sandbox/history', { count: 1_000_000 })).toMatchObject({ status: 422 })
})

it('refuses a second gateway on the same folder, and a port that is taken, and leaves nothing behind', async () => {
  const before = leftBehind().length
  const second = await refusedGateway({ PAYCAGE_DATA_DIR: dataDir, PORT: '0' })
  expect(second).toMatchObject({ code: 1 })
  expect(second.output).toContain(`another gateway is running on ${dataDir}`)
  expect(leftBehind()).toHaveLength(before)
  const holder = createServer()
  const taken = await freePort()
  await new Promise<void>((listening) => holder.listen(taken, '127.0.0.1', listening))
  const elsewhere = `${dataDir}-2`
  const refused = await refusedGateway({ PAYCAGE_DATA_DIR: elsewhere, PORT: String(taken) })
  holder.close()
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.output).toContain('PORT')
  expect(() => statSync(elsewhere)).toThrow()
})

it('says all that is wrong with the settings and exits with 1', async () => {
  const refused = await refusedGateway({ PORT: 'http', PAYCAGE_ENV: 'live' })
  expect(refused.code).toBe(1)
  for (const name of ['PORT', 'DATABASE_URL', 'PAYCAGE_MASTER_KEY', 'PAYCAGE_TRUSTED_PROXIES'])
    expect(refused.output).toContain(`  ${name}: `)
})

it('comes back after SIGKILL with the same credentials, ports and books, adopting the database that was left', async () => {
  const paid = await deposit(await fileOf(), 'before-the-kill')
  expect(paid.status).toBe(201)
  expect(await running?.end('SIGKILL')).toBeNull()
  const { file, output } = await start()
  expect(output()).not.toContain('did not')
  expect(file).toEqual(first)
  const answer = await fetch(`${file.base_url}/v1/deposits/${paid.body.id}`, {
    headers: { authorization: `Bearer ${await token(file)}` },
  })
  expect(await answer.json()).toMatchObject({ status: 'succeeded', reference: 'before-the-kill' })
  expect((await deposit(file, 'after-the-kill')).body).toMatchObject({ status: 'succeeded' })
})

it('says not ready, finishes the request in flight and ends everything on SIGTERM', async () => {
  const file = await fileOf()
  const processor = file.processors[0]?.control_url ?? ''
  await fetch(processor, { method: 'PUT', body: JSON.stringify({ latency_ms: 1_500 }) })
  const slow = deposit(file, 'in-flight')
  await expect.poll(() => pending(file), { timeout: 30_000 }).toBe(true)
  const ended = running?.end('SIGTERM')
  await expect.poll(async () => (await fetch(`${file.base_url}/readyz`)).status).toBe(503)
  expect((await slow).body).toMatchObject({ status: 'succeeded', reference: 'in-flight' })
  expect(await ended).toBe(0)
  running = undefined
  expect(leftBehind()).toEqual([])
  await expect(fetch(`${file.base_url}/livez`)).rejects.toThrow()
})

it('starts again after a clean stop, and a signal during the start leaves nothing behind', async () => {
  const again = await start()
  expect(again.file).toEqual(first)
  expect(await again.end('SIGINT')).toBe(0)
  const { child, ended } = spawnGateway({ PAYCAGE_DATA_DIR: dataDir, PORT: String(port) })
  onTestFinished(() => void child.kill('SIGTERM'))
  await expect.poll(() => leftBehind().length, { interval: 10, timeout: 60_000 }).toBeGreaterThan(0)
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
  running = undefined
  expect(leftBehind()).toEqual([])
})

async function fileOf(): Promise<SandboxFile> {
  if (!first) throw new Error('the first start failed')
  return first
}

/** True when the deposit has begun: the gateway counts it as active. */
async function pending({ base_url }: SandboxFile): Promise<boolean> {
  const metrics = await (await fetch(`${base_url}/metrics`)).text()
  return /http_server_active_requests(?:\{[^}]*\})? ([2-9])/.test(metrics)
}
