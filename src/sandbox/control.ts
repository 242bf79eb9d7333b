import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import type { Books } from './books.ts'
import { FaultPlan, type Faults } from './faults.ts'
import type { Operation, OperationKind } from './operation.ts'
import { noticeOf, oneMore } from './processor.ts'
import { type Answer, parseJson, problem } from './web.ts'
import { post, signatureHeader } from './webhooks.ts'

/** How the processor behaves; steered at its control URL, back to the defaults at each start. */
export const Behaviour = z.strictObject({
  latency_ms: z.number().int().min(0).max(60_000),
  /** The share of API requests refused with 503 `maintenance`, before anything is done. */
  fail_rate: z.number().min(0).max(1),
  /** `down`: 503 to everything. `refuse_connection`: the port is closed. `hang`: nothing is read, no answer comes. `http_500`: 500, nothing is done. */
  mode: z.enum(['up', 'down', 'refuse_connection', 'hang', 'http_500']),
  /** `async`: webhooks for what happens after the answer. `all`: for what the answer already said, too. */
  notify: z.enum(['async', 'all']),
})
export type Behaviour = z.infer<typeof Behaviour>

/** A healthy processor. */
export const HEALTHY: Behaviour = { latency_ms: 0, fail_rate: 0, mode: 'up', notify: 'async' }

const WebhookOrder = z.strictObject({
  our_ref: z.string(),
  kind: z.enum([
    'duplicate',
    'forged',
    'unsigned',
    'stale',
    'future',
    'reserialised',
    'reordered',
    'wrong_amount',
    'wrong_processor',
  ]),
  times: z.number().int().min(1).max(1_000).default(1),
  delay_ms: z.number().int().min(0).max(60_000).default(0),
  /** How many are under way at once. */
  parallel: z.number().int().min(1).max(50).default(1),
})
type WebhookOrder = z.infer<typeof WebhookOrder>

/** What the control API reaches. */
export type Controlled = {
  readonly id: string
  readonly secrets: readonly string[]
  readonly books: Books
  readonly faults: Faults
  behaviour(): Behaviour
  behave(next: Behaviour): Promise<void>
}

const KINDS = ['charge', 'payout', 'refund'] as const satisfies readonly OperationKind[]

/** Answers a request of the control API; `path` is what follows the admin key. */
export async function control(it: Controlled, method: string, path: string, body: string): Promise<Answer> {
  const json = parseJson(body)
  if (path === '/control' && method === 'GET') return { status: 200, json: it.behaviour() }
  if (path === '/control' && method === 'PUT') {
    const change = Behaviour.partial().safeParse(json)
    if (!change.success) return problem(422, 'invalid_request', change.error.issues.map(issueText).join('; '))
    await it.behave({ ...it.behaviour(), ...given(change.data) })
    return { status: 200, json: it.behaviour() }
  }
  if (path === '/control/faults' && method === 'PUT') {
    const plan = FaultPlan.safeParse(json)
    if (!plan.success) return problem(422, 'invalid_request', plan.error.issues.map(issueText).join('; '))
    it.faults.load(plan.data)
    return { status: 200, json: { rules: it.faults.struck() } }
  }
  if (path === '/control/faults' && method === 'GET') return { status: 200, json: { rules: it.faults.struck() } }
  if (path === '/control/webhooks' && method === 'POST') {
    const order = WebhookOrder.safeParse(json)
    if (!order.success) return problem(422, 'invalid_request', order.error.issues.map(issueText).join('; '))
    return sendOrdered(it, order.data)
  }
  return problem(404, 'not_found', 'There is nothing here.')
}

const issueText = ({ path, message }: z.core.$ZodIssue): string => `${path.join('.')}: ${message}`

/** Leaves out members that were not given: an absent one keeps its value. */
function given(change: Partial<{ [K in keyof Behaviour]: Behaviour[K] | undefined }>): Partial<Behaviour> {
  return {
    ...(change.latency_ms !== undefined && { latency_ms: change.latency_ms }),
    ...(change.fail_rate !== undefined && { fail_rate: change.fail_rate }),
    ...(change.mode !== undefined && { mode: change.mode }),
    ...(change.notify !== undefined && { notify: change.notify }),
  }
}

async function sendOrdered(it: Controlled, order: WebhookOrder): Promise<Answer> {
  const operation = KINDS.flatMap((kind) => it.books.byOurRef(kind, order.our_ref)).at(-1)
  if (!operation) return problem(404, 'not_found', 'There is no operation of this reference.')
  await wait(order.delay_ms)
  const statuses: number[] = []
  for (let sent = 0; sent < order.times; sent += order.parallel) {
    const batch = Array.from({ length: Math.min(order.parallel, order.times - sent) }, () =>
      sendOne(it, operation, order),
    )
    statuses.push(...(await Promise.all(batch)))
  }
  return { status: 200, json: { event_id: noticeOf(it.id, operation).id, statuses } }
}

const STALE_SECONDS = 310

function sendOne(it: Controlled, operation: Operation, { kind }: WebhookOrder): Promise<number> {
  const now = Math.floor(Date.now() / 1_000)
  const { url, body } = noticeOf(kind === 'wrong_processor' ? 'sandbox_other' : it.id, toldAs(operation, kind))
  const time = kind === 'stale' ? now - STALE_SECONDS : kind === 'future' ? now + STALE_SECONDS : now
  const secrets = kind === 'forged' ? it.secrets.map((secret) => `${secret}x`) : it.secrets
  const signature = { 'x-sandbox-signature': signatureHeader(secrets, time, body) }
  const sent = kind === 'reserialised' ? JSON.stringify(JSON.parse(body), null, 1) : body
  return post(url, sent, kind === 'unsigned' ? {} : signature)
}

/** The operation as the ordered webhook tells it: older than it is, or of another amount. */
function toldAs(operation: Operation, kind: WebhookOrder['kind']): Operation {
  if (kind === 'reordered') return { ...operation, status: 'pending', updated_at: operation.created_at }
  const { id, amount, currency, network } = operation
  return kind === 'wrong_amount' ? { ...operation, id, amount: oneMore(amount, currency, network) } : operation
}
