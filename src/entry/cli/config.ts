import { Command } from 'commander'
import { redactedConfig } from '../../platform/config.ts'
import { configOrExit } from '../environment.ts'

/** `paycage config`: the settings in effect, secrets redacted. */
export const configCommand = new Command('config')
  .description('Show the settings in effect, secrets redacted')
  .option('--json', 'as one JSON document')
  .action(({ json }: { json?: boolean }) => {
    const settings = redactedConfig(configOrExit())
    if (json) return console.log(JSON.stringify(settings))
    const width = Math.max(...Object.keys(settings).map((name) => name.length))
    for (const [name, value] of Object.entries(settings)) {
      console.log(`${name.padEnd(width)}  ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    }
  })
