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

// npm ends on SIGTERM without passing it on: whoever stops `npm start` means the gateway.
const PARENT_LOOK_MS = 300
if (process.argv.includes('--end-with-parent')) {
  const { ppid } = process
  const look = setInterval(() => {
    if (process.ppid === ppid) return
    clearInterval(look)
    say('the parent process is gone: finishing what is under way')
    void life.stop(0)
  }, PARENT_LOOK_MS)
  look.unref()
}

try {
  console.log(await startGateway(config, life))
} catch (error) {
  if (error !== STOPPED) say(`Paycage did not start: ${error instanceof Error ? error.message : error}`)
  await life.stop(1)
}
