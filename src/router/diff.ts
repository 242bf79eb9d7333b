import type { Rule, Ruleset } from './rules.ts'
import { printAction, printRule } from './text.ts'

/** How one row differs: its text before and after, and its place where that changed. */
export type RuleDifference = {
  readonly rule: string
  readonly kind: 'added' | 'removed' | 'changed' | 'moved'
  readonly before: string | null
  readonly after: string | null
}

/** What differs between two rulesets, row by row in the order of the newer: what a reviewer reads. */
export function diffRulesets(before: Ruleset, after: Ruleset): RuleDifference[] {
  const old = new Map(before.rules.map((rule) => [rule.id, rule]))
  const made = new Set(after.rules.map(({ id }) => id))
  const moved = movedOf(before.rules, after.rules)
  const differences = after.rules.flatMap((rule): RuleDifference[] => {
    const was = old.get(rule.id)
    const text = printRule(rule)
    if (!was) return [{ rule: rule.id, kind: 'added', before: null, after: text }]
    const wasText = printRule(was)
    if (wasText !== text) return [{ rule: rule.id, kind: 'changed', before: wasText, after: text }]
    return moved.has(rule.id) ? [{ rule: rule.id, kind: 'moved', before: wasText, after: text }] : []
  })
  const removed = before.rules
    .filter(({ id }) => !made.has(id))
    .map((rule): RuleDifference => ({ rule: rule.id, kind: 'removed', before: printRule(rule), after: null }))
  return [...differences, ...removed, ...restOf(before, after)]
}

function restOf(before: Ruleset, after: Ruleset): RuleDifference[] {
  const rows: [string, string, string][] = [
    ['default', `use ${printAction(before.default)}`, `use ${printAction(after.default)}`],
    ['time_zone', before.time_zone ?? 'UTC', after.time_zone ?? 'UTC'],
    ['golden', JSON.stringify(before.golden ?? []), JSON.stringify(after.golden ?? [])],
  ]
  return rows
    .filter(([, was, is]) => was !== is)
    .map(([rule, was, is]): RuleDifference => ({ rule, kind: 'changed', before: was, after: is }))
}

/** Rules that stand elsewhere among those that both have: first match wins, so that matters. */
function movedOf(before: readonly Rule[], after: readonly Rule[]): ReadonlySet<string> {
  const kept = new Set(before.map(({ id }) => id))
  const order = after.map(({ id }) => id).filter((id) => kept.has(id))
  const alive = new Set(order)
  const old = before.map(({ id }) => id).filter((id) => alive.has(id))
  return new Set(order.filter((id, index) => old[index] !== id))
}
