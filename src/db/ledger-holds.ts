import { assert } from '../core/errors.ts'
import type { NewUuid } from '../core/ids.ts'
import type { Hold, HoldResult, Resolution } from '../core/ledger/port.ts'
import { plainArray } from './array-literals.ts'
import type { Tx } from './client.ts'
import { accountTable, openingsOf } from './ledger-accounts.ts'

const RESULTS: readonly string[] = ['held', 'exists', 'differs', 'insufficient_funds', 'closed'] satisfies HoldResult[]
const isResult = (word: string): word is HoldResult => RESULTS.includes(word)

/** Reserves amounts in one statement; an answer for each, in their order. */
export async function holdIn(tx: Tx, operatorId: string, holds: readonly Hold[]): Promise<HoldResult[]> {
  const { accounts, debits, credits } = accountTable(holds)
  const { codes, assets, classes, overdrafts, stripes } = openingsOf(accounts)
  const rows = await tx<{ results: string }[]>`select array_to_string(ledger.hold(${operatorId},
    ${codes}::text[], ${assets}::text[], ${classes}::text[], ${overdrafts}::numeric[], ${stripes}::int[],
    ${plainArray(holds.map(({ id }) => id))}::uuid[], ${debits}::int[], ${credits}::int[],
    ${plainArray(holds.map(({ amount }) => amount.minor))}::numeric[],
    ${plainArray(holds.map(({ expiresAt }) => expiresAt?.toISOString() ?? 'null'))}::timestamptz[]), ',') as results`
  return (rows[0]?.results ?? '').split(',').map((word) => {
    assert(isResult(word), 'an answer that the ledger gives')
    return word
  })
}

/** Posts so much of a hold and gives the rest back, once. The posting's key is the hold's: `hold:{id}`. */
export async function resolveIn(
  tx: Tx,
  operatorId: string,
  { hold, minor, kind }: Resolution,
  { newUuid }: { newUuid: NewUuid },
): Promise<'posted' | 'voided'> {
  const [row] = await tx<{ result: string }[]>`
    select ledger.resolve(${operatorId}, ${hold}::uuid, ${String(minor)}::numeric, ${newUuid()}::uuid, ${`hold:${hold}`}, ${kind}) as result`
  return row?.result === 'posted' ? 'posted' : 'voided'
}

/** Gives back holds whose time is over; says how many. Call again while it answers the limit. */
export async function expireHolds(tx: Tx, operatorId: string, limit: number): Promise<number> {
  const [row] = await tx<{ expired: number }[]>`select ledger.expire_holds(${operatorId}, ${limit}) as expired`
  return row?.expired ?? 0
}
