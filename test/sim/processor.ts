import { createHmac } from 'node:crypto'
import { z } from 'zod'
import type { HttpCall } from '../../src/adapters/http.ts'
import type { Mood } from './mood.ts'
import type { Chance, Scheduler } from './scheduler.ts'

/** What a processor does with a request, and how it tells of it. */
export type Behaviour = (typeof BEHAVIOURS)[number]['name']

/**
 * All that processors were seen to do wrong, and a few right things. `acts`: what really happens there; `answers`: what
 * the line makes of it; `hooks`: how webhooks come.
 */
export const BEHAVIOURS = [
  { name: 'approves', weight: 30 },
  { name: 'declines_soft', weight: 5 },
  { name: 'declines_hard', weight: 3 },
  { name: 'issuer_away', weight: 5 },
  { name: 'float_low', weight: 2 },
  { name: 'pends_then_approves', weight: 7 },
  { name: 'pends_then_declines', weight: 4 },
  { name: 'asks_player_then_approves', weight: 5 },
  { name: 'asks_player_then_declines', weight: 2 },
  { name: 'asks_player_then_expires', weight: 2 },
  { name: 'refuses_connection', weight: 4 },
  { name: 'loses_request', weight: 5 },
  { name: 'loses_answer', weight: 7 },
  { name: 'answers_late', weight: 4 },
  { name: 'acts_late', weight: 4 },
  { name: 'resets_having_acted', weight: 3 },
  { name: 'resets_before_acting', weight: 3 },
  { name: 'http_500_having_acted', weight: 4 },
  { name: 'http_500_before_acting', weight: 3 },
  { name: 'maintenance', weight: 3 },
  { name: 'html_having_acted', weight: 2 },
  { name: 'half_body_having_acted', weight: 2 },
  { name: 'empty_body_having_acted', weight: 2 },
  { name: 'redirect_having_acted', weight: 1 },
  { name: 'conflict_having_acted', weight: 1 },
  { name: 'wrong_amount', weight: 2 },
  { name: 'wrong_currency', weight: 1 },
  { name: 'wrong_reference', weight: 1 },
  { name: 'unknown_status', weight: 2 },
  { name: 'float_amount', weight: 1 },
  { name: 'declines_then_approves', weight: 4 },
  { name: 'approves_then_reverses', weight: 3 },
  { name: 'acts_twice', weight: 1 },
] as const

/** Behaviours in which the processor itself breaks its word: money then moves in a way that nobody could have prevented. */
export const LIES: ReadonlySet<Behaviour> = new Set(['declines_then_approves', 'acts_twice'])

type Status = 'requires_action' | 'pending' | 'approved' | 'declined' | 'expired' | 'reversed'

/** One operation in a processor's own books. */
export type Operation = {
  readonly id: string
  readonly kind: 'charge' | 'payout' | 'refund'
  readonly ourRef: string
  readonly amount: string
  readonly currency: string
  readonly behaviour: Behaviour
  status: Status
  declineCode?: string
  /** True for the second of two that were made of one request. */
  readonly twin: boolean
  updatedAtMs: number
  /** When its answer is heard; never, when it is lost. */
  heardAtMs: number
}

const Body = z.object({ our_ref: z.string(), amount: z.string(), currency: z.string(), webhook_url: z.string() })
const KINDS = { charges: 'charge', payouts: 'payout', refunds: 'refund' } as const

/** What the line carries back: an answer, a dead line, or nothing ever. */
export type Heard =
  | { readonly kind: 'answer'; readonly status: number; readonly text: string; readonly delayMs: number }
  | { readonly kind: 'reset' | 'refused'; readonly delayMs: number }
  | { readonly kind: 'silence' }

/** A webhook on its way. */
export type Hook = { readonly url: string; readonly body: string; readonly signature: (nowMs: number) => string }

/** A processor of one world: its own books, which are the truth, and what it makes of requests. */
export type Model = {
  readonly id: string
  readonly operations: Operation[]
  hear(call: HttpCall): Heard
}

