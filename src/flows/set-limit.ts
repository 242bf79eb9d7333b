import { Fault } from '../core/errors.ts'
import { type LimitMetric, type LimitPeriod, limitEffectiveAt } from '../core/limits.ts'
import { audit } from '../db/audit.ts'
import { insertLimit, type LimitRow, limitsInForce } from '../db/limits.ts'
import { lockPlayer } from '../db/players.ts'
import type { Deps } from './deps.ts'

/** A limit that a player asks for; without an amount it is to be lifted. */
export type LimitOrder = {
  readonly operatorId: string
  readonly playerId: string
  readonly metric: LimitMetric
  readonly period: LimitPeriod
  readonly asset: string
  readonly minor: bigint | null
  readonly setBy: string
}

/** Sets a responsible-gambling limit: a tighter one counts at once, a looser one after the licence's cool-off. */
export async function setLimit(deps: Pick<Deps, 'db' | 'clock' | 'newId'>, order: LimitOrder): Promise<LimitRow> {
  const { operatorId, playerId, metric, period, asset, minor, setBy } = order
  return deps.db.tx(operatorId, async (tx) => {
    const player = await lockPlayer(tx, operatorId, playerId)
    if (player === undefined) throw new Fault('not_found', 'There is no such player.')
    const now = new Date(deps.clock.nowMs())
    const same = (limit: LimitRow) => limit.metric === metric && limit.period === period && limit.asset === asset
    const current = (await limitsInForce(tx, operatorId, playerId, now)).find(same)?.amount ?? null
    const effectiveAt = limitEffectiveAt(current, minor, player.licence, now)
    const row = { id: deps.newId('limit'), playerId, metric, period, asset, amount: minor, effectiveAt, setBy }
    const stored = await insertLimit(tx, operatorId, row, now)
    const about = { metric, period, asset }
    await audit(tx, operatorId, {
      actor: setBy,
      action: 'player.limit_set',
      subject: playerId,
      before: { ...about, minor: current?.toString() ?? null },
      after: { ...about, minor: minor?.toString() ?? null, effective_at: effectiveAt.toISOString() },
      at: now,
    })
    return stored
  })
}
