import { parseArgs } from 'node:util'
import { startGround } from './ground.ts'
import { openField, playAll } from './run.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
  },
})
const say = (line: string) => process.stdout.write(`${line}\n`)
const ground = await startGround()
const field = openField(ground.url)
const first = Number(values.seed ?? values.from)
const seeds = Array.from({ length: values.seed === undefined ? Number(values.seeds) : 1 }, (_, n) => first + n)
const seen = new Map<string, number>()
const began = performance.now()
let bad = 0
await playAll(
  field,
  seeds,
  (ending) => {
    for (const [what, n] of ending.seen) seen.set(what, (seen.get(what) ?? 0) + n)
    for (const line of ending.trace) say(line)
    if (ending.violations.length === 0) return
    bad += 1
    if (bad <= 10) say(`seed ${ending.seed}: ${ending.violations.join('; ')}`)
  },
  { traced: values.seed !== undefined },
)
say(JSON.stringify(Object.fromEntries([...seen].sort()), null, 1))
say(`${seeds.length} seeds, ${bad} bad, ${((performance.now() - began) / 1000).toFixed(1)} s`)
await field.close()
await ground.stop()
process.exit(bad === 0 ? 0 : 1)
