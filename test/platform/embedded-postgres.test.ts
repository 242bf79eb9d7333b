import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openDb } from '../../src/db/client.ts'
import { migrate } from '../../src/db/migrate.ts'
import { freePort, startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts'

// Each test makes a cluster and syncs it to the disk, which takes its time on a machine that does other things too.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const asRoot = process.getuid?.() === 0

function folder(mode = 0o755): string {
  const dir = mkdtempSync(join(tmpdir(), 'paycage-pg-'))
  chmodSync(dir, mode)
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

async function started(dir: string, options: { port?: number } = {}) {
  const server = await startEmbeddedPostgres(dir, options)
  onTestFinished(() => server.stop())
  return server
}

async function ask(url: string, statement: string) {
  const sql = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} })
  try {
    return [...(await sql.unsafe(statement))]
  } finally {
    await sql.end()
  }
}

it('keeps its data through a stop and a start, with fsync on', async () => {
  const dir = join(folder(), 'pg')
  const first = await started(dir)
  expect(await ask(first.url, 'show fsync')).toEqual([{ fsync: 'on' }])
  await ask(first.url, 'create table kept as select 1 as n')
  await first.stop()
  const second = await started(dir)
  expect(second.adopted).toBe(false)
  expect(await ask(second.url, 'select n from kept')).toEqual([{ n: 1 }])
})

it('is reached through its socket too, unless the way there is too long', async () => {
  const server = await started(join(folder(), 'pg'))
  await migrate(server.socketUrl)
  const db = openDb({ url: server.socketUrl })
  onTestFinished(() => db.close())
  const [row] = await db.alone((sql) => sql<{ from: string | null }[]>`select inet_client_addr()::text as from`)
  expect(row).toEqual({ from: null })
  const deep = await started(join(folder(), 'x'.repeat(100), 'pg'))
  expect(deep.socketUrl).toBe(deep.url)
})

it('adopts the server that a killed gateway left, and can stop it', async () => {
  const dir = join(folder(), 'pg')
  const program = `import { startEmbeddedPostgres } from './src/platform/embedded-postgres.ts'
    const server = await startEmbeddedPostgres(process.argv[1]); console.log(server.pid); setInterval(() => {}, 1000)`
  const gateway = spawn(process.execPath, ['--input-type=module', '-e', program, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = await new Promise<number>((said) => gateway.stdout.once('data', (line) => said(Number(line))))
  gateway.kill('SIGKILL')
  const server = await started(dir)
  expect(server).toMatchObject({ adopted: true, pid })
  expect(await ask(server.url, 'select 1 as n')).toEqual([{ n: 1 }])
  await server.stop()
  expect(() => process.kill(pid, 0)).toThrow()
})

it('recovers when the server itself was killed', async () => {
  const dir = join(folder(), 'pg')
  const first = await started(dir)
  await ask(first.url, 'create table kept as select 1 as n')
  process.kill(first.pid, 'SIGKILL')
  await expect.poll(() => spawnSync('kill', ['-0', String(first.pid)]).status, { timeout: 10_000 }).not.toBe(0)
  const second = await started(dir)
  expect(second.adopted).toBe(false)
  expect(await ask(second.url, 'select n from kept')).toEqual([{ n: 1 }])
})

it('starts although the pid file names a living process that is not the server', async () => {
  const dir = join(folder(), 'pg')
  const first = await started(dir)
  const pidFile = join(dir, 'postmaster.pid')
  const content = readFileSync(pidFile, 'utf8')
  await first.stop()
  writeFileSync(pidFile, content.replace(/^\d+/, String(process.pid)))
  expect((await started(dir)).adopted).toBe(false)
})

it('makes the cluster anew when an earlier start was killed in the middle of making it', async () => {
  const parent = folder()
  mkdirSync(join(parent, 'pg.new'))
  writeFileSync(join(parent, 'pg.new', 'PG_VERSION'), '18\n')
  const server = await started(join(parent, 'pg'))
  expect(await ask(server.url, 'select 1 as n')).toEqual([{ n: 1 }])
})

it('lets nobody in without the password, which only the owner can read', async () => {
  const dir = join(folder(), 'pg')
  const server = await started(dir)
  await expect(ask(server.url.replace(/:[^:@]*@/, '@'), 'select 1')).rejects.toThrow()
  await expect(ask(server.url.replace(/:[^:@]*@/, ':wrong@'), 'select 1')).rejects.toThrow('password')
  expect(statSync(`${dir}.json`).mode & 0o777).toBe(0o600)
})

it('says which port is busy', async () => {
  const port = await freePort()
  const holder = createServer().listen(port, '127.0.0.1')
  onTestFinished(() => void holder.close())
  await expect(started(join(folder(), 'pg'), { port })).rejects.toThrow(`port ${port} is busy`)
})

it.runIf(asRoot)(
  'moves to the temporary directory when the other uid may not enter the folder, and finds it again',
  async () => {
    const dir = join(folder(0o700), 'pg')
    const first = await started(dir)
    const note = JSON.parse(readFileSync(`${dir}.json`, 'utf8'))
    onTestFinished(() => rmSync(join(tmpdir(), note.folder), { recursive: true, force: true }))
    expect(first.movedBecause).toContain('may not enter')
    await ask(first.url, 'create table kept as select 1 as n')
    await first.stop()
    const second = await started(dir)
    expect(await ask(second.url, 'select n from kept')).toEqual([{ n: 1 }])
  },
)

it.skipIf(asRoot)('says which folder it can not write to', async () => {
  const parent = folder(0o500)
  await expect(startEmbeddedPostgres(join(parent, 'x', 'pg'))).rejects.toThrow("can't write to")
})
