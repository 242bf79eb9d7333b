import { Fault } from '../core/errors.ts'
import { listDecisions } from '../db/decisions.ts'
import { listFees } from '../db/rates.ts'
import { findRuleset, type RulesetRow } from '../db/rulesets.ts'
import { analyse, isSound, type World } from '../router/analyse.ts'
import { compile } from '../router/compile.ts'
import type { Finding } from '../router/finding.ts'
import { ALL_HEALTHY } from '../router/plan.ts'
import { recordedOf } from '../router/recorded.ts'
import { type ReplayReport, replay } from '../router/replay.ts'
import type { Ruleset } from '../router/rules.ts'
import type { Deps } from './deps.ts'

/** Payments replayed at once: a second or less of work, and enough for a share of a percent to show. */
export const MAX_REPLAYED = 10_000
/** Hours that a draft is held against before it is published: a day has every hour of the week's habits but the day itself. */
export const PUBLISH_HOURS = 24

type Ground = Pick<Deps, 'db' | 'clock' | 'routing'>

/** What a check came to. `ruleset` is there when nothing blocks publishing. */
export type Checked = { readonly draft: RulesetRow; readonly findings: readonly Finding[]; readonly ruleset?: Ruleset }

/** What rules of an operator are checked against. */
export async function worldOf(deps: Ground, operatorId: string): Promise<World> {
  const { candidates } = await deps.routing.stateOf(operatorId)
  const fees = await deps.db.tx(operatorId, (tx) => listFees(tx, operatorId))
  return { candidates, priced: new Set(fees.map(({ connectionId }) => connectionId)) }
}

/** Checks a draft by the analyser. Throws `not_found` when there is none of that id. */
export async function checkRules(deps: Ground, operatorId: string, id: string): Promise<Checked> {
  const draft = await deps.db.tx(operatorId, (tx) => findRuleset(tx, operatorId, id))
  if (!draft) throw new Fault('not_found', 'There is no such ruleset.')
  const { findings, ruleset } = analyse(draft.document, await worldOf(deps, operatorId))
  return { draft, findings, ...(ruleset && isSound(findings) && { ruleset }) }
}

/** The fault of a draft that can't be published, with each finding as an error of its own. */
export function unsound(findings: readonly Finding[]): Fault {
  const errors = findings.filter(({ severity }) => severity === 'error')
  return new Fault(
    'ruleset_invalid',
    `The rules have ${errors.length} fault${errors.length === 1 ? '' : 's'} that must be corrected first.`,
    {
      errors: errors.map(({ pointer, code, message, fix }) => ({
        pointer: `/document${pointer}`,
        code,
        detail: `${message}. To do: ${fix}.`,
      })),
    },
  )
}

/** Runs the recorded payments of the last hours through rules and through what is active, on today's connections. Health is left out: rules are judged, not this minute's weather. */
export async function replayRules(
  deps: Ground,
  operatorId: string,
  ruleset: Ruleset,
  { hours, limit = MAX_REPLAYED }: { hours: number; limit?: number },
): Promise<ReplayReport & { hours: number; truncated: boolean }> {
  const sinceMs = deps.clock.nowMs() - hours * 3_600_000
  const { active, candidates, rates } = await deps.routing.stateOf(operatorId)
  const rows = await deps.db.tx(operatorId, (tx) => listDecisions(tx, operatorId, { sinceMs, limit: limit + 1 }))
  const report = replay({
    before: await deps.routing.compiled(operatorId, active.version),
    after: compile(ruleset, 0),
    payments: rows.slice(0, limit).map(recordedOf),
    candidates,
    health: ALL_HEALTHY,
    rates,
  })
  return { ...report, hours, truncated: rows.length > limit }
}
