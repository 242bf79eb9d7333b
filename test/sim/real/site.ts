import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { FaultProxy } from '../../support/fault-proxy.ts'
import type { Sandbox } from '../../support/sandbox.ts'
import type { Ground } from '../ground.ts'
import type { Field } from '../run.ts'
import type { Aim } from './aim.ts'

/** Everything that runs in a world of real processes. */
export type Site = {
  readonly field: Field
  readonly ground: Ground
  readonly sandboxes: readonly Sandbox[]
  /** The ways to the processors, and the gateways' common door. */
  readonly proxies: readonly FaultProxy[]
  readonly gateways: readonly Gateway[]
  readonly operatorId: string
  /** What all gateways write, one after the other. */
  readonly logFile: string
  readonly url: string
}

/** A gateway's place: `child` serves, empty while none does; `spare` is loaded and takes its place. `line` leads to the database. */
export type Gateway = {
  readonly port: number
  readonly aim: Aim
  readonly line: FaultProxy
  child: ChildProcess | undefined
  spare: ChildProcess | undefined
}

const PROGRAM = fileURLToPath(new URL('gateway.ts', import.meta.url))

/** Loads a gateway process, which waits for its turn. */
function load({ ground, url, logFile }: Site, { port, line }: Gateway): ChildProcess {
  const database = new URL(ground.url)
  database.port = String(line.port)
  const log = openSync(logFile, 'a')
  const child = fork(PROGRAM, [], {
    stdio: ['ignore', log, log, 'ipc'],
    env: { ...process.env, SIM_DATABASE_URL: database.href, SIM_PORT: String(port), SIM_PUBLIC_URL: url },
  })
  closeSync(log)
  return child
}

/** Puts a gateway in its place and waits until it listens; tries again while the database is away. */
export async function up(site: Site, gateway: Gateway): Promise<void> {
  for (;;) {
    const child = gateway.spare ?? load(site, gateway)
    gateway.spare = undefined
    if (await begins(child)) {
      gateway.child = child
      gateway.spare = load(site, gateway)
      return
    }
  }
}

/** Tells a loaded process to begin. False when it ended instead. */
async function begins(child: ChildProcess): Promise<boolean> {
  const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve()
  const ready = once(child, 'message').then(() => true)
  if (child.connected) child.send('begin')
  return Promise.race([ready, ended.then(() => false)])
}

/** Kills what runs in a gateway's place and waits until it is gone. */
export async function kill(gateway: Gateway): Promise<void> {
  const { child } = gateway
  if (child === undefined) return
  gateway.child = undefined
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
