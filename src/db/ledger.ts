import { Fault } from '../core/errors.ts'
import type { NewUuid } from '../core/ids.ts'
import { bonus, cash, held } from '../core/ledger/chart.ts'
import type { PostResult } from '../core/ledger/port.ts'
import type { AccountCode, Posting } from '../core/ledger/posting.ts'
import type { Tx } from './client.ts'
import { postAll } from './ledger-statements.ts'

/** What came of a posting that stands: now, or already before. */
export type Posted = 'posted' | 'exists'

/** What an account has. `available` leaves out what holds have reserved. */
export type Balance = {
  readonly code: AccountCode
  readonly asset: string
  readonly posted: bigint
  readonly available: bigint
}

/** A player's money in one asset. Only cash can be withdrawn. */
export type Wallet = { readonly asset: string; readonly cash: bigint; readonly bonus: bigint; readonly held: bigint }

/**
 * Posts inside the caller's transaction, in one statement; opens the accounts that don't exist yet as the chart says.
 * The key is unique per operator for ever: again with the same transfers answers `exists`. Throws `conflict` for the
 * same key with other transfers, `rolled_back` for a key that a rollback has taken, `insufficient_funds` when an account
 * would pass its bound, `illegal_state` when one is closed.
 */
export async function postIn(
  tx: Tx,
  operatorId: string,
  posting: Posting,
  { newUuid }: { newUuid: NewUuid },
): Promise<Posted> {
  const [result] = await postAll(tx, operatorId, [posting], newUuid)
  return postedOrFault(result)
}

/** The answer for one journal, or the fault that it stands for. */
export function postedOrFault(result: PostResult | undefined): Posted {
  switch (result) {
    case 'posted':
    case 'exists':
      return result
    case 'insufficient_funds':
      throw new Fault('insufficient_funds', 'The account does not have that much.')
    case 'differs':
      throw new Fault('conflict', 'This was already posted with other amounts or accounts.')
    case 'buried':
      throw new Fault('rolled_back', 'This was rolled back before it came.')
    case 'closed':
      throw new Fault('illegal_state', 'The account is closed.')
    case undefined:
      throw new Error('assertion failed: an answer per posting')
  }
}

/** Balances of accounts by code, in all assets or one. An account that was never posted to is left out: it is zero. */
export async function balances(
  tx: Tx,
  operatorId: string,
  codes: readonly AccountCode[],
  asset?: string,
): Promise<Balance[]> {
  return tx<Balance[]>`select code, asset, posted, available from ledger.account_balance
    where operator_id = ${operatorId} and code in ${tx(codes)} ${asset === undefined ? tx`` : tx`and asset = ${asset}`}
    order by code, asset`
}

/** A player's money, a row per asset that the player ever had. */
export async function playerWallet(tx: Tx, operatorId: string, playerId: string): Promise<Wallet[]> {
  const found = await balances(tx, operatorId, [cash(playerId), bonus(playerId), held(playerId)])
  const of = (code: AccountCode, asset: string) =>
    found.find((balance) => balance.code === code && balance.asset === asset)?.available ?? 0n
  return [...new Set(found.map(({ asset }) => asset))].toSorted().map((asset) => ({
    asset,
    cash: of(cash(playerId), asset),
    bonus: of(bonus(playerId), asset),
    held: of(held(playerId), asset),
  }))
}

/** The posting of a key as it was posted, or null: to undo it exactly. A buried key has none. */
export async function postingByKey(tx: Tx, operatorId: string, key: string): Promise<Posting | null> {
  const rows = await tx<{ kind: string; debit: string; credit: string; asset: string; amount: bigint }[]>`
    select j.kind, d.code as debit, c.code as credit, t.asset, t.amount
    from ledger.journal j
    join ledger.transfer t on t.operator_id = ${operatorId} and t.journal_id = j.id
    join ledger.account d on d.operator_id = ${operatorId} and d.id = t.debit_account
    join ledger.account c on c.operator_id = ${operatorId} and c.id = t.credit_account
    where j.operator_id = ${operatorId} and j.key = ${key} order by t.n`
  const [first] = rows
  if (!first) return null
  const transfers = rows.map(({ debit, credit, asset, amount }) => ({
    debit,
    credit,
    amount: { asset, minor: amount },
  }))
  return { key, kind: first.kind, transfers }
}

/** What stands under a key besides its transfers: the facts that were kept and when it was posted. A buried key has no facts. */
export async function journalByKey(
  tx: Tx,
  operatorId: string,
  key: string,
): Promise<{ readonly facts: Readonly<Record<string, string>> | undefined; readonly at: Date } | undefined> {
  const [row] = await tx<{ facts: Record<string, string> | null; at: Date | null }[]>`
    select j.facts, min(t.created_at) as at
    from ledger.journal j left join ledger.transfer t on t.operator_id = ${operatorId} and t.journal_id = j.id
    where j.operator_id = ${operatorId} and j.key = ${key} group by j.facts`
  return row && { facts: row.facts ?? undefined, at: row.at ?? new Date(0) }
}

/** Takes a key for ever without posting: a rollback that came before its bet. `exists` when something was posted under it: roll that back instead. */
export async function buryIn(
  tx: Tx,
  operatorId: string,
  key: string,
  { newUuid }: { newUuid: NewUuid },
): Promise<'buried' | 'exists'> {
  const [row] = await tx<{ result: string }[]>`select ledger.bury(${operatorId}, ${newUuid()}::uuid, ${key}) as result`
  return row?.result === 'buried' ? 'buried' : 'exists'
}
