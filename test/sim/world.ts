import type { Caller } from '../../src/auth/scopes.ts'
import { finishJob, type Job, rescheduleJob } from '../../src/db/jobs.ts'
import { decideReview } from '../../src/flows/decide-review.ts'
import { receiveWebhook } from '../../src/flows/receive-webhook.ts'
import { backOffMs } from '../../src/jobs/run.ts'
import { JOBS } from '../../src/jobs/table.ts'
import { type Books, readBooks } from './books.ts'
import { connectionOf, type Ground, operatorOf } from './field.ts'
import { type Gateway, type GatewayParts, type Sabotage, startGateway } from './gateway.ts'
import { moodOf, napMs } from './mood.ts'
import { type Hook, type Model, openModel } from './processor.ts'
import { type Chance, chance, type Scheduler, scheduler } from './scheduler.ts'
import { type ClientParts, type Order, pursue } from './story.ts'

/** What became of one seed. */
export type Ending = {
  readonly seed: number
  readonly violations: readonly string[]
  readonly seen: ReadonlyMap<string, number>
  readonly counted: Readonly<Record<'payments' | 'moved' | 'people' | 'kills' | 'pauses' | 'steps' | 'lies', number>>
  readonly trace: readonly string[]
}

const SECRET = 'whsec_0123456789abcdef01234567'
/** Faults end after this; then everything must come to rest. */
const CHAOS_MS = 4 * 60_000
/** The ladder of look-ups is through after nine days. */
const HORIZON_MS = 20 * 86_400_000
const MAX_STEPS = 20_000
/** Processors try for days: a webhook outlives every stop of the gateways, since a decline that became a success is told nowhere else. */
const MAX_WEBHOOK_TRIES = 24
const LONGEST_WEBHOOK_WAIT_MS = 3_600_000
/** As a literal of an array. */
const KINDS = `{${Object.keys(JOBS.handlers).join(',')}}`
const LEASE_MS = 120_000
/** Of the naps that would fall before a request is written: with all of them few requests would be sent in time. */
const SLEEPS_BEFORE_WRITE = 0.25

/** Plays one seed from beginning to rest, and holds the three books against each other. */
export async function play(
  ground: Ground,
  seed: number,
  { sabotage, traced = false }: { sabotage?: Sabotage; traced?: boolean } = {},
): Promise<Ending> {
  const trace: string[] = []
  const world = openWorld(ground, seed, sabotage, (line) => {
    if (traced) trace.push(line)
  })
  const stories = world.begin()
  let over = false
  void stories.then(() => {
    over = true
  })
  while (!over || world.time.nowMs() < world.calmFromMs) {
    if (!(await world.turn(true))) break
    if (world.time.steps() > MAX_STEPS) return world.end(['it never came to rest'], trace)
  }
  world.calmDown()
  for (let rounds = 0; rounds < 6; rounds += 1) {
    const until = world.time.nowMs() + HORIZON_MS
    while (world.time.nowMs() < until && (await world.turn(false))) {
      if (world.time.steps() > MAX_STEPS) return world.end(['it never came to rest'], trace)
    }
    if (!over) return world.end(['a client was never answered'], trace)
    if (!(await world.people())) break
  }
  return world.end([], trace)
}

type World = {
  readonly time: Scheduler
  readonly calmFromMs: number
  begin(): Promise<unknown>
  turn(chaos: boolean): Promise<boolean>
  calmDown(): void
  people(): Promise<boolean>
  end(violations: readonly string[], trace: readonly string[]): Promise<Ending>
}

