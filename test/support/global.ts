import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import type { TestProject } from 'vitest/node'
import { migrate } from '../../src/db/migrate.ts'
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The server that all test files share, as superuser; each file makes its own database from the template. */
    postgresUrl: string
  }
}

/** One real PostgreSQL for the whole run, with a migrated template that a test file copies in 40 ms. */
export default async function setup(project: TestProject) {
  const dir = mkdtempSync(join(tmpdir(), 'paycage-test-'))
  chmodSync(dir, 0o755)
  const server = await startEmbeddedPostgres(join(dir, 'pg'), {
    // Tests that kill the server start their own with fsync on; these don't survive a crash and needn't.
    settings: { fsync: 'off', max_connections: '300' },
  })
  const end = async () => {
    await server.stop()
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    const admin = postgres(server.url, { max: 1, onnotice: () => {} })
    await admin.unsafe('create database template_paycage')
    await admin.end()
    await migrate(server.url.replace(/\/postgres$/, '/template_paycage'))
  } catch (error) {
    await end()
    throw error
  }
  project.provide('postgresUrl', server.url)
  return end
}
