import { z } from '@hono/zod-openapi'
import type { WebhookShapes } from './openapi.ts'
import { DisputeShown } from './routes/disputes.ts'
import { DepositShown, RefundShown, WithdrawalShown } from './routes/payments.ts'
import { Timestamp } from './shapes.ts'

const Breaker = z.object({ connection_id: z.string(), operation: z.string(), method: z.string() })
const Endpoint = z.object({ id: z.string(), url: z.string(), status: z.string(), disabled_reason: z.string() })
const Test = z.object({ id: z.string(), requested_by: z.string() })
const Asked = z.object({
  id: z.string(),
  name: z.string(),
  version: z.number().int(),
  requested_by: z.string(),
  reason: z.string(),
})
const Published = z.object({
  id: z.string(),
  version: z.number().int(),
  sha256: z.string(),
  by: z.string(),
  reason: z.string(),
  rollout: z.string(),
  break_glass: z.boolean(),
})
const RolledBack = z.object({ version: z.number().int(), from: z.number().int(), by: z.string(), reason: z.string() })

type Said = readonly [data: z.ZodType, summary: string]

/** Every notice that there is, with what `data` holds and what has happened. */
const TYPES: Readonly<Record<string, Said>> = {
  'deposit.requires_action': [DepositShown, 'The player must do something: `next_action` says what.'],
  'deposit.processing': [DepositShown, 'The processor has it and has not decided.'],
  'deposit.unknown': [DepositShown, 'Money may have moved; it is being looked up. Do not take it for a refusal.'],
  'deposit.succeeded': [DepositShown, 'The player has the money. Final.'],
  'deposit.late_success': [DepositShown, 'A deposit that was given up succeeded after all: the player has the money.'],
  'deposit.declined': [DepositShown, 'Refused; `decline` says why. Final.'],
  'deposit.failed': [DepositShown, 'It could not be sent anywhere. Final.'],
  'deposit.cancelled': [DepositShown, 'Given up. Final.'],
  'deposit.expired': [DepositShown, 'The player did not act in time. Final.'],
  'deposit.reversed': [DepositShown, 'The processor took the money back after it had succeeded.'],
  'withdrawal.held': [WithdrawalShown, 'It waits for people; `checks` says why.'],
  'withdrawal.approved': [WithdrawalShown, 'It may leave.'],
  'withdrawal.processing': [WithdrawalShown, 'The processor has it.'],
  'withdrawal.unknown': [WithdrawalShown, 'Money may have left; it is being looked up. The hold stays.'],
  'withdrawal.paid': [WithdrawalShown, 'The money has left. Final, unless the bank sends it back.'],
  'withdrawal.late_success': [WithdrawalShown, 'A withdrawal that was given up was paid after all; people are asked.'],
  'withdrawal.rejected': [WithdrawalShown, 'Refused; the player has the money again. Final.'],
  'withdrawal.cancelled': [WithdrawalShown, 'Taken back; the player has the money again. Final.'],
  'withdrawal.failed': [WithdrawalShown, 'It could not be paid; the player has the money again. Final.'],
  'withdrawal.returned': [WithdrawalShown, 'It came back; the player has the money again. Final.'],
  'refund.succeeded': [RefundShown, 'The money has gone back. Final.'],
  'refund.late_success': [RefundShown, 'A refund that was given up succeeded after all.'],
  'refund.unknown': [RefundShown, 'Money may have gone back; it is being looked up.'],
  'refund.declined': [RefundShown, 'Refused. Final.'],
  'refund.failed': [RefundShown, 'It could not be sent, or came back; the player has the money again. Final.'],
  'dispute.opened': [DisputeShown, 'A player disputes a deposit at the bank; `taken_amount` says what the bank took.'],
  'dispute.updated': [DisputeShown, 'Its stage or status is another, or its money moved.'],
  'dispute.won': [DisputeShown, "It was won: what was taken is the player's again."],
  'dispute.lost': [DisputeShown, 'It was lost: what was taken stays taken.'],
  'breaker.opened': [Breaker, 'A connection fails too often: payments go elsewhere.'],
  'breaker.closed': [Breaker, 'A connection is back.'],
  'ruleset.approval_requested': [Asked, 'Rules wait for another person.'],
  'ruleset.published': [Published, 'Rules were published.'],
  'ruleset.rolled_back': [RolledBack, 'Older rules were put back.'],
  'webhook_endpoint.disabled': [Endpoint, 'An endpoint answered 410 and was switched off.'],
  'webhook_endpoint.test': [Test, 'A test that somebody asked for.'],
}

/** The `webhooks` of the document: the body of each notice, by its type. */
export const NOTICES: WebhookShapes = Object.fromEntries(
  Object.entries(TYPES).map(([type, [data, summary]]) => [
    type,
    {
      summary,
      body: z.object({
        id: z.string(),
        type: z.literal(type),
        timestamp: Timestamp,
        api_version: z.string(),
        sequence: z.number().int(),
        data,
        truncated: z.array(z.string()).optional(),
      }),
    },
  ]),
)
