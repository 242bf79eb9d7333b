import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import { presentAttempt, presentDecision } from '../../core/present.ts'
import { attemptsOf } from '../../db/attempts.ts'
import type { Tx } from '../../db/client.ts'
import { listEvents } from '../../db/events.ts'
import { findPayment, listPayments, type PaymentRow } from '../../db/payments.ts'
import { timelineOf } from '../../db/timeline.ts'
import { beforeOf, pageOf, wordsOf } from '../list.ts'
import { MONEY_SHOWN } from '../money.ts'
import { AmountShown, PAGE, PlayerId, Reference, Timestamp } from '../shapes.ts'

/** What deposits and withdrawals share on the way out: shapes, reads, lists. */

/** A definitive refusal in the gateway's own words. */
export const DeclineShown = z
  .object({
    code: z.string(),
    category: z.string(),
    retryable: z.boolean(),
    advice: z.string(),
    processor_code: z.string().nullable(),
  })
  .openapi('Decline')

const AttemptShown = z
  .object({
    id: z.string(),
    n: z.number().int(),
    connection_id: z.string(),
    processor: z.string(),
    status: z.string(),
    decline: DeclineShown.nullable(),
    reason: z.string().nullable(),
    processor_reference: z.string().nullable(),
    phase: z.string().nullable(),
    started_at: Timestamp,
    ended_at: Timestamp.nullable(),
  })
  .openapi('Attempt')

/** Why this route: the rule, its version, and every account with its reason. */
export const DecisionShown = z
  .object({
    payment_id: z.string(),
    ruleset_version: z.number().int().nullable(),
    rule_id: z.string().nullable(),
    connection_id: z.string().nullable(),
    candidates: z.array(
      z.object({
        connection_id: z.string(),
        processor: z.string(),
        label: z.string(),
        outcome: z.enum(['chosen', 'left_out']),
        position: z.number().int().nullable(),
        code: z.string(),
        reason: z.string(),
      }),
    ),
  })
  .openapi('Decision')

/** Everything that happened to a payment, in order. */
export const TimelineShown = z
  .object({
    data: z.array(
      z.object({ at: Timestamp, kind: z.string(), id: z.string(), what: z.string(), detail: z.string().nullable() }),
    ),
  })
  .openapi('Timeline')

const NoticeShown = z.object({ id: z.string(), type: z.string(), sequence: z.number().int(), created_at: Timestamp })
const PostingShown = z.object({ journal: z.string(), kind: z.string(), key: z.string().nullable(), at: Timestamp })

/** Members that `expand` adds. */
const EXPANDED = {
  attempts: z.array(AttemptShown).optional(),
  decision: DecisionShown.optional(),
  ledger: z.array(PostingShown).optional(),
  events: z.array(NoticeShown).optional(),
}

const COMMON = {
  id: z.string(),
  status: z.string(),
  ...MONEY_SHOWN,
  player_id: z.string(),
  reference: z.string(),
  processor: z.string().nullable(),
  connection_id: z.string().nullable(),
  decline: DeclineShown.nullable(),
  metadata: z.record(z.string(), z.string()),
  created_at: Timestamp,
  updated_at: Timestamp,
  settled_at: Timestamp.nullable(),
  ...EXPANDED,
}

/** A deposit as the API shows it. */
export const DepositShown = z
  .object({
    ...COMMON,
    method: z.record(z.string(), z.string()),
    next_action: z.looseObject({ type: z.string() }).nullable(),
    refunded_amount: AmountShown,
    charged_back_amount: AmountShown,
    return_url: z.string().nullable(),
  })
  .openapi('Deposit')

/** A withdrawal as the API shows it. */
export const WithdrawalShown = z
  .object({
    ...COMMON,
    destination: z.record(z.string(), z.unknown()),
    checks: z.array(
      z.object({
        name: z.string(),
        status: z.enum(['passed', 'failed', 'review', 'skipped']),
        code: z.string().nullable(),
        at: Timestamp,
      }),
    ),
  })
  .openapi('Withdrawal')

