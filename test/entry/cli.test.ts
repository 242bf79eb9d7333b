import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it, vi } from 'vitest'
import { databaseForThisTest } from '../support/database.ts'

// Processes of their own start slowly on a machine that does other things too.
vi.setConfig({ testTimeout: 120_000 })

const CLI = fileURLToPath(new URL('../../src/entry/cli.ts', import.meta.url))

function paycage(args: readonly string[], env: Record<string, string> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', ...env },
  })
  return { status, stdout, stderr }
}

it('shows the settings in effect without their secrets', () => {
  const shown = paycage(['config', '--json'], { DATABASE_URL: 'postgres://u:canary-password@127.0.0.1/x' })
  expect(shown.status).toBe(0)
  expect(JSON.parse(shown.stdout)).toMatchObject({ PORT: 8787, DATABASE_URL: '[redacted]' })
  expect(shown.stdout).not.toContain('canary')
})

it('says what is wrong with the settings and exits with 1', () => {
  const refused = paycage(['config'], { PORT: 'eighty' })
  expect(refused.status).toBe(1)
  expect(refused.stderr).toContain('PORT: ')
})

it('knows a current schema, a missing migration and an empty database, and mends the last', async () => {
  const { url, admin } = await databaseForThisTest()
  expect(paycage(['migrate', '--check'], { DATABASE_URL: url }).status).toBe(0)
  await admin`delete from drizzle.__drizzle_migrations where id = (select max(id) from drizzle.__drizzle_migrations)`
  const behind = paycage(['migrate', '--check', '--json'], { DATABASE_URL: url })
  expect(behind.status).toBe(1)
  expect(JSON.parse(behind.stdout)).toEqual({ pending: 1, applied: 0 })

  const name = `empty_${process.pid}`
  await admin.unsafe(`create database ${name}`)
  try {
    const DATABASE_URL = url.replace(/\/[^/]+$/, `/${name}`)
    expect(paycage(['migrate', '--check'], { DATABASE_URL }).status).toBe(1)
    expect(paycage(['migrate'], { DATABASE_URL }).status).toBe(0)
    expect(paycage(['migrate', '--check'], { DATABASE_URL }).stdout).toContain('that of this release')
  } finally {
    await admin.unsafe(`drop database ${name} with (force)`)
  }
})

it('asks for a database before it speaks of migrations', () => {
  expect(paycage(['migrate']).status).toBe(2)
})
