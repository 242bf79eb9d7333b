import { Command, InvalidArgumentError } from 'commander'
import { formatAmount } from '../../core/money.ts'
import { type Db, openDb } from '../../db/client.ts'
import { accounts, entries, type SealMark, trialBalance, verify } from '../../db/ledger-reads.ts'
import { advanceWatermark, lastSeal, sealAll } from '../../db/ledger-upkeep.ts'
import { operatorIds } from '../../db/operators.ts'
import { configOrExit } from '../environment.ts'

/** Exit codes: 0 all is well, 1 the books are not whole (or there is no such account), 2 the command itself failed. */
const BROKEN = 1
const FAILED = 2
/** A verification of tens of millions of transfers takes minutes. */
const STATEMENT_TIMEOUT_MS = 3_600_000
const VERIFY_TIMEOUT = '1h'
/** Lines of one statement: a page for a person; what is longer is asked for by shorter spans. */
const STATEMENT_LIMIT = 10_000

type Options = { readonly databaseUrl?: string; readonly operator?: string; readonly json?: boolean }

/** `paycage ledger verify|seal|trial-balance|statement`: the books, straight from the database. */
export const ledgerCommand = new Command('ledger').description('Verify, seal and read the books')

const subcommand = (name: string, description: string) =>
  ledgerCommand
    .command(name)
    .description(description)
    // wrong usage is 2, as 1 is an answer here
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : FAILED))
    .option('--database-url <url>', 'the database; DATABASE_URL when not given')
    .option('--operator <id>', 'one operator; all when not given')
    .option('--json', 'as one JSON document')

subcommand('verify', 'Check that the books are whole: exit code 0, or 1 with what is wrong')
  .option('--published <no:hash>', 'a seal that was kept elsewhere, of the one operator', readSeal)
  .action((options: Options & { published?: SealMark }) =>
    overOperators(options, async (db, operatorId) => {
      const { published } = options
      const found = await db.tx(operatorId, (tx) =>
        verify(tx, operatorId, { timeout: VERIFY_TIMEOUT, ...(published && { published }) }),
      )
      const { journals, transfers, seals, problems } = found
      return {
        ok: problems.length === 0,
        json: { operator: operatorId, journals, transfers, seals, problems },
        lines: [
          `${operatorId}  ${problems.length === 0 ? 'whole' : 'BROKEN'}  ${journals} journals, ${transfers} transfers, ${seals} seals`,
          ...problems.map(({ problem, reference }) => `  ${problem}: ${reference}`),
        ],
      }
    }),
  )

subcommand('seal', 'Seal what can be sealed and print the newest seal, to be kept outside this database').action(
  (options: Options) =>
    overOperators(options, async (db, operatorId) => {
      await db.global(advanceWatermark)
      const sealed = await sealAll(db, operatorId)
      const seal = await db.tx(operatorId, (tx) => lastSeal(tx, operatorId))
      return {
        ok: true,
        json: { operator: operatorId, sealed, seal: seal ?? null },
        lines: [`${operatorId}  ${sealed} sealed  ${seal ? `${seal.no}:${seal.hash}` : 'no seal yet'}`],
      }
    }),
)

subcommand('trial-balance', 'Sums of all accounts by sort; debits equal credits')
  .option('--at <time>', 'as of a time (ISO 8601)', readTime)
  .action((options: Options & { at?: Date }) =>
    overOperators(options, async (db, operatorId) => {
      const rows = await db.tx(operatorId, (tx) => trialBalance(tx, operatorId, options.at))
      const sums = new Map<string, bigint>()
      for (const { asset, debit, credit } of rows) sums.set(asset, (sums.get(asset) ?? 0n) + debit - credit)
      const show = (asset: string, minor: bigint) => formatAmount({ asset, minor }).padStart(24)
      return {
        ok: [...sums.values()].every((sum) => sum === 0n),
        json: { operator: operatorId, at: options.at ?? null, rows },
        lines: [
          operatorId,
          ...rows.map(
            ({ asset, account, debit, credit }) =>
              `  ${account.padEnd(28)} ${asset.padEnd(14)}${show(asset, debit)}${show(asset, credit)}`,
          ),
        ],
      }
    }),
  )

subcommand('statement', 'Entries of one account, newest first')
  .requiredOption('--account <code>', 'such as player:p1:cash')
  .requiredOption('--asset <code>', 'such as EUR')
  .option('--from <time>', 'from this time on (ISO 8601)', readTime)
  .option('--to <time>', 'before this time (ISO 8601)', readTime)
  .action((options: Options & { account: string; asset: string; from?: Date; to?: Date }) =>
    overOperators(options, async (db, operatorId) => {
      const { account: code, asset, from, to } = options
      return db.tx(operatorId, async (tx) => {
        const [account] = await accounts(tx, operatorId, { limit: 1, code, asset })
        if (!account)
          return { ok: false, json: { operator: operatorId, account: null }, lines: [`${operatorId}  no such account`] }
        const span = { ...(from && { from }), ...(to && { to }) }
        const rows = await entries(tx, operatorId, account.id, { limit: STATEMENT_LIMIT, ...span })
        const show = (minor: bigint) => formatAmount({ asset, minor }).padStart(20)
        return {
          ok: true,
          json: { operator: operatorId, account, entries: rows },
          lines: [
            `${operatorId}  ${code}  ${asset}  balance ${show(account.posted).trim()}`,
            ...rows.map(
              ({ createdAt, debit, amount, after, kind, other }) =>
                `  ${createdAt.toISOString()}  ${debit ? 'debit ' : 'credit'}${show(amount)}${after === null ? ' '.repeat(20) : show(after)}  ${kind}  ${other}`,
            ),
          ],
        }
      })
    }),
  )

type Report = { readonly ok: boolean; readonly json: unknown; readonly lines: readonly string[] }

/** Runs a report for one operator or for all, prints it, and sets the exit code. */
async function overOperators(
  { databaseUrl = configOrExit().DATABASE_URL?.reveal(), operator, json }: Options,
  report: (db: Db, operatorId: string) => Promise<Report>,
): Promise<void> {
  if (!databaseUrl) return fail('Say which database: --database-url or DATABASE_URL.')
  const db = openDb({
    url: databaseUrl,
    max: 2,
    applicationName: 'paycage-cli',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  })
  try {
    const reports: Report[] = []
    for (const id of operator === undefined ? await db.global(operatorIds) : [operator])
      reports.push(await report(db, id))
    if (json)
      console.log(
        JSON.stringify(
          reports.map((one) => one.json),
          whole,
        ),
      )
    else for (const line of reports.flatMap(({ lines }) => lines)) console.log(line)
    if (reports.some(({ ok }) => !ok)) process.exitCode = BROKEN
  } catch (error) {
    fail(error instanceof Error ? error.message : 'The command failed.')
  } finally {
    await db.close()
  }
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = FAILED
}

/** Whole numbers of any size as decimal strings: JSON's own lose digits. */
const whole = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)

function readTime(text: string): Date {
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) throw new InvalidArgumentError('not a time in ISO 8601')
  return time
}

function readSeal(text: string): SealMark {
  const [, no, hash] = /^(\d{1,18}):([0-9a-f]{64})$/.exec(text) ?? []
  if (no === undefined || hash === undefined)
    throw new InvalidArgumentError('not a seal as `paycage ledger seal` prints it')
  return { no: BigInt(no), hash }
}
