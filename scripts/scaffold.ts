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
import { defineAdapter, refusalBy } from '../define.ts'
import { REFUSED } from '../outcomes.ts'
import { path } from '../path.ts'
import { environment } from '../settings.ts'
import { chargeBody, paymentOutcome } from './map.ts'
import { events } from './webhook.ts'
import { Payment, Problem } from './wire.ts'

/** An account at __TITLE__. */
const Config = z.strictObject({
  environment: environment('api'),
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
  hosts({ environment }) {
    if (typeof environment === 'object') return environment
    return { api: environment === 'live' ? 'https://api.example.com' : 'https://sandbox.example.com' }
  },
  headers: ({ api_key }) => ({ authorization: \`Bearer \${api_key}\` }),
  // What any other 4xx proves, by the documents. A refused look-up or return proves nothing, whatever stands here.
  refusal: refusalBy(Problem, () => REFUSED),
  async charge(charge, { ask }) {
    const post = { path: '/v1/payments', attempt: charge.attempt, json: chargeBody(charge) }
    return ask(Payment, post, (payment) => paymentOutcome(payment, charge))
  },
  async find(asked, { ask }) {
    const to = path\`/v1/payments/by-reference/\${asked.attempt}\`
    return ask(Payment, { path: to }, (payment) => paymentOutcome(payment, asked))
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
  decline_code: z.string().optional(),
})
export type Payment = z.infer<typeof Payment>

/** A 4xx answer. Source: the URL of it in the official documents, read __TODAY__. */
export const Problem = z.object({ code: z.string() })
`

const MAP = `import type { DeclineCode } from '../../core/decline.ts'
import type { Asked, Charge, Outcome } from '../contract.ts'
import { declineBy, MALFORMED, outcomeAs, words } from '../outcomes.ts'
import type { Payment } from './wire.ts'

/** Our words in theirs. */
export function chargeBody({ attempt }: Charge): Record<string, unknown> {
  return { reference: attempt }
}

/** Every status of the official enum by what it means, see \`outcomeAs\`. One that isn't here is unknown, and so is all of it until it is filled in. */
export const STATUSES = words({ pending: 'PENDING' })

/** Their decline codes, never their texts. One that isn't here is unmapped, and stops. */
const DECLINES = words<DeclineCode>({ insufficient_funds: '51' })

/** Their answer in our words. Give \`amount\` as they tell it: without one no money is known to have moved. */
export function paymentOutcome(payment: Payment, asked: Asked): Outcome {
  if (payment.reference !== asked.attempt) return MALFORMED
  return outcomeAs(STATUSES[payment.status], {
    reference: payment.id,
    decline: declineBy(DECLINES, payment.decline_code),
  })
}
`

const WEBHOOK = `import type { Events, InboundWebhook } from '../contract.ts'
import { refused } from '../outcomes.ts'

/** Verifies the raw bytes first (see ../signature.ts), then reads them with \`heard\`. Until it can, it believes nothing. */
export async function events(_webhook: InboundWebhook): Promise<Events> {
  return refused('signature_missing')
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
  config: { environment: 'test', api_key: API_KEY, webhook_secrets: [...SECRETS] },
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
