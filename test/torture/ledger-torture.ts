import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import { openDb } from '../../src/db/client.ts'
import { type Verification, verify } from '../../src/db/ledger-reads.ts'
import { migrate } from '../../src/db/migrate.ts'
import { freePort, startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'

/** How often each thing is done to a ledger under load. */
export type Torment = { readonly backendKills: number; readonly serverStops: number; readonly writerKills: number }

/** What was left afterwards. Healthy: nothing missing, nothing torn, no problem. */
export type Survived = Verification & {
  readonly acknowledged: number
  /** Acknowledged by an answer that had been lost and was found again. */
  readonly foundAgain: number
  readonly missing: readonly string[]
  /** Transactions of several statements that are there in part. */
  readonly torn: number
  readonly backendsKilled: number
}

const WRITER = fileURLToPath(new URL('./writer.ts', import.meta.url))
const OPERATOR = 'opr_torture'
const WRITERS = 2
/** Acknowledged postings before the next blow, so that a slow machine tortures a ledger at work too. */
const BETWEEN_BLOWS = 10
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Tortures a ledger on a server of its own, with fsync on: kills its backends, stops it at once, kills its writers with SIGKILL, then looks whether everything that was acknowledged is there and the books are whole. */
export async function torture(torment: Torment, say: (text: string) => void = () => {}): Promise<Survived> {
  const dir = mkdtempSync(join(tmpdir(), 'paycage-torture-'))
  chmodSync(dir, 0o755)
  const port = await freePort()
  const start = () => startEmbeddedPostgres(join(dir, 'pg'), { port, settings: { max_connections: '200' } })
  let server = await start()
  const file = join(dir, 'acknowledged')
  writeFileSync(file, '')
  await migrate(server.url)
  await prepare(server.url)

  const launch = () => spawn(process.execPath, [WRITER, server.url, OPERATOR, file], { stdio: 'ignore' })
  const writers: ChildProcess[] = Array.from({ length: WRITERS }, launch)
  const progress = async () => {
    const goal = linesOf(file).length + BETWEEN_BLOWS
    for (let waited = 0; linesOf(file).length < goal && waited < 20_000; waited += 10) await pause(10)
  }
  try {
    await progress()
    const backendsKilled = await killBackends(server.url, torment.backendKills, progress)
    say(`${backendsKilled} backends killed`)
    for (let stop = 0; stop < torment.serverStops; stop += 1) {
      await progress()
      await pause(Math.random() * 50)
      await stopAtOnce(join(dir, 'pg'))
      server = await start()
    }
    say(`${torment.serverStops} stops at once`)
    for (let kill = 0; kill < torment.writerKills; kill += 1) {
      await progress()
      await pause(Math.random() * 50)
      const index = kill % WRITERS
      await end(writers[index])
      writers[index] = launch()
    }
    say(`${torment.writerKills} writers killed`)
    await progress()
    await Promise.all(writers.map(end))
    return { ...(await inspect(server.url, file)), backendsKilled }
  } finally {
    await Promise.all(writers.map(end))
    await server.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function prepare(url: string): Promise<void> {
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  await admin`insert into operator (id, name) values (${OPERATOR}, 'Torture')`
  await admin`create table torture_row (operator_id text, key text primary key, posted boolean not null default false)`
  await admin`grant all on torture_row to paycage_app`
  await admin.end()
}

/** Kills whichever backends of the writers it finds, a few at a time, so many in all. */
async function killBackends(url: string, wanted: number, progress: () => Promise<void>): Promise<number> {
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  let killed = 0
  while (killed < wanted) {
    const rows = await admin`select pg_terminate_backend(pid) from (
      select pid from pg_stat_activity where application_name = 'paycage' and pid <> pg_backend_pid()
      order by random() limit ${Math.min(4, wanted - killed)}) victims`
    killed += rows.length
    if (killed % 20 < rows.length) await progress()
    else await pause(5 + Math.random() * 20)
  }
  await admin.end()
  return killed
}

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split('\n').filter(Boolean)

/** PostgreSQL's "immediate" stop: no checkpoint, no goodbye; what comes next is crash recovery. */
async function stopAtOnce(data: string): Promise<void> {
  const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0])
  process.kill(pid, 'SIGQUIT')
  for (let waited = 0; waited < 10_000 && isAlive(pid); waited += 10) await pause(10)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await gone
}

async function inspect(url: string, file: string): Promise<Omit<Survived, 'backendsKilled'>> {
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  const db = openDb({ url, max: 1, role: 'paycage_app', statementTimeoutMs: 600_000 })
  try {
    // a backend whose writer was killed may still be busy with its last statement
    await admin`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'paycage'`
    await pause(200)
    const lines = linesOf(file)
    const stored = new Set((await admin<{ key: string }[]>`select key from ledger.journal`).map(({ key }) => key))
    const missing = lines.map((line) => line.slice(line.indexOf(' ') + 1)).filter((key) => !stored.has(key))
    const [torn] = await admin<{ torn: number }[]>`select count(*)::int as torn from torture_row r
      full join (select key from ledger.journal where kind = 'deposit_settled') j using (key) where r.posted is not true or j.key is null`
    const found = await db.tx(OPERATOR, (tx) => verify(tx, OPERATOR))
    const foundAgain = lines.filter((line) => line.startsWith('exists')).length
    return { ...found, acknowledged: lines.length, foundAgain, missing, torn: torn?.torn ?? -1 }
  } finally {
    await db.close()
    await admin.end()
  }
}
