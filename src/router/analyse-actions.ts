import type { Box } from './boxes.ts'
import { valuesOf } from './boxes.ts'
import { nearest, type Reporter } from './finding.ts'
import type { Candidate } from './plan.ts'
import { type Action, namedConnections } from './rules.ts'
import { intersect, isEmpty, only } from './sets.ts'

/** Exploration costs successes: past a fifth it is no longer exploration. */
const MAX_EXPLORE = 20

/** The connections of an action, found among the operator's, with what was said of each. */
export type Resolved = { readonly use: Action; readonly members: readonly Candidate[]; readonly sound: boolean }

/** Checks an action apart from what the processors can do: names, repetitions, shares and parameters. */
export function checkAction(use: Action, candidates: readonly Candidate[], report: Reporter): Resolved {
  const members = resolve(use, candidates, report)
  const all = use.strategy !== 'weighted' && use.connections === '*'
  const parameters = checkParameters(use, report)
  if (all) return { use, members: candidates, sound: parameters }
  const named = namedConnections(use)
  if (named.length === 0) {
    report.error('no_connections', 'it names no connection', 'name at least one connection, or * for all')
    return { use, members: [], sound: false }
  }
  const repeated = checkRepeated(use, members, report)
  return { use, members, sound: parameters && repeated && members.length === named.length }
}

function resolve(use: Action, candidates: readonly Candidate[], report: Reporter): Candidate[] {
  const labels = candidates.flatMap(({ connection }) => [connection.label, connection.id])
  return namedConnections(use).flatMap((name, index) => {
    const found = candidates.find(({ connection }) => connection.label === name || connection.id === name)
    const place =
      use.strategy === 'weighted' ? report.at('split', index, 'connection') : report.at('connections', index)
    if (!found) {
      const meant = nearest(name, labels)
      place.error(
        'connection_unknown',
        `there is no connection "${name}"`,
        meant ? `write "${meant}"` : 'name a connection of yours by its label or id',
      )
      return []
    }
    if (!found.connection.enabled) {
      place.warning(
        'connection_disabled',
        `the connection "${name}" is switched off`,
        'switch it on, or take it out of the rule',
      )
    }
    return [found]
  })
}

function checkRepeated(use: Action, members: readonly Candidate[], report: Reporter): boolean {
  const seen = new Map<string, string>()
  const processors = new Map<string, string>()
  let sound = true
  for (const name of namedConnections(use)) {
    const member = members.find(({ connection }) => connection.label === name || connection.id === name)
    if (!member) continue
    const { id, label, processor } = member.connection
    const first = processors.get(processor)
    const before = seen.get(id)
    if (before !== undefined) {
      report.error('connection_repeated', `"${before}" and "${name}" are the same connection`, 'name it once')
      sound = false
    } else if (first !== undefined && use.strategy === 'ordered') {
      report.error(
        'processor_repeated',
        `"${first}" and "${label}" are both at ${processor}: a refusal there would be asked for again`,
        'keep one of them in this cascade',
      )
      sound = false
    } else if (first !== undefined) {
      report.warning(
        'processor_repeated',
        `"${first}" and "${label}" are both at ${processor}`,
        'make sure that the second is worth a try after the first',
      )
    }
    seen.set(id, name)
    processors.set(processor, first ?? label)
  }
  return sound
}

function checkParameters(use: Action, report: Reporter): boolean {
  if (use.strategy === 'weighted') return checkSplit(use.split, report.at('split'))
  if (use.strategy === 'best_rate' && !(use.explore_percent >= 0 && use.explore_percent <= MAX_EXPLORE)) {
    report
      .at('explore_percent')
      .error(
        'explore_out_of_range',
        `exploring with ${use.explore_percent} % is not within 0–${MAX_EXPLORE}`,
        `give a share from 0 to ${MAX_EXPLORE}`,
      )
    return false
  }
  if (use.strategy === 'value' && !/^(100|\d{1,2})(\.\d{1,4})?$/.test(use.margin_percent)) {
    report
      .at('margin_percent')
      .error(
        'margin_unreadable',
        `"${use.margin_percent}" is no margin in percent`,
        'give a decimal from 0 to 100 such as "12.5"',
      )
    return false
  }
  return true
}

function checkSplit(split: readonly { connection: string; percent: number }[], report: Reporter): boolean {
  if (split.length === 0) return true
  const odd = split.find(({ percent }) => !Number.isInteger(percent) || percent < 0 || percent > 100)
  if (odd) {
    report.error(
      'share_out_of_range',
      `"${odd.connection}" has a share of ${odd.percent}`,
      'give whole percents from 0 to 100',
    )
    return false
  }
  const total = split.reduce((sum, { percent }) => sum + percent, 0)
  if (total === 100) return true
  report.error('split_not_100', `the shares add up to ${total}`, 'make them add up to 100')
  return false
}

/** Strategies that read what only payouts have: a balance, and the way that the money came in. */
const PAYOUTS_ONLY: ReadonlySet<string> = new Set(['closest_float', 'closed_loop'])

/** Checks that a strategy for payouts is reached by payouts only. */
export function checkDirection(use: Action, boxes: readonly Box[], report: Reporter): void {
  if (!PAYOUTS_ONLY.has(use.strategy)) return
  if (boxes.every((box) => isEmpty(intersect(valuesOf(box, 'direction'), only('deposit'))))) return
  report.error(
    'strategy_for_payouts',
    `${use.strategy} orders payouts, and deposits come here too`,
    'add direction == "withdrawal" to the condition, or take another strategy',
  )
}
