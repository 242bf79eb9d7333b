import { canonicalJson } from '../core/idempotency.ts'
import type { Tx } from './client.ts'
import type { auditLog } from './schema/audit.ts'

/** A row of the audit log. */
export type AuditRow = typeof auditLog.$inferSelect

/** What somebody changed. `before` and `after` hold ids and words of ours: no secret, and of a person only the id. */
export type AuditEntry = {
  /** A client's id, `player:…`, or `system`. */
  readonly actor: string
  /** `noun.what_was_done`. */
  readonly action: string
  /** The id of what it was done to. */
  readonly subject: string
  readonly before?: Readonly<Record<string, unknown>> | null
  readonly after?: Readonly<Record<string, unknown>> | null
  readonly reason?: string | null
  readonly at: Date
}

/** Before the first row. */
const BEGIN = '0'.repeat(64)
/** Rows that a verification reads at a time. */
const BATCH = 1_000

/**
 * Adds a row to the operator's chain, in the transaction that makes it true. Writers of one operator wait for each other
 * from here to the end of their transactions, so call it last.
 */
export async function audit(tx: Tx, operatorId: string, entry: AuditEntry): Promise<void> {
  await tx`select pg_advisory_xact_lock(${AUDIT_LOCK}, hashtext(${operatorId}))`
  const [last] = await tx<Pick<AuditRow, 'sequence' | 'hash'>[]>`
    select sequence, hash from audit_log where operator_id = ${operatorId} order by sequence desc limit 1`
  const { actor, action, subject, before = null, after = null, reason = null, at } = entry
  const sequence = (last?.sequence ?? 0n) + 1n
  const previousHash = last?.hash ?? BEGIN
  const row = { operatorId, sequence, at, actor, action, subject, before, after, reason, previousHash }
  await tx`
    insert into audit_log (operator_id, sequence, at, actor, action, subject, before, after, reason, previous_hash, hash)
    values (${operatorId}, ${sequence}, ${at}, ${actor}, ${action}, ${subject}, ${json(before)}::text::jsonb,
      ${json(after)}::text::jsonb, ${reason}, ${previousHash}, ${await hashOf(row)})`
}

/** Any fixed number: the first half of the lock's name. */
const AUDIT_LOCK = 727_203

const json = (value: Readonly<Record<string, unknown>> | null): string | null =>
  value === null ? null : JSON.stringify(value)

/** Hexadecimal SHA-256 over the row's canonical text, the previous hash among it. */
async function hashOf(row: Omit<AuditRow, 'hash'>): Promise<string> {
  const text = canonicalJson({ ...row, sequence: row.sequence.toString(), at: row.at.toISOString() })
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** A page of the log, newest first; `before` is the sequence that it begins under. */
export async function listAudit(
  tx: Tx,
  operatorId: string,
  filter: {
    actor?: string | undefined
    action?: string | undefined
    subject?: string | undefined
    from?: Date | undefined
    until?: Date | undefined
    before?: bigint | undefined
    limit: number
  },
): Promise<AuditRow[]> {
  return tx<AuditRow[]>`
    select * from audit_log
    where operator_id = ${operatorId}
      ${filter.actor === undefined ? tx`` : tx`and actor = ${filter.actor}`}
      ${filter.action === undefined ? tx`` : tx`and action = ${filter.action}`}
      ${filter.subject === undefined ? tx`` : tx`and subject = ${filter.subject}`}
      ${filter.from === undefined ? tx`` : tx`and at >= ${filter.from}`}
      ${filter.until === undefined ? tx`` : tx`and at < ${filter.until}`}
      ${filter.before === undefined ? tx`` : tx`and sequence < ${filter.before.toString()}::bigint`}
    order by sequence desc limit ${filter.limit}`
}

/** A row's number and hash as they were noted outside this database. */
export type NotedRow = { readonly sequence: bigint; readonly hash: string }

/** What a verification found. `head` is the last hash: noted elsewhere and given again, it also proves that no row was cut off the end (`noted`). */
export type AuditVerdict = {
  readonly rows: number
  readonly head: string
  readonly broken: { readonly sequence: string; readonly why: 'gap' | 'link' | 'content' | 'noted' } | null
}

/** Walks an operator's whole chain, which must hold `noted` where it is given, and stops at the first row that doesn't follow from the one before, or was altered. */
export async function verifyAudit(tx: Tx, operatorId: string, noted?: NotedRow): Promise<AuditVerdict> {
  let rows = 0
  let head = BEGIN
  for (;;) {
    const batch = await tx<AuditRow[]>`
      select * from audit_log where operator_id = ${operatorId} and sequence > ${rows}
      order by sequence limit ${BATCH}`
    for (const row of batch) {
      const why = await faultOf(row, BigInt(rows) + 1n, head)
      if (why !== undefined) return { rows, head, broken: { sequence: row.sequence.toString(), why } }
      rows += 1
      head = row.hash
    }
    if (batch.length === BATCH) continue
    const lost = noted !== undefined && !(await holds(tx, operatorId, noted))
    return { rows, head, broken: lost ? { sequence: noted.sequence.toString(), why: 'noted' } : null }
  }
}

async function holds(tx: Tx, operatorId: string, { sequence, hash }: NotedRow): Promise<boolean> {
  const rows = await tx`
    select from audit_log
    where operator_id = ${operatorId} and sequence = ${sequence.toString()}::bigint and hash = ${hash}`
  return rows.length === 1
}

/** Reads `12:9f86…`, or undefined when the text is not of that form. */
export function readNoted(text: string): NotedRow | undefined {
  const [, sequence, hash] = /^([1-9]\d{0,17}):([0-9a-f]{64})$/.exec(text) ?? []
  return sequence === undefined || hash === undefined ? undefined : { sequence: BigInt(sequence), hash }
}

async function faultOf({ hash, ...row }: AuditRow, sequence: bigint, head: string) {
  if (row.sequence !== sequence) return 'gap'
  if (row.previousHash !== head) return 'link'
  return (await hashOf(row)) === hash ? undefined : 'content'
}
