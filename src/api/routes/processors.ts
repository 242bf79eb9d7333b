import { z } from '@hono/zod-openapi'
import { capabilityMatrix } from '../../adapters/matrix.ts'
import { endpoint } from '../endpoint.ts'

const Words = z.array(z.string()).readonly()
const Reach = z.union([z.literal('all'), Words])

const ProcessorShown = z
  .object({
    id: z.string(),
    title: z.string(),
    source: z.string(),
    operations: Words,
    methods: z
      .array(
        z.object({
          method: z.string(),
          deposit: z.boolean(),
          withdraw: z.boolean(),
          refund: z.boolean(),
          currencies: Reach,
          countries: Reach,
          brands: Words,
        }),
      )
      .readonly(),
    idempotency: z.object({ by: z.string(), window_hours: z.number() }),
    unknown_resolved_by: z.object({ deposit: z.string(), withdrawal: z.string(), refund: z.string() }),
    not_found_is_final_after_seconds: z.number().nullable(),
    timeout_ms: z.number(),
  })
  .openapi('Processor')

export const getProcessors = endpoint({
  method: 'get',
  path: '/v1/processors',
  tag: 'connections',
  summary: 'The capability matrix: what each processor can do, by method, direction, currency and country',
  scope: 'connections:read',
  answers: { 200: z.object({ data: z.array(ProcessorShown) }) },
  handle: async (deps) => ({ status: 200, body: { data: capabilityMatrix(deps.processors.all()) } }),
})
