import { bonus, cash, GAMING_REVENUE } from '../core/ledger/chart.ts'
import { type LimitMetric, type LimitPeriod, type LimitUse, windowStart } from '../core/limits.ts'
import type { Tx } from './client.ts'
import type { limitReservation, playerLimit } from './schema/players.ts'

/** A limit as stored. */
export type LimitRow = Omit<typeof playerLimit.$inferSelect, 'metric' | 'period'> & {
  metric: LimitMetric
  period: LimitPeriod
}

/** A reservation as stored. */
export type ReservationRow = typeof limitReservation.$inferSelect

/** The limits in force at a time, one per metric, period and asset: the newest that has begun. Lifted ones (no amount) are left out. */
export async function limitsInForce(tx: Tx, operatorId: string, playerId: string, at: Date): Promise<LimitRow[]> {
  const rows = await tx<LimitRow[]>`
    select distinct on (metric, period, asset) * from player_limit
    where operator_id = ${operatorId} and player_id = ${playerId} and effective_at <= ${at} and cancelled_at is null
    order by metric, period, asset, effective_at desc, id desc`
  return rows.filter(({ amount }) => amount !== null)
}

/** All limits of a player that count now or will, oldest first. */
export async function listLimits(tx: Tx, operatorId: string, playerId: string, at: Date): Promise<LimitRow[]> {
  const pending = await tx<LimitRow[]>`
    select * from player_limit
    where operator_id = ${operatorId} and player_id = ${playerId} and effective_at > ${at} and cancelled_at is null`
  return [...(await limitsInForce(tx, operatorId, playerId, at)), ...pending]
}

/** Appends a limit; a pending looser one of the same kind is cancelled by it. */
export async function insertLimit(
  tx: Tx,
  operatorId: string,
  row: Pick<LimitRow, 'id' | 'playerId' | 'metric' | 'period' | 'asset' | 'amount' | 'effectiveAt' | 'setBy'>,
  now: Date,
): Promise<LimitRow> {
  await tx`
    update player_limit set cancelled_at = ${now}
    where operator_id = ${operatorId} and player_id = ${row.playerId} and metric = ${row.metric}
      and period = ${row.period} and asset = ${row.asset} and effective_at > ${now} and cancelled_at is null`
  const [stored] = await tx<LimitRow[]>`
    insert into player_limit (operator_id, id, player_id, metric, period, asset, amount, effective_at, set_by, created_at)
    values (${operatorId}, ${row.id}, ${row.playerId}, ${row.metric}, ${row.period}, ${row.asset}, ${row.amount},
      ${row.effectiveAt}, ${row.setBy}, ${now})
    returning *`
  if (stored === undefined) throw new Error('a limit was not stored')
  return stored
}

/** The limits of a player in an asset with what their windows have used. Call with the player locked. */
export async function limitUses(
  tx: Tx,
  operatorId: string,
  playerId: string,
  asset: string,
  now: Date,
): Promise<LimitUse[]> {
  const limits = (await limitsInForce(tx, operatorId, playerId, now)).filter((limit) => limit.asset === asset)
  const uses: LimitUse[] = []
  for (const { id, metric, period, amount } of limits) {
    if (amount === null) continue
    const used = await USED[metric](tx, operatorId, playerId, asset, windowStart(period, now))
    uses.push({ id, metric, period, amount, used })
  }
  return uses
}

type Used = (tx: Tx, operatorId: string, playerId: string, asset: string, from: Date) => Promise<bigint>

const first = (rows: readonly { used: bigint }[]): bigint => rows[0]?.used ?? 0n

const depositsIn: Used = async (tx, operatorId, playerId, asset, from) =>
  first(
    await tx<{ used: bigint }[]>`
      select coalesce(sum(amount), 0) as used from limit_reservation
      where operator_id = ${operatorId} and player_id = ${playerId} and asset = ${asset} and created_at >= ${from}
        and state in ('reserved', 'committed')`,
  )

const USED: Record<LimitMetric, Used> = {
  deposit_gross: depositsIn,
  deposit_net: async (tx, operatorId, playerId, asset, from) => {
    const out = await tx<{ used: bigint }[]>`
      select coalesce(sum(amount), 0) as used from payment
      where operator_id = ${operatorId} and player_id = ${playerId} and asset = ${asset} and direction = 'withdrawal'
        and status = 'paid' and settled_at >= ${from}`
    return (await depositsIn(tx, operatorId, playerId, asset, from)) - first(out)
  },
  // A loss limit also bounds what may be brought to lose: what is gone and what is on its way count together.
  // Bets less wins, rollbacks undone: what went from the player to the house and what came back.
  loss: async (tx, operatorId, playerId, asset, from) =>
    first(
      await tx<{ used: bigint }[]>`
        select coalesce(sum(case when t.debit_account = p.id then t.amount else -t.amount end), 0) as used
        from ledger.account p
        join ledger.account h on h.operator_id = p.operator_id and h.asset = p.asset and h.code = ${GAMING_REVENUE}
        join ledger.transfer t on t.operator_id = p.operator_id and t.created_at >= ${from}
          and ((t.debit_account = p.id and t.credit_account = h.id) or (t.debit_account = h.id and t.credit_account = p.id))
        where p.operator_id = ${operatorId} and p.asset = ${asset} and p.code in ${tx([cash(playerId), bonus(playerId)])}`,
    ),
}

/** Reserves a deposit's amount. */
export async function insertReservation(
  tx: Tx,
  operatorId: string,
  row: Pick<ReservationRow, 'id' | 'playerId' | 'paymentId' | 'asset' | 'amount'>,
  now: Date,
): Promise<void> {
  await tx`
    insert into limit_reservation (operator_id, id, player_id, payment_id, asset, amount, created_at)
    values (${operatorId}, ${row.id}, ${row.playerId}, ${row.paymentId}, ${row.asset}, ${row.amount}, ${now})`
}

/** Commits or releases a payment's reservation. A late success commits what had been released. */
export async function decideReservation(
  tx: Tx,
  operatorId: string,
  paymentId: string,
  state: 'committed' | 'released',
  now: Date,
): Promise<void> {
  await tx`
    update limit_reservation set state = ${state}, decided_at = ${now}
    where operator_id = ${operatorId} and payment_id = ${paymentId} and state <> 'committed'`
}