function openWorld(ground: Ground, seed: number, sabotage: Sabotage | undefined, trace: (line: string) => void): World {
  const random = chance(seed)
  const mood = moodOf(random)
  // Whole milliseconds of a fixed day: the same seed is the same run.
  const startMs = Date.UTC(2026, 10, 23)
  const time = scheduler(random, startMs, trace)
  const calmFromMs = startMs + CHAOS_MS
  const operatorId = operatorOf(seed)
  const seen = new Map<string, number>()
  const saw = (what: string) => void seen.set(what, (seen.get(what) ?? 0) + 1)
  const counted = { payments: 0, moved: 0, people: 0, kills: 0, pauses: 0, steps: 0, lies: 0 }
  let calm = false
  // When a job may be due: a time before which none is, and whether it is the very time.
  let jobs = { fromMs: 0, exact: false }
  let started = 0

  const models: Model[] = ['sandbox_a', 'sandbox_b', 'sandbox_c'].map((id) =>
    openModel({ id, secret: SECRET, random, time, mood, calm: () => calm, post: (hook) => deliver(id, hook, 0), saw }),
  )
  const parts: GatewayParts = {
    db: ground.db,
    time,
    random,
    models,
    secret: SECRET,
    mood,
    sabotage,
    calm: () => calm,
    saw,
    jobsTouched: (fromMs) => {
      jobs = { fromMs: Math.min(jobs.fromMs, fromMs), exact: false }
    },
    writing: (gateway) => {
      if (random.of(SLEEPS_BEFORE_WRITE)) maybeNap(gateway, 'stopped before a write')
    },
  }
  const start = (): Gateway => {
    started += 1
    return startGateway(`gw${started}`, parts)
  }
  const gateways: Gateway[] = [start(), start()]
  const awake = () => gateways.filter(({ owner }) => owner.pausedUntilMs <= time.nowMs())
  const anyone = (): Gateway | undefined => {
    const list = calm || random.of(0.1) ? gateways : awake()
    return list.length === 0 ? undefined : random.pick(list)
  }

  /** A webhook is sent until it is taken. */
  function deliver(processor: string, hook: Hook, tries: number): void {
    const gateway = anyone()
    const again = () => {
      const waitMs = Math.min(2 ** tries * 500, LONGEST_WEBHOOK_WAIT_MS)
      if (tries < MAX_WEBHOOK_TRIES)
        time.at(time.nowMs() + waitMs, `${processor}: webhook again`, () => deliver(processor, hook, tries + 1))
    }
    if (gateway === undefined) {
      again()
      return
    }
    const headers = { 'x-sandbox-signature': hook.signature(time.nowMs()) }
    const order = {
      processor,
      connectionId: connectionOf(seed, processor),
      body: new TextEncoder().encode(hook.body),
      headers,
    }
    const taken = receiveWebhook(gateway.deps, order).then(
      () => true,
      () => false,
    )
    void Promise.race([taken, gateway.died]).then((result) => {
      if (result !== true) again()
    })
  }

  /** Jobs as the loop runs them, of this operator only: worlds share a database and not their time. */
  async function work(): Promise<void> {
    const [gateway] = awake().length === 0 ? [] : [random.pick(awake())]
    if (gateway === undefined) return
    jobs = { fromMs: 0, exact: false }
    const now = new Date(time.nowMs())
    const rows = await ground.db.global(
      (tx) => tx<(Job & { leftOver: boolean })[]>`
        with due as (select id, lease is not null as left_over from job where operator = ${operatorId} and single and kind = any(${KINDS}::text[])
          and run_at <= ${now} and (leased_until is null or leased_until <= ${now}) order by run_at, id limit 4 for update)
        update job set lease = gen_random_uuid(), leased_until = ${new Date(now.getTime() + LEASE_MS)} from due where job.id = due.id
        returning job.id, kind, operator as operator_id, subject, payload, run_at, failures, lease, revision, due.left_over`,
    )
    const due = [...rows].sort((a, b) => Number(a.id - b.id))
    if (rows.some(({ leftOver }) => leftOver)) saw('job lease taken over')
    for (const job of due) void runJob(gateway, job, random, time)
  }

  /** When the next job is due, or some time after `untilMs` when none is before that. */
  async function nextJobAt(untilMs: number): Promise<number> {
    if (jobs.exact || jobs.fromMs > untilMs) return jobs.fromMs
    const [row] = await ground.db.global(
      (tx) => tx<{ ms: string | null }[]>`
        select (extract(epoch from min(greatest(run_at, coalesce(leased_until, run_at)))) * 1000)::text as ms from job
        where operator = ${operatorId} and single and kind = any(${KINDS}::text[])`,
    )
    jobs = { fromMs: row?.ms ? Math.ceil(Number(row.ms)) : Number.POSITIVE_INFINITY, exact: true }
    return jobs.fromMs
  }

  function disturb(): void {
    if (!random.of(mood.strikes)) return
    const index = random.between(0, gateways.length - 1)
    const gateway = gateways[index]
    if (gateway === undefined) return
    if (!random.of(mood.kills)) {
      stop(gateway, random.pick(mood.stopsMs))
      return
    }
    counted.kills += 1
    trace(`${gateway.name} is killed`)
    gateway.die()
    gateways[index] = start()
  }

  function stop({ name, owner }: Pick<Gateway, 'name' | 'owner'>, ms: number): void {
    counted.pauses += 1
    owner.pausedUntilMs = time.nowMs() + ms
    trace(`${name} is stopped`)
  }

  /** The dangerous moments: the answer is made and the key's row doesn't say so yet; a request was decided on and isn't written. */
  function maybeNap(gateway: Pick<Gateway, 'name' | 'owner'>, when: string): void {
    if (calm || !random.of(mood.naps)) return
    saw(when)
    stop(gateway, napMs(random))
  }

  const caller: Caller = {
    operatorId,
    clientId: 'cli_sim',
    tokenId: 'tok_sim',
    scopes: new Set(['deposits:write', 'withdrawals:write', 'refunds:write']),
  }
  const client: ClientParts = {
    ...{ caller, player: 'p1', time, random, gateway: anyone, calm: () => calm, saw },
    answerMade: (gateway) => maybeNap(gateway, 'stopped before a final answer'),
  }
  const orders: Order[] = []
  const order = (verb: Order['verb'], minor: bigint): Order => {
    const made = { verb, key: `key-${seed}-${orders.length}-0123456789`, minor, answers: [], id: undefined }
    orders.push(made)
    return made
  }

  return {
    time,
    calmFromMs,
    begin: () => Promise.all(tell(random, client, order)),
    async turn(chaos) {
      if (chaos) disturb()
      // A look at the job table is a query: it is made when nothing else goes on, or now and then in between.
      const idle = time.nextAtMs() > time.nowMs()
      if (idle || random.of(0.1)) {
        const limit = chaos ? calmFromMs : Number.POSITIVE_INFINITY
        const untilMs = Math.min(Math.max(time.nowMs(), time.nextAtMs()), limit)
        const jobAt = await nextJobAt(untilMs)
        if (jobAt < Number.POSITIVE_INFINITY && jobAt <= untilMs && awake().length > 0) {
          time.passTo(jobAt)
          await work()
          await time.turn()
          return true
        }
      }
      return time.turn()
    },
    calmDown() {
      calm = true
      for (const { owner } of gateways) owner.pausedUntilMs = 0
      time.passTo(calmFromMs)
    },
    async people() {
      const open = await ground.ask(
        `select id, subject_id, kind, reasons::text from review where operator_id = $1 and status in ('open', 'escalated')`,
        [operatorId],
      )
      const [gateway] = gateways
      if (gateway === undefined) return false
      for (const { id, subject_id: subjectId, kind, reasons } of open) {
        counted.people += 1
        const [attempt] = await ground.ask(
          `select id from attempt where operator_id = $1 and subject_id = $2 and status in ('unknown', 'integrity_hold', 'sending', 'pending', 'authorized', 'requires_action')`,
          [operatorId, String(subjectId)],
        )
        const moved = models.some(({ operations }) =>
          operations.some((one) => one.ourRef === attempt?.id && one.status === 'approved'),
        )
        // Whether a deposit that came late is sent back, people may say either way.
        const proposed = kind === 'late_success' && !String(reasons).includes('captured_twice')
        const decision = proposed
          ? random.pick(['approve', 'reject'] as const)
          : kind === 'withdrawal' || moved || attempt === undefined
            ? 'approve'
            : 'reject'
        for (const actor of ['ann', 'bob']) {
          const said = decideReview(gateway.deps, {
            operatorId,
            reviewId: String(id),
            actor,
            decision,
            reason: 'looked it up',
          }).catch(() => {})
          let done = false
          void said.then(() => {
            done = true
          })
          while (!done) await time.turn()
        }
      }
      jobs = { fromMs: 0, exact: false }
      const left = await nextJobAt(Number.POSITIVE_INFINITY)
      return open.length > 0 || left < Number.POSITIVE_INFINITY
    },
    async end(violations, lines) {
      const books: Books = await readBooks(ground, operatorId)
      const found = violations.length > 0 ? violations : books.hold({ seed, models, orders, counted })
      counted.steps = time.steps()
      return { seed, violations: found, seen, counted, trace: lines }
    },
  }
}

