import { z } from 'zod'
import type { Adapter, Facts } from '../contract.ts'
import { defineAdapter } from '../define.ts'
import { MALFORMED, NO_TOKEN, TWICE } from '../outcomes.ts'
import { path } from '../path.ts'
import { HttpUrl } from '../settings.ts'
import { COLLECTION, chargeBody, outcomeOfList, outcomeOfReply, payoutBody, refundBody } from './map.ts'
import { sandboxEvents } from './webhook.ts'
import { ListReply, OperationReply } from './wire.ts'

/** The settings of an account at a sandbox processor. `base_url` is its origin; webhook secrets are listed newest first. */
const Config = z.strictObject({
  base_url: HttpUrl.refine((url) => URL.parse(url)?.pathname === '/', 'an origin without a path').transform(
    (url) => new URL(url).origin,
  ),
  api_key: z.string().min(16).max(200),
  webhook_secrets: z.array(z.string().min(24).max(200)).min(1).max(4),
})

/** What the sandbox's hosted fields hand out. */
const TOKEN = /^tok_sandbox_[a-z0-9]{1,40}$/

const everywhere = { currencies: 'all', countries: 'all' } as const

const factsOf = (id: string, title: string): Facts => ({
  id,
  title,
  source: 'src/sandbox/README.md of this project, 2026-11-23',
  methods: {
    card: { deposit: true, withdraw: true, refund: true, ...everywhere },
    wallet: { deposit: true, withdraw: true, refund: true, ...everywhere },
    bank: { deposit: true, withdraw: true, refund: true, ...everywhere },
    crypto: { deposit: true, withdraw: true, refund: true, ...everywhere },
  },
  idempotency: { by: 'header', header: 'idempotency-key', windowHours: 24 },
  unknownResolvedBy: 'find',
  // Three times our deadline: a request that left is written within it, and the sandbox acts when it has read one.
  notFoundIsFinalAfterMs: 10_000,
  // Each of these is decided before the sandbox does anything.
  vouchedRejections: {
    400: 'invalid_request',
    401: 'invalid_credentials',
    413: 'invalid_request',
    422: 'invalid_request',
    503: 'processor_maintenance',
  },
  timeoutMs: 3_000,
})

/** Makes the adapter of one sandbox processor: cards by token, wallets, banks and crypto, in and out, with look-up by our reference. */
function sandbox(id: string, title: string): Adapter {
  return defineAdapter({
    facts: factsOf(id, title),
    config: Config,
    hosts: ({ base_url }) => ({ api: base_url }),
    headers: ({ api_key }) => ({ authorization: `Bearer ${api_key}` }),
    // 409 means that the key was seen before; nobody vouches for the others.
    refusal: (_body, status) => (status === 409 ? TWICE : MALFORMED),
    async charge(charge, { ask }) {
      const { attempt, method } = charge
      // Whatever else stands where a token should, a card number above all, stays in the house.
      if (method.type === 'card' && !TOKEN.test(method.token)) return NO_TOKEN
      const post = { path: '/v1/charges', attempt, json: chargeBody(charge) }
      return ask(OperationReply, post, (reply) => outcomeOfReply(reply, attempt))
    },
    async resume({ attempt, reference, params }, { ask }) {
      const post = { path: path`/v1/charges/${reference}/complete`, json: { params } }
      return ask(OperationReply, post, (reply) => outcomeOfReply(reply, attempt))
    },
    async find({ attempt, flow, reference }, { ask }) {
      const to = path`/v1/${COLLECTION[flow]}?our_ref=${attempt}`
      return ask(ListReply, { path: to }, ({ data }) => outcomeOfList(data, attempt, reference))
    },
    async refund(refund, { ask }) {
      const { attempt } = refund
      const post = { path: '/v1/refunds', attempt, json: refundBody(refund) }
      return ask(OperationReply, post, (reply) => outcomeOfReply(reply, attempt))
    },
    async payOut(payOut, { ask }) {
      const { attempt } = payOut
      const post = { path: '/v1/payouts', attempt, json: payoutBody(payOut) }
      return ask(OperationReply, post, (reply) => outcomeOfReply(reply, attempt))
    },
    events: (webhook) => sandboxEvents(webhook, id),
  })
}

/** Processor A: declines `.91` and has no float for payouts of `.52`, so that a cascade has a reason. */
export const sandboxA = sandbox('sandbox_a', 'Sandbox A')
/** Processor B. */
export const sandboxB = sandbox('sandbox_b', 'Sandbox B')
/** Processor C. */
export const sandboxC = sandbox('sandbox_c', 'Sandbox C')
