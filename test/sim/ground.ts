import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '../../src/db/migrate.ts'
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'

/** A server of the harness's own with a migrated database, gone with its folder when stopped. */
export async function startGround(settings: Record<string, string> = { fsync: 'off', synchronous_commit: 'off' }) {
  const dir = mkdtempSync(join(tmpdir(), 'paycage-sim-'))
  chmodSync(dir, 0o755)
  const server = await startEmbeddedPostgres(join(dir, 'pg'), { settings: { max_connections: '100', ...settings } })
  await migrate(server.url)
  return {
    url: server.url,
    pid: server.pid,
    async stop() {
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