/** What a model is made of. `calm` ends all misbehaviour; `post` sends a webhook. */
export type ModelParts = {
  readonly id: string
  readonly secret: string
  readonly random: Chance
  readonly time: Scheduler
  readonly mood: Mood
  calm(): boolean
  post(hook: Hook): void
  saw(what: string): void
}

function chosen(random: Chance, behaviours: Mood['behaviours']): Behaviour {
  let left = random.next() * behaviours.reduce((sum, { weight }) => sum + weight, 0)
  for (const { name, weight } of behaviours) {
    left -= weight
    if (left < 0) return name
  }
  return 'approves'
}

const NOT_ACTING: ReadonlySet<Behaviour> = new Set([
  'refuses_connection',
  'loses_request',
  'resets_before_acting',
  'http_500_before_acting',
  'maintenance',
])

/** How an operation begins under each behaviour; the others are approved at once. */
const BEGINS: Partial<Record<Behaviour, { status: Status; code?: string }>> = {
  declines_soft: { status: 'declined', code: 'do_not_honor' },
  declines_hard: { status: 'declined', code: 'lost_card' },
  issuer_away: { status: 'declined', code: 'issuer_unavailable' },
  float_low: { status: 'declined', code: 'float_insufficient' },
  declines_then_approves: { status: 'declined', code: 'issuer_unavailable' },
  pends_then_approves: { status: 'pending' },
  pends_then_declines: { status: 'pending' },
  asks_player_then_approves: { status: 'requires_action' },
  asks_player_then_declines: { status: 'requires_action' },
  asks_player_then_expires: { status: 'requires_action' },
}

/** What time makes of an operation. */
const ENDS: Partial<Record<Behaviour, { status: Status; afterMs: readonly [number, number] }>> = {
  pends_then_approves: { status: 'approved', afterMs: [50, 90_000] },
  pends_then_declines: { status: 'declined', afterMs: [50, 90_000] },
  asks_player_then_approves: { status: 'approved', afterMs: [500, 90_000] },
  asks_player_then_declines: { status: 'declined', afterMs: [500, 90_000] },
  asks_player_then_expires: { status: 'expired', afterMs: [5_000, 90_000] },
  declines_then_approves: { status: 'approved', afterMs: [1, 90_000] },
  approves_then_reverses: { status: 'reversed', afterMs: [1_000, 600_000] },
}

const QUICK_MS = 300

