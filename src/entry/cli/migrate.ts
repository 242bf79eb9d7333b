import { Command } from 'commander'
import { migrate, pendingMigrationsOf } from '../../db/migrate.ts'
import { configOrExit } from '../environment.ts'

/** `paycage migrate [--check]`: brings the database of DATABASE_URL to this release's schema, or says how far it is from it (exit code 1). */
export const migrateCommand = new Command('migrate')
  .description('Bring the database to the schema of this release')
  .option('--check', 'change nothing; exit code 1 when migrations are pending')
  .option('--json', 'as one JSON document')
  .action(async ({ check, json }: { check?: boolean; json?: boolean }) => {
    const config = configOrExit()
    const url = config.DATABASE_URL?.reveal()
    if (url === undefined) {
      console.error('DATABASE_URL is not set; the database of the sandbox is migrated when it starts.')
      process.exit(2)
    }
    const owner = config.PAYCAGE_DATABASE_OWNER_URL?.reveal()
    const pending = await pendingMigrationsOf(owner ?? url)
    if (!check) await migrate(owner ?? url, owner && decodeURIComponent(new URL(url).username))
    const left = check ? pending : 0
    if (json) console.log(JSON.stringify({ pending: left, applied: check ? 0 : pending }))
    else console.log(left > 0 ? `${left} migrations are pending` : 'The schema is that of this release.')
    if (left > 0) process.exitCode = 1
  })
