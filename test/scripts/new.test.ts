import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
let house = ''

/** A copy of the house to build in: what is made in it can't be found by any other test. */
beforeAll(() => {
  house = mkdtempSync(join(tmpdir(), 'paycage-new-'))
  for (const part of ['src', 'test', 'scripts', 'drizzle', 'package.json', 'tsconfig.json', 'biome.json']) {
    cpSync(join(ROOT, part), join(house, part), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(house, 'node_modules'))
  // Without the database that the other tests share.
  writeFileSync(join(house, 'vitest.config.ts'), 'export default {}\n')
  execFileSync(process.execPath, ['scripts/new.ts', 'adapter', 'nord_pay'], { cwd: house })
})
afterAll(() => rmSync(house, { recursive: true, force: true }))

const run = (bin: string, ...args: string[]) =>
  spawnSync(process.execPath, [join(ROOT, 'node_modules', bin), ...args], { cwd: house, encoding: 'utf8' })

const MADE = [
  ...['index', 'wire', 'map', 'webhook'].map((file) => `src/adapters/nord_pay/${file}.ts`),
  'test/contract/nord_pay.test.ts',
]

it('makes four files, a contract test and a page', () => {
  for (const path of [...MADE, 'docs/processors/nord_pay.md']) {
    expect(readFileSync(join(house, path), 'utf8')).not.toMatch(/__[A-Z]+__/)
  }
})

it('makes nothing that the types refuse', () => {
  const tsc = run('typescript/bin/tsc')
  expect(tsc.stdout + tsc.stderr).toBe('')
}, 120_000)

it('makes nothing that the linter refuses', () => {
  const biome = run('@biomejs/biome/bin/biome', 'check', '--vcs-enabled=false', ...MADE)
  expect(biome.status, biome.stdout + biome.stderr).toBe(0)
}, 60_000)

it('fails the contract suite until it is filled in, and says what is missing', () => {
  const suite = run(
    'vitest/vitest.mjs',
    'run',
    'test/contract/nord_pay.test.ts',
    '--maxWorkers',
    '1',
    '--reporter',
    'json',
    '--outputFile',
    'report.json',
  )
  const report = readFileSync(join(house, 'report.json'), 'utf8')
  const { numFailedTests, numPassedTests } = JSON.parse(report)
  expect(suite.status).not.toBe(0)
  expect(numFailedTests).toBeGreaterThan(5)
  expect(numPassedTests).toBeGreaterThan(5)
  for (const missing of ['charge: approved', 'charge: declined', 'find: not_found']) {
    expect(report).toContain(`fixtures lack \\"${missing}\\"`)
  }
}, 120_000)

it('overwrites nothing, and takes no name that is none', () => {
  const again = spawnSync(process.execPath, ['scripts/new.ts', 'adapter', 'nord_pay'], { cwd: house, encoding: 'utf8' })
  expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('not overwritten')])
  const wrong = spawnSync(process.execPath, ['scripts/new.ts', 'adapter', '../evil'], { cwd: house, encoding: 'utf8' })
  expect(wrong.status).toBe(2)
})
