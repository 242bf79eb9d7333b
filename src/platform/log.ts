import { holdsPan } from '../core/pan.ts'

/** How much a line matters. */
export type Level = 'debug' | 'info' | 'warn' | 'error'

/** A log as the rest of the house sees it. */
export type StructuredLog = Record<Level, (event: string, fields?: Readonly<Record<string, unknown>>) => void>

/** Takes one line, ready to be written: everything in it may leave the house. */
export type LogWriter = (level: Level, line: Readonly<Record<string, unknown>>) => void

/**
 * What may stand in a log: names, numbers and words that we chose. An allow-list, because a list of what must not leak
 * never knows the next secret. Players, accounts, names, addresses, bodies and URLs are not in it.
 */
const ALLOWED: ReadonlySet<string> = new Set([
  'request_id',
  'trace_id',
  'http.request.method',
  'http.route',
  'http.response.status_code',
  'duration_ms',
  'operator_id',
  'client_id',
  'key_id',
  'deposit_id',
  'withdrawal_id',
  'payment_id',
  'refund_id',
  'attempt_id',
  'dispute_id',
  'connection_id',
  'instrument_id',
  'ruleset_id',
  'decision_id',
  'review_id',
  'event_id',
  'endpoint_id',
  'delivery_id',
  'webhook_id',
  'journal_id',
  'job_id',
  'processor',
  'operation',
  'method_type',
  'currency',
  'status',
  'state',
  'kind',
  'code',
  'reason',
  'outcome',
  'phase',
  'result',
  'check',
  'type',
  'job',
  'attempt',
  'count',
  'failures',
  'size_bytes',
  'age_ms',
  'delay_ms',
  'timeout_ms',
  'version',
  'host',
  'port',
  'pid',
  'signal',
  'environment',
  'storage',
])

/** A value longer than this is no name and no word. */
const MOST_CHARS = 200
const MOST_FRAMES = 8

/** What slipped into an allowed field all the same: account numbers, addresses, tokens and secrets by their shapes. Without its `sign` a shape isn't looked for. */
const SHAPES: readonly (readonly [RegExp, string, sign?: string])[] = [
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, '[token]'],
  [/\b(?:Bearer|Basic)\s+\S+/gi, '[credential]'],
  [/\b(?:pcs|whsec|whsk|sk|rk|pk)_[\w+/=-]{8,}/g, '[secret]'],
  [/-----BEGIN[^-]*-----[\s\S]*/g, '[key]'],
  [/\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b/g, '[account]'],
  [/[^\s@"'<>]+@[^\s@"'<>]+\.[^\s@"'<>]+/g, '[email]', '@'],
  [/\b\w+:\/\/\S+/g, '[url]', '://'],
]

/** A log that lets through only what the allow-list knows, as JSON values on one line. `event` is a constant of ours. */
export function openLog(write: LogWriter): StructuredLog {
  const at =
    (level: Level) =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}) =>
      write(level, { event: safeText(event), ...safeFields(fields) })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function safeFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const safe: Record<string, unknown> = {}
  let dropped = 0
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    if (name === 'error') Object.assign(safe, safeError(value))
    else if (!ALLOWED.has(name)) dropped += 1
    else if (typeof value === 'string') safe[name] = safeText(value)
    else if (typeof value === 'number' || typeof value === 'boolean' || value === null) safe[name] = value
    else if (typeof value === 'bigint') safe[name] = value.toString()
    else dropped += 1
  }
  // So that whoever misses a field finds out why.
  return dropped === 0 ? safe : { ...safe, dropped_fields: dropped }
}

/** Messages hold what callers sent and what databases say; names, codes and places in our code don't. */
function safeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { 'error.type': typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? { 'error.code': safeText(error.code) } : {}
  const ours = error.message.startsWith('assertion failed: ') ? { 'error.message': safeText(error.message) } : {}
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, MOST_FRAMES)
    .map((line) => line.trim().replace(/\(?(?:file:\/\/)?\/\S*\/((?:src|test|node_modules)\/)/, '($1'))
  const cause = error.cause instanceof Error ? { 'error.cause': safeText(error.cause.name) } : {}
  return { 'error.type': safeText(error.name), ...code, ...ours, ...cause, 'error.stack': frames.join(' | ') }
}

function safeText(text: string): string {
  if (holdsPan(text)) return '[card data]'
  let safe = text.slice(0, MOST_CHARS)
  for (const [shape, instead, sign] of SHAPES)
    if (sign === undefined || safe.includes(sign)) safe = safe.replace(shape, instead)
  // One line stays one line, whoever reads it with whatever.
  return safe.replace(/[\p{Cc}\u2028\u2029]/gu, ' ')
}
