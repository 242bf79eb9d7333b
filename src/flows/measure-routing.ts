import { listBreakers } from '../db/breakers.ts'
import { operatorIds } from '../db/operators.ts'
import { sumRates } from '../db/rates.ts'
import { RATE_WINDOW_MS } from '../router/active.ts'
import type { Deps } from './deps.ts'

/** Each state has a series of every processor, so that a breaker which closes sets its old state back to 0. */
const STATES = ['closed', 'half_open', 'open', 'forced_open', 'maintenance'] as const

/** Sets the gauges of routing by processor: success rate of the last hour, and accounts by the state of their breakers. Labels are processors, never accounts or operators. */
export async function measureRouting(deps: Pick<Deps, 'db' | 'clock' | 'routing' | 'metrics'>): Promise<void> {
  const { db, clock, routing, metrics } = deps
  const rates = new Map<string, { attempts: number; succeeded: number }>()
  const states = new Map<string, number>()
  for (const operatorId of await db.global(operatorIds)) {
    const { candidates, health } = await routing.stateOf(operatorId)
    const processors = new Map(candidates.map(({ connection }) => [connection.id, connection.processor]))
    const { rows, breakers } = await db.tx(operatorId, async (tx) => ({
      rows: await sumRates(tx, operatorId, clock.nowMs() - RATE_WINDOW_MS),
      breakers: await listBreakers(tx, operatorId),
    }))
    for (const { connectionId, direction, attempts, succeeded } of rows) {
      const key = `${processors.get(connectionId) ?? 'unknown'}/${direction}`
      const sum = rates.get(key) ?? { attempts: 0, succeeded: 0 }
      rates.set(key, { attempts: sum.attempts + attempts, succeeded: sum.succeeded + succeeded })
    }
    for (const processor of processors.values()) {
      for (const state of STATES) states.set(`${processor}/${state}`, states.get(`${processor}/${state}`) ?? 0)
    }
    for (const { connectionId, operation, method } of breakers) {
      const key = `${processors.get(connectionId) ?? 'unknown'}/${health.state(connectionId, operation, method)}`
      states.set(key, (states.get(key) ?? 0) + 1)
    }
  }
  for (const [key, { attempts, succeeded }] of rates) {
    const [processor = '', direction = ''] = key.split('/')
    metrics.gauge('paycage_success_rate', attempts === 0 ? 0 : succeeded / attempts, { processor, direction })
  }
  for (const [key, count] of states) {
    const [processor = '', state = ''] = key.split('/')
    metrics.gauge('paycage_breaker_state', count, { processor, state })
  }
}
