import { formatAmount } from '../core/money.ts'
import { checkAction, checkDirection, type Resolved } from './analyse-actions.ts'
import { checkCondition } from './analyse-values.ts'
import { type Box, boxesOf, remainder } from './boxes.ts'
import { DEFAULT_RULE } from './compile.ts'
import type { RouteFacts } from './fields.ts'
import { type Finding, pointerOf, type Reporter, reporterOf } from './finding.ts'
import { checkGolden } from './golden.ts'
import { isTimeZone } from './local-time.ts'
import { type Candidate, ineligible } from './plan.ts'
import { type Condition, parseRuleset, type Rule, type Ruleset } from './rules.ts'
import { type Classes, classesOf, samplesOf } from './samples.ts'
import { printCondition } from './text.ts'

/** What rules are checked against: the operator's connections, and those that have a fee schedule. */
export type World = { readonly candidates: readonly Candidate[]; readonly priced?: ReadonlySet<string> }

/** Checks a ruleset from JSON. Errors block publishing; `ruleset` is there when its structure is one. */
export function analyse(input: unknown, world: World): { findings: Finding[]; ruleset?: Ruleset } {
  const read = parseRuleset(input)
  if (read.ok) return { findings: check(read.ruleset, world), ruleset: read.ruleset }
  return {
    findings: read.misfits.map(({ path, message }) => {
      const rule = ruleAt(input, path)
      return {
        severity: 'error',
        code: 'malformed',
        rule,
        pointer: pointerOf(path),
        message: `${rule === null ? 'the ruleset' : `rule "${rule}"`}: ${message}`,
        fix: 'write it as the language has it: see the guide to routing',
      }
    }),
  }
}

/** True when nothing found blocks publishing. */
export const isSound = (findings: readonly Finding[]): boolean => findings.every(({ severity }) => severity !== 'error')

function ruleAt(input: unknown, [top, index]: readonly (string | number)[]): string | null {
  if (top === 'default') return DEFAULT_RULE
  if (top !== 'rules' || typeof index !== 'number') return null
  if (typeof input !== 'object' || input === null || !('rules' in input) || !Array.isArray(input.rules)) return null
  const rule: unknown = input.rules[index]
  const named = typeof rule === 'object' && rule !== null && 'id' in rule && typeof rule.id === 'string'
  return named ? String(rule.id) : `number ${index + 1}`
}

function check(ruleset: Ruleset, world: World): Finding[] {
  const findings: Finding[] = []
  const whole = reporterOf(findings, null, [])
  if (ruleset.time_zone !== undefined && !isTimeZone(ruleset.time_zone)) {
    whole
      .at('time_zone')
      .error('time_zone_unknown', `"${ruleset.time_zone}" is no time zone`, 'give an IANA name such as "Europe/Malta"')
  }
  const classes = classesOf(world.candidates)
  const taken: { id: string; boxes: readonly Box[] }[] = []
  for (const [index, rule] of ruleset.rules.entries()) {
    const report = reporterOf(findings, rule.id, ['rules', index])
    checkId(rule, ruleset.rules.slice(0, index), report)
    const resolved = checkAction(rule.use, world.candidates, report.at('use'))
    const boxes = checkMeaning(rule, taken, report)
    if (!boxes) continue
    taken.push({ id: rule.id, boxes: boxes.own })
    if (!boxes.left) continue
    checkDirection(rule.use, boxes.left, report.at('use'))
    checkRoutes(resolved, boxes.left, { ruleset, world, classes }, report.at('use'))
    checkPrices(resolved, world, report.at('use'))
  }
  checkDefault(ruleset, { world, classes, taken }, reporterOf(findings, DEFAULT_RULE, ['default']))
  if (isSound(findings)) checkGolden(ruleset, world.candidates, findings)
  return findings
}

function checkId({ id }: Rule, earlier: readonly Rule[], report: Reporter): void {
  if (id === DEFAULT_RULE) {
    report.at('id').error('rule_id_reserved', 'decisions call the last row by this id', 'give the rule another id')
  }
  if (earlier.some((other) => other.id === id)) {
    report.at('id').error('rule_id_repeated', 'an earlier rule has this id too', 'give each rule an id of its own')
  }
}

type Reach = { readonly own: readonly Box[]; readonly left: readonly Box[] | undefined }

/** What a rule's condition means: whether it can hold at all, and what earlier rules leave to it. */
function checkMeaning(
  { when }: Rule,
  earlier: readonly { id: string; boxes: readonly Box[] }[],
  report: Reporter,
): Reach | undefined {
  if (!checkCondition(when, report.at('when'))) return undefined
  const own = boxesOf(when)
  if (!own) {
    report
      .at('when')
      .warning(
        'not_seen_through',
        'its condition has too many branches to be seen through',
        'split the rule, so that it can be checked',
      )
    return undefined
  }
  if (own.length === 0) {
    report
      .at('when')
      .error(
        'contradiction',
        `no payment can fit: ${conflict(when)}`,
        'take out one of the tests that exclude each other',
      )
    return { own, left: undefined }
  }
  checkBranches(when, report.at('when'))
  const left = remainder(
    own,
    earlier.flatMap(({ boxes }) => boxes),
  )
  if (!left || left.length > 0) return { own, left }
  const alone = earlier.find(({ boxes }) => remainder(own, boxes)?.length === 0)
  report.error(
    'shadowed',
    `it is never reached: ${alone ? `rule "${alone.id}" takes` : 'the rules before it together take'} every payment with ${printCondition(when)}`,
    'move it up, narrow what stands before it, or delete it',
  )
  return { own, left: undefined }
}

