import { fork } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { freePort } from '../src/platform/embedded-postgres.ts'
import { connectionOf } from '../test/sim/field.ts'
import { startGround } from '../test/sim/ground.ts'
import { openField } from '../test/sim/run.ts'

/**
 * `npm run bench:webhooks -- [--json] [--quick]`: a flood of processors' webhooks over real HTTP into one gateway process
 * on a durable database, open loop at 100,000 a minute, each signed and each new. Its own baseline: `/livez` of the same
 * process at the same rate, which costs no database.
 */
const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
})
const PER_SECOND = 100_000 / 60
const SECONDS = values.quick ? 8 : 60
const SECRET = 'whsec_0123456789abcdef01234567'
const SEED = 1

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
const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 64, pipelining: 1 })

type Row = { name: string; sent: number; ok: number; perSecond: number; p50Ms: number; p99Ms: number; maxMs: number }

/** Sends at a fixed rate whether answers come or not, so that a slow answer doesn't slow the flood down. */
async function flood(
  name: string,
  request: (n: number) => { method: string; path: string; body?: string; headers?: Record<string, string> },
): Promise<Row> {
  const took: number[] = []
  const under: Promise<void>[] = []
  let ok = 0
  const began = performance.now()
  for (let n = 0; n < PER_SECOND * SECONDS; n += 1) {
    const dueMs = (n / PER_SECOND) * 1_000
    const early = dueMs - (performance.now() - began)
    if (early > 1) await new Promise((next) => setTimeout(next, early))
    const startMs = began + dueMs
    under.push(
      pool.request(request(n)).then(
        async ({ statusCode, body }) => {
          await body.dump()
          took.push(performance.now() - startMs)
          if (statusCode === 200) ok += 1
        },
        () => {},
      ),
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

function webhook(n: number) {
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

const baseline = await flood('livez (baseline)', () => ({ method: 'GET', path: '/livez' }))
const hooks = await flood('webhooks', webhook)
const [stored] = await field.ask('select count(*)::int as n from inbound_webhook where operator_id = $1', [
  `opr_sim${SEED}`,
])
child.kill('SIGKILL')
await pool.destroy()
await field.close()
await ground.stop()
const bars = [
  { name: 'p99 of the answer, ms', goal: '< 100', seen: hooks.p99Ms, ok: hooks.p99Ms < 100 },
  {
    name: 'stored of those answered 200',
    goal: 'all',
    seen: `${stored?.n} of ${hooks.ok}`,
    ok: Number(stored?.n) >= hooks.ok && hooks.ok > 0,
  },
]
const rows = [baseline, hooks]
if (values.json)
  process.stdout.write(
    `${JSON.stringify({ name: 'webhooks', machine: { cpus: cpus().length, model: cpus()[0]?.model }, rows, bars })}\n`,
  )
else {
  console.table(rows)
  console.table(bars)
}
process.exit(0)
