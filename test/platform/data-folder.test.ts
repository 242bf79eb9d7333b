import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { keptFile, lockDataFolder, makeDataFolder, newKey } from '../../src/platform/data-folder.ts'

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'paycage-data-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

it('makes a key once, for its owner only', () => {
  const path = join(folder(), 'master.key')
  const key = keptFile(path, newKey)
  expect(Buffer.from(key, 'base64')).toHaveLength(32)
  expect(keptFile(path, newKey)).toBe(key)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

it('gives a folder to one taker at a time, by whatever name', async () => {
  const dir = folder()
  symlinkSync(dir, `${dir}-link`)
  onTestFinished(() => rmSync(`${dir}-link`))
  const lock = await lockDataFolder(dir)
  expect(lock).toBeDefined()
  expect(await lockDataFolder(`${dir}-link`)).toBeUndefined()
  await lock?.release()
  const again = await lockDataFolder(dir)
  expect(again).toBeDefined()
  await again?.release()
})

it('is free again as soon as the process that took it was killed', async () => {
  const dir = folder()
  const program = `import { lockDataFolder } from './src/platform/data-folder.ts'
    console.log(Boolean(await lockDataFolder(process.argv[1]))); setInterval(() => {}, 1000)`
  const taker = spawn(process.execPath, ['--input-type=module', '-e', program, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((said) => taker.stdout.once('data', said))
  expect(await lockDataFolder(dir)).toBeUndefined()
  const ended = new Promise((done) => taker.once('exit', done))
  taker.kill('SIGKILL')
  await ended
  const lock = await lockDataFolder(dir)
  expect(lock).toBeDefined()
  await lock?.release()
})

it('says when the folder can not be made', () => {
  expect(() => makeDataFolder('/dev/null/paycage')).toThrow('PAYCAGE_DATA_DIR')
})
