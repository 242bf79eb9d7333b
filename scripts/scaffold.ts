/** The files of a new adapter, by path: they pass the linter and the types, and fail the contract suite until they say something. */
export function scaffold(id: string): Readonly<Record<string, string>> {
  const name = id.replaceAll(/_([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase())
  const title = id.replaceAll(
    /(^|_)([a-z])/g,
    (_all, gap: string, letter: string) => (gap && ' ') + letter.toUpperCase(),
  )
  const today = new Date().toISOString().slice(0, 10)
  const fill = (text: string) =>
    text
      .replaceAll('__ID__', id)
      .replaceAll('__NAME__', name)
      .replaceAll('__TITLE__', title)
      .replaceAll('__TODAY__', today)
  return {
    [`src/adapters/${id}/index.ts`]: fill(INDEX),
    [`src/adapters/${id}/wire.ts`]: fill(WIRE),
    [`src/adapters/${id}/map.ts`]: fill(MAP),
    [`src/adapters/${id}/webhook.ts`]: fill(WEBHOOK),
    [`test/contract/${id}.test.ts`]: fill(TEST),
    [`docs/processors/${id}.md`]: fill(PAGE),
  }
}

const INDEX = `import { z } from 'zod'
import { defineAdapter, outcomeOf } from '../contract.ts'
import { path } from '../path.ts'
import { chargeBody, outcomeOfPayment } from './map.ts'
import { events } from './webhook.ts'
import { Payment } from './wire.ts'

/** An account at __TITLE__. */
const Config = z.strictObject({
  base_url: z.url({ protocol: /^https?$/ }),
  api_key: z.string().min(16),
  webhook_secrets: z.array(z.string().min(24)).min(1).max(2),
})

/** __TITLE__: which methods in and out, in one sentence. */
export const __NAME__ = defineAdapter({
  facts: {
    id: '__ID__',
    title: '__TITLE__',
    source: 'the URL of the official documents, read __TODAY__',
    methods: { card: { deposit: true, withdraw: false, refund: false, currencies: ['EUR'], countries: 'all' } },
    idempotency: { by: 'header', header: 'idempotency-key', windowHours: 24 },
    unknownResolvedBy: 'find',
    notFoundIsFinalAfterMs: null,
    // Only what the documents call "nothing happened", each with our code for it.
    vouchedRejections: { 401: 'invalid_credentials' },
    timeoutMs: 20_000,
  },
  config: Config,
  hosts: ({ base_url }) => ({ api: base_url }),
  headers: ({ api_key }) => ({ authorization: \`Bearer \${api_key}\` }),
  webhookSecrets: ({ webhook_secrets }) => webhook_secrets,
  async charge(charge, { send }) {
    const { attempt } = charge
    const sent = await send(Payment, { method: 'POST', path: '/v1/payments', attempt, json: chargeBody(charge) })
    return outcomeOf(sent, (payment) => outcomeOfPayment(payment, attempt))
  },
  async find({ attempt }, { send }) {
    const sent = await send(Payment, { method: 'GET', path: path\`/v1/payments/by-reference/\${attempt}\` })
    return outcomeOf(sent, (payment) => outcomeOfPayment(payment, attempt))
  },
  events,
})
`

const WIRE = `import { z } from 'zod'

/** What __TITLE__ sends, as far as we read it. Source: the URL of this very object in the official documents, read __TODAY__. */
export const Payment = z.object({
  id: z.string().min(1),
  reference: z.string(),
  status: z.string(),
})
`

const MAP = `import type { z } from 'zod'
import type { Charge, Outcome } from '../contract.ts'
import { words } from '../tables.ts'
import type { Payment } from './wire.ts'

/** Our words in theirs. */
export function chargeBody({ attempt }: Charge): Record<string, unknown> {
  return { reference: attempt }
}

/** Every status of the official enum by what it means. A status that isn't here is \`unknown\`, and so is all of it until it is filled in. */
export const STATUSES = words<'paid' | 'pending'>()

/** Their answer in our words. */
export function outcomeOfPayment({ id, reference, status }: z.infer<typeof Payment>, attempt: string): Outcome {
  if (reference !== attempt) return { kind: 'unknown', reason: 'malformed' }
  if (STATUSES[status] === 'pending') return { kind: 'pending', reference: id }
  return { kind: 'unknown', reason: 'unmapped', reference: id }
}
`

const WEBHOOK = `import type { Events, InboundWebhook } from '../contract.ts'

/** Verifies the raw bytes first (see ../signature.ts), then reads them. Until it can, it believes nothing. */
export async function events(_webhook: InboundWebhook): Promise<Events> {
  return { kind: 'refused', why: 'signature_missing' }
}
`

const TEST = `import { __NAME__ } from '../../src/adapters/__ID__/index.ts'
import { adapterContract } from './adapter-contract.ts'
import type { Answers } from './fixtures.ts'

const SECRETS = ['whsec_canary_1_aaaaaaaaaaaa', 'whsec_canary_2_bbbbbbbbbbbb'] as const
const API_KEY = 'key_canary_5f1d0c9be2'

/** An answer as the official documents show it. */
const payment =
  (status: string): Answers =>
  ({ attempt }) =>
  () => ({ status: 200, json: { id: 'ref_1', reference: attempt, status } })

adapterContract(__NAME__, {
  config: { base_url: 'https://api.example.com', api_key: API_KEY, webhook_secrets: [...SECRETS] },
  canaries: [API_KEY, ...SECRETS],
  assets: ['EUR'],
  amountOnWire: ({ minor }) => \`"amount":\${minor}\`,
  charge: {
    cases: { unmapped: { answers: payment('moon_phase'), expect: { kind: 'unknown', reason: 'unmapped' } } },
    good: payment('paid'),
  },
  find: { cases: {} },
  webhook: {
    secrets: SECRETS,
    foreignSecret: 'whsec_canary_3_cccccccccccc',
    header: 'x-signature',
    timestamped: true,
    make: () => ({ body: '{}', headers: {} }),
    expect: ({ attempt }) => ({ attempt, flow: 'deposit' }),
  },
})
`

const PAGE = `# __TITLE__

What an operator must do to use it: the account, its keys and their permissions, the webhook and its events, the limits.
How an unknown outcome is resolved, and what can go wrong. Source: the official documents, read __TODAY__.
`
