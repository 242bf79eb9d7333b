import { fork } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { createClient } from '../../../src/auth/clients.ts'
import { SCOPES } from '../../../src/auth/scopes.ts'
import { freePort } from '../../../src/platform/embedded-postgres.ts'
import { newId } from '../../support/access.ts'
import { faultProxy, type LineFault } from '../../support/fault-proxy.ts'
import { startSandbox } from '../../support/sandbox.ts'
import { readBooks } from '../books.ts'
import { connectionOf, operatorOf } from '../field.ts'
import type { Ground } from '../ground.ts'
import { openField } from '../run.ts'
import { type Chance, chance } from '../scheduler.ts'
import type { Order } from '../story.ts'
import { rest, truth } from './rest.ts'
import type { Gateway, Site } from './site.ts'

/** What a run of real processes came to. */
export type RealEnding = {
  readonly violations: readonly string[]
  readonly counted: Readonly<
    Record<
      | 'orders'
      | 'answered'
      | 'payments'
      | 'moved'
      | 'kills'
      | 'stops'
      | 'backends'
      | 'crashes'
      | 'struck'
      | 'taken_over'
      | 'deadlocks'
      | 'breakers'
      | 'people',
      number
    >
  >
}

const IDS = ['sandbox_a', 'sandbox_b', 'sandbox_c'] as const
const CLIENTS = 6
const PATIENCE_MS = 15_000
const FUNDS = 1_000_000_000n

/** Plays real processes against each other until `kills` gateways were killed or the time is over, then waits for rest and holds the books. */
export async function playReal(
  ground: Ground,
  seed: number,
  { kills, minutes }: { kills: number; minutes: number },
): Promise<RealEnding> {
  const random = chance(seed)
  const site = await build(ground, seed)
  const counted = {
    orders: 0,
    answered: 0,
    payments: 0,
    moved: 0,
    kills: 0,
    stops: 0,
    backends: 0,
    crashes: 0,
    struck: 0,
    taken_over: 0,
    deadlocks: 0,
    breakers: 0,
    people: 0,
    lies: 0,
  }
  const orders: Order[] = []
  let over = false
  const token = await tokens(site, seed)
  const clients = Array.from({ length: CLIENTS }, (_, n) =>
    client(site, token, chance(seed * 100 + n), orders, () => over, `${seed}-${n}`),
  )
  const until = Date.now() + minutes * 60_000
  while (counted.kills < kills && Date.now() < until) await disturb(site, random, counted)
  over = true
  for (const proxy of site.proxies) proxy.set({ kind: 'none' })
  for (const sandbox of site.sandboxes) await sandbox.control({ seed: 1, rules: [] }, '/faults')
  await Promise.all(clients)
  counted.people = await rest(site, token)
  const models = await Promise.all(site.sandboxes.map(truth))
  const books = await readBooks(site.field, site.operatorId)
  const violations = books.hold({ seed, models, orders, counted, funds: FUNDS })
  counted.orders = orders.length
  counted.answered = orders.filter(({ answers }) => answers.length > 0).length
  counted.struck = site.proxies.reduce((sum, proxy) => sum + proxy.struck(), 0)
  const [seen] = await site.field.ask(
    `select (select count(*) from idempotency_key where operator_id = $1 and fence > 1)::int as taken,
       (select sum(deadlocks) from pg_stat_database)::int as deadlocks, (select count(*) from breaker_state where operator_id = $1)::int as breakers`,
    [site.operatorId],
  )
  counted.taken_over = Number(seen?.taken)
  counted.deadlocks = Number(seen?.deadlocks)
  counted.breakers = Number(seen?.breakers)
  await takeDown(site)
  return { violations, counted }
}

