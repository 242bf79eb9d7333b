import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Gateway, gatewayAt, type Reply, SandboxFile } from './client.ts'

/**
 * The main story, played with real requests: `npm run demo`. Uses the gateway that runs in the data folder, or starts a
 * fresh one of its own and stops it at the end. Exits 1 when something isn't as it is told here.
 */
const START_TIMEOUT_MS = 60_000
const SETTLE_TIMEOUT_MS = 60_000

let step = 0
const tell = (title: string): void => {
  step += 1
  console.log(`\n${String(step).padStart(2)}. ${title}`)
}
const line = (text: string): void => console.log(`    ${text}`)

/** Ends the story when it goes otherwise. */
function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(`not as told: ${what}`)
  line(`✓ ${what}`)
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Reads a resource until its status is one of these. */
async function until(gateway: Gateway, path: string, statuses: readonly string[]): Promise<Reply['body']> {
  const deadline = Date.now() + SETTLE_TIMEOUT_MS
  for (;;) {
    const { body } = await gateway.get(path)
    if (statuses.includes(String(body.status))) return body
    if (Date.now() > deadline) throw new Error(`${path} is still ${body.status}, not ${statuses.join(' or ')}`)
    await pause(250)
  }
}

/** The attempts of a payment as a waterfall: who, what came of it, how long it took. */
function waterfall(body: Reply['body']): void {
  for (const attempt of body.attempts ?? []) {
    const ms = attempt.ended_at ? `${Date.parse(attempt.ended_at) - Date.parse(attempt.started_at)} ms` : 'open'
    const why = attempt.decline?.code ?? (attempt.status === 'succeeded' ? '' : attempt.reason) ?? ''
    line(`  ${attempt.n}  ${attempt.processor.padEnd(10)} ${attempt.status.padEnd(16)} ${why.padEnd(20)} ${ms}`)
  }
}

async function story(gateway: Gateway): Promise<void> {
  const tag = Date.now().toString(36)
  const player = `demo-${tag}`
  let orders = 0
  const deposit = (amount: string, more: Record<string, unknown> = {}) => {
    orders += 1
    return gateway.post('/v1/deposits?expand=attempts,decision', {
      player_id: player,
      amount,
      currency: 'EUR',
      method: { type: 'card', token: 'tok_sandbox_ok' },
      reference: `demo-${tag}-${orders}`,
      ...more,
    })
  }
  const withdraw = (amount: string) => {
    orders += 1
    return gateway.post('/v1/withdrawals', {
      player_id: player,
      amount,
      currency: 'EUR',
      destination: { type: 'bank', iban: 'DE89370400440532013000', name: 'Ada Example' },
      reference: `demo-${tag}-${orders}`,
    })
  }
  const cash = async () => (await gateway.get(`/v1/players/${player}/wallet`)).body.balances?.[0]?.cash ?? '0.00'

  tell('An operator gets a token and tells us of a player')
  const known = { country: 'MT', currency: 'EUR', name: 'Ada Example', kyc: { status: 'verified', level: 2 } }
  check((await gateway.put(`/v1/players/${player}`, known)).status === 201, `player ${player} is there`)

  tell('A deposit cascades: the issuer is away at the first processor')
  const cascaded = (await deposit('100.91')).body
  waterfall(cascaded)
  for (const candidate of cascaded.decision?.candidates ?? []) line(`  ${candidate.processor}: ${candidate.reason}`)
  check(cascaded.status === 'succeeded' && cascaded.processor === 'sandbox_b', '100.91 EUR taken by sandbox_b')

  tell('A lost card stops: no other processor is asked')
  const lost = (await deposit('20.41')).body
  waterfall(lost)
  check(lost.status === 'declined' && lost.attempts?.length === 1, 'declined once, with lost_card')

  tell('3-D Secure: the player proves who it is, and the deposit goes on')
  const challenged = (await deposit('30.03')).body
  const page = String(challenged.next_action?.url)
  line(`  ${challenged.status}: ${page.split('?')[0]}`)
  const body = new URLSearchParams({ result: 'approve' })
  const proven = await fetch(page, { method: 'POST', body, redirect: 'manual' })
  await fetch(String(proven.headers.get('location')), { redirect: 'manual' })
  await until(gateway, `/v1/deposits/${challenged.id}`, ['succeeded'])
  check(true, '30.03 EUR taken after the challenge')

  tell('Pending, then the processor tells us by webhook')
  const pending = (await deposit('40.99')).body
  check(pending.status === 'processing', 'the first answer is "wait"')
  await until(gateway, `/v1/deposits/${pending.id}`, ['succeeded'])
  check(true, 'its signed webhook settled it')

  tell('No answer in time: unknown, looked up, never sent elsewhere')
  const unsure = (await deposit('50.68')).body
  waterfall(unsure)
  check(unsure.status === 'unknown', 'the gateway says that it does not know')
  await until(gateway, `/v1/deposits/${unsure.id}`, ['succeeded'])
  const found = (await gateway.get(`/v1/deposits/${unsure.id}?expand=attempts`)).body
  check(found.attempts?.length === 1, 'one attempt, found by our own reference')

  tell('The game side of the same ledger: a bet and a win')
  line(`  cash ${await cash()}`)
  const move = (type: string, amount: string) =>
    gateway.post(`/v1/players/${player}/wallet/transactions`, {
      type,
      amount,
      currency: 'EUR',
      reference: `${type}-${tag}`,
    })
  check(
    (await move('bet', '60.00')).status === 201 && (await move('win', '85.50')).status === 201,
    'bet 60.00, won 85.50',
  )
  line(`  cash ${await cash()}`)

  tell('A withdrawal walks the chain, and is paid')
  const asked = (await withdraw('75.00')).body
  for (const { name, status } of asked.checks ?? []) line(`  ${name.padEnd(22)} ${status}`)
  const paid = await until(gateway, `/v1/withdrawals/${asked.id}`, ['paid'])
  check(paid.status === 'paid', `75.00 EUR paid by ${paid.processor}`)

  tell('A withdrawal that people must look at')
  await gateway.put(`/v1/players/${player}`, { risk: { aml_status: 'flagged' } })
  const held = (await withdraw('25.00')).body
  check(held.status === 'held', 'held by the AML check, its money out of play')
  const queue = (await gateway.get(`/v1/reviews?status=open&subject_id=${held.id}`)).body
  const review = queue.data?.[0]
  const approved = await gateway.post(`/v1/reviews/${review?.id}/approve`, { reason: 'source of funds seen' })
  check(approved.body.status === 'approved', 'approved with a reason, and written down')
  await until(gateway, `/v1/withdrawals/${held.id}`, ['paid'])
  check(true, 'paid')
  await gateway.put(`/v1/players/${player}`, { risk: { aml_status: 'clear' } })

  tell('Attackers')
  const forged = await gateway.forgedWebhook({ id: 'evt_forged', type: 'charge.succeeded', amount: '1000000.00' })
  check(forged.status === 401, 'a forged webhook is refused')
  const negative = await withdraw('-100.00')
  check(negative.status === 422, 'a negative amount is refused')
  const greedy = await withdraw('1000000.00')
  check(greedy.status === 422 && greedy.body.code === 'insufficient_funds', 'more than there is, is refused')
  const card = await deposit('10.00', { metadata: { note: '4111 1111 1111 1111' } })
  check(card.status === 422 && card.body.code === 'pan_not_accepted', 'a card number is refused, wherever it stands')

  tell('The books')
  await compareWithTruth(gateway)
  const verified = (await gateway.get('/v1/ledger/verify')).body
  check(verified.ok === true, `ledger verified: ${verified.journals} journals`)
}

