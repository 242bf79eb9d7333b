import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate as applyMigrations } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'
import { placeOf, type Tx } from './client.ts'

const MIGRATIONS = fileURLToPath(new URL('../../drizzle', import.meta.url))
/** Any fixed number: two gateways that start together must not migrate together. */
const MIGRATION_LOCK = 727_201

/** The role that the gateway works as. It owns nothing, and row-level security binds it. */
export const APP_ROLE = 'paycage_app'

/**
 * Brings the database to the newest schema, as its owner, one process at a time, and lets `login` (the owner unless
 * said) work as the gateway's role.
 */
export async function migrate(ownerUrl: string, login?: string): Promise<void> {
  const [place, socket] = placeOf(ownerUrl)
  const sql = postgres(place, { ...socket, max: 1, connect_timeout: 10, onnotice: () => {} })
  try {
    await sql`select pg_advisory_lock(${MIGRATION_LOCK})`
    await applyMigrations(drizzle(sql), { migrationsFolder: MIGRATIONS })
    await sql`grant usage on schema drizzle to ${sql(APP_ROLE)}`
    await sql`grant select on all tables in schema drizzle to ${sql(APP_ROLE)}`
    // Since PostgreSQL 16 whoever made a role may give it away but not take it on. Where the database's administrator made
    // it and let the login in, there is nothing to give, and no right to.
    if (!(await worksAsAppRole(sql, login)))
      await sql`grant ${sql(APP_ROLE)} to ${login === undefined ? sql`current_user` : sql(login)}`
  } finally {
    await sql.end({ timeout: 5 })
  }
}

async function worksAsAppRole(sql: postgres.Sql, login: string | undefined): Promise<boolean> {
  if (login === undefined)
    return sql
      .begin((tx) => tx`set local role ${tx(APP_ROLE)}`)
      .then(
        () => true,
        () => false,
      )
  const [row] = await sql<{ member: boolean }[]>`select pg_has_role(${login}, ${APP_ROLE}, 'member') as member`
  return row?.member ?? false
}

/** How many migrations of this program the database lacks. */
export async function pendingMigrations(tx: Tx): Promise<number> {
  const applied = await tx<{ at: bigint }[]>`select created_at as at from drizzle.__drizzle_migrations`
  const known = new Set(applied.map(({ at }) => Number(at)))
  return journalTimes().filter((time) => !known.has(time)).length
}

/** The same for a database that may have no schema at all yet, asked by its owner. */
export async function pendingMigrationsOf(ownerUrl: string): Promise<number> {
  const [place, socket] = placeOf(ownerUrl)
  const sql = postgres(place, { ...socket, max: 1, connect_timeout: 10, onnotice: () => {} })
  try {
    const [table] = await sql`select to_regclass('drizzle.__drizzle_migrations') is not null as there`
    if (!table?.there) return journalTimes().length
    const applied = await sql`select created_at from drizzle.__drizzle_migrations`
    const known = new Set(applied.map(({ created_at }) => Number(created_at)))
    return journalTimes().filter((time) => !known.has(time)).length
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** The migrator marks each migration with its time in the journal. */
function journalTimes(): number[] {
  const journal: unknown = JSON.parse(readFileSync(`${MIGRATIONS}/meta/_journal.json`, 'utf8'))
  const entries = typeof journal === 'object' && journal && 'entries' in journal ? journal.entries : []
  if (!Array.isArray(entries)) throw new Error('drizzle/meta/_journal.json has no entries')
  return entries.map((entry: { when: number }) => entry.when)
}
