import { createHmac } from 'node:crypto'
import { sandboxEvents } from '../../src/adapters/sandbox/webhook.ts'
import { cash, receivable } from '../../src/core/ledger/chart.ts'
import { posting, transfer } from '../../src/core/ledger/posting.ts'
import type { Money } from '../../src/core/money.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { postIn } from '../../src/db/ledger.ts'
import type { Deps, Processors } from '../../src/flows/deps.ts'
import type { Sabotage } from './gateway.ts'

/** Changes what charges, payouts and refunds are said to have come to. */
const outcomes =
  (change: (outcome: Outcome, amount: Money) => Outcome, verbs: readonly ('charge' | 'payOut' | 'refund')[]) =>
  (processors: Processors): Processors => ({
    ...processors,
    charge: async (connection, request) => {
      const outcome = await processors.charge(connection, request)
      return verbs.includes('charge') ? change(outcome, request.amount) : outcome
    },
    payOut: async (connection, request) => {
      const outcome = await processors.payOut(connection, request)
      return verbs.includes('payOut') ? change(outcome, request.amount) : outcome
    },
    refund: async (connection, method, request) => {
      const outcome = await processors.refund(connection, method, request)
      return verbs.includes('refund') ? change(outcome, request.amount) : outcome
    },
  })

const NOT_SENT: Outcome = { kind: 'not_sent', reason: 'connect_failed' }
const DECLINED: Outcome = { kind: 'declined', decline: { code: 'do_not_honor' } }
const timeoutIs = (instead: Outcome) => (outcome: Outcome) => (outcome.kind === 'unknown' ? instead : outcome)

/** A parameter's place in a statement's text. */
const P = '\u0001'

/**
 * Mistakes that payment systems were seen to make. Each is put into the gateways by the harness alone, through the
 * ports that it lends them, and must turn the harness red: else the harness proves nothing.
 */
export const SABOTAGES: readonly Sabotage[] = [
  { name: 'cascades on a time-out', processors: outcomes(timeoutIs(NOT_SENT), ['charge']) },
  { name: 'pays out again after a time-out', processors: outcomes(timeoutIs(NOT_SENT), ['payOut']) },
  {
    name: 'releases the hold of an unknown payout',
    quick: true,
    processors: outcomes(timeoutIs(DECLINED), ['payOut']),
  },
  { name: 'gives a refund up on a time-out', processors: outcomes(timeoutIs(DECLINED), ['refund']) },
  {
    name: 'credits before the final word',
    quick: true,
    processors: outcomes(
      (outcome, amount) =>
        outcome.kind === 'pending' ? { kind: 'succeeded', reference: outcome.reference ?? 'none', amount } : outcome,
      ['charge'],
    ),
  },
  {
    name: 'believes "not found" at once',
    processors: (processors) => ({
      ...processors,
      facts(id) {
        const facts = processors.facts(id)
        return facts && { ...facts, notFoundIsFinalAfterMs: Number.NEGATIVE_INFINITY }
      },
    }),
  },
  {
    name: 'takes a failed look-up for absence',
    processors: (processors) => ({
      ...processors,
      find: async (connection, find) => {
        const outcome = await processors.find(connection, find)
        return outcome.kind === 'unknown' ? { kind: 'not_found' } : outcome
      },
    }),
  },
  {
    name: 'counts money in floats',
    quick: true,
    http: (call) => ({
      ...call,
      ...(call.body !== undefined && {
        body: call.body.replace(
          /"amount":"([0-9.]+)"/,
          (_all, amount: string) => `"amount":"${(Math.floor(Number(amount) * 100) / 100).toFixed(2)}"`,
        ),
      }),
    }),
  },
  {
    name: 'posts for the webhook and for the answer',
    sql: (text) => text.replace(`status = coalesce(${P}, status),`, `status = coalesce(status, ${P}),`),
  },
  {
    name: 'credits each copy of a webhook',
    quick: true,
    deps: (deps) => ({ ...deps, processors: { ...deps.processors, events: creditingEach(deps) } }),
  },
  {
    name: 'has no idempotency',
    quick: true,
    idempotent: (_real, deps) => (_request, run) => run(deps.newId('request')),
  },
  {
    name: 'gives the key back when the database is away',
    sql: (text) =>
      text.replace(
        `update idempotency_key set lease_until = ${P}`,
        `update idempotency_key set state = 'free', lease_until = ${P}`,
      ),
  },
  {
    name: 'has no fencing',
    sql: (text) =>
      text.includes("set state = 'done'")
        ? text.replace(`and fence = ${P} and state = 'running'`, `and ${P}::int8 is not null`)
        : text,
  },
  {
    name: 'sends after its own time',
    processors: (processors) => {
      const late = <T extends { sendBeforeMs?: number }>(request: T): T => ({
        ...request,
        sendBeforeMs: Number.POSITIVE_INFINITY,
      })
      return {
        ...processors,
        charge: (connection, request) => processors.charge(connection, late(request)),
        payOut: (connection, request) => processors.payOut(connection, late(request)),
        refund: (connection, method, request) => processors.refund(connection, method, late(request)),
      }
    },
  },
  {
    name: 'refunds more than was captured',
    sql: (text) =>
      text.replace(`refunded = greatest(0, refunded + ${P}::numeric)`, `refunded = refunded + 0 * ${P}::numeric`),
  },
  {
    name: 'drops a late success',
    quick: true,
    processors: (processors) => ({
      ...processors,
      async events(connection, webhook) {
        const read = await processors.events(connection, webhook)
        if (read.kind === 'refused') return read
        return { ...read, events: read.events.filter(({ outcome }) => outcome.kind !== 'succeeded') }
      },
    }),
  },
  {
    name: 'believes webhooks without a signature',
    quick: true,
    processors: (processors) => ({
      ...processors,
      async events(connection, webhook) {
        const read = await processors.events(connection, webhook)
        if (read.kind === 'verified') return read
        return sandboxEvents(unsigned(webhook.body), connection.processor)
      },
    }),
  },
]

/** Takes each copy of a webhook for a new fact: nothing asks whether this one was heard before. */
const creditingEach =
  ({ db, newUuid, processors }: Deps): Processors['events'] =>
  async (connection, webhook) => {
    const { operatorId, id } = connection
    const read = await processors.events(connection, webhook)
    if (read.kind === 'refused') return read
    for (const { outcome, flow } of read.events) {
      if (outcome.kind !== 'succeeded' || flow !== 'deposit') continue
      const again = transfer(receivable(id), cash('p1'), outcome.amount)
      const copy = posting(`webhook:${newUuid()}`, 'deposit_settled', [again])
      await db.tx(operatorId, (tx) => postIn(tx, operatorId, copy, { newUuid }))
    }
    return read
  }

/** The same webhook under a signature of the reader's own: as if nobody had looked. */
function unsigned(body: Uint8Array) {
  const secret = 'whsec_of_the_saboteur_0123456789'
  const nowMs = Date.now()
  const seconds = Math.floor(nowMs / 1_000)
  const mac = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex')
  return { body, headers: { 'x-sandbox-signature': `t=${seconds},v1=${mac}` }, secrets: [secret], nowMs }
}
