import { typeIdOfUuid } from '../core/ids.ts'
import type { Tx } from './client.ts'

/** One thing that happened to a payment or refund. */
export type TimelineRow = {
  readonly at: Date
  readonly kind:
    | 'attempt_started'
    | 'attempt_ended'
    | 'notice'
    | 'webhook'
    | 'posting'
    | 'dispute'
    | 'review'
    | 'decision'
  readonly id: string
  readonly what: string
  readonly detail: string | null
}

/** More than any payment gathers; a subject with more shows its first ones. */
const MAX_ROWS = 500

/** Everything that happened to a payment or refund, in order: attempts, notices, processors' webhooks, postings, people. */
export async function timelineOf(tx: Tx, operatorId: string, subjectId: string): Promise<TimelineRow[]> {
  const rows = await tx<TimelineRow[]>`
    select started_at as at, 'attempt_started' as kind, id, processor as what, connection_id as detail
    from attempt where operator_id = ${operatorId} and subject_id = ${subjectId}
    union all
    select ended_at, 'attempt_ended', id, status, coalesce(decline ->> 'code', reason)
    from attempt where operator_id = ${operatorId} and subject_id = ${subjectId} and ended_at is not null
    union all
    select created_at, 'notice', id, type, null
    from event where operator_id = ${operatorId} and resource_id = ${subjectId}
    union all
    select received_at, 'webhook', id, processor, status
    from inbound_webhook where operator_id = ${operatorId} and subject_id = ${subjectId}
    union all
    select min(t.created_at), 'posting', j.id::text, j.kind, j.key
    from ledger.journal j join ledger.transfer t on t.operator_id = j.operator_id and t.journal_id = j.id
    where j.operator_id = ${operatorId} and j.key in (
      select key from ledger.journal k
      where k.operator_id = ${operatorId} and (${keysOf(tx, subjectId)}))
    group by j.id, j.kind, j.key
    union all
    select n.at, 'dispute', n.dispute_id, n.stage, n.status
    from dispute_news n join dispute d on d.operator_id = n.operator_id and d.id = n.dispute_id
    where d.operator_id = ${operatorId} and d.deposit_id = ${subjectId}
    union all
    select created_at, 'review', id, kind, status
    from review where operator_id = ${operatorId} and subject_id = ${subjectId}
    union all
    select d.at, 'decision', r.id, d.decision, d.reason
    from review_decision d join review r on r.operator_id = d.operator_id and r.id = d.review_id
    where r.operator_id = ${operatorId} and r.subject_id = ${subjectId}
    order by at, kind limit ${MAX_ROWS}`
  return rows.map((row) => (row.kind === 'posting' ? { ...row, id: typeIdOfUuid('journal', row.id) } : row))
}

/** Postings' keys begin with what they are about; a range by that beginning is read from the key's index (';' follows ':'). */
function keysOf(tx: Tx, subjectId: string) {
  const range = (noun: string) => tx`(k.key >= ${`${noun}:${subjectId}:`} and k.key < ${`${noun}:${subjectId};`})`
  return tx`${range('deposit')} or ${range('withdrawal')} or ${range('refund')}`
}