/** Opens a processor. */
export function openModel(parts: ModelParts): Model {
  const { id, random, time } = parts
  const operations: Operation[] = []
  const answered = new Map<string, Operation>()
  const plans = new Map<string, Behaviour>()
  const quick = (): number => random.between(1, QUICK_MS)

  function begin(kind: Operation['kind'], body: z.infer<typeof Body>, behaviour: Behaviour, twin: boolean): Operation {
    const actions = kind === 'charge' ? behaviour : withoutPlayer(behaviour)
    const begun = BEGINS[actions] ?? { status: 'approved' as const }
    const operation: Operation = {
      id: `${kind.slice(0, 2)}_${id}_${operations.length}`,
      kind,
      ourRef: body.our_ref,
      amount: body.amount,
      currency: body.currency,
      behaviour: actions,
      status: begun.status,
      ...(begun.code !== undefined && { declineCode: begun.code }),
      twin,
      updatedAtMs: time.nowMs(),
      heardAtMs: 0,
    }
    operations.push(operation)
    tell(operation, body.webhook_url, twin)
    // Of two that were made of one request both are told: with one of them untold there is nothing to be seen.
    const others = twin ? operations.filter((one) => one !== operation && one.ourRef === operation.ourRef) : []
    for (const other of others) tell(other, body.webhook_url, true)
    const end = ENDS[actions]
    if (end)
      time.at(time.nowMs() + random.between(...end.afterMs), `${id}: ${operation.id} ends`, () =>
        turn(operation, end.status, body.webhook_url),
      )
    return operation
  }

  function turn(operation: Operation, status: Status, url: string): void {
    // Nobody looks a payment up that has its last word: what goes back on that word is told, or only a settlement file finds it.
    const wasFinal = operation.status === 'approved' || operation.status === 'declined'
    operation.status = status
    if (status === 'declined') operation.declineCode = 'do_not_honor'
    operation.updatedAtMs = time.nowMs()
    tell(operation, url, wasFinal)
  }

  /** Webhooks are lost, doubled, late and out of order; their clock is not ours. */
  function tell(operation: Operation, url: string, mustArrive = false): void {
    const copies = parts.calm() ? 1 : random.pick([mustArrive ? 1 : 0, 1, 1, 1, 2, 3])
    const body = JSON.stringify({
      id: `evt_${operation.id}_${operation.status}`,
      type: `${operation.kind}.${operation.status}`,
      processor: id,
      at: operation.updatedAtMs + random.pick([0, 0, 0, -5_000, 5_000]),
      data: shown(operation),
    })
    const signature = (nowMs: number) => {
      const seconds = Math.floor(nowMs / 1_000)
      return `t=${seconds},v1=${createHmac('sha256', parts.secret).update(`${seconds}.${body}`).digest('hex')}`
    }
    for (let copy = 0; copy < copies; copy += 1) {
      const delayMs = random.pick([0, 1, random.between(1, 2_000), random.between(1, 120_000)])
      time.at(time.nowMs() + delayMs, `${id}: webhook ${operation.ourRef} ${operation.status}`, () => {
        if (time.nowMs() < operation.heardAtMs) parts.saw('webhook before answer')
        parts.post({ url, body, signature })
      })
    }
    if (!parts.calm() && operation.status === 'declined' && random.of(0.2)) forge(operation, url)
  }

  /** Somebody who knows the address, and not the secret, says that it was paid. */
  function forge(operation: Operation, url: string): void {
    const body = JSON.stringify({
      id: `evt_forged_${operation.id}`,
      processor: id,
      at: time.nowMs(),
      data: { ...shown(operation), status: 'approved' },
    })
    const signature = (nowMs: number) => `t=${Math.floor(nowMs / 1_000)},v1=${'00'.repeat(32)}`
    time.at(time.nowMs() + random.between(1, 5_000), `${id}: a forged webhook`, () =>
      parts.post({ url, body, signature }),
    )
  }

  function create(kind: Operation['kind'], call: HttpCall): Heard {
    const body = Body.parse(JSON.parse(call.body ?? ''))
    const key = call.headers['idempotency-key'] ?? ''
    const before = answered.get(key)
    if (before) return { kind: 'answer', status: 200, text: JSON.stringify(shown(before)), delayMs: quick() }
    const behaviour = plans.get(body.our_ref) ?? (parts.calm() ? 'approves' : chosen(random, parts.mood.behaviours))
    plans.set(body.our_ref, behaviour)
    parts.saw(`behaviour:${behaviour}`)
    if (!NOT_ACTING.has(behaviour)) {
      const act = () => {
        answered.set(key, begin(kind, body, behaviour, false))
        if (behaviour === 'acts_twice') begin(kind, body, behaviour, true)
      }
      // Late, but inside what the facts vouch for: a request that isn't there after that never comes.
      if (behaviour === 'acts_late')
        time.at(time.nowMs() + random.between(2_500, 9_000), `${id}: acts late on ${body.our_ref}`, act)
      else act()
    }
    const made = answered.get(key)
    const heard = line(behaviour, made, random)
    if (made && heard.kind === 'answer') made.heardAtMs = time.nowMs() + heard.delayMs
    return heard
  }

  return {
    id,
    operations,
    hear(call) {
      const url = new URL(call.url)
      const [, , collection = '', operationId, verb] = url.pathname.split('/')
      const ours = url.searchParams.get('our_ref')
      if (call.method === 'GET') {
        if (!parts.calm() && random.of(parts.mood.deaf)) return badLine(random)
        const data = operations.filter(({ ourRef }) => ourRef === ours).map(shown)
        return { kind: 'answer', status: 200, text: JSON.stringify({ data }), delayMs: quick() }
      }
      if (verb === 'complete') {
        const found = operations.find((operation) => operation.id === operationId)
        return { kind: 'answer', status: 200, text: JSON.stringify(found ? shown(found) : {}), delayMs: quick() }
      }
      return create(
        collection === 'payouts' ? KINDS.payouts : collection === 'refunds' ? KINDS.refunds : KINDS.charges,
        call,
      )
    },
  }
}

