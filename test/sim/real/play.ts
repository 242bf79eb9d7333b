import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openDb } from '../../../src/db/client.ts'
import { freePort } from '../../../src/platform/embedded-postgres.ts'
import { faultProxy } from '../../support/fault-proxy.ts'
import { startSandbox } from '../../support/sandbox.ts'
import { readBooks } from '../books.ts'
import { connectionOf, operatorOf } from '../field.ts'
import type { Ground } from '../ground.ts'
import { openField } from '../run.ts'
import { chance } from '../scheduler.ts'
import type { Order } from '../story.ts'
import { takeAim } from './aim.ts'
import { client, twoPeople } from './clients.ts'
import { lookOn, rest, truth } from './rest.ts'
import { type Gateway, type Site, up } from './site.ts'
import { crashPoints, harry, type Struck, storm } from './strike.ts'
import { findSecrets, holdAudit, IBAN, watchLedger } from './witness.ts'

/** What a run of real processes came to. */
export type RealEnding = {
  readonly violations: readonly string[]
  /** Kills and stops by the moment at which they struck. */
  readonly points: Readonly<Record<string, number>>
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
      | 'cut'
      | 'taken_over'
      | 'deadlocks'
      | 'breakers'
      | 'people'
      | 'snapshots'
      | 'audited'
      | 'searched'
      | 'struck_for_s'
      | 'rested_for_s',
      number
    >
  >
}

const IDS = ['sandbox_a', 'sandbox_b', 'sandbox_c'] as const
const CLIENTS = 5
const FUNDS = 1_000_000_000n

/** Plays real processes against each other until so many crash points were struck or the time is over, then waits for rest and holds the books. */
export async function playReal(
  ground: Ground,
  seed: number,
  { points, untilMs }: { points: number; untilMs: number },
): Promise<RealEnding> {
  const site = await build(ground, seed)
  const struck: Struck = { kills: 0, stops: 0, backends: 0, crashes: 0, points: new Map() }
  const orders: Order[] = []
  const over = () => crashPoints(struck) >= points || Date.now() >= untilMs
  let rested = false
  const callers = await twoPeople(site, seed)
  const token = callers.map((caller) => caller.token)
  const began = Date.now()
  // The gateways' own client, which outlives a crash of the database.
  const db = openDb({ url: ground.url, role: 'paycage_app', max: 2 })
  const snapshots = watchLedger(db, site.operatorId, () => rested)
  const clients = Array.from({ length: CLIENTS }, (_, n) =>
    client(site, token, chance(seed * 100 + n), orders, () => rested, `${seed}-${n}`),
  )
  const looking = lookOn(site, token, () => rested)
  await Promise.all([
    storm(site, chance(seed), { struck, over }),
    ...site.gateways.map((gateway, n) => harry(site, gateway, chance(seed * 1_000 + n), { struck, over })),
  ])
  rested = true
  const struckMs = Date.now() - began
  for (const proxy of site.proxies) proxy.set({ kind: 'none' })
  for (const sandbox of site.sandboxes) await sandbox.control({ seed: 1, rules: [] }, '/faults')
  await Promise.all([...clients, looking])
  const people = await rest(site, token)
  const models = await Promise.all(site.sandboxes.map(truth))
  const books = await readBooks(site.field, site.operatorId)
  const held = { payments: 0, moved: 0, lies: 0 }
  const seenAtAllTimes = await snapshots
  const audited = await holdAudit(db, site.operatorId)
  const searched = await findSecrets(site, [
    ...callers.flatMap((caller) => [caller.secret, caller.token]),
    ...site.sandboxes.flatMap(({ connectionConfig: { api_key: key, webhook_secrets: keys } }) => [key, ...keys]),
    IBAN,
  ])
  const violations = [
    ...books.hold({ seed, models, orders, counted: held, funds: FUNDS }),
    ...[seenAtAllTimes, audited, searched].flatMap((one) => one.violations),
  ]
  const [seen] = await site.field.ask(
    `select (select count(*) from idempotency_key where operator_id = $1 and fence > 1)::int as taken,
       (select sum(deadlocks) from pg_stat_database)::int as deadlocks, (select count(*) from breaker_state where operator_id = $1)::int as breakers`,
    [site.operatorId],
  )
  await db.close()
  await takeDown(site)
  const { points: where, ...times } = struck
  return {
    violations,
    points: Object.fromEntries(where),
    counted: {
      ...times,
      orders: orders.length,
      answered: orders.filter(({ answers }) => answers.length > 0).length,
      payments: held.payments,
      moved: held.moved,
      people,
      snapshots: seenAtAllTimes.read,
      audited: audited.rows,
      searched: searched.places,
      cut: site.proxies.reduce((sum, proxy) => sum + proxy.struck(), 0),
      taken_over: Number(seen?.taken),
      deadlocks: Number(seen?.deadlocks),
      breakers: Number(seen?.breakers),
      struck_for_s: Math.round(struckMs / 1_000),
      rested_for_s: Math.round((Date.now() - began - struckMs) / 1_000),
    },
  }
}

/** A place for a gateway process, its line to the database watched. */
async function place({ url }: Ground): Promise<Gateway> {
  const aim = takeAim()
  const line = await faultProxy(() => Number(new URL(url).port), aim.database)
  return { port: await freePort(), aim, line, child: undefined, spare: undefined }
}

async function build(ground: Ground, seed: number): Promise<Site> {
  const field = openField(ground.url)
  const operatorId = operatorOf(seed)
  await field.prepare([seed], FUNDS)
  // a sixth of the withdrawals is for people to look at
  await field.ask(`update operator set settings = '{"withdrawal":{"large":{"EUR":"75"}}}' where id = $1 returning id`, [
    operatorId,
  ])
  const gateways = await Promise.all([0, 1].map(() => place(ground)))
  const sandboxes = await Promise.all(IDS.map((id) => startSandbox({ id, run: 'process' })))
  const proxies = await Promise.all(
    sandboxes.map(({ connectionConfig }) =>
      faultProxy(
        () => Number(new URL(connectionConfig.base_url).port),
        () => {
          const watches = gateways.map(({ aim }) => aim.line())
          return (chunk, way) => watches.every((passes) => passes(chunk, way))
        },
      ),
    ),
  )
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
    logFile: join(mkdtempSync(join(tmpdir(), 'paycage-sim-log-')), 'gateways.log'),
    url: `http://127.0.0.1:${door.port}`,
  }
  await Promise.all(gateways.map((gateway) => up(site, gateway)))
  return site
}

async function takeDown({ gateways, proxies, sandboxes, field, logFile }: Site): Promise<void> {
  for (const { child, spare } of gateways) {
    child?.kill('SIGKILL')
    spare?.kill('SIGKILL')
  }
  await Promise.all([...proxies, ...gateways.map(({ line }) => line)].map((proxy) => proxy.close()))
  await Promise.all(sandboxes.map((sandbox) => sandbox.stop()))
  await field.close()
  rmSync(dirname(logFile), { recursive: true, force: true })
}
