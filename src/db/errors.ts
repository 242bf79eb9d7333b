import { type Code, Fault, type FaultExtra } from '../core/errors.ts'

/**
 * The one place where a driver's error becomes ours. The driver's carry statements, parameters and values ("Key
 * (iban)=(…) already exists"); of all that only the SQLSTATE goes on. States that a caller can act on become a `Fault`,
 * all others an error named `DbError`, which ends a request as `internal`.
 */
const FAULTS: Readonly<Record<string, readonly [Code, string]>> = {
  // the ledger's own
  P0L02: ['illegal_state', 'The hold was already resolved.'],
  P0L07: ['not_found', 'There is no such hold.'],
  P0L08: ['amount_invalid', 'More than the hold has.'],
  P0L13: ['illegal_state', 'The account does not allow that.'],
  // whole transactions that lost a race too often
  '40001': ['unavailable', 'Too many requests for the same thing at once.'],
  '40P01': ['unavailable', 'Too many requests for the same thing at once.'],
  // a time-out of the server's: the statement, a lock, a transaction left open
  '57014': ['unavailable', 'The database took too long.'],
  '55P03': ['unavailable', 'The database took too long.'],
  '25P03': ['unavailable', 'The database took too long.'],
  '25P04': ['unavailable', 'The database took too long.'],
}
/** Classes of SQLSTATE that mean: not now. Connection, resources, the operator's intervention. */
const UNAVAILABLE_CLASSES = new Set(['08', '53', '57'])
/** Sent, and the answer never came: SQL's own word for it is "transaction resolution unknown". */
export const OUTCOME_UNKNOWN = '08007'
/** The connection went before anything could have been committed. */
export const CONNECTION_LOST = '08006'
/** No connection could be made. */
const CONNECTION_NOT_MADE = '08001'
/** The driver failed in a way that has no SQLSTATE. */
const DRIVER_FAILED = 'XX000'

const NOT_MADE = /^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|CONNECT_TIMEOUT)/
const LOST = /^(CONNECTION_|ECONN|EPIPE|ETIMEDOUT|57P0[123]$)/
const SQLSTATE = /^[0-9A-Z]{5}$/
const RETRIABLE = new Set(['40001', '40P01'])
/** How long a client should leave a database alone that has no room for it. */
const RETRY_AFTER_SECONDS = 1

/** The SQLSTATE of an error that came from the database, however it is dressed. */
export function sqlstateOf(error: unknown): string | undefined {
  const state: unknown = error instanceof Error ? Reflect.get(error, 'sqlstate') : undefined
  return typeof state === 'string' ? state : undefined
}

/** True when the whole transaction may be run again: the server undid it for another's sake. */
export const isRetriable = (error: unknown): boolean => RETRIABLE.has(sqlstateOf(error) ?? '')

/** True when nobody knows whether it was committed: find out before doing anything again, or do it again under the same key. */
export const isOutcomeUnknown = (error: unknown): boolean => sqlstateOf(error) === OUTCOME_UNKNOWN

/** Our error for whatever the driver threw. Errors that are ours already, and those of the work itself, pass unchanged. */
export function fromDriver(error: unknown): Error {
  if (error instanceof Fault || sqlstateOf(error) !== undefined) return error instanceof Error ? error : dbError('')
  return dbError(stateOf(error))
}

/** Our error for an SQLSTATE. */
export function dbError(sqlstate: string): Error {
  const extra: FaultExtra = { retryAfterSeconds: RETRY_AFTER_SECONDS }
  const known = FAULTS[sqlstate]
  const error = known
    ? new Fault(known[0], known[1], known[0] === 'unavailable' ? extra : {})
    : UNAVAILABLE_CLASSES.has(sqlstate.slice(0, 2))
      ? new Fault('unavailable', 'The database cannot be reached.', extra)
      : Object.assign(new Error(`database error ${sqlstate}`), { name: 'DbError' })
  // not enumerable: it is for us, and no serializer should find it
  Object.defineProperty(error, 'sqlstate', { value: sqlstate })
  return error
}

/** True for a driver error that means its connection is gone. */
export function isConnectionLost(error: unknown): boolean {
  return LOST.test(codeOf(error))
}

function stateOf(error: unknown): string {
  const code = codeOf(error)
  if (NOT_MADE.test(code)) return CONNECTION_NOT_MADE
  if (LOST.test(code)) return CONNECTION_LOST
  return SQLSTATE.test(code) ? code : DRIVER_FAILED
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : ''
}