/** What players do in a world: a few payments at once, and refunds of what succeeded. */
function tell(
  random: Chance,
  client: ClientParts,
  order: (verb: Order['verb'], minor: bigint) => Order,
): Promise<void>[] {
  const stories = random.pick([1, 1, 2, 2, 3])
  return Array.from({ length: stories }, async () => {
    await client.time.step(undefined, 'a player comes', () => {}, { delayMs: random.between(0, 5_000) })
    if (random.of(0.4)) return pursue(client, order('withdrawal', BigInt(random.between(101, 9_999))))
    const deposit = order('deposit', BigInt(random.between(101, 9_999)))
    await pursue(client, deposit)
    if (deposit.id === undefined || random.of(0.5)) return
    await client.time.step(undefined, 'a refund is asked for', () => {}, { delayMs: random.between(0, 60_000) })
    const parts = random.of(0.3) ? [deposit.minor, deposit.minor] : [deposit.minor / 2n]
    await Promise.all(parts.map((minor) => pursue(client, order('refund', minor), deposit.id)))
  })
}

async function runJob({ deps }: Gateway, job: Job, random: Chance, time: Scheduler): Promise<void> {
  const handler = JOBS.handlers[job.kind]
  if (handler === undefined) throw new Error(`no handler for ${job.kind}`)
  const end = await handler(deps, job).then(
    (again) => (tx: Parameters<typeof finishJob>[0]) =>
      again ? rescheduleJob(tx, job, again.again.getTime()) : finishJob(tx, job),
    (error: unknown) => (tx: Parameters<typeof finishJob>[0]) =>
      rescheduleJob(tx, job, time.nowMs() + backOffMs(job.failures, random.next), String(error)),
  )
  await deps.db.global(end).catch(() => {})
}
