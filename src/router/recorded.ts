import { z } from 'zod'
import type { DecisionRow, NewDecision } from '../db/decisions.ts'
import type { RouteFacts } from './fields.ts'
import type { Plan } from './plan.ts'
import type { Recorded } from './replay.ts'

/** The decision to record for a plan: the facts that rules may use, and no more of the payment. */
export function decisionOf(id: string, paymentId: string, facts: RouteFacts, made: Plan): NewDecision {
  const { amount, atMs, ...others } = facts
  return {
    id,
    paymentId,
    atMs,
    facts: others,
    asset: amount.asset,
    amount: amount.minor,
    rulesetVersion: made.rulesetVersion,
    ruleId: made.ruleId,
    route: made.route.map(({ connectionId }) => connectionId),
  }
}

const word = z.string().exactOptional()

/** Route facts as they were stored. Members that a later version added are dropped. */
const StoredFacts = z.object({
  direction: z.enum(['deposit', 'withdrawal']),
  method: z.enum(['card', 'wallet', 'bank', 'crypto']),
  playerId: z.string(),
  playerCountry: z.string(),
  segment: word,
  licence: word,
  firstDeposit: z.boolean().exactOptional(),
  depositsSoFar: z.number().exactOptional(),
  brand: word,
  funding: word,
  binCountry: word,
  wallet: word,
  cryptoAsset: word,
  network: word,
  clientCountry: word,
  depositedThrough: z.array(z.string()).exactOptional(),
  cardDeclines: z
    .object({ sameAmount30Days: z.number(), today: z.number(), banned: z.literal(true).exactOptional() })
    .exactOptional(),
})

/** A recorded decision as the replay reads it. */
export function recordedOf(row: DecisionRow): Recorded {
  const facts = StoredFacts.parse(row.facts)
  return {
    paymentId: row.paymentId,
    facts: { ...facts, amount: { asset: row.asset, minor: row.amount }, atMs: row.atMs },
    route: row.route,
    firstSucceeded: row.firstSucceeded,
  }
}
