import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where the tests' JSON result goes, for `.ci/run`. */
const { TEST_RESULTS: results } = process.env

const run = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'inherit' }).status === 0

/** The migrations must be what the schema says: generating again, on a copy, may add nothing. */
function migrationsAreCurrent(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'paycage-drift-'))
  cpSync('drizzle', folder, { recursive: true })
  const before = readdirSync(folder).join()
  const schema = ['--dialect', 'postgresql', '--schema', './src/db/schema/*.ts', '--casing', 'snake_case']
  const ran = run('drizzle-kit', 'generate', ...schema, '--out', folder)
  const after = readdirSync(folder).join()
  rmSync(folder, { recursive: true })
  if (ran && before !== after) console.error('The schema has changed: run npm run db:generate.')
  return ran && before === after
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
