import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { migrate } from '../../src/db/migrate.ts'
import { startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'

/** A database server of the harness's own. */
export type Ground = {
  readonly url: string
  /** The same without the network between: half of a small statement's cost. */
  readonly socketUrl: string
  /** Stops it as a power cut would, and starts it again in the same place. */
  crash(): Promise<void>
  stop(): Promise<void>
}

/** For worlds that crash no database: what is written needn't be on disk, and every plan is made once. */
export const FAST = {
  max_connections: '200',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '8GB',
  plan_cache_mode: 'force_generic_plan',
  // What worlds leave behind is never read again, so nothing need be tidied; and a plan made on empty tables must serve full ones.
  autovacuum: 'off',
  enable_seqscan: 'off',
  shared_buffers: '512MB',
  track_activities: 'off',
  track_counts: 'off',
  update_process_title: 'off',
  jit: 'off',
}

const POLL_MS = 10

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Starts a server with a migrated database, gone with its folder when stopped. */
export async function startGround(settings: Record<string, string>): Promise<Ground> {
  const dir = mkdtempSync(join(tmpdir(), 'paycage-sim-'))
  chmodSync(dir, 0o755)
  const options = { settings: { max_connections: '100', ...settings } }
  let server = await startEmbeddedPostgres(join(dir, 'pg'), options)
  await migrate(server.url)
  return {
    url: server.url,
    socketUrl: server.socketUrl,
    async crash() {
      const { port, pid } = server
      process.kill(pid, 'SIGQUIT')
      while (lives(pid)) await wait(POLL_MS)
      server = await startEmbeddedPostgres(join(dir, 'pg'), { ...options, port })
    },
    async stop() {
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
