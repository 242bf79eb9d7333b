import pino from 'pino'
import type { Level, LogWriter } from './log.ts'

/** Writes lines with pino: one JSON object each, UTC, to standard output or to `destination`. */
export function pinoWriter(level: Level = 'info', destination?: { write(line: string): void }): LogWriter {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  const logger = destination === undefined ? pino(options) : pino(options, destination)
  return (at, line) => logger[at](line)
}
