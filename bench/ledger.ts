import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { type Db, openDb } from '../src/db/client.ts'
import { combiner } from '../src/db/combiner.ts'
import { verify } from '../src/db/ledger-reads.ts'
import { postAlone } from '../src/db/ledger-statements.ts'
import { migrate } from '../src/db/migrate.ts'
import { startEmbeddedPostgres } from '../src/platform/embedded-postgres.ts'
import { barsOf } from './ledger/bars.ts'
import {
  bookPost,
  bulkLoad,
  makeBaselines,
  makePlayers,
  newUuid,
  nextPosting,
  OPERATOR,
  type Pattern,
  rawInsert,
} from './ledger/designs.ts'
import { type Case, machine, measureAll, type Row, table } from './ledger/measure.ts'

const quick = process.argv.includes('--quick')
const growth = !quick && !process.argv.includes('--no-growth')
const json = process.argv.includes('--json')
const DURATION_MS = quick ? 2_000 : 5_000
/** How many transfers are stored before and after each load. */
const GROWTH = [
  [0, 0],
  [0, 1_000_000],
  [1_000_000, 10_000_000],
] as const
/** Connections for the designs that send one transfer a statement. */
const POOL = 32
const say = (text: string) => {
  if (!json) console.error(text)
}

const single = (db: Db, pattern: Pattern, callers: number, stored: number): Case[] => [
  { design: 'raw insert', accounts: '-', callers, batch: 1, stored, call: () => rawInsert(db).then(() => 1) },
  { design: 'textbook', accounts: pattern, callers, batch: 1, stored, call: () => bookPost(db, pattern).then(() => 1) },
  { design: 'post', accounts: pattern, callers, batch: 1, stored, call: () => postBatch(db, pattern, 1) },
]

async function postBatch(db: Db, pattern: Pattern, size: number): Promise<number> {
  const results = await postAlone(
    db,
    OPERATOR,
    Array.from({ length: size }, () => nextPosting(pattern)),
    newUuid,
  )
  if (results.some((result) => result !== 'posted')) throw new Error('not posted')
  return size
}

const batched = (db: Db, pattern: Pattern, size: number, stored: number): Case => ({
  design: 'post many',
  accounts: pattern,
  callers: 2,
  batch: size,
  stored,
  call: () => postBatch(db, pattern, size),
})

function combined(db: Db, pattern: Pattern, callers: number, stored: number): Case {
  const { post } = combiner(db, { newUuid })
  const call = async () => {
    if ((await post(OPERATOR, nextPosting(pattern))) !== 'posted') throw new Error('not posted')
    return 1
  }
  return { design: 'combiner', accounts: pattern, callers, batch: 500, stored, call }
}

/** Everything at an empty ledger, quick or in full. */
function casesOf(db: Db): Case[] {
  const callers = quick ? [8, 64] : [1, 8, 32, 64, 1024]
  const patterns: Pattern[] = ['random', 'hot']
  return [
    ...callers.flatMap((count) => single(db, 'random', count, 0)),
    ...(quick ? [64] : callers).flatMap((count) => single(db, 'hot', count, 0).slice(1)),
    ...[10, 100, 1000].flatMap((size) =>
      (quick ? ['random' as const] : patterns).map((pattern) => batched(db, pattern, size, 0)),
    ),
    ...(quick ? [64, 1024] : callers).flatMap((count) => patterns.map((pattern) => combined(db, pattern, count, 0))),
    ...(quick ? [] : [combined(db, 'hot, bounded', 64, 0)]),
  ]
}

const growthCases = (db: Db, stored: number): Case[] => [
  ...single(db, 'random', 64, stored).slice(2),
  combined(db, 'random', 64, stored),
  combined(db, 'hot', 64, stored),
]

async function main(): Promise<void> {
  const server = await database()
  const admin = postgres(server.url, { max: 1, onnotice: () => {} })
  const db = openDb({ url: server.url, max: POOL, role: 'paycage_app', statementTimeoutMs: 600_000 })
  const rows: Row[] = []
  const run = async (cases: readonly Case[]) => {
    const measured = await measureAll(cases, DURATION_MS, (row) =>
      say(
        `${row.design} ${row.accounts} ${row.callers}×${row.batch} at ${row.stored}: ${row.perSecond}/s p99 ${row.p99Ms} ms`,
      ),
    )
    rows.push(...measured)
  }
  try {
    await makeBaselines(admin)
    await makePlayers(admin, (postings) => postAlone(db, OPERATOR, postings, newUuid))
    await run(casesOf(db))
    for (const [from, to] of growth ? GROWTH : []) {
      if (to > from) await bulkLoad(admin, from, to)
      await run(growthCases(db, to))
    }
    const started = performance.now()
    const { problems, transfers } = await db.tx(OPERATOR, (tx) => verify(tx, OPERATOR))
    const verified = {
      transfers: Number(transfers),
      seconds: Math.round((performance.now() - started) / 100) / 10,
      problems,
    }
    const bars = barsOf(rows, verified)
    console.log(
      json
        ? JSON.stringify({ name: 'ledger', machine: { ...machine(), postgres: server.version }, rows, verified, bars })
        : table(rows, bars),
    )
  } finally {
    await db.close()
    await admin.end()
    await server.stop()
  }
}

/** `DATABASE_URL`'s server in a database of its own, or the embedded one: every setting at its default, so fsync and synchronous_commit are on, but memory and WAL as any real server has. */
async function database() {
  const dir = mkdtempSync(join(tmpdir(), 'paycage-bench-'))
  chmodSync(dir, 0o755)
  const given = process.env.DATABASE_URL
  const embedded = given
    ? undefined
    : await startEmbeddedPostgres(join(dir, 'pg'), {
        settings: { shared_buffers: '1GB', max_wal_size: '4GB', max_connections: '200' },
      })
  const root = postgres(given ?? embedded?.url ?? '', { max: 1, onnotice: () => {} })
  const name = `bench_${process.pid}`
  await root.unsafe(`create database ${name}`)
  const [row] = await root`select current_setting('server_version') as version, current_setting('fsync') as fsync`
  const url = new URL(given ?? embedded?.url ?? '')
  url.pathname = `/${name}`
  await migrate(url.href)
  return {
    url: url.href,
    version: `${row?.version}, fsync ${row?.fsync}`,
    async stop() {
      await root.unsafe(`drop database ${name} with (force)`)
      await root.end()
      await embedded?.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

await main()
