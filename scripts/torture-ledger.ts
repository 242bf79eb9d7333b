import { torture } from '../test/torture/ledger-torture.ts'

/** `npm run torture:ledger [-- --json]`: the long form of `test/torture/ledger.test.ts`. Numbers by BACKEND_KILLS, SERVER_STOPS and WRITER_KILLS. */
const number = (name: string, standard: number) => Number(process.env[name] ?? standard)
const torment = {
  backendKills: number('BACKEND_KILLS', 1000),
  serverStops: number('SERVER_STOPS', 50),
  writerKills: number('WRITER_KILLS', 50),
}
const started = performance.now()
const survived = await torture(torment, (text) => console.error(text))
const whole = survived.missing.length === 0 && survived.torn === 0 && survived.problems.length === 0
const report = { ...torment, ...survived, seconds: Math.round((performance.now() - started) / 1000), whole }
const text = (_: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)
console.log(JSON.stringify(report, text, process.argv.includes('--json') ? 0 : 2))
process.exitCode = whole ? 0 : 1
