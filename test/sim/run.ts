import { createHash } from 'node:crypto'
import postgres from 'postgres'
import { ADJUSTMENTS, cash, held, payable, receivable } from '../../src/core/ledger/chart.ts'
import { openDb, placeOf } from '../../src/db/client.ts'
import { openingsOf } from '../../src/db/ledger-accounts.ts'
import { connectionOf, FUNDS, type Ground, operatorOf } from './field.ts'
import type { Sabotage } from './gateway.ts'
import { type Line, openLine } from './line.ts'
import { type Ending, play } from './world.ts'

/** Worlds under way at once: enough to keep the database and this process busy side by side; with more, their backends push each other's plans out of the caches. */
const ABREAST = 4
const BATCH = 200

/** A database that worlds are played in, each world an operator of its own. */
export type Field = Ground & {
  /** The connections of the worlds under way, one each. */
  readonly lines: readonly Line[]
  prepare(seeds: readonly number[], funds?: bigint): Promise<void>
  close(): Promise<void>
}

/** Opens the field on a migrated database that nobody else uses. */
export function openField(url: string): Field {
  syncDigest()
  const lines = Array.from({ length: ABREAST }, () => openLine(url))
  // for those who do something before the worlds begin: what it says is committed is
  const db = openDb({ url, max: 1, role: 'paycage_app' })
  const [place, socket] = placeOf(url)
  const admin = postgres(place, { ...socket, max: 4, onnotice: () => {}, fetch_types: false })
  return {
    db,
    lines,
    ask: async (text, values) => [...(await admin.unsafe(text, [...values], { prepare: true }))],
    async prepare(seeds, minor = FUNDS) {
      const operators = seeds.map(operatorOf)
      await admin`insert into operator (id, name) select id, id from unnest(${`{${operators.join(',')}}`}::text[]) id`
      for (const processor of PROCESSORS) {
        const rows = `{${seeds.map((seed) => `${operatorOf(seed)},${connectionOf(seed, processor)}`).join(',')}}`
        await admin`
          with row as (select a[2 * n - 1] as operator_id, a[2 * n] as id from (select ${rows}::text[] as a) x, generate_series(1, ${seeds.length}) n),
          made as (insert into connection (operator_id, id, processor, label, config, secret_ref)
            select operator_id, id, ${processor}, ${processor}, jsonb_build_object('base_url', ${`http://${processor.replace('_', '-')}.sim`}::text), 'env:x' from row)
          insert into connection_directory (connection_id, operator) select id, operator_id from row`
      }
      await admin`
        insert into player (operator_id, id, country, currency, name, kyc_status, edited_by)
        select id, 'p1', 'MT', 'EUR', 'Ada Example', 'verified', 'cli_test' from unnest(${`{${operators.join(',')}}`}::text[]) id`
      await openBooks(admin, seeds, minor)
    },
    async close() {
      await Promise.all([db, ...lines].map((each) => each.close()))
      await admin.end()
    },
  }
}

/** Plays many seeds; `told` hears of each ending. Stops early when it says so. */
export async function playAll(
  field: Field,
  seeds: readonly number[],
  told: (ending: Ending) => 'stop' | undefined,
  options: { sabotage?: Sabotage; traced?: boolean } = {},
): Promise<void> {
  let stopped = false
  for (let from = 0; from < seeds.length && !stopped; from += BATCH) {
    const batch = seeds.slice(from, from + BATCH)
    await field.prepare(batch)
    await inParallel(field.lines, batch, async (line, seed) => {
      if (stopped) return
      const ask: Ground['ask'] = async (text, values) => {
        await line.ended()
        return field.ask(text, values)
      }
      if (told(await play({ db: line, ask }, seed, options)) === 'stop') stopped = true
    })
  }
}

const PROCESSORS = ['sandbox_a', 'sandbox_b', 'sandbox_c']

/**
 * Opens the accounts that worlds use and gives each player something to begin with, all in one statement: each world by
 * itself, at its first postings, took a sixth of its time for it.
 */
async function openBooks(admin: postgres.Sql, seeds: readonly number[], minor: bigint): Promise<void> {
  const player = [cash('p1'), held('p1')]
  const books = seeds.map((seed) => {
    const connections = PROCESSORS.map((processor) => connectionOf(seed, processor))
    const codes = [ADJUSTMENTS, ...player, ...connections.map(receivable), ...connections.map(payable)]
    return { operator: operatorOf(seed), ...openingsOf(codes.map((code) => ({ code, asset: 'EUR' }))) }
  })
  await admin.begin(async (tx) => {
    // what refers to what needn't be checked here: half of the work
    await tx`set local session_replication_role = replica`
    await tx`
    select set_config('app.operator', o.operator, true),
      ledger.open_accounts(o.operator, o.codes::text[], o.assets::text[], o.classes::text[], o.overdrafts::numeric[], o.stripes::int[]),
      ledger.post_one(o.operator, false, ledger.uuid_v7(), 'opening', 'adjustment', null, 'EUR',
        ${ADJUSTMENTS}, ${cash('p1')}, ${String(minor)}::numeric)
    from jsonb_to_recordset(${JSON.stringify(books)}::text::jsonb)
      as o (operator text, codes text, assets text, classes text, overdrafts text, stripes text)`
  })
}

async function inParallel<T>(
  lines: readonly Line[],
  list: readonly T[],
  work: (line: Line, one: T) => Promise<unknown>,
): Promise<void> {
  const left = [...list].reverse()
  await Promise.all(
    lines.map(async (line) => {
      for (let one = left.pop(); one !== undefined; one = left.pop()) await work(line, one)
    }),
  )
}

/** Web Crypto answers from another thread, whenever it likes; a world needs its answers in order. */
function syncDigest(): void {
  const digest = async (_name: string, data: Uint8Array) =>
    new Uint8Array(createHash('sha256').update(data).digest()).buffer
  Object.defineProperty(crypto.subtle, 'digest', { value: digest, configurable: true, writable: true })
}
