import { Command } from 'commander'
import { readNoted, verifyAudit } from '../../db/audit.ts'
import { openDb } from '../../db/client.ts'
import { APP_ROLE } from '../../db/migrate.ts'
import { operatorIds } from '../../db/operators.ts'
import { configOrExit } from '../environment.ts'

/** A long chain is read in batches, but each of them may meet a busy database. */
const STATEMENT_TIMEOUT_MS = 60_000

type Options = {
  readonly databaseUrl?: string
  readonly operator?: string
  readonly noted?: string
  readonly json?: boolean
}

function end(message: string): never {
  console.error(message)
  process.exit(2)
}

const verifyCommand = new Command('verify')
  .description('Walk the audit log of DATABASE_URL; exit code 1 when a row was altered, 2 when it can not be read')
  .option('--database-url <url>', 'the database; DATABASE_URL unless given')
  .option('--operator <id>', 'one operator; all of them unless given')
  .option('--noted <row:hash>', 'a row and hash of the one operator that were kept elsewhere: the chain must hold them')
  .option('--json', 'as one JSON document')
  .action(async ({ databaseUrl, operator, noted: text, json }: Options) => {
    const url = databaseUrl ?? configOrExit().DATABASE_URL?.reveal()
    if (url === undefined) return end('DATABASE_URL is not set; ask the sandbox by GET /v1/audit_log/verify.')
    const noted = text === undefined ? undefined : readNoted(text)
    if (text !== undefined && (noted === undefined || operator === undefined))
      return end('--noted is a row and its hash (12:9f86…), of the --operator that is given with it.')
    const db = openDb({ url, role: APP_ROLE, max: 1, statementTimeoutMs: STATEMENT_TIMEOUT_MS })
    const ids = operator === undefined ? await db.global(operatorIds) : [operator]
    const verdicts = []
    for (const id of ids) verdicts.push({ operator_id: id, ...(await db.tx(id, (tx) => verifyAudit(tx, id, noted))) })
    await db.close()
    const sound = verdicts.every(({ broken }) => broken === null)
    if (json) console.log(JSON.stringify({ ok: sound, operators: verdicts }))
    for (const { operator_id: id, rows, head, broken } of json ? [] : verdicts) {
      const said = broken === null ? `${rows} rows, head ${head}` : `BROKEN at row ${broken.sequence} (${broken.why})`
      console.log(`${id}  ${said}`)
    }
    if (!sound) process.exitCode = 1
  })

/** `paycage audit verify`: proves that nobody altered who did what. */
export const auditCommand = new Command('audit').description('The audit log').addCommand(verifyCommand)
