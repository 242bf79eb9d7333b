import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { verifyAudit } from '../../../src/db/audit.ts'
import type { Db } from '../../../src/db/client.ts'
import type { Site } from './site.ts'

/** Often enough to fall between any two postings of some flow, seldom enough not to be the load. */
const EVERY_MS = 50
/** A player's account: it is taken in by every withdrawal, and stands in no log and no row. */
export const IBAN = 'DE89370400440532013000'

/** What was seen of the ledger while everything around it was struck. */
export type Snapshots = { readonly read: number; readonly violations: readonly string[] }

/** Reads the books again and again until it is over: at no moment may the whole differ from zero, or a bounded account be below. */
export async function watchLedger(db: Db, operatorId: string, over: () => boolean): Promise<Snapshots> {
  const violations = new Set<string>()
  let read = 0
  for (; !over(); await wait(EVERY_MS)) {
    const rows = await db
      .tx(
        operatorId,
        // one statement is one snapshot
        (tx) => tx<{ whole: bigint; below: string | null }[]>`
          select (select sum(debited - credited) from ledger.balance) as whole, (select string_agg(code, ' ')
            from ledger.account_balance where overdraft is not null and available < -overdraft) as below`,
      )
      // crashed just now
      .catch(() => [])
    for (const { whole, below } of rows) {
      read += 1
      if (whole !== 0n) violations.add(`I2 a snapshot of the ledger summed to ${whole}`)
      if (below !== null) violations.add(`I6 a snapshot had less than nothing at ${below}`)
    }
  }
  if (read === 0) violations.add('I2 no snapshot of the ledger could be read')
  return { read, violations: [...violations] }
}

/** The chain of who did what, from its first row. `rows` is how many there are. */
export async function holdAudit(db: Db, operatorId: string): Promise<{ rows: number; violations: readonly string[] }> {
  const { rows, broken } = await db.tx(operatorId, (tx) => verifyAudit(tx, operatorId))
  return { rows, violations: broken ? [`I9 the audit log breaks at ${broken.sequence}: ${broken.why}`] : [] }
}

/** Looks for secrets in everything that the gateways wrote: each table, the notices among them, and their logs. */
export async function findSecrets(
  { field, logFile }: Site,
  secrets: readonly string[],
): Promise<{ places: number; violations: readonly string[] }> {
  const tables = await field.ask(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'ledger')`,
    [],
  )
  const holds = secrets.map((_, n) => `position($${n + 1}::text in t::text) > 0`).join(' or ')
  const violations: string[] = []
  for (const { name } of tables) {
    const [row] = await field.ask(`select count(*)::int as n from ${name} t where ${holds}`, secrets)
    if (Number(row?.n) > 0) violations.push(`I11 ${row?.n} rows of ${name} hold a secret`)
  }
  const log = readFileSync(logFile, 'utf8')
  if (!log.includes('"event"')) violations.push('I11 the gateways logged nothing to look through')
  for (const [n, secret] of secrets.entries()) {
    if (log.includes(secret)) violations.push(`I11 the log holds secret ${n + 1}`)
  }
  return { places: tables.length + 1, violations }
}
