import type { Answer, Endpoint } from '../../src/api/endpoint.ts'
import { PROBLEMS } from '../../src/api/problem.ts'
import { createDeposit, createRefund } from '../../src/api/routes/deposits.ts'
import { createWithdrawal } from '../../src/api/routes/withdrawals.ts'
import type { Caller } from '../../src/auth/scopes.ts'
import { Fault } from '../../src/core/errors.ts'
import type { Gateway } from './gateway.ts'
import type { Chance, Scheduler } from './scheduler.ts'

/** Something a player wants, asked for under one key until there is an answer. */
export type Order = {
  readonly verb: 'deposit' | 'withdrawal' | 'refund'
  readonly key: string
  readonly minor: bigint
  /** Every final answer to it, as text: all must be the same. */
  readonly answers: string[]
  /** The id of what was made, once an answer named it. */
  id: string | undefined
}

/** What clients reach: living gateways. */
export type ClientParts = {
  readonly caller: Caller
  readonly player: string
  readonly time: Scheduler
  readonly random: Chance
  gateway(): Gateway | undefined
  calm(): boolean
  /** Told when a gateway has made an answer, before it writes it down. */
  answerMade(gateway: Gateway): void
  saw(what: string): void
}

type Asked = { readonly endpoint: Endpoint; readonly params: unknown; readonly body: unknown }
type Heard = { readonly status: number; readonly text: string; readonly replayed: boolean }

/** A client waits this long for an answer before it asks again. */
const PATIENCE_MS = 20_000
const MAX_ASKS = 40
const FINAL = new Set(['201', '400', '404', '422'])

/** Asks for an order until it has a final answer; sometimes twice at once, and always under the same key. */
export async function pursue(parts: ClientParts, order: Order, refundOf?: string): Promise<void> {
  const asked = askedOf(order, parts.player, refundOf)
  for (let tries = 0; tries < MAX_ASKS; tries += 1) {
    const twice = tries === 0 && parts.random.of(0.15)
    const heard = await Promise.all([ask(parts, asked, order), ...(twice ? [ask(parts, asked, order)] : [])])
    const final = heard.find((one) => one !== undefined && isFinal(one))
    if (final) {
      if (parts.random.of(0.7)) return
      // Once more after the end: the same bytes.
      await parts.time.step(undefined, 'client pauses', () => {}, { delayMs: parts.random.between(1, 300_000) })
      await ask(parts, asked, order)
      return
    }
    await parts.time.step(undefined, 'client waits', () => {}, { delayMs: parts.random.between(100, 8_000) })
  }
  parts.saw('client gave up')
}

const isFinal = ({ status, text }: Heard): boolean =>
  FINAL.has(String(status)) || (status === 409 && !text.includes('request_in_progress'))

async function ask(parts: ClientParts, asked: Asked, order: Order): Promise<Heard | undefined> {
  const gateway = parts.gateway()
  if (gateway === undefined) return undefined
  const patience = parts.time.step(undefined, 'client loses patience', () => undefined, { delayMs: PATIENCE_MS })
  const heard = await Promise.race([call(gateway, parts, asked, order.key), gateway.died, patience])
  if (heard === undefined || heard === 'died') return undefined
  if (heard.status === 202) parts.saw('answered 202')
  if (heard.replayed) parts.saw('replayed')
  if (isFinal(heard)) order.answers.push(`${heard.status} ${heard.text}`)
  const id = /"id":"([a-z]{3}_[0-9a-z]+)"/.exec(heard.text)?.[1]
  if (heard.status < 300 && id !== undefined) order.id = id
  return heard
}

/** One request, from behind authentication and validation to the bytes of the answer. */
async function call(
  gateway: Gateway,
  { caller, answerMade }: ClientParts,
  { endpoint, params, body }: Asked,
  key: string,
): Promise<Heard> {
  const requestId = gateway.deps.newId('request')
  const request = {
    caller,
    params,
    query: {},
    body,
    bytes: new Uint8Array(),
    header: () => undefined,
    headers: {},
    requestId,
    ip: '192.0.2.1',
    apiVersion: '2026-11-01',
  }
  const run = async (runId: string): Promise<Answer> => {
    const answer = await endpoint.handle(gateway.deps, { ...request, runId })
    answerMade(gateway)
    return answer
  }
  const { method, path: route } = endpoint
  const asked = {
    operatorId: caller.operatorId,
    key,
    method,
    route,
    params,
    body,
    apiVersion: request.apiVersion,
    requestId,
  }
  try {
    const { status, body: text, replayed = false } = await gateway.idempotent(asked, run)
    return { status, text: typeof text === 'string' ? text : JSON.stringify(text), replayed }
  } catch (error) {
    const code = error instanceof Fault ? error.code : 'internal'
    return { status: PROBLEMS[code].status, text: JSON.stringify({ code, message: String(error) }), replayed: false }
  }
}

function askedOf({ verb, key, minor }: Order, player: string, refundOf: string | undefined): Asked {
  const amount = `${minor / 100n}.${String(minor % 100n).padStart(2, '0')}`
  if (verb === 'refund')
    return { endpoint: createRefund, params: { id: refundOf ?? '' }, body: { amount, currency: 'EUR' } }
  const order = { player_id: player, amount, currency: 'EUR', reference: `ref-${key}` }
  if (verb === 'deposit') {
    return {
      endpoint: createDeposit,
      params: {},
      // A card for each: declines of one story are no retries of another's card.
      body: { ...order, method: { type: 'card', token: `tok_sandbox_${key.toLowerCase().replace(/[^a-z0-9]/g, '')}` } },
    }
  }
  const destination = { type: 'bank', iban: 'DE89370400440532013000', name: 'Ada Example' }
  return { endpoint: createWithdrawal, params: {}, body: { ...order, destination } }
}
