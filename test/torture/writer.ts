import { randomBytes } from 'node:crypto'
import { openSync, writeSync } from 'node:fs'
import { uuidText, uuidV7 } from '../../src/core/ids.ts'
import { depositSettled } from '../../src/core/ledger/deposits.ts'
import { betPlaced, winPaid } from '../../src/core/ledger/games.ts'
import { openDb } from '../../src/db/client.ts'
import { combiner } from '../../src/db/combiner.ts'
import { postIn } from '../../src/db/ledger.ts'

/**
 * A gateway that does nothing but post, until it is killed: bets and wins through the combiner, deposits in transactions
 * of several statements. What was acknowledged is written to a file before anything else is done, as a client would
 * remember it. Arguments: the database's URL, the operator, the file.
 */
const [url = '', operator = '', file = ''] = process.argv.slice(2)
const CALLERS = 48
const TRANSACTIONS = 8
const PLAYERS = 50
const acknowledged = openSync(file, 'a')
const newUuid = () => uuidText(uuidV7(Date.now(), randomBytes(10)))
const db = openDb({ url, max: 12, role: 'paycage_app' })
const { post } = combiner(db, { newUuid })
const anyPlayer = () => `p${Math.floor(Math.random() * PLAYERS)}`
const some = (most: number) => ({ asset: 'EUR', minor: BigInt(1 + Math.floor(Math.random() * most)) })
const pause = () => new Promise((resolve) => setTimeout(resolve, 20))

async function play(): Promise<void> {
  const reference = newUuid()
  const player = anyPlayer()
  const posting =
    Math.random() < 0.6
      ? betPlaced({ reference, player, cash: some(300) })
      : winPaid({ reference, player, amount: some(400) })
  const result = await post(operator, posting)
  // an overdraft is an answer too; `exists` is an answer that was lost and found
  if (result === 'posted' || result === 'exists') acknowledge(result, posting.key)
}

async function deposit(): Promise<void> {
  const player = anyPlayer()
  const amount = some(1000)
  const fact = { deposit: newUuid(), player, connection: 'con_1', amount, processorFee: some(9) }
  const posting = depositSettled(fact)
  const result = await db.tx(operator, async (tx) => {
    await tx`insert into torture_row (operator_id, key) values (${operator}, ${posting.key})`
    const posted = await postIn(tx, operator, posting, { newUuid })
    await tx`update torture_row set posted = true where operator_id = ${operator} and key = ${posting.key}`
    return posted
  })
  acknowledge(result, posting.key)
}

function acknowledge(result: string, key: string): void {
  writeSync(acknowledged, `${result} ${key}\n`)
}

const forever = async (work: () => Promise<void>) => {
  // errors are what this is about: whoever gets one knows nothing, and says nothing
  for (;;) await work().catch(pause)
}
await Promise.all([
  ...Array.from({ length: CALLERS }, () => forever(play)),
  ...Array.from({ length: TRANSACTIONS }, () => forever(deposit)),
])
