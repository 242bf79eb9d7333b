import { readFileSync } from 'node:fs'
import { type Config, loadConfig } from '../platform/config.ts'

/** The settings of this process. When they don't hold, says everything that is wrong with them and ends with exit code 1. */
export function configOrExit(): Config {
  const result = loadConfig(process.env, (path) => readFileSync(path, 'utf8'))
  if (result.kind === 'valid') return result.config
  console.error(`The settings don't hold:\n${result.problems.map((problem) => `  ${problem}`).join('\n')}`)
  console.error('All settings, with their meaning and defaults, are in .env.example.')
  process.exit(1)
}
