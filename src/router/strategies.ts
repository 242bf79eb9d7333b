import type { CompiledAction } from './compile.ts'
import { point } from './hash.ts'
import type { Eligible, PlanInput, Ranked } from './plan.ts'

/** Orders accounts by the rule's strategy, each with its reason. Ties go by the rule's own order. */
export function rank(use: CompiledAction, ruleId: string, eligible: readonly Eligible[], input: PlanInput): Ranked[] {
  const inOrder = isInOrder(eligible) ? eligible : eligible.toSorted((a, b) => a.place - b.place)
  switch (use.strategy) {
    case 'ordered':
      return inOrder.map(({ candidate }, index) => ({
        candidate,
        code: 'ordered',
        reason: ORDERED[index] ?? orderedReason(index),
      }))
    case 'weighted':
      return weighted(use, ruleId, inOrder, input)
    case 'cheapest':
      return cheapest(inOrder, input)
    case 'best_rate':
      return bestRate(use.explore_percent, ruleId, inOrder, input)
    case 'value':
      return byValue(use.margin, inOrder, input)
    case 'closest_float':
      return closestFloat(inOrder, input)
    case 'closed_loop':
      return closedLoop(inOrder, input)
  }
}

/** With `*` they are in order already, and a sort would cost as much as finding the rule. */
function isInOrder(eligible: readonly Eligible[]): boolean {
  let before = -1
  for (const { place } of eligible) {
    if (place < before) return false
    before = place
  }
  return true
}

const orderedReason = (index: number): string => `number ${index + 1} in the rule's order`
/** The same words for every payment: made once, for as many accounts as most operators have. */
const ORDERED = Array.from({ length: 64 }, (_, index) => orderedReason(index))

/**
 * Weighted rendezvous hashing: each account's score is weight / -ln(point of rule, player and account). The highest is
 * first with a chance of its weight over the sum of weights, the same player always gets the same order, and an account
 * that drops out hands its players on by the weights of those left, without moving anybody else's.
 * Source: https://datatracker.ietf.org/doc/html/draft-ietf-bess-weighted-hrw (read 2026-11-22).
 */
function weighted(use: CompiledAction, ruleId: string, eligible: readonly Eligible[], { facts }: PlanInput): Ranked[] {
  const shares = eligible.map(({ candidate }) => {
    const { id, label } = candidate.connection
    const percent = use.percents.get(id) ?? use.percents.get(label) ?? 0
    const score = percent / -Math.log(Math.max(point(`${ruleId}/${facts.playerId}/${id}`), Number.MIN_VALUE))
    return { candidate, percent, score }
  })
  const total = shares.reduce((sum, { percent }) => sum + percent, 0)
  return shares
    .sort((a, b) => b.score - a.score)
    .map(({ candidate, percent }, index) => ({
      candidate,
      code: 'weighted',
      reason:
        index === 0
          ? `this player's draw in a split with ${percent} of ${total} parts here`
          : `behind the player's draw; ${percent} of ${total} parts`,
    }))
}

function cheapest(eligible: readonly Eligible[], { facts, rates }: PlanInput): Ranked[] {
  const costs = eligible.map(({ candidate }) => ({ candidate, cost: rates.cost(candidate.connection.id, facts) }))
  return costs
    .sort((a, b) => order(a.cost, b.cost))
    .map(({ candidate, cost }) => ({
      candidate,
      code: 'cheapest',
      reason: cost === undefined ? 'no fee schedule, so behind those with one' : `fee of ${cost} minor units`,
    }))
}

/** Ascending; what isn't known comes last. */
function order(a: bigint | undefined, b: bigint | undefined): number {
  const [left, right] = [a ?? Infinity, b ?? Infinity]
  return left < right ? -1 : left > right ? 1 : 0
}

const percentOf = (share: number): string => `${(share * 100).toFixed(1)} %`

function bestRate(
  explorePercent: number,
  ruleId: string,
  eligible: readonly Eligible[],
  { facts, rates }: PlanInput,
): Ranked[] {
  const ranked = eligible
    .map(({ candidate }) => ({ candidate, rate: rates.success(candidate.connection.id, facts) }))
    .sort((a, b) => b.rate - a.rate)
    .map(
      ({ candidate, rate }): Ranked => ({
        candidate,
        code: 'best_rate',
        reason: `expected success ${percentOf(rate)}`,
      }),
    )
  // Only deposits explore, and only by time and player: a payout is no experiment, and the plan stays a pure function.
  const draw = point(`${ruleId}/explore/${facts.playerId}/${facts.atMs}`) * 100
  if (facts.direction === 'withdrawal' || draw >= explorePercent) return ranked
  const [first, ...others] = ranked
  const chosen = others[Math.floor((draw / explorePercent) * others.length)]
  if (!first || !chosen) return ranked
  const explored = { ...chosen, code: 'explored', reason: `tried first to learn its rate; ${chosen.reason}` }
  return [explored, first, ...others.filter((other) => other !== chosen)]
}

function byValue(margin: number, eligible: readonly Eligible[], { facts, rates }: PlanInput): Ranked[] {
  // Scores order accounts, they never become money: floating point is enough here.
  const worth = Number(facts.amount.minor) * margin
  return eligible
    .map(({ candidate }) => {
      const rate = rates.success(candidate.connection.id, facts)
      const cost = rates.cost(candidate.connection.id, facts)
      return { candidate, rate, cost, score: rate * (worth - Number(cost ?? 0n)) }
    })
    .sort((a, b) => b.score - a.score)
    .map(({ candidate, rate, cost, score }) => ({
      candidate,
      code: 'value',
      reason: `worth ${Math.round(score)} minor units: ${percentOf(rate)} of ${Math.round(worth)} less ${cost ?? 'an unknown fee'}`,
    }))
}

/** The smallest balance that covers the payout goes first, so that large ones stay whole for large payouts. One known to be too small is left out. */
function closestFloat(eligible: readonly Eligible[], { facts, rates }: PlanInput): Ranked[] {
  const floats = eligible.map(({ candidate }) => ({
    candidate,
    float: rates.float(candidate.connection.id, facts.amount.asset),
  }))
  return floats
    .sort((a, b) => order(a.float, b.float))
    .map(({ candidate, float }): Ranked => {
      if (float === undefined) return { candidate, code: 'closest_float', reason: 'its balance is not known' }
      if (float >= facts.amount.minor)
        return { candidate, code: 'closest_float', reason: `balance of ${float} minor units` }
      return {
        candidate,
        code: 'float_insufficient',
        reason: `balance of ${float} minor units is too small`,
        out: true,
      }
    })
}

function closedLoop(eligible: readonly Eligible[], { facts }: PlanInput): Ranked[] {
  const through = facts.depositedThrough ?? []
  const turn = ({ candidate }: Eligible): number => {
    const index = through.indexOf(candidate.connection.id)
    return index === -1 ? through.length : index
  }
  return [...eligible]
    .sort((a, b) => turn(a) - turn(b))
    .map((one) => ({
      candidate: one.candidate,
      code: turn(one) < through.length ? 'closed_loop' : 'ordered',
      reason:
        turn(one) < through.length
          ? "the player's money came in through it"
          : 'behind the accounts that the money came in through',
    }))
}
