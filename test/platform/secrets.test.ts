import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { envSecrets } from '../../src/platform/secrets/env.ts'
import { fileSecrets } from '../../src/platform/secrets/file.ts'
import { openSecrets } from '../../src/platform/secrets.ts'

const CANARY = 'canary-8f2e'

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'paycage-secrets-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  mkdirSync(join(dir, 'secrets'))
  return dir
}

function inFolder(name: string, content: string, mode = 0o600) {
  const dir = folder()
  writeFileSync(join(dir, 'secrets', name), content)
  chmodSync(join(dir, 'secrets', name), mode)
  return { dir, secrets: openSecrets({ file: fileSecrets(join(dir, 'secrets')) }, () => 0) }
}

it('reads a JSON object from a variable of the right prefix, whole or by key', async () => {
  const secrets = openSecrets(
    { env: envSecrets({ PAYCAGE_SECRET_X: `{"api_key":"${CANARY}","eu":{"k":1}}` }) },
    () => 0,
  )
  expect(await secrets.get('env:PAYCAGE_SECRET_X')).toEqual({ api_key: CANARY, eu: { k: 1 } })
  expect(await secrets.get('env:PAYCAGE_SECRET_X#eu')).toEqual({ k: 1 })
})

it.each([
  'env:PAYCAGE_MASTER_KEY',
  'env:HOME',
  'env:PAYCAGE_SECRET_NONE',
  'env:PAYCAGE_SECRET_TEXT',
  'env:PAYCAGE_SECRET_LIST',
  'env:PAYCAGE_SECRET_X#none',
  'env:PAYCAGE_SECRET_X#__proto__',
  'vault:x',
  'constructor:x',
  'PAYCAGE_SECRET_X',
  '',
])('refuses the reference %j and shows no value', async (ref) => {
  const environment = {
    HOME: CANARY,
    PAYCAGE_MASTER_KEY: CANARY,
    PAYCAGE_SECRET_TEXT: CANARY,
    PAYCAGE_SECRET_LIST: `["${CANARY}"]`,
    PAYCAGE_SECRET_X: `{"a":"${CANARY}"}`,
  }
  const got = openSecrets({ env: envSecrets(environment) }, () => 0).get(ref)
  await expect(got).rejects.toThrow()
  await expect(got).rejects.not.toThrow(CANARY)
})

it('reads a file of the folder by key', async () => {
  const { secrets } = inFolder('acme.json', `{"con_1":{"api_key":"${CANARY}"}}`)
  expect(await secrets.get('file:acme.json#con_1')).toEqual({ api_key: CANARY })
})

it('refuses a file outside the folder, by path, by absolute path and by link', async () => {
  const { dir, secrets } = inFolder('in.json', '{}')
  writeFileSync(join(dir, 'out.json'), `{"a":"${CANARY}"}`, { mode: 0o600 })
  symlinkSync(join(dir, 'out.json'), join(dir, 'secrets', 'link.json'))
  for (const path of ['../out.json', 'x/../../out.json', 'link.json', join(dir, 'out.json')])
    await expect(secrets.get(`file:${path}`)).rejects.toThrow()
})

it('refuses a file that everyone may read, that is absent, or that is not JSON', async () => {
  const { secrets } = inFolder('open.json', `{"a":"${CANARY}"}`, 0o644)
  await expect(secrets.get('file:open.json')).rejects.toThrow('everyone')
  await expect(secrets.get('file:none.json')).rejects.toThrow("can't be read")
  const broken = inFolder('broken.json', `{"a":"${CANARY}"`)
  await expect(broken.secrets.get('file:broken.json')).rejects.not.toThrow(CANARY)
})

it('keeps a secret for a minute, sees its rotation after, and fails closed an hour after its source went away', async () => {
  let nowMs = 0
  let source: string | undefined = '{"v":1}'
  const environment = {
    get PAYCAGE_SECRET_X() {
      return source
    },
  }
  const secrets = openSecrets({ env: envSecrets(environment) }, () => nowMs)
  const value = async () => (await secrets.get('env:PAYCAGE_SECRET_X')).v
  expect(await value()).toBe(1)
  source = '{"v":2}'
  nowMs = 59_999
  expect(await value()).toBe(1)
  nowMs = 60_000
  expect(await value()).toBe(2)
  source = undefined
  nowMs = 3_659_999
  expect(await value()).toBe(2)
  nowMs = 3_660_000
  await expect(value()).rejects.toThrow('is not set')
})
