import { spawn, spawnSync } from 'node:child_process'
import { chownSync, closeSync, existsSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type PostgresHome, postgresHome, privateFolder } from './postgres-home.ts'

/** A running server of our own: its URL as superuser of the database `postgres`, and how to stop it (waits for the shutdown checkpoint). */
export type EmbeddedPostgres = {
  readonly url: string
  /** The same through its socket, for which the network's half of each statement's cost falls away; `url` where the path is too long for one. */
  readonly socketUrl: string
  readonly port: number
  readonly pid: number
  /** True when it was running already, left by a gateway that was killed. */
  readonly adopted: boolean
  /** Why the cluster isn't where it was asked for, if it isn't. */
  readonly movedBecause?: string
  stop(): Promise<void>
}

/** Recovery after a crash replays the log since the last checkpoint, which a slow disk may take its time for. */
const READY_WITHIN_MS = 60_000
/** After this, in-memory state is given up: the next start replays the log, nothing committed is lost. */
const FAST_STOP_MS = 20_000
const POLL_MS = 15
/** Someone may take the port between our look and the server's. */
const PORT_TRIES = 3
/** `sun_path` of Linux holds 108 bytes, that of macOS 104, each with a zero at the end. */
const MAX_SOCKET_PATH = 103
/** A server that lost its parent must survive; `fsync` and friends stay at their safe defaults. */
const SETTINGS = { shared_buffers: '128MB', max_connections: '100', timezone: 'UTC', log_timezone: 'UTC' }

