import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { inject, onTestFinished } from 'vitest'
import { type Db, openDb } from '../../src/db/client.ts'

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

/** A database that goes with the test that asked for it. */
export async function databaseForThisTest(): Promise<TestDatabase> {
  const database = await testDatabase()
  onTestFinished(() => database.close())
  return database
}