/** Only a deposit has a player in front of a page. */
function withoutPlayer(behaviour: Behaviour): Behaviour {
  if (behaviour === 'asks_player_then_approves') return 'pends_then_approves'
  return behaviour === 'asks_player_then_declines' || behaviour === 'asks_player_then_expires'
    ? 'pends_then_declines'
    : behaviour
}

function shown(operation: Operation): Record<string, unknown> {
  const { id, kind, ourRef, amount, currency, status, declineCode } = operation
  return {
    id,
    kind,
    our_ref: ourRef,
    amount,
    currency,
    status,
    ...(declineCode !== undefined && status === 'declined' && { decline_code: declineCode }),
    ...(status === 'requires_action' && { action: { type: 'redirect', url: 'https://processor.sim/page' } }),
  }
}

/** How a look-up fails: it must change nothing. */
function badLine(random: Chance): Heard {
  const delayMs = random.between(1, QUICK_MS)
  return random.pick<Heard>([
    { kind: 'silence' },
    { kind: 'reset', delayMs },
    { kind: 'answer', status: 500, text: '{"error":{"code":"internal"}}', delayMs },
    { kind: 'answer', status: 200, text: '<!doctype html>', delayMs },
    { kind: 'answer', status: 404, text: '{"error":{"code":"not_found"}}', delayMs },
    { kind: 'refused', delayMs },
  ])
}

/** What the line makes of the truth. */
function line(behaviour: Behaviour, operation: Operation | undefined, random: Chance): Heard {
  const delayMs = random.between(1, QUICK_MS)
  const json = operation ? shown(operation) : {}
  const answer = (body: Record<string, unknown>, status = 200): Heard => ({
    kind: 'answer',
    status,
    text: JSON.stringify(body),
    delayMs,
  })
  const raw = (text: string, status = 200): Heard => ({ kind: 'answer', status, text, delayMs })
  switch (behaviour) {
    case 'refuses_connection':
      return { kind: 'refused', delayMs }
    case 'loses_request':
    case 'loses_answer':
    case 'acts_late':
      return { kind: 'silence' }
    case 'answers_late':
      return { kind: 'answer', status: 200, text: JSON.stringify(json), delayMs: random.between(2_000, 9_000) }
    case 'resets_having_acted':
    case 'resets_before_acting':
      return { kind: 'reset', delayMs }
    case 'http_500_having_acted':
    case 'http_500_before_acting':
      return answer({ error: { code: 'internal' } }, 500)
    case 'maintenance':
      return answer({ error: { code: 'maintenance' } }, 503)
    case 'html_having_acted':
      return raw('<!doctype html><title>Maintenance</title>')
    case 'half_body_having_acted':
      return raw(JSON.stringify(json).slice(0, 40))
    case 'empty_body_having_acted':
      return raw('')
    case 'redirect_having_acted':
      return raw('', 302)
    case 'conflict_having_acted':
      return answer({ error: { code: 'idempotency_key_reused' } }, 409)
    case 'wrong_amount':
      return answer({ ...json, amount: '9999.99' })
    case 'wrong_currency':
      return answer({ ...json, currency: 'SEK' })
    case 'wrong_reference':
      return answer({ ...json, our_ref: 'somebody_else' })
    case 'unknown_status':
      return answer({ ...json, status: 'settling_elsewhere' })
    case 'float_amount':
      return answer({ ...json, amount: 12.3 })
    default:
      return answer(json)
  }
}
