import type { Level, LogWriter } from './log.ts'

const ORDER: readonly Level[] = ['debug', 'info', 'warn', 'error']

/** Writes lines as JSON through `print`, for runtimes without pino: on Workers that is the console. */
export function jsonWriter(level: Level, print: (line: string) => void, now: () => Date): LogWriter {
  const least = ORDER.indexOf(level)
  return (at, line) => {
    if (ORDER.indexOf(at) >= least) print(JSON.stringify({ level: at, time: now().toISOString(), ...line }))
  }
}
