import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startSandbox } from '../support/sandbox.ts'
import { eur, sandboxAccount } from '../support/sandbox-account.ts'

const dataFolder = () => {
  const dir = mkdtempSync(join(tmpdir(), 'paycage-sandbox-crash-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

const SECRETS = {
  apiKey: 'key_for_both_lives_of_it',
  webhookSecrets: ['whsec_for_both_lives_of_it_00'],
} as const

it('killed under load, it still knows everything that it answered, and told no one what it forgot', async () => {
  const dataDir = dataFolder()
  const first = await startSandbox({ id: 'sandbox_a', run: 'process', dataDir, ...SECRETS })
  const account = await sandboxAccount(first, 5_000)
  onTestFinished(() => account.close())
  const kill = setTimeout(() => first.kill(), 150)
  const told: [string, string][] = []
  await Promise.all(
    Array.from({ length: 8 }, async (_, lane) => {
      for (let n = 0; n < 400; n += 1) {
        const attempt = `att_${lane}_${n}`
        const outcome = await account.charge(attempt, n % 2 === 0 ? '10.00' : '10.05')
        told.push([attempt, outcome.kind])
        if (outcome.kind === 'unknown' || outcome.kind === 'not_sent') return
      }
    }),
  )
  clearTimeout(kill)
  await first.kill()
  const second = await startSandbox({ id: 'sandbox_a', run: 'process', dataDir, ...SECRETS })
  onTestFinished(() => second.stop())
  const after = await sandboxAccount(second, 5_000)
  onTestFinished(() => after.close())
  const answered = told.filter(([, kind]) => kind === 'succeeded' || kind === 'declined')
  expect(answered.length).toBeGreaterThan(0)
  for (const [attempt, kind] of answered) expect((await after.find(attempt)).kind).toBe(kind)
  // Nobody was charged for a request that never left, and no attempt twice.
  const truth = await second.truth()
  expect(new Set(truth.map(({ our_ref }) => our_ref)).size).toBe(truth.length)
  for (const [attempt, kind] of told)
    if (kind === 'not_sent') expect(truth.map(({ our_ref }) => our_ref)).not.toContain(attempt)
})

it('frozen while requests came in, it does not charge those who gave up meanwhile', async () => {
  const sandbox = await startSandbox({ id: 'sandbox_a', run: 'process', ...SECRETS })
  onTestFinished(() => sandbox.stop())
  const account = await sandboxAccount(sandbox)
  onTestFinished(() => account.close())
  // Its sockets are open already, so the kernel takes the requests while nobody reads them.
  const before = Array.from({ length: 4 }, (_, n) => account.charge(`att_warm_${n}`, '10.00'))
  await Promise.all(before)
  sandbox.freeze(true)
  const during = Array.from({ length: 8 }, (_, n) => account.charge(`att_frozen_${n}`, '10.00'))
  const kinds = (await Promise.all(during)).map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind !== 'unknown' && kind !== 'not_sent')).toEqual([])
  expect(kinds).toContain('unknown')
  sandbox.freeze(false)
  expect(await account.charge('att_after', '10.00')).toMatchObject({ kind: 'succeeded' })
  for (let n = 0; n < 8; n += 1) expect(await account.find(`att_frozen_${n}`)).toEqual({ kind: 'not_found' })
  expect((await sandbox.truth()).filter(({ our_ref }) => our_ref.includes('frozen'))).toEqual([])
})

it('a key and a pending payment outlive a kill: the same answer again, then the webhook', async () => {
  const dataDir = dataFolder()
  const first = await startSandbox({ id: 'sandbox_a', run: 'process', dataDir, ...SECRETS })
  const account = await sandboxAccount(first)
  onTestFinished(() => account.close())
  const before = await account.charge('att_1', '10.99')
  expect(before).toMatchObject({ kind: 'pending' })
  await first.kill()
  const port = Number(new URL(first.connectionConfig.base_url).port)
  const second = await startSandbox({ id: 'sandbox_a', run: 'process', dataDir, port, ...SECRETS })
  onTestFinished(() => second.stop())
  expect(await account.charge('att_1', '10.99')).toEqual(before)
  await account.heard('att_1')
  expect((await second.truth()).map(({ state }) => state)).toEqual(['pending', 'approved'])
})

it('a line torn by the crash is cut off, and a truth line that was still missing is written', async () => {
  const dataDir = dataFolder()
  const first = await startSandbox({ id: 'sandbox_a', dataDir, ...SECRETS })
  const account = await sandboxAccount(first)
  await account.charge('att_1', '10.00')
  await account.charge('att_2', '20.00')
  await account.close()
  await first.stop()
  const [truthFile, stateFile] = [join(dataDir, 'truth.jsonl'), join(dataDir, 'state.jsonl')]
  const whole = readFileSync(truthFile, 'utf8')
  truncateSync(truthFile, statSync(truthFile).size - 20)
  appendFileSync(stateFile, '{"operation":{"id":"ch_torn')
  const second = await startSandbox({ id: 'sandbox_a', dataDir, ...SECRETS })
  onTestFinished(() => second.stop())
  expect(readFileSync(truthFile, 'utf8')).toBe(whole)
  const after = await sandboxAccount(second)
  onTestFinished(() => after.close())
  expect(await after.find('att_2')).toMatchObject({ kind: 'succeeded', amount: eur('20.00') })
  expect(await after.charge('att_3', '30.00')).toMatchObject({ kind: 'succeeded' })
})

it('a second one on the same folder is refused while the first lives, and takes over when it was killed', async () => {
  const dataDir = dataFolder()
  const first = await startSandbox({ id: 'sandbox_a', run: 'process', dataDir, ...SECRETS })
  await expect(startSandbox({ id: 'sandbox_a', dataDir, ...SECRETS })).rejects.toThrow('in use')
  await first.kill()
  const second = await startSandbox({ id: 'sandbox_a', dataDir, ...SECRETS })
  await second.stop()
})

it('it does not start without its secrets, and names all that is missing', async () => {
  const { spawnSync } = await import('node:child_process')
  const run = spawnSync(process.execPath, ['src/sandbox/main.ts', '--id', 'Wrong Id', '--port', '70000'], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  })
  expect(run.status).toBe(2)
  for (const name of ['--id', '--data', '--port', '--key', '--webhook-secret', '--admin-key'])
    expect(run.stderr).toContain(name)
})
