import type { Db, Tx } from './client.ts'
import type { SealMark } from './ledger-reads.ts'

/** Makes the partitions of the coming months; says how many are new. */
export async function makePartitions(tx: Tx): Promise<number> {
  const [row] = await tx<{ made: number }[]>`select ledger.make_partitions() as made`
  return row?.made ?? 0
}

/** Moves the mark up to which transfers can be sealed: what could still appear below it has appeared. */
export async function advanceWatermark(tx: Tx): Promise<void> {
  await tx`select ledger.advance_watermark()`
}

/** Sealing a backlog stops here and goes on at the next run: 100 × 100,000 transfers. */
const MAX_SEALS_PER_RUN = 100

/** Seals what can be sealed of an operator's transfers, each seal in a transaction of its own; says how many transfers. */
export async function sealAll(db: Db, operatorId: string): Promise<bigint> {
  let sealed = 0n
  for (let run = 0; run < MAX_SEALS_PER_RUN; run += 1) {
    const [row] = await db.tx(operatorId, async (tx) => {
      await tx`select set_config('statement_timeout', '2min', true)`
      return tx<{ sealed: bigint | null }[]>`select ledger.seal(${operatorId}) as sealed`
    })
    if (row?.sealed === undefined || row.sealed === null) break
    sealed += row.sealed
  }
  return sealed
}

/** The newest seal, to be kept where the database's owner can't reach it; undefined when nothing is sealed. */
export async function lastSeal(tx: Tx, operatorId: string): Promise<(SealMark & { toPosition: bigint }) | undefined> {
  const [row] = await tx<(SealMark & { toPosition: bigint })[]>`
    select no, encode(hash, 'hex') as hash, to_position from ledger.seal
    where operator_id = ${operatorId} order by no desc limit 1`
  return row
}
