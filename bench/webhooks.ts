import { fork } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { z } from 'zod'
import { createClient } from '../src/auth/clients.ts'
import { freePort } from '../src/platform/embedded-postgres.ts'
import { connectionOf, operatorOf } from '../test/sim/field.ts'
import { startGround } from '../test/sim/ground.ts'
import { openField } from '../test/sim/run.ts'
import { newId } from '../test/support/access.ts'

/**
 * `npm run bench:webhooks -- [--json] [--quick]`: a flood of processors' webhooks over real HTTP into one gateway process
 * on a durable database, open loop at 100,000 a minute, each signed and each new, while somebody else reads deposits fifty
 * times a second. Its own baseline: `/livez` of the same process at the same rate, which costs no database.
 */
const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
})
const PER_SECOND = 100_000 / 60
const SECONDS = values.quick ? 8 : 60
const SECRET = 'whsec_0123456789abcdef01234567'
const SEED = 1
const READS_PER_SECOND = 50
/** A processor's senders wait for their answers each by itself: fewer connections would pace the flood by the slowest answer. */
const CONNECTIONS = 256
/** A process that has just started compiles while it answers; a flood comes to one that runs. */
const WARM_UP_SECONDS = 3

const ground = await startGround({})
const field = openField(ground.url)
await field.prepare([SEED])
const connection = connectionOf(SEED, 'sandbox_a')
await field.ask(`update connection set secret_ref = 'env:PAYCAGE_SECRET_BENCH' where id = $1 returning id`, [
  connection,
])
const port = await freePort()
const child = fork(fileURLToPath(new URL('../test/sim/real/gateway.ts', import.meta.url)), [], {
  stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  env: {
    ...process.env,
    SIM_DATABASE_URL: ground.url,
    SIM_PORT: String(port),
    SIM_PUBLIC_URL: `http://127.0.0.1:${port}`,
    PAYCAGE_SECRET_BENCH: JSON.stringify({ api_key: 'key_0123456789abcdef', webhook_secrets: [SECRET] }),
  },
})
child.send('begin')
await new Promise((ready) => child.once('message', ready))
const pool = new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS, pipelining: 1 })

type Row = { name: string; sent: number; ok: number; perSecond: number; p50Ms: number; p99Ms: number; maxMs: number }

type Asked = { method: 'GET' | 'POST'; path: string; body?: string; headers?: Record<string, string> }

/** The status of the whole answer, undefined when there was none. Without bodies as streams: a sender on the same processor must not cost what it measures. */
function ask(asked: Asked): Promise<number | undefined> {
  return new Promise((answered) => {
    let status = 0
    pool.dispatch(asked, {
      onRequestStart() {},
      onResponseStart(_controller, statusCode) {
        status = statusCode
      },
      onResponseData() {},
      onResponseEnd: () => answered(status),
      onResponseError: () => answered(undefined),
    })
  })
}

/** Sends at a fixed rate whether answers come or not, so that a slow answer doesn't slow the flood down. */
async function flood(
  name: string,
  request: (n: number) => Asked,
  { perSecond = PER_SECOND, seconds: length = SECONDS } = {},
): Promise<Row> {
  const took: number[] = []
  const under: Promise<void>[] = []
  let ok = 0
  const began = performance.now()
  for (let n = 0; n < perSecond * length; n += 1) {
    const dueMs = (n / perSecond) * 1_000
    const early = dueMs - (performance.now() - began)
    if (early > 1) await new Promise((next) => setTimeout(next, early))
    const startMs = began + dueMs
    under.push(
      ask(request(n)).then((status) => {
        if (status === undefined) return
        took.push(performance.now() - startMs)
        if (status === 200) ok += 1
      }),
    )
  }
  await Promise.all(under)
  const seconds = (performance.now() - began) / 1_000
  took.sort((a, b) => a - b)
  const at = (share: number) =>
    Math.round((took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0) * 10) / 10
  return {
    name,
    sent: under.length,
    ok,
    perSecond: Math.round(ok / seconds),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
  }
}

/** A new event, signed now. */
function webhook(n: number): Asked {
  const nowMs = Date.now()
  const data = {
    id: `ch_${n}`,
    kind: 'charge',
    our_ref: `att_bench_${n}`,
    amount: '10.00',
    currency: 'EUR',
    status: 'approved',
  }
  const body = JSON.stringify({
    id: `evt_${nowMs}_${n}`,
    type: 'charge.approved',
    processor: 'sandbox_a',
    at: nowMs,
    data,
  })
  const seconds = Math.floor(nowMs / 1_000)
  const mac = createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest('hex')
  return {
    method: 'POST',
    path: `/webhooks/sandbox_a/${connection}`,
    body,
    headers: { 'x-sandbox-signature': `t=${seconds},v1=${mac}` },
  }
}

async function stored(): Promise<number> {
  const [row] = await field.ask('select count(*)::int as n from inbound_webhook where operator_id = $1', [
    operatorOf(SEED),
  ])
  return Number(row?.n)
}

/** An operator's client, as operators get theirs. */
async function token(): Promise<string> {
  const clock = { nowMs: () => Date.now() }
  const who = { operatorId: operatorOf(SEED), name: 'bench', scopes: ['deposits:read'] as const }
  const { clientId, clientSecret } = await createClient({ db: field.db, newId, clock }, who)
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
  })
  const answer = await fetch(`http://127.0.0.1:${port}/oauth/token`, { method: 'POST', body })
  return z.object({ access_token: z.string() }).parse(await answer.json()).access_token
}

await flood('warm-up', (n) => (n % 2 === 0 ? webhook(n) : { method: 'GET', path: '/livez' }), {
  seconds: WARM_UP_SECONDS,
})
const warmed = await stored()
const baseline = await flood('livez (baseline)', () => ({ method: 'GET', path: '/livez' }))
// Signed ahead: a processor does that on a machine of its own. A signature is fresh for five minutes.
const signed = Array.from({ length: Math.ceil(PER_SECOND * SECONDS) }, (_, n) => webhook(n))
const authorization = `Bearer ${await token()}`
const reading: Asked = { method: 'GET', path: '/v1/deposits?limit=20', headers: { authorization } }
const [hooks, reads] = await Promise.all([
  flood('webhooks', (n) => signed[n] ?? webhook(n)),
  flood('reads beside them', () => reading, { perSecond: READS_PER_SECOND }),
])
const kept = (await stored()) - warmed
child.kill('SIGKILL')
await pool.destroy()
await field.close()
await ground.stop()
const bars = [
  { name: 'p99 of the answer, ms', goal: '< 100', seen: hooks.p99Ms, ok: hooks.p99Ms < 100 },
  { name: 'webhooks answered 200 a second', goal: '>= 1,650', seen: hooks.perSecond, ok: hooks.perSecond >= 1_650 },
  { name: 'p99 of the reads beside them, ms', goal: '< 100', seen: reads.p99Ms, ok: reads.p99Ms < 100 && reads.ok > 0 },
  {
    name: 'stored of those answered 200',
    goal: 'all',
    seen: `${kept} of ${hooks.ok}`,
    ok: kept === hooks.ok && kept > 0,
  },
]
const rows = [baseline, hooks, reads]
if (values.json)
  process.stdout.write(
    `${JSON.stringify({ name: 'webhooks', machine: { cpus: cpus().length, model: cpus()[0]?.model }, rows, bars })}\n`,
  )
else {
  console.table(rows)
  console.table(bars)
}
process.exit(0)
