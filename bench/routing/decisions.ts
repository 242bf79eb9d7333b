import jsonLogic from 'json-logic-js'
import { Engine } from 'json-rules-engine'
import { compile } from '../../src/router/compile.ts'
import { ALL_HEALTHY, NO_RATES, plan } from '../../src/router/plan.ts'
import type { Ruleset } from '../../src/router/rules.ts'
import { candidatesOf, engineRulesOf, jsonLogicOf, PAYMENT, PLAIN_PAYMENT, rulesOf, variedRulesOf } from './rules.ts'

/** One engine on one size. `connections` is 0 where an engine only finds the rule. */
export type Row = {
  readonly engine: string
  readonly rules: number
  readonly connections: number
  readonly perSecond: number
  readonly p50Us: number
  readonly p99Us: number
}

/** Decisions between two looks at the clock: a look costs as much as a quick decision. */
const BATCH = 64

/** How long each engine runs, ms. */
export type Times = { readonly warmMs: number; readonly runMs: number; readonly samples: number }

function measured(name: string, rules: number, connections: number, decide: () => unknown, times: Times): Row {
  runFor(times.warmMs, decide)
  const { count, ms } = runFor(times.runMs, decide)
  const each: number[] = []
  for (let index = 0; index < times.samples; index += 1) {
    const from = process.hrtime.bigint()
    decide()
    each.push(Number(process.hrtime.bigint() - from) / 1_000)
  }
  return rowOf(name, rules, connections, (count / ms) * 1_000, each)
}

function rowOf(engine: string, rules: number, connections: number, perSecond: number, each: number[]): Row {
  each.sort((a, b) => a - b)
  const at = (share: number) => each[Math.min(each.length - 1, Math.floor(each.length * share))] ?? 0
  return { engine, rules, connections, perSecond, p50Us: at(0.5), p99Us: at(0.99) }
}

function runFor(ms: number, decide: () => unknown): { count: number; ms: number } {
  const from = performance.now()
  let count = 0
  let now = from
  while (now - from < ms) {
    for (let index = 0; index < BATCH; index += 1) decide()
    count += BATCH
    now = performance.now()
  }
  return { count, ms: now - from }
}

/** The whole plan: rule, eligibility, strategy, health, explanation of every account. */
export const ourPlan = (rules: number, connections: number, times: Times): Row =>
  planned('paycage plan', rulesOf(rules), connections, times)

/** The same where no two rules have a test in common, so that nothing is looked at once for all of them. */
export const ourPlanVaried = (rules: number, connections: number, times: Times): Row =>
  planned('paycage plan, no test twice', variedRulesOf(rules), connections, times)

function planned(name: string, ruleset: Ruleset, connections: number, times: Times): Row {
  const rules = ruleset.rules.length
  const input = {
    ruleset: compile(ruleset, 1),
    facts: PAYMENT,
    candidates: candidatesOf(connections),
    health: ALL_HEALTHY,
    rates: NO_RATES,
  }
  const { ruleId, route } = plan(input)
  if (ruleId !== `r${rules - 1}` || route.length !== connections) throw new Error('the plan is wrong')
  return measured(name, rules, connections, () => plan(input), times)
}

/** The rule alone, for a fair look beside engines that do no more. */
export function ourMatch(rules: number, times: Times): Row {
  const ruleset = compile(rulesOf(rules), 1)
  const find = () => ruleset.ruleFor(PAYMENT)
  if (find()?.id !== `r${rules - 1}`) throw new Error('the match is wrong')
  return measured('paycage match', rules, 0, find, times)
}

/** json-logic-js on the same rules. */
export function logicMatch(rules: number, times: Times): Row {
  const expression = jsonLogicOf(rules)
  const find = () => jsonLogic.apply(expression, PLAIN_PAYMENT)
  if (find() !== rules - 1) throw new Error('json-logic-js finds another rule')
  return measured('json-logic-js', rules, 0, find, times)
}

/** json-rules-engine on the same rules; it answers with a promise. */
export async function engineMatch(rules: number, times: Times): Promise<Row> {
  const engine = new Engine(engineRulesOf(rules))
  const { events } = await engine.run(PLAIN_PAYMENT)
  if (events.length !== 1 || events[0]?.type !== String(rules - 1))
    throw new Error('json-rules-engine finds another rule')
  const each: number[] = []
  const from = performance.now()
  while (performance.now() - from < times.runMs || each.length < 20) {
    const start = process.hrtime.bigint()
    await engine.run(PLAIN_PAYMENT)
    each.push(Number(process.hrtime.bigint() - start) / 1_000)
  }
  return rowOf('json-rules-engine', rules, 0, (each.length / (performance.now() - from)) * 1_000, each)
}