async function build(ground: Ground, seed: number): Promise<Site> {
  const field = openField(ground.url)
  const operatorId = operatorOf(seed)
  await field.prepare([seed], FUNDS)
  const sandboxes = await Promise.all(IDS.map((id) => startSandbox({ id, run: 'process' })))
  const proxies = await Promise.all(
    sandboxes.map(({ connectionConfig }) => faultProxy(() => Number(new URL(connectionConfig.base_url).port))),
  )
  const gateways: Gateway[] = await Promise.all([0, 1].map(async () => ({ port: await freePort(), child: undefined })))
  const door = await faultProxy(() => {
    const up = gateways.filter(({ child }) => child !== undefined)
    return up[Math.floor(Math.random() * up.length)]?.port
  })
  for (const [n, id] of IDS.entries()) {
    process.env[`PAYCAGE_SECRET_SIM_${n}`] = JSON.stringify({
      api_key: sandboxes[n]?.connectionConfig.api_key,
      webhook_secrets: sandboxes[n]?.connectionConfig.webhook_secrets,
    })
    await field.ask(
      `update connection set config = jsonb_build_object('base_url', $2::text), secret_ref = $3 where id = $1 returning id`,
      [connectionOf(seed, id), `http://127.0.0.1:${proxies[n]?.port}`, `env:PAYCAGE_SECRET_SIM_${n}`],
    )
    await sandboxes[n]?.control({ notify: 'all' })
    await sandboxes[n]?.control(
      {
        seed,
        rules: (
          [
            'reset',
            'drop_answer',
            'html',
            'empty',
            'http_500',
            'oversize',
            'gzip_bomb',
            'answer_twice',
            'unknown_status',
            'float_amount',
            'wrong_reference',
          ] as const
        ).map((fault) => ({ fault, rate: 0.012 })),
      },
      '/faults',
    )
  }
  const site: Site = {
    field,
    ground,
    sandboxes,
    proxies: [...proxies, door],
    gateways,
    operatorId,
    url: `http://127.0.0.1:${door.port}`,
  }
  await Promise.all(gateways.map((gateway) => up(site, gateway)))
  return site
}

const PROGRAM = fileURLToPath(new URL('gateway.ts', import.meta.url))

/** Starts a gateway process and waits until it listens; tries again while the database is away. */
async function up(site: Site, gateway: Gateway): Promise<void> {
  for (;;) {
    const child = fork(PROGRAM, [], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: {
        ...process.env,
        SIM_DATABASE_URL: site.ground.url,
        SIM_PORT: String(gateway.port),
        SIM_PUBLIC_URL: site.url,
      },
    })
    const ready = await new Promise<boolean>((done) => {
      child.once('message', () => done(true))
      child.once('exit', () => done(false))
    })
    if (!ready) continue
    gateway.child = child
    return
  }
}

