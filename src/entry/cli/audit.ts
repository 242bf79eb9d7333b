import { Command } from 'commander'
import { verifyAudit } from '../../db/audit.ts'
import { openDb } from '../../db/client.ts'
import { APP_ROLE } from '../../db/migrate.ts'
import { operatorIds } from '../../db/operators.ts'
import { configOrExit } from '../environment.ts'

/** A long chain is read in batches, but each of them may meet a busy database. */
const STATEMENT_TIMEOUT_MS = 60_000

const verifyCommand = new Command('verify')
  .description('Walk the audit log of DATABASE_URL; exit code 1 when a row was altered, 2 when it can not be read')
  .option('--operator <id>', 'one operator; all of them unless given')
  .option('--json', 'as one JSON document')
  .action(async ({ operator, json }: { operator?: string; json?: boolean }) => {
    const url = configOrExit().DATABASE_URL?.reveal()
    if (url === undefined) {
      console.error('DATABASE_URL is not set; ask the sandbox by GET /v1/audit_log/verify.')
      process.exit(2)
    }
    const db = openDb({ url, role: APP_ROLE, max: 1, statementTimeoutMs: STATEMENT_TIMEOUT_MS })
    const ids = operator === undefined ? await db.global(operatorIds) : [operator]
    const verdicts = []
    for (const id of ids) verdicts.push({ operator_id: id, ...(await db.tx(id, (tx) => verifyAudit(tx, id))) })
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
