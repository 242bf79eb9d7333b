import { expireHolds } from '../db/ledger-holds.ts'
import { verify } from '../db/ledger-reads.ts'
import { advanceWatermark, makePartitions, sealAll } from '../db/ledger-upkeep.ts'
import { operatorIds } from '../db/operators.ts'
import type { Deps } from '../flows/deps.ts'

type LedgerDeps = Pick<Deps, 'db' | 'log' | 'metrics'>

/** Holds given back at a time: short enough not to be in anybody's way. */
const HOLDS_PER_ROUND = 500

/** What the ledger needs regularly: partitions for the months to come, holds given back when their time is over, and seals. */
export async function keepLedger({ db, log }: LedgerDeps): Promise<void> {
  const made = await db.global(makePartitions)
  if (made > 0) log.info('ledger_partitions_made', { count: made })
  await db.global(advanceWatermark)
  for (const operatorId of await db.global(operatorIds)) {
    let expired: number
    do {
      expired = await db.tx(operatorId, (tx) => expireHolds(tx, operatorId, HOLDS_PER_ROUND))
    } while (expired === HOLDS_PER_ROUND)
    await sealAll(db, operatorId)
  }
}

/** Verifies every operator's books. `paycage_ledger_imbalance` is the number of differences over all: anything but 0 must wake somebody. */
export async function checkLedger({ db, log, metrics }: LedgerDeps): Promise<void> {
  let differences = 0
  for (const operatorId of await db.global(operatorIds)) {
    const { problems } = await db.tx(operatorId, (tx) => verify(tx, operatorId))
    differences += problems.length
    for (const { problem } of problems) log.error('ledger_imbalance', { operator_id: operatorId, reason: problem })
  }
  metrics.gauge('paycage_ledger_imbalance', differences)
}
