import { createHash } from 'node:crypto'
import postgres from 'postgres'
import { uuidText, uuidV7 } from '../../src/core/ids.ts'
import { ADJUSTMENTS, cash } from '../../src/core/ledger/chart.ts'
import { posting, transfer } from '../../src/core/ledger/posting.ts'
import type { Db } from '../../src/db/client.ts'
import { postIn } from '../../src/db/ledger.ts'
import { connectionOf, FUNDS, type Ground, operatorOf } from './field.ts'
import type { Sabotage } from './gateway.ts'
import { openLine } from './line.ts'
import { type Ending, play } from './world.ts'

/** Worlds under way at once: enough to keep the database and this process busy side by side. */
const ABREAST = 12
const BATCH = 200

/** A database that worlds are played in, each world an operator of its own. */
export type Field = Ground & {
  /** The connections of the worlds under way, one each. */
  readonly lines: readonly Db[]
  prepare(seeds: readonly number[], funds?: bigint): Promise<void>
  close(): Promise<void>
}

/** Opens the field on a migrated database that nobody else uses. */
export function openField(url: string): Field {
  syncDigest()
  const lines = Array.from({ length: ABREAST }, () => openLine(url))
  const [db = openLine(url)] = lines
  const admin = postgres(url, { max: 4, onnotice: () => {}, fetch_types: false })
  return {
    db,
    lines,
    ask: async (text, values) => [...(await admin.unsafe(text, [...values], { prepare: true }))],
    async prepare(seeds, minor = FUNDS) {
      const operators = seeds.map(operatorOf)
      await admin`insert into operator (id, name) select id, id from unnest(${`{${operators.join(',')}}`}::text[]) id`
      for (const processor of ['sandbox_a', 'sandbox_b', 'sandbox_c']) {
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
      const funds = posting('opening', 'adjustment', [transfer(ADJUSTMENTS, cash('p1'), { asset: 'EUR', minor })])
      const newUuid = () => uuidText(uuidV7(Date.now(), crypto.getRandomValues(new Uint8Array(10))))
      await inParallel(lines, operators, (line, operatorId) =>
        line.tx(operatorId, (tx) => postIn(tx, operatorId, funds, { newUuid })),
      )
    },
    async close() {
      await Promise.all(lines.map((line) => line.close()))
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
    await inParallel(field.lines, batch, async (db, seed) => {
      if (stopped) return
      if (told(await play({ ...field, db }, seed, options)) === 'stop') stopped = true
    })
  }
}

async function inParallel<T>(
  lines: readonly Db[],
  list: readonly T[],
  work: (line: Db, one: T) => Promise<unknown>,
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
