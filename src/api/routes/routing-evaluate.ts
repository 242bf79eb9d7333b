import { z } from '@hono/zod-openapi'
import { DECLINES, type DeclineCode } from '../../core/decline.ts'
import { Fault } from '../../core/errors.ts'
import type { CardDeclines } from '../../core/scheme.ts'
import { listDeclineOverrides, listUnmapped } from '../../db/declines.ts'
import { findVersion } from '../../db/rulesets.ts'
import type { Deps } from '../../flows/deps.ts'
import { dropOverride, type OverrideAt, overrideDecline } from '../../flows/override-decline.ts'
import { checkRules, unsound } from '../../flows/replay-rules.ts'
import { versionFor } from '../../router/active.ts'
import { mayOverride } from '../../router/cascade.ts'
import { type CompiledRuleset, compile } from '../../router/compile.ts'
import { FIELDS, type RouteFacts } from '../../router/fields.ts'
import { plan } from '../../router/plan.ts'
import { endpoint } from '../endpoint.ts'
import { MONEY, moneyOf } from '../money.ts'
import { CARD_FACTS, PlayerId, Timestamp } from '../shapes.ts'
import { DecisionShown, showPlan } from './routing-shapes.ts'

const Country = z.string().regex(/^[A-Z]{2}$/)
const Word = z.string().min(1).max(64)

const Payment = z.strictObject({
  direction: z.enum(['deposit', 'withdrawal']),
  method: z.enum(['card', 'wallet', 'bank', 'crypto']),
  ...MONEY,
  player_id: PlayerId.default('evaluate'),
  player_country: Country,
  segment: Word.optional(),
  licence: Word.optional(),
  first_deposit: z.boolean().optional(),
  deposits_so_far: z.int().min(0).optional(),
  ...CARD_FACTS,
  /** The card's declines so far, for its scheme's retry limits. */
  card_declines: z
    .strictObject({
      same_amount_30_days: z.int().min(0),
      today: z.int().min(0),
      /** Its issuer said "never again" (Visa's category 1). */
      banned: z.boolean().optional(),
    })
    .optional(),
  wallet: Word.optional(),
  client_country: Country.optional(),
  /** The moment to plan for; now when absent. */
  at: z.iso.datetime().optional(),
  /** Connections that the player's money came in through, the preferred first. */
  deposited_through: z.array(Word).max(40).optional(),
})

/** Plan for a version or a draft instead of what is active. */
const Under = { version: z.int().min(0).optional(), ruleset_id: z.string().max(64).optional() }

function factsOf(body: z.infer<typeof Payment>, nowMs: number): RouteFacts {
  const amount = moneyOf(body)
  return {
    direction: body.direction,
    method: body.method,
    amount,
    playerId: body.player_id,
    playerCountry: body.player_country,
    atMs: body.at === undefined ? nowMs : Date.parse(body.at),
    ...(body.segment !== undefined && { segment: body.segment }),
    ...(body.licence !== undefined && { licence: body.licence }),
    ...(body.first_deposit !== undefined && { firstDeposit: body.first_deposit }),
    ...(body.deposits_so_far !== undefined && { depositsSoFar: body.deposits_so_far }),
    ...(body.brand !== undefined && { brand: body.brand }),
    ...(body.funding !== undefined && { funding: body.funding }),
    ...(body.bin_country !== undefined && { binCountry: body.bin_country }),
    ...(body.card_declines && { cardDeclines: declinesOf(body.card_declines) }),
    ...(body.wallet !== undefined && { wallet: body.wallet }),
    ...(body.client_country !== undefined && { clientCountry: body.client_country }),
    ...(body.deposited_through !== undefined && { depositedThrough: body.deposited_through }),
    ...(body.method === 'crypto' && { cryptoAsset: body.currency }),
    ...(body.method === 'crypto' && body.network !== undefined && { network: body.network }),
  }
}

const declinesOf = ({
  same_amount_30_days: sameAmount30Days,
  today,
  banned,
}: NonNullable<z.infer<typeof Payment>['card_declines']>): CardDeclines => ({
  sameAmount30Days,
  today,
  ...(banned && { banned }),
})

export const evaluateRouting = endpoint({
  method: 'post',
  path: '/v1/routing/evaluate',
  tag: 'routing',
  summary: 'Where a payment would go, and why each connection stands where it stands',
  description: 'Nothing is stored and nothing is sent. Health, rates and balances are those of this moment.',
  scope: 'routing:read',
  body: Payment.extend(Under),
  answers: { 200: DecisionShown },
  faults: ['currency_unsupported', 'amount_invalid', 'ruleset_invalid'],
  example: {
    body: {
      direction: 'deposit',
      method: 'card',
      amount: '25.00',
      currency: 'EUR',
      player_country: 'FI',
      brand: 'visa',
    },
  },
  handle: async (deps, { caller: { operatorId }, body }) => {
    const { version, ruleset_id: rulesetId, ...payment } = body
    const facts = factsOf(payment, deps.clock.nowMs())
    const state = await deps.routing.stateOf(operatorId)
    const ruleset = await rulesFor(deps, operatorId, {
      rulesetId,
      version,
      active: versionFor(state.active, facts.playerId, deps.clock.nowMs()),
    })
    const { candidates, health, rates } = state
    return { status: 200, body: showPlan(plan({ ruleset, facts, candidates, health, rates })) }
  },
})