/** One crash point: something is killed, stopped or cut at a moment of the run's choosing. */
async function disturb(
  site: Site,
  random: Chance,
  counted: Record<'kills' | 'stops' | 'backends' | 'crashes', number>,
): Promise<void> {
  await wait(random.between(50, 900))
  const line = random.pick(site.proxies)
  line.set(
    random.pick<LineFault>([
      { kind: 'none' },
      { kind: 'none' },
      { kind: 'latency', ms: 200 },
      { kind: 'reset_after', bytes: random.between(0, 400) },
      { kind: 'swallow' },
      { kind: 'half_close' },
      { kind: 'black_hole' },
    ]),
  )
  const gateway = random.pick(site.gateways)
  const { child } = gateway
  if (child === undefined) return
  if (random.of(0.12)) {
    counted.stops += 1
    child.kill('SIGSTOP')
    await wait(random.pick([500, 4_000, 14_000]))
    child.kill('SIGCONT')
  } else if (random.of(0.15)) {
    counted.backends += 1
    await site.field.ask(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'paycage' and pid <> pg_backend_pid() and random() < $1::float8`,
      ['0.5'],
    )
  } else if (random.of(0.03)) {
    counted.crashes += 1
    await site.ground.crash()
  } else {
    counted.kills += 1
    gateway.child = undefined
    const gone = new Promise((done) => child.once('exit', done))
    child.kill('SIGKILL')
    await gone
    await up(site, gateway)
  }
}

const Token = z.object({ access_token: z.string() })
const Seen = z.object({ id: z.string(), status: z.string() })

/** Two people's tokens; the first is the clients' too. */
async function tokens(site: Site, seed: number): Promise<readonly string[]> {
  const clock = { nowMs: () => Date.now() }
  const scopes = SCOPES.filter((scope) => scope !== 'cashier')
  const made = await Promise.all(
    ['one', 'two'].map((name) =>
      createClient(
        { db: site.field.db, newId, clock },
        { operatorId: site.operatorId, name: `${name} ${seed}`, scopes },
      ),
    ),
  )
  return Promise.all(
    made.map(async ({ clientId, clientSecret }) => {
      const body = new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: clientSecret,
      })
      const answer = await fetch(`${site.url}/oauth/token`, { method: 'POST', body })
      return Token.parse(await answer.json()).access_token
    }),
  )
}

/** The magic cents of the sandbox, so that every kind of answer comes. */
const CENTS = ['00', '10', '20', '05', '51', '41', '91', '68', '69', '99', '77', '52']

/** A payout that is never answered and never taken is tried again for a day: too long for a run. */
const PAYOUT_CENTS = CENTS.filter((cents) => cents !== '69')

async function client(
  site: Site,
  [token = '']: readonly string[],
  random: Chance,
  orders: Order[],
  over: () => boolean,
  name: string,
): Promise<void> {
  for (let n = 0; !over(); n += 1) {
    const verb = random.of(0.35) ? 'withdrawal' : 'deposit'
    const amount = `${random.between(1, 90)}.${random.pick(verb === 'deposit' ? CENTS : PAYOUT_CENTS)}`
    const order: Order = {
      verb,
      key: `key-${name}-${n}-0123456789`,
      minor: BigInt(amount.replace('.', '')),
      answers: [],
      id: undefined,
    }
    orders.push(order)
    const base = { player_id: 'p1', amount, currency: 'EUR', reference: `ref-${order.key}` }
    const body =
      verb === 'deposit'
        ? { ...base, method: { type: 'card', token: 'tok_sandbox_ok' } }
        : { ...base, destination: { type: 'bank', iban: 'DE89370400440532013000', name: 'Ada Example' } }
    const status = await pursue(site, token, `/v1/${verb}s`, body, order)
    if (verb !== 'deposit' || status !== 'succeeded' || random.of(0.6)) continue
    const back: Order = { verb: 'refund', key: `${order.key}-r`, minor: order.minor, answers: [], id: undefined }
    orders.push(back)
    await pursue(site, token, `/v1/deposits/${order.id}/refunds`, {}, back)
  }
}

/** Asks under one key until there is an answer to keep, however many gateways die of it. */
async function pursue(
  site: Site,
  token: string,
  path: string,
  body: unknown,
  order: Order,
): Promise<string | undefined> {
  for (let tries = 0; tries < 400; tries += 1) {
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': order.key,
    }
    const heard = await fetch(site.url + path, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
      .then(async (answer) => ({ status: answer.status, text: await answer.text() }))
      .catch(() => undefined)
    const final =
      heard && [201, 400, 404, 409, 422].includes(heard.status) && !heard.text.includes('request_in_progress')
    if (!heard || !final) {
      await wait(150)
      continue
    }
    order.answers.push(`${heard.status} ${heard.text}`)
    const seen = heard.status === 201 ? Seen.safeParse(JSON.parse(heard.text)) : undefined
    if (seen?.success) order.id = seen.data.id
    return seen?.data?.status
  }
  return undefined
}

async function takeDown({ gateways, proxies, sandboxes, field }: Site): Promise<void> {
  for (const { child } of gateways) child?.kill('SIGKILL')
  await Promise.all(proxies.map((proxy) => proxy.close()))
  await Promise.all(sandboxes.map((sandbox) => sandbox.stop()))
  await field.close()
}
