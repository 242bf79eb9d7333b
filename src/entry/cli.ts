#!/usr/bin/env node
import { Command } from 'commander'
import { VERSION } from './build.ts'
import { auditCommand } from './cli/audit.ts'
import { configCommand } from './cli/config.ts'
import { ledgerCommand } from './cli/ledger.ts'
import { migrateCommand } from './cli/migrate.ts'
import { rulesCommand } from './cli/rules.ts'

/** `paycage <noun> [verb]`: each noun is a file in `cli/`. Exit codes: 0 done, 1 not so, 2 can't be asked. */
const COMMANDS = [auditCommand, configCommand, ledgerCommand, migrateCommand, rulesCommand]

const program = new Command('paycage')
  .description('Paycage, the payment gateway for iGaming operators')
  .version(VERSION)
for (const command of COMMANDS) program.addCommand(command)
await program.parseAsync()
