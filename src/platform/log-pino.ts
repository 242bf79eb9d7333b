import pino from 'pino'
import type { Level, LogWriter } from './log.ts'

/** Under load lines leave a page at a time: a write for each took a tenth of the process's time. */
const PAGE_BYTES = 4_096
/** And without load soon. A process that ends, by a signal of the house or an error, writes what is left; SIGKILL takes this much. */
const FLUSH_EVERY_MS = 100

/** Writes lines with pino: one JSON object each, UTC, to standard output or to `destination`. */
export function pinoWriter(level: Level = 'info', destination?: { write(line: string): void }): LogWriter {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  const standard = () => pino.destination({ fd: 1, sync: false, minLength: PAGE_BYTES, periodicFlush: FLUSH_EVERY_MS })
  const logger = pino(options, destination ?? standard())
  return (at, line) => logger[at](line)
}
