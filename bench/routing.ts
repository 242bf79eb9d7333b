import { cpus } from 'node:os'
import { engineMatch, logicMatch, ourMatch, ourPlan, ourPlanVaried, type Row, type Times } from './routing/decisions.ts'
import { type GatewayFigures, gatewayFigures } from './routing/gateway.ts'
import { type IsolationFigures, isolationFigures, openWithProcessors, PAYMENTS_AT_A } from './routing/isolation.ts'

const quick = process.argv.includes('--quick')
const json = process.argv.includes('--json')
const times: Times = quick
  ? { warmMs: 150, runMs: 350, samples: 10_000 }
  : { warmMs: 1_000, runMs: 3_000, samples: 100_000 }

const rows: Row[] = []
for (const rules of [10, 50, 200]) {
  for (const connections of [5, 20]) rows.push(ourPlan(rules, connections, times))
  rows.push(ourPlanVaried(rules, 5, times))
  rows.push(ourMatch(rules, times), logicMatch(rules, times), await engineMatch(rules, times))
}
const halves = quick ? { rounds: 1, roundMs: 2_500, beginsMs: 3_000 } : { rounds: 4, roundMs: 6_000, beginsMs: 5_000 }
const processors = await openWithProcessors(halves)
const gateway = await gatewayFigures(processors.gateway, quick ? 3 : 10)
const isolation = await isolationFigures(processors, halves)
await processors.close()

const [cpu] = cpus()
const machine = `${cpus().length} × ${cpu?.model ?? 'unknown'}, Node ${process.versions.node}`
const bars = barsOf(rows, gateway, isolation)
if (json) console.log(JSON.stringify({ name: 'routing', machine, rows: [...rows, gateway, isolation], bars }))
else print()
// A goal that is missed is a figure, not a failure of the bench: the exit code says that it ran.

function barsOf(all: readonly Row[], seen: GatewayFigures, beside: IsolationFigures) {
  const find = (engine: string, rules: number, connections: number) =>
    all.find((row) => row.engine === engine && row.rules === rules && row.connections === connections)
  const fifty = find('paycage plan', 50, 5)?.perSecond ?? 0
  const many = find('paycage plan', 50, 20)?.perSecond ?? 0
  const tail = find('paycage plan', 200, 20)?.p99Us ?? Number.POSITIVE_INFINITY
  const match = find('paycage match', 50, 0)?.perSecond ?? 0
  const logic = find('json-logic-js', 50, 0)?.perSecond ?? Number.POSITIVE_INFINITY
  const engine = find('json-rules-engine', 50, 0)?.perSecond ?? Number.POSITIVE_INFINITY
  const bar = (name: string, goal: string, value: string, ok: boolean) => ({ name, goal, seen: value, ok })
  const times10 = match / logic
  const growth = beside.hungP99Ms / beside.healthyP99Ms
  return [
    bar(
      'plans a second, 50 rules × 6 tests × 5 connections, one core',
      '> 100000',
      Math.round(fifty).toString(),
      fifty > 100_000,
    ),
    bar('the same with 20 connections', '> 100000', Math.round(many).toString(), many > 100_000),
    bar('p99 of a plan, 200 rules × 20 connections', '< 1 ms', `${(tail / 1_000).toFixed(3)} ms`, tail < 1_000),
    bar('rule matching against json-logic-js, 50 rules', '≥ 10 ×', `${times10.toFixed(1)} ×`, times10 >= 10),
    bar(
      'whole plan against json-rules-engine, 50 rules',
      '≥ 10 ×',
      `${(fifty / engine).toFixed(0)} ×`,
      fifty >= 10 * engine,
    ),
    bar(
      'evaluate over HTTP, p97.5',
      '< 5 ms',
      `${seen.evaluateP975Ms} ms`,
      seen.evaluateP975Ms < 5 && seen.evaluateErrors === 0,
    ),
    bar(
      `p99 at sandbox_b with sandbox_a a black hole and ${beside.inFlight} payments in it`,
      '< 1.2 ×',
      `${growth.toFixed(2)} × (${beside.healthyP99Ms.toFixed(0)} ms, ${beside.hungP99Ms.toFixed(0)} ms)`,
      growth < 1.2 && beside.errors === 0 && beside.inFlight >= 0.9 * PAYMENTS_AT_A,
    ),
    bar(
      `replay of ${seen.replayed} recorded payments`,
      '< 10 s',
      `${seen.replaySeconds.toFixed(2)} s`,
      seen.replayed >= 9_900 && seen.replaySeconds < 10,
    ),
  ]
}

function print() {
  console.log(machine)
  console.table(
    rows.map(({ perSecond, p50Us, p99Us, ...row }) => ({
      ...row,
      'per second': Math.round(perSecond),
      'p50 µs': Number(p50Us.toFixed(1)),
      'p99 µs': Number(p99Us.toFixed(1)),
    })),
  )
  console.table([gateway])
  console.table([isolation])
  console.table(bars)
}