async function rulesFor(
  deps: Pick<Deps, 'db' | 'clock' | 'routing'>,
  operatorId: string,
  { rulesetId, version, active }: { rulesetId: string | undefined; version: number | undefined; active: number },
): Promise<CompiledRuleset> {
  if (rulesetId === undefined) {
    const known = version === undefined || version === 0
    if (!known && !(await deps.db.tx(operatorId, (tx) => findVersion(tx, operatorId, version)))) {
      throw new Fault('not_found', 'There is no such version.')
    }
    return await deps.routing.compiled(operatorId, version ?? active)
  }
  const { findings, ruleset } = await checkRules(deps, operatorId, rulesetId)
  if (!ruleset) throw unsound(findings)
  return compile(ruleset, 0)
}

export const getRoutingFields = endpoint({
  method: 'get',
  path: '/v1/routing/fields',
  tag: 'routing',
  summary: 'The facts that rules may use, with their types and values',
  scope: 'routing:read',
  answers: {
    200: z.object({
      data: z.array(
        z.object({
          name: z.string(),
          type: z.enum(['word', 'number', 'boolean', 'money']),
          about: z.string(),
          always_known: z.boolean(),
          values: z.array(z.string()).nullable(),
        }),
      ),
    }),
  },
  handle: async () => ({
    status: 200,
    body: {
      data: Object.entries(FIELDS).map(([name, { type, about, always, domain }]) => ({
        name,
        type,
        about,
        always_known: always === true,
        values: domain ? [...domain] : null,
      })),
    },
  }),
})

const Advice = z.enum(['next', 'once', 'same', 'step_up', 'player', 'never'])
const CODES = Object.keys(DECLINES).filter((code): code is DeclineCode => code in DECLINES)

export const getDeclines = endpoint({
  method: 'get',
  path: '/v1/routing/declines',
  tag: 'routing',
  summary: "The decline taxonomy, the operator's own words over it, and codes that nobody mapped yet",
  scope: 'routing:read',
  answers: {
    200: z.object({
      taxonomy: z.array(z.object({ code: z.string(), category: z.string(), next: Advice, may_override: z.boolean() })),
      overrides: z.array(
        z.object({
          code: z.string(),
          processor: z.string().nullable(),
          next: Advice,
          reason: z.string(),
          set_by: z.string(),
          set_at: Timestamp,
        }),
      ),
      unmapped: z.array(
        z.object({
          processor: z.string(),
          flow: z.string(),
          processor_code: z.string(),
          seen: z.int(),
          first_at: Timestamp,
          last_at: Timestamp,
        }),
      ),
    }),
  },
  handle: async (deps, { caller: { operatorId } }) => {
    const { overrides, unmapped } = await deps.db.tx(operatorId, async (tx) => ({
      overrides: await listDeclineOverrides(tx, operatorId),
      unmapped: await listUnmapped(tx, operatorId),
    }))
    const taxonomy = CODES.map((code) => {
      const { category, next } = DECLINES[code]
      return { code, category, next, may_override: mayOverride(code) }
    })
    return {
      status: 200,
      body: {
        taxonomy,
        overrides: overrides.map(({ processor, setBy, setAt, code, next, reason }) => ({
          code,
          processor: processor === '*' ? null : processor,
          next,
          reason,
          set_by: setBy,
          set_at: setAt.toISOString(),
        })),
        unmapped: unmapped.map(({ processor, flow, processorCode, seen, firstAt, lastAt }) => ({
          processor,
          flow,
          processor_code: processorCode,
          seen,
          first_at: firstAt.toISOString(),
          last_at: lastAt.toISOString(),
        })),
      },
    }
  },
})

const CodeParams = z.strictObject({ code: z.string().max(64) })

function overrideAt(code: string, processor = '*'): OverrideAt {
  const known = CODES.find((one) => one === code)
  if (known === undefined) throw new Fault('not_found', 'There is no such decline code.')
  return { code: known, processor }
}

export const putDeclineOverride = endpoint({
  method: 'put',
  path: '/v1/routing/declines/{code}',
  tag: 'routing',
  summary: "Set the operator's own word on a decline, for one processor or for all",
  scope: 'routing:approve',
  params: CodeParams,
  body: z.strictObject({
    next: Advice,
    processor: z
      .string()
      .regex(/^[a-z0-9_]{1,64}$/)
      .optional(),
    reason: z.string().trim().min(1).max(1_000),
  }),
  answers: { 204: null },
  handle: async (deps, { caller, params, body }) => {
    const { next, reason, processor } = body
    const actor = { operatorId: caller.operatorId, by: caller.clientId }
    await overrideDecline(deps, actor, overrideAt(params.code, processor), { next, reason })
    return { status: 204 }
  },
})

export const deleteDeclineOverride = endpoint({
  method: 'delete',
  path: '/v1/routing/declines/{code}',
  tag: 'routing',
  summary: "Take the operator's word on a decline back",
  scope: 'routing:approve',
  params: CodeParams,
  query: z.strictObject({ processor: z.string().max(64).optional() }),
  answers: { 204: null },
  handle: async (deps, { caller, params, query }) => {
    const actor = { operatorId: caller.operatorId, by: caller.clientId }
    await dropOverride(deps, actor, overrideAt(params.code, query.processor))
    return { status: 204 }
  },
})
