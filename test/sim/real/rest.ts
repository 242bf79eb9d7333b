import { setTimeout as wait } from 'node:timers/promises'
import type { Sandbox } from '../../support/sandbox.ts'
import type { Model } from '../processor.ts'
import type { Site } from './site.ts'

const QUIET_MS = 240_000
const LOOK_EVERY_MS = 2_000
/** The answer may never come: then they say it again at their next look. */
const PATIENCE_MS = 6_000

/** Waits until nothing moves any more: look-ups come at once, and people decide what only people can. */
export async function rest(site: Site, [one = '', two = '']: readonly string[]): Promise<number> {
  let people = 0
  for (const until = Date.now() + QUIET_MS; Date.now() < until; await wait(1_000)) {
    await site.field.ask(
      `update job set run_at = least(run_at, now()) where operator = $1 and lease is null and kind in ('look_up', 'pay_out', 'apply_webhook') and created_at < now() - interval '16 seconds' returning id`,
      [site.operatorId],
    )
    // A worker that lives renews its leases every thirty seconds; what is older was a killed one's, and needn't be waited for.
    await site.field.ask(
      `update job set leased_until = now() where operator = $1 and leased_until between now() and now() + interval '70 seconds' returning id`,
      [site.operatorId],
    )
    const [open] = await site.field.ask(
      `select (select count(*) from payment where operator_id = $1 and status not in ('succeeded', 'declined', 'failed', 'cancelled', 'expired', 'paid', 'rejected', 'returned'))::int
         + (select count(*) from refund where operator_id = $1 and status in ('processing', 'unknown'))::int
         + (select count(*) from job where operator = $1 and kind in ('pay_out', 'apply_webhook', 'look_up') and failures < 5)::int as n`,
      [site.operatorId],
    )
    if (Number(open?.n) === 0) return people
    people += await decide(site, [one, two], 'all')
  }
  return people
}

/** People look while everything is struck, too: at withdrawals only, since what a processor did isn't settled yet. */
export async function lookOn(site: Site, tokens: readonly string[], over: () => boolean): Promise<void> {
  for (; !over(); await wait(LOOK_EVERY_MS)) await decide(site, tokens, 'withdrawals').catch(() => 0)
}

/** Both decide what is open; says how much that was. */
async function decide(site: Site, tokens: readonly string[], what: 'withdrawals' | 'all'): Promise<number> {
  const held = await site.field.ask(
    `select r.id, r.kind, a.id as attempt from review r left join attempt a on a.operator_id = r.operator_id and a.subject_id = r.subject_id and a.status in ('unknown', 'integrity_hold')
     where r.operator_id = $1 and r.status = 'open' and (r.kind = 'withdrawal' or ($2 = 'all' and a.id is not null))`,
    [site.operatorId, what],
  )
  for (const { id, kind, attempt } of held) {
    const models = kind === 'withdrawal' ? [] : await Promise.all(site.sandboxes.map(truth))
    const moved = models.some(({ operations }) =>
      operations.some(({ ourRef, status }) => ourRef === attempt && status === 'approved'),
    )
    for (const token of tokens) {
      const headers = {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': `decide-${String(id)}-${token.slice(-12).replace(/[^A-Za-z0-9]/g, '')}`,
      }
      await fetch(`${site.url}/v1/reviews/${id}/${kind === 'withdrawal' || moved ? 'approve' : 'reject'}`, {
        method: 'POST',
        headers,
        body: '{"reason":"looked it up"}',
        signal: AbortSignal.timeout(PATIENCE_MS),
      }).catch(() => undefined)
    }
  }
  return held.length
}

/** The processor's own books: the last line of each operation. */
export async function truth(sandbox: Sandbox): Promise<Model> {
  const last = new Map((await sandbox.truth()).map((line) => [line.their_ref, line]))
  return {
    id: sandbox.id,
    hear: () => ({ kind: 'silence' }),
    operations: [...last.values()].map((line) => ({
      id: line.their_ref,
      kind: line.op,
      ourRef: line.our_ref,
      amount: line.amount,
      currency: line.currency,
      behaviour: 'approves',
      status: line.state,
      twin: false,
      updatedAtMs: 0,
      heardAtMs: 0,
    })),
  }
}
