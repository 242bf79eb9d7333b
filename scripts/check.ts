import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

/** Where the tests' JSON result goes, for `.ci/run`. */
const { TEST_RESULTS: results } = process.env

const run = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'inherit' }).status === 0

/** The migrations must be what the schema says: generating again, on a copy, must find nothing to do. */
function migrationsAreCurrent(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'paycage-drift-'))
  cpSync('drizzle', folder, { recursive: true })
  const schema = ['--dialect', 'postgresql', '--schema', './src/db/schema/*.ts', '--casing', 'snake_case']
  // It takes a relative folder only, and its exit code is 0 whatever goes wrong: what it says tells.
  const out = ['--out', relative('.', folder), '--name', 'drift']
  const { stdout, stderr } = spawnSync('drizzle-kit', ['generate', ...schema, ...out], { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  const current = stdout.includes('No schema changes')
  if (!current) console.error(`${stdout}${stderr}\nThe schema has changed: run npm run db:generate.`)
  return current
}

const STEPS: Readonly<Record<string, () => boolean>> = {
  lint: () => run('biome', 'check', '.'),
  types: () => run('tsc'),
  'unused code': () => run('knip'),
  migrations: migrationsAreCurrent,
  tests: () =>
    run('vitest', 'run', ...(results ? ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`] : [])),
}

// All steps run, whatever fails: one run shows everything that is to be done.
const failed = Object.entries(STEPS).flatMap(([name, step]) => {
  const startedMs = performance.now()
  console.log(`\n== ${name}`)
  const fine = step()
  console.log(`== ${name}: ${fine ? 'ok' : 'FAILED'} in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
  return fine ? [] : [name]
})
if (failed.length > 0) {
  console.error(`\nFailed: ${failed.join(', ')}`)
  process.exit(1)
}