/** A refund as the API shows it. */
export const RefundShown = z
  .object({
    id: z.string(),
    deposit_id: z.string(),
    player_id: z.string(),
    status: z.string(),
    ...MONEY_SHOWN,
    reason: z.string().nullable(),
    reference: z.string().nullable(),
    duplicate_of: z
      .string()
      .nullable()
      .openapi({ description: 'The attempt whose second capture of the deposit this sends back.' }),
    decline: DeclineShown.nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi('Refund')

const EXPANSIONS = ['attempts', 'decision', 'ledger', 'events'] as const
const EXPAND_PATTERN = new RegExp(`^(${EXPANSIONS.join('|')})(,(${EXPANSIONS.join('|')}))*$`)

/** Query member `expand`: which members to add, by comma. */
export const EXPAND = { expand: z.string().regex(EXPAND_PATTERN).optional() }

const When = z.iso.datetime({ offset: true }).transform((text) => new Date(text))

/** The query of a list of payments. */
export const PaymentQuery = z.strictObject({
  ...PAGE,
  ...EXPAND,
  status: z
    .string()
    .regex(/^[a-z_]{1,32}$/)
    .optional(),
  player_id: PlayerId.optional(),
  reference: Reference.optional(),
  processor: z
    .string()
    .regex(/^[a-z0-9_]{1,32}$/)
    .optional(),
  connection_id: z.string().max(64).optional(),
  'created_at[gte]': When.optional(),
  'created_at[lt]': When.optional(),
})

/** A payment of this direction with its expansions. Throws `not_found`, the same for what another operator has. */
export async function shownPayment(
  tx: Tx,
  operatorId: string,
  direction: PaymentRow['direction'],
  id: string,
  expand?: string,
) {
  const row = await findPayment(tx, operatorId, id)
  if (row?.direction !== direction) throw new Fault('not_found', 'There is no such resource.')
  return { row, expanded: await expansionsOf(tx, row, wordsOf(expand)) }
}

/** What `expand` adds to a payment. */
export async function expansionsOf(tx: Tx, row: PaymentRow, words: ReadonlySet<string>) {
  const { operatorId, id } = row
  const postings = words.has('ledger') ? await timelineOf(tx, operatorId, id) : []
  const notices = words.has('events') ? await listEvents(tx, operatorId, { resourceId: id, limit: 100 }) : []
  return {
    ...(words.has('attempts') && { attempts: (await attemptsOf(tx, operatorId, id)).map(presentAttempt) }),
    ...(words.has('decision') && { decision: presentDecision(row) }),
    ...(words.has('ledger') && {
      ledger: postings
        .filter(({ kind }) => kind === 'posting')
        .map(({ id: journal, what, detail, at }) => ({ journal, kind: what, key: detail, at: at.toISOString() })),
    }),
    ...(words.has('events') && {
      events: notices.map(({ id: notice, type, sequence, createdAt }) => ({
        id: notice,
        type,
        sequence,
        created_at: createdAt.toISOString(),
      })),
    }),
  }
}

/** A page of payments, each shown by `show`. */
export async function pageOfPayments<Shown>(
  tx: Tx,
  operatorId: string,
  direction: PaymentRow['direction'],
  query: z.output<typeof PaymentQuery>,
  show: (row: PaymentRow) => Shown,
) {
  const rows = await listPayments(tx, operatorId, {
    direction,
    status: query.status,
    playerId: query.player_id,
    reference: query.reference,
    processor: query.processor,
    connectionId: query.connection_id,
    createdFrom: query['created_at[gte]'],
    createdBefore: query['created_at[lt]'],
    before: beforeOf(direction, query.cursor),
    limit: query.limit + 1,
  })
  const expanded = new Map<string, Awaited<ReturnType<typeof expansionsOf>>>()
  const words = wordsOf(query.expand)
  if (words.size > 0)
    for (const row of rows.slice(0, query.limit)) expanded.set(row.id, await expansionsOf(tx, row, words))
  return pageOf(rows, query.limit, (row) => ({ ...show(row), ...expanded.get(row.id) }))
}

/** The timeline of a payment of this direction. */
export async function shownTimeline(tx: Tx, operatorId: string, direction: PaymentRow['direction'], id: string) {
  await shownPayment(tx, operatorId, direction, id)
  const rows = await timelineOf(tx, operatorId, id)
  return { data: rows.map((row) => ({ ...row, at: row.at.toISOString() })) }
}
