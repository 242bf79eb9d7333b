import { readdirSync, readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { loadConfig, redactedConfig, SECRET_VARIABLES, VARIABLES } from '../../src/platform/config.ts'
import { envExample } from '../../src/platform/env-example.ts'

const noFiles = (): string => {
  throw new Error('no such file')
}
const KEY_A = Buffer.alloc(32, 1).toString('base64')
const KEY_B = Buffer.alloc(32, 2).toString('base64')
const live = {
  PAYCAGE_ENV: 'live',
  DATABASE_URL: 'postgres://u:canary-password@db.example/paycage?sslmode=verify-full',
  PAYCAGE_MASTER_KEY: KEY_A,
  PAYCAGE_INDEX_KEY: KEY_B,
  PAYCAGE_PUBLIC_URL: 'https://pay.example',
  PAYCAGE_TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.7',
}
const problemsOf = (environment: Record<string, string>, readFile: (path: string) => string = noFiles) => {
  const result = loadConfig(environment, readFile)
  return result.kind === 'invalid' ? result.problems : []
}

it('needs no setting at all in the sandbox', () => {
  const result = loadConfig({}, noFiles)
  expect(result).toMatchObject({
    kind: 'valid',
    config: { PAYCAGE_ENV: 'sandbox', HOST: '127.0.0.1', PORT: 8787, PAYCAGE_DATA_DIR: '.paycage' },
  })
})

it('takes an empty variable as absent', () => {
  expect(loadConfig({ PORT: '', DATABASE_URL: '' }, noFiles)).toMatchObject({ kind: 'valid', config: { PORT: 8787 } })
})

it('lists all faults at once, by name, and echoes no value', () => {
  const problems = problemsOf({
    PORT: '70000',
    PAYCAGE_ENV: 'prod',
    DATABASE_URL: 'mysql://canary',
    PAYCAGE_MASTER_KEY: 'canary',
    PAYCAGE_PROT: '1',
  })
  expect(problems.map((problem) => problem.split(':')[0])).toEqual([
    'PAYCAGE_PROT',
    'PAYCAGE_ENV',
    'PORT',
    'DATABASE_URL',
    'PAYCAGE_MASTER_KEY',
  ])
  expect(problems.join()).not.toContain('canary')
})

it.each(['0x50', '80.0', '-1', ' 80', '8e3', '99999'])('refuses %j as a port', (PORT) => {
  expect(problemsOf({ PORT })).toHaveLength(1)
})

it('is content with a whole live configuration', () => {
  expect(problemsOf(live)).toEqual([])
})

it.each([
  ['DATABASE_URL', 'embedded storage'],
  ['PAYCAGE_MASTER_KEY', 'a generated key'],
  ['PAYCAGE_INDEX_KEY', 'a generated key'],
  ['PAYCAGE_PUBLIC_URL', 'no https address'],
  ['PAYCAGE_TRUSTED_PROXIES', 'plain HTTP without a named terminator'],
] as const)('refuses to go live without %s: %s', (name, _why) => {
  const { [name]: _, ...rest } = live
  expect(problemsOf(rest).map((problem) => problem.split(':')[0])).toEqual([name])
})

it('refuses to go live behind a plain public URL, or with one key for two uses', () => {
  expect(problemsOf({ ...live, PAYCAGE_PUBLIC_URL: 'http://pay.example' })).toHaveLength(1)
  expect(problemsOf({ ...live, PAYCAGE_INDEX_KEY: KEY_A })).toHaveLength(1)
})

it('refuses to go live with a database on another machine whose certificate it would not check', () => {
  expect(problemsOf({ ...live, DATABASE_URL: 'postgres://u:p@db.example/x?sslmode=require' })).toHaveLength(1)
  expect(problemsOf({ ...live, PAYCAGE_DATABASE_OWNER_URL: 'postgres://u:p@db.example/x' })).toHaveLength(1)
  expect(problemsOf({ ...live, DATABASE_URL: 'postgres://u:p@127.0.0.1/x' })).toEqual([])
})

it('goes live with its own certificate instead of a terminator, and wants its key with it', () => {
  const { PAYCAGE_TRUSTED_PROXIES: _, ...rest } = live
  expect(problemsOf({ ...rest, PAYCAGE_TLS_CERT_FILE: 'c.pem', PAYCAGE_TLS_KEY_FILE: 'k.pem' })).toEqual([])
  expect(problemsOf({ ...rest, PAYCAGE_TLS_CERT_FILE: 'c.pem' })).toHaveLength(1)
})

it('reads every secret from a file too, but not from both places', () => {
  const files = (path: string) => (path === '/run/key' ? `${KEY_A}\n` : noFiles())
  const result = loadConfig({ PAYCAGE_MASTER_KEY_FILE: '/run/key' }, files)
  expect(result.kind === 'valid' && result.config.PAYCAGE_MASTER_KEY?.reveal()).toBe(KEY_A)
  expect(problemsOf({ PAYCAGE_MASTER_KEY_FILE: '/run/key', PAYCAGE_MASTER_KEY: KEY_A }, files)).toHaveLength(1)
  expect(problemsOf({ PAYCAGE_MASTER_KEY_FILE: '/run/none' }, files)).toEqual([
    "PAYCAGE_MASTER_KEY_FILE: can't be read",
  ])
})

it('shows no secret in any printed form', () => {
  const result = loadConfig({ ...live, PAYCAGE_PREVIOUS_MASTER_KEYS: KEY_B }, noFiles)
  if (result.kind !== 'valid') throw new Error(result.problems.join())
  const { config } = result
  const printed = [
    inspect(config, { depth: 9, showHidden: true }),
    JSON.stringify(config),
    String(config.DATABASE_URL),
    JSON.stringify(redactedConfig(config)),
  ].join()
  for (const value of ['canary-password', KEY_A, KEY_B]) expect(printed).not.toContain(value)
  expect(redactedConfig(config)).toMatchObject({ DATABASE_URL: '[redacted]', PORT: 8787 })
})

it('wraps every secret: no variable that sounds like one is a bare text', () => {
  const sounding = Object.keys(VARIABLES).filter((name) => /KEYS?$|TOKEN$|DATABASE.*URL$|PASSWORD/.test(name))
  expect(sounding.sort()).toEqual([...SECRET_VARIABLES].sort())
})

it('has its .env.example made from the table', () => {
  expect(readFileSync(new URL('../../.env.example', import.meta.url), 'utf8')).toBe(envExample())
})

it('has no setting that nothing uses', () => {
  const src = new URL('../../src/', import.meta.url)
  const sources = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && file !== 'platform/config.ts')
    .map((file) => readFileSync(new URL(file, src), 'utf8'))
    .join()
  expect(Object.keys(VARIABLES).filter((name) => !sources.includes(name))).toEqual([])
})