/** What the processors really did, from their own books, against what our ledger says of the same payments. */
async function compareWithTruth(gateway: Gateway): Promise<void> {
  const { sandbox } = gateway
  const ours = new Map<string, string>()
  for (const path of ['/v1/deposits', '/v1/withdrawals']) {
    for (const payment of await gateway.all(`${path}?limit=100&expand=attempts`)) {
      for (const { id, status } of payment.attempts ?? []) {
        if (status === 'succeeded') ours.set(id, `${payment.amount} ${payment.currency}`)
      }
    }
  }
  const theirs = new Map<string, string>()
  for (const { truth_file: file } of sandbox.processors) {
    if (!existsSync(file)) continue
    for (const text of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
      const { our_ref: attempt, state, op, amount, currency } = JSON.parse(text)
      if (op === 'refund') continue
      if (state === 'approved') theirs.set(attempt, `${amount} ${currency}`)
      else theirs.delete(attempt)
    }
  }
  // Two operators share the processors; ours are those that our API knows.
  const differing = [...ours].filter(([attempt, money]) => theirs.get(attempt) !== money)
  check(ours.size > 0 && differing.length === 0, `truth files equal the ledger: ${ours.size} payments`)
}

/** The gateway that runs here, or one that is started for the story. */
async function findOrStart(): Promise<{ gateway: Gateway; stop(): Promise<void> }> {
  const file = join(process.env.PAYCAGE_DATA_DIR ?? '.paycage', 'sandbox.json')
  const running = existsSync(file) && (await reachable(file))
  if (running) return { gateway: running, stop: async () => {} }

  const dir = mkdtempSync(join(tmpdir(), 'paycage-demo-'))
  console.log('No gateway runs here: starting a fresh one.')
  const child = spawn(process.execPath, [fileURLToPath(new URL('../src/entry/node.ts', import.meta.url))], {
    env: { ...process.env, PAYCAGE_DATA_DIR: dir, PORT: process.env.PORT ?? '0' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const deadline = Date.now() + START_TIMEOUT_MS
  for (;;) {
    const gateway = existsSync(join(dir, 'sandbox.json')) && (await reachable(join(dir, 'sandbox.json')))
    if (gateway) return { gateway, stop: () => stop(child, dir) }
    if (child.exitCode !== null || Date.now() > deadline) throw new Error('the gateway did not start')
    await pause(200)
  }
}

async function reachable(file: string): Promise<Gateway | undefined> {
  const sandbox = SandboxFile.parse(JSON.parse(readFileSync(file, 'utf8')))
  const ready = await fetch(`${sandbox.base_url}/readyz`).catch(() => undefined)
  return ready?.ok ? gatewayAt(sandbox) : undefined
}

function stop(child: ChildProcess, dir: string): Promise<void> {
  return new Promise((stopped) => {
    child.once('exit', () => {
      rmSync(dir, { recursive: true, force: true })
      stopped()
    })
    child.kill('SIGTERM')
  })
}

const { gateway, stop: end } = await findOrStart()
try {
  await story(gateway)
  console.log('\nThe story is told, as it was meant: ledger verified.')
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
} finally {
  await end()
}