/** Starts real PostgreSQL from the npm package in `dir`, creating the cluster the first time. A server that is still running there is adopted. */
export async function startEmbeddedPostgres(
  dir: string,
  { port, settings = {} }: { port?: number; settings?: Record<string, string> } = {},
): Promise<EmbeddedPostgres> {
  const home = await postgresHome(dir)
  const left = await leftOver(home.data)
  if (left) return handle(home, left, true)
  rmSync(join(home.data, 'postmaster.pid'), { force: true })
  if (!existsSync(join(home.data, 'PG_VERSION'))) createCluster(home, settings.fsync !== 'off')
  for (let tries = 1; ; tries += 1) {
    const chosen = port ?? (await freePort())
    const started = await start(home, chosen, { ...SETTINGS, ...settings })
    if (started.kind === 'ready') return handle(home, started.server, false)
    const busy = /Address already in use|could not bind/.test(started.log)
    if (busy && port !== undefined) throw new Error(`port ${port} is busy: PostgreSQL can't listen on it`)
    if (!busy || tries === PORT_TRIES) throw new Error(`PostgreSQL did not start in ${home.data}:\n${started.log}`)
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

/** `socketFolder` is empty when it has no socket. */
type Server = { readonly pid: number; readonly port: number; readonly socketFolder: string }

function handle(home: PostgresHome, { pid, port, socketFolder }: Server, adopted: boolean): EmbeddedPostgres {
  const url = `postgres://postgres:${home.password}@127.0.0.1:${port}/postgres`
  return {
    url,
    socketUrl: socketFolder === '' ? url : `${url}?host=${encodeURIComponent(socketFolder)}`,
    port,
    pid,
    adopted,
    ...(home.movedBecause && { movedBecause: home.movedBecause }),
    async stop() {
      signal(pid, 'SIGINT')
      if (await gone(pid, FAST_STOP_MS)) return
      signal(pid, 'SIGQUIT')
      await gone(pid, FAST_STOP_MS)
    },
  }
}

/** Makes the cluster beside its place and moves it there whole, so that a start that is killed leaves no half of one. */
function createCluster({ data, programs, identity, password }: PostgresHome, sync: boolean): void {
  const draft = `${data}.new`
  const passwordFile = `${data}.password`
  for (const path of [data, draft, passwordFile]) rmSync(path, { recursive: true, force: true })
  privateFolder(draft, identity)
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (identity.uid !== undefined && identity.gid !== undefined) chownSync(passwordFile, identity.uid, identity.gid)
  const options = ['-U', 'postgres', '-A', 'scram-sha-256', '--pwfile', passwordFile, '-E', 'UTF8', '--locale=C']
  const made = spawnSync(
    programs.initdb,
    ['-D', draft, ...options, '--no-instructions', ...(sync ? [] : ['--no-sync'])],
    { ...identity, cwd: dirname(data), encoding: 'utf8' },
  )
  rmSync(passwordFile, { force: true })
  if (made.status !== 0) throw new Error(`initdb failed in ${data}: ${made.stderr || made.error?.message}`)
  renameSync(draft, data)
}

type Start = { readonly kind: 'ready'; readonly server: Server } | { readonly kind: 'failed'; readonly log: string }

async function start(home: PostgresHome, port: number, settings: Record<string, string>): Promise<Start> {
  const { data, programs, identity } = home
  const logFile = `${data}.log`
  const log = openSync(logFile, 'w', 0o600)
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  // In the cluster's own folder, which is closed to everyone else.
  const socketFolder = `${data}/.s.PGSQL.${port}`.length > MAX_SOCKET_PATH ? '' : data
  // A session of its own: Ctrl-C in a terminal goes to the whole group, and the database must outlive the drain.
  const place = ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', socketFolder]
  const server = spawn(programs.postgres, [...place, ...options], {
    ...identity,
    cwd: data,
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let ended: string | undefined
  server.once('error', ({ message }) => {
    ended = message
  })
  server.once('exit', (code) => {
    ended ??= `exit code ${code}`
  })
  server.unref()
  for (const deadline = Date.now() + READY_WITHIN_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    if (ended !== undefined) return { kind: 'failed', log: `${readFileSync(logFile, 'utf8')}${ended}` }
    const seen = readPidFile(data)
    if (seen && seen.pid === server.pid && seen.status === 'ready') return { kind: 'ready', server: seen }
  }
  server.kill('SIGQUIT')
  return { kind: 'failed', log: `${readFileSync(logFile, 'utf8')}not ready after ${READY_WITHIN_MS / 1000} s` }
}

/** The server that runs on this cluster already: waits until it is ready, or gone if it was stopping. */
async function leftOver(data: string): Promise<Server | undefined> {
  for (const deadline = Date.now() + READY_WITHIN_MS; Date.now() < deadline; await sleep(POLL_MS)) {
    const seen = readPidFile(data)
    if (!seen || !isServerOf(seen.pid, data)) return undefined
    if (seen.status === 'ready') return seen
  }
  throw new Error(`PostgreSQL is running on ${data} but doesn't get ready: see ${data}.log`)
}

/** `postmaster.pid`: pid, folder, start, port, socket folder, address, shared memory, status. Source: PostgreSQL 18, utils/pidfile.h. */
function readPidFile(data: string): (Server & { readonly status: string }) | undefined {
  const path = join(data, 'postmaster.pid')
  if (!existsSync(path)) return undefined
  const lines = readFileSync(path, 'utf8').split('\n')
  const [pid, port] = [Number(lines[0]), Number(lines[3])]
  return pid > 0 ? { pid, port, socketFolder: lines[4]?.trim() ?? '', status: lines[7]?.trim() ?? '' } : undefined
}

/** After a reboot the number in the pid file may be anyone's: a server of this cluster has its folder among its arguments. */
function isServerOf(pid: number, data: string): boolean {
  if (existsSync('/proc/self/cmdline')) {
    const path = `/proc/${pid}/cmdline`
    return existsSync(path) && readFileSync(path, 'utf8').split('\0').includes(data)
  }
  return spawnSync('ps', ['-p', String(pid), '-o', 'command='], { encoding: 'utf8' }).stdout.includes(data)
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

async function gone(pid: number, withinMs: number): Promise<boolean> {
  for (const deadline = Date.now() + withinMs; Date.now() < deadline; await sleep(POLL_MS)) {
    if (!signal(pid, 0)) return true
  }
  return false
}
