import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { inject, onTestFinished } from 'vitest'
import { type Db, openDb } from '../../src/db/client.ts'
import { migrate } from '../../src/db/migrate.ts'
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'

/** A database of one's own: `db` is the gateway's view under its restricted role, `admin` a superuser's. */
export type TestDatabase = {
  readonly url: string
  readonly db: Db
  readonly admin: postgres.Sql
  close(): Promise<void>
}

/** Copies the migrated template. Call `close` in `afterAll`, or inside a test leave it to the test's end. */
export async function testDatabase({ max = 10 }: { max?: number } = {}): Promise<TestDatabase> {
  const server = inject('postgresUrl')
  const name = `test_${randomBytes(6).toString('hex')}`
  const root = postgres(server, { max: 1, onnotice: () => {} })
  await root.unsafe(`create database ${name} template template_paycage`)
  const url = server.replace(/\/postgres$/, `/${name}`)
  const db = openDb({ url, max, role: 'paycage_app' })
  const admin = postgres(url, { max: 2, onnotice: () => {} })
  return {
    url,
    db,
    admin,
    async close() {
      await db.close()
      await admin.end()
      await root.unsafe(`drop database ${name} with (force)`)
      await root.end()
    },
  }
}

/** A database on a server of its own, for tests that other files' transactions would disturb: transaction ids are the server's. */
export async function lonelyDatabase(): Promise<TestDatabase> {
  const dir = mkdtempSync(join(tmpdir(), 'paycage-alone-'))
  chmodSync(dir, 0o755)
  const server = await startEmbeddedPostgres(join(dir, 'pg'), { settings: { fsync: 'off' } })
  await migrate(server.url)
  const db = openDb({ url: server.url, role: 'paycage_app' })
  const admin = postgres(server.url, { max: 2, onnotice: () => {} })
  return {
    url: server.url,
    db,
    admin,
    async close() {
      await db.close()
      await admin.end()
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** A database that goes with the test that asked for it. */
export async function databaseForThisTest(): Promise<TestDatabase> {
  const database = await testDatabase()
  onTestFinished(() => database.close())
  return database
}
