import { configOrExit } from './environment.ts'
import { lifecycle, STOPPED } from './lifecycle.ts'
import { startGateway } from './start.ts'

/** `npm start`: the gateway as a process. The signals are heard before anything is started, so that nothing is left behind. */
const config = configOrExit()
const say = (line: string) => console.error(line)
const life = lifecycle(config.PAYCAGE_DRAIN_TIMEOUT_MS, say)
process.on('uncaughtException', (error) => {
  say(`unexpected: ${error.stack ?? error.message}`)
  void life.stop(1)
})

try {
  console.log(await startGateway(config, life))
} catch (error) {
  if (error !== STOPPED) say(`Paycage did not start: ${error instanceof Error ? error.message : error}`)
  await life.stop(1)
}