/** The smallest part of a condition that can't hold, as text. */
function conflict(when: Condition): string {
  if (when.op === 'and') {
    for (const [index, first] of when.of.entries()) {
      for (const second of when.of.slice(index + 1)) {
        if (boxesOf({ op: 'and', of: [first, second] })?.length === 0 && boxesOf(first)?.length !== 0) {
          return `${printCondition(first)} and ${printCondition(second)} exclude each other`
        }
      }
    }
    const dead = when.of.find((part) => boxesOf(part)?.length === 0)
    if (dead) return conflict(dead)
  }
  return `${printCondition(when)} never holds`
}

function checkBranches(when: Condition, report: Reporter): void {
  if (when.op !== 'or') return
  for (const [index, part] of when.of.entries()) {
    if (boxesOf(part)?.length !== 0) continue
    report
      .at('of', index)
      .error(
        'branch_dead',
        `one of its alternatives can't hold: ${conflict(part)}`,
        'correct the alternative, or take it out',
      )
  }
}

type Ground = { readonly ruleset: Ruleset; readonly world: World; readonly classes: Classes }

/** Checks that every payment which reaches a rule, and which some connection could take, has a route there. */
function checkRoutes(resolved: Resolved, boxes: readonly Box[], ground: Ground, report: Reporter): void {
  if (!resolved.sound) return
  const { world, classes, ruleset } = ground
  const behind = resolved.use.then_default ? membersOf(ruleset, world.candidates) : []
  const useful = new Set<string>()
  const stranded = new Map<string, RouteFacts>()
  let routed = 0
  for (const facts of samplesOf(boxes, world.candidates, classes)) {
    const able = resolved.members.filter((member) => ineligible(member, facts) === undefined)
    for (const { connection } of able) useful.add(connection.id)
    if (able.length > 0 || behind.some((member) => ineligible(member, facts) === undefined)) routed += 1
    else if (!stranded.has(`${facts.direction}/${facts.method}`))
      stranded.set(`${facts.direction}/${facts.method}`, facts)
  }
  for (const facts of stranded.values()) {
    reportStranded(facts, { routed, world, resolved, last: resolved.use === ruleset.default }, report)
    if (routed === 0) break
  }
  for (const { connection } of resolved.members) {
    if (resolved.use.strategy !== 'weighted' && resolved.use.connections === '*') break
    if (useful.has(connection.id) || !connection.enabled || useful.size === 0) continue
    report.warning(
      'connection_useless',
      `"${connection.label}" can take none of the payments that come here`,
      'take it out, or widen what the connection may take',
    )
  }
}

function membersOf(ruleset: Ruleset, candidates: readonly Candidate[]): readonly Candidate[] {
  return checkAction(ruleset.default, candidates, reporterOf([], DEFAULT_RULE, [])).members
}

type Stranding = {
  readonly routed: number
  readonly world: World
  readonly resolved: Resolved
  readonly last: boolean
}

function reportStranded(facts: RouteFacts, { routed, world, resolved, last }: Stranding, report: Reporter): void {
  const able = world.candidates.filter((candidate) => ineligible(candidate, facts) === undefined)
  const names = able.map(({ connection }) => `"${connection.label}"`).join(', ')
  const payment = `a ${facts.method} ${facts.direction} of ${formatAmount(facts.amount)} ${facts.amount.asset} from ${facts.playerCountry}`
  if (routed === 0) {
    report.error(
      'no_capable_connection',
      `${resolved.members.map(({ connection }) => `"${connection.label}"`).join(', ')} can't take any payment that comes here, such as ${payment}`,
      `name one that can: ${names}`,
    )
    return
  }
  report.error(
    'left_without_route',
    `${payment} would be left without a route`,
    last ? `add ${names}, or * for all` : `add ${names}, narrow the condition, or end with "then default"`,
  )
}

function checkPrices({ use, members }: Resolved, { priced }: World, report: Reporter): void {
  if (!priced || (use.strategy !== 'cheapest' && use.strategy !== 'value')) return
  for (const { connection } of members) {
    if (priced.has(connection.id)) continue
    report.warning(
      'price_unknown',
      `"${connection.label}" has no fee schedule, so ${use.strategy} puts it behind`,
      'add its fees to the connection',
    )
  }
}

function checkDefault(
  ruleset: Ruleset,
  ground: { world: World; classes: Classes; taken: readonly { boxes: readonly Box[] }[] },
  report: Reporter,
): void {
  const use = ruleset.default
  if (use.then_default !== undefined) {
    report.error('default_behind_itself', 'nothing stands behind the default', 'leave "then default" out of it')
  }
  const resolved = checkAction(use, ground.world.candidates, report)
  const left = remainder(
    [new Map()],
    ground.taken.flatMap(({ boxes }) => boxes),
  )
  if (!left) return
  if (left.length === 0) {
    report.warning(
      'default_unreached',
      'the rules take every payment',
      'keep it for what you add later, or drop a rule that takes all',
    )
    return
  }
  checkDirection(use, left, report)
  checkRoutes(resolved, left, { ruleset, world: ground.world, classes: ground.classes }, report)
  checkPrices(resolved, ground.world, report)
}
