import { z } from 'zod'
import { Fault } from '../../core/errors.ts'
import { MAX_REPLAYED } from '../../flows/replay-rules.ts'
import { seedHistory } from '../../flows/seed-history.ts'
import { type Endpoint, endpoint } from '../endpoint.ts'

/** How a sandbox processor shall behave; absent members stay as they are. */
const Change = z.strictObject({
  latency_ms: z.int().min(0).max(60_000).optional().describe('Added to every answer.'),
  fail_rate: z.number().min(0).max(1).optional().describe('Share of requests that are refused with 503.'),
  mode: z.enum(['up', 'down', 'refuse_connection', 'hang', 'http_500']).optional(),
})

/** What the processor itself says of it. */
const Behaviour = z.object({ latency_ms: z.number(), fail_rate: z.number(), mode: z.string() })
const Steered = Behaviour.extend({ id: z.string() })

/** Tells a sandbox processor how to behave; undefined when there is no such processor. */
export type SteerSandbox = (id: string, change: z.infer<typeof Change>) => Promise<unknown>

/** The controls of the sandbox processors, where they run. */
export const sandboxEndpoints = (steer: SteerSandbox): readonly Endpoint[] => [
  endpoint({
    method: 'put',
    path: '/v1/sandbox/processors/{id}',
    tag: 'sandbox',
    summary: 'Steer a sandbox processor',
    description: 'Makes it slow, flaky or absent for everybody, so that failures can be tried out.',
    scope: 'sandbox:write',
    params: z.strictObject({ id: z.string().regex(/^[a-z0-9_]{1,32}$/) }),
    body: Change,
    answers: { 200: Steered },
    faults: ['not_found', 'unavailable'],
    example: { params: { id: 'sandbox_a' }, body: { mode: 'up' } },
    handle: async (_deps, { params, body }) => {
      const said = await steer(params.id, body)
      if (said === undefined) throw new Fault('not_found', 'There is no such sandbox processor.')
      return { status: 200, body: { id: params.id, ...Behaviour.parse(said) } }
    },
  }),
  endpoint({
    method: 'post',
    path: '/v1/sandbox/history',
    tag: 'sandbox',
    summary: 'Record a day of payments that never were, for simulations of routing rules to find something in',
    description:
      'By the built-in rule on your own connections, with success rates that differ by connection, country and method. Drafts are then also checked against these payments when they are published. No payment, ledger entry or notice is made.',
    scope: 'sandbox:write',
    body: z.strictObject({ count: z.int().min(1).max(MAX_REPLAYED).optional() }),
    answers: { 201: z.object({ recorded: z.int() }) },
    example: { body: { count: 10_000 } },
    handle: async (deps, { caller, body }) => ({
      status: 201,
      body: { recorded: await seedHistory(deps, caller.operatorId, body.count ?? MAX_REPLAYED) },
    }),
  }),
]
