import { createHmac } from 'node:crypto'
import { sandboxA } from '../../src/adapters/sandbox/index.ts'
import { formatAmount, presentMoney } from '../../src/core/money.ts'
import { adapterContract } from './adapter-contract.ts'
import type { AdapterFixtures, Answers, Asked, Signing, ToldFact, VerbFixture } from './fixtures.ts'

const API_KEY = 'key_canary_5f1d0c9be2'
const SECRETS = ['whsec_canary_1_aaaaaaaaaaaa', 'whsec_canary_2_bbbbbbbbbbbb'] as const
const FOREIGN = 'whsec_canary_3_cccccccccccc'

type Change = Readonly<Record<string, unknown>>

const operation = (kind: string, { attempt, amount }: Asked, status: string, change: Change = {}) => ({
  id: 'ref_1',
  kind,
  our_ref: attempt,
  ...presentMoney(amount),
  status,
  created_at: 1,
  updated_at: 2,
  ...change,
})

const says =
  (kind: string, status: string, change?: Change): Answers =>
  (asked) =>
  () => ({ status: 201, json: operation(kind, asked, status, change) })

const declined = (kind: string, code: string, ours: string) =>
  ({
    answers: says(kind, 'declined', { decline_code: code }),
    expect: { kind: 'declined', reference: 'ref_1', decline: { code: ours, processorCode: code } },
  }) as const

const moneyVerb = (kind: string): VerbFixture => ({
  cases: {
    approved: { answers: says(kind, 'approved'), expect: { kind: 'succeeded', reference: 'ref_1' } },
    declined: declined(kind, 'do_not_honor', 'do_not_honor'),
    'declined with a code out of no document': declined(kind, 'moon_phase', 'unmapped'),
    pending: { answers: says(kind, 'pending'), expect: { kind: 'pending', reference: 'ref_1' } },
    unmapped: { answers: says(kind, 'settling_elsewhere'), expect: { kind: 'unknown', reason: 'unmapped' } },
    returned: { answers: says(kind, 'reversed'), expect: { kind: 'returned', reference: 'ref_1' } },
    'a duplicate under another key': {
      answers: () => () => ({ status: 409, json: { error: { code: 'idempotency_key_reused' } } }),
      expect: { kind: 'unknown', reason: 'duplicate_request' },
    },
    'an amount as a JSON number': {
      answers: says(kind, 'approved', { amount: 12.5 }),
      expect: { kind: 'succeeded' },
    },
  },
  good: says(kind, 'approved'),
  lies: {
    amount: says(kind, 'approved', { amount: '99' }),
    currency: says(kind, 'approved', { currency: 'SEK', amount: '12.50' }),
    reference: says(kind, 'approved', { our_ref: 'att_other' }),
  },
})

const listed =
  (...changes: readonly Change[]): Answers =>
  (asked) =>
  () => ({ status: 200, json: { data: changes.map((change) => operation('charge', asked, 'approved', change)) } })

const webhookBody = ({ attempt, amount, reference }: ToldFact, status: string, processor = 'sandbox_a') =>
  JSON.stringify({
    id: 'evt_1',
    type: `charge.${status}`,
    processor,
    at: 1_795_399_100_000,
    data: { ...operation('charge', { attempt, amount }, status), id: reference },
  })

function sign(body: string, { secret, nowMs }: Signing) {
  const t = Math.floor(nowMs / 1_000)
  return { 'x-sandbox-signature': `t=${t},v1=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}` }
}

const signed = (body: string, signing: Signing) => ({ body, headers: sign(body, signing) })

const fixtures: AdapterFixtures = {
  config: { base_url: 'http://127.0.0.1:1', api_key: API_KEY, webhook_secrets: [...SECRETS] },
  canaries: [API_KEY, ...SECRETS, FOREIGN],
  assets: ['EUR', 'JPY', 'KWD', 'BTC', 'USDT-tron'],
  amountOnWire: (amount) => `"amount":"${formatAmount(amount)}"`,
  charge: {
    ...moneyVerb('charge'),
    ask: { method: { type: 'card', token: 'tok_sandbox_ok' } },
  },
  payOut: moneyVerb('payout'),
  refund: moneyVerb('refund'),
  resume: { cases: moneyVerb('charge').cases },
  find: {
    cases: {
      approved: { answers: listed({}), expect: { kind: 'succeeded', reference: 'ref_1' } },
      declined: {
        answers: listed({ status: 'declined', decline_code: 'lost_card' }),
        expect: { kind: 'declined', decline: { code: 'lost_card', processorCode: 'lost_card' } },
      },
      expired: { answers: listed({ status: 'expired' }), expect: { kind: 'voided', why: 'expired' } },
      not_found: { answers: listed(), expect: { kind: 'not_found' } },
      unmapped: { answers: listed({ status: 'settling_elsewhere' }), expect: { kind: 'unknown', reason: 'unmapped' } },
      'two under our reference': {
        answers: listed({}, { id: 'ref_2' }),
        expect: { kind: 'unknown', reason: 'duplicate_request' },
      },
      'another reference than the one asked for': {
        answers: listed({ our_ref: 'att_other' }),
        expect: { kind: 'unknown', reason: 'malformed' },
      },
    },
  },
  webhook: {
    secrets: SECRETS,
    foreignSecret: FOREIGN,
    header: 'x-sandbox-signature',
    timestamped: true,
    sign,
    make: (fact, signing) => signed(webhookBody(fact, 'approved'), signing),
    expect: ({ attempt, reference, amount }) => ({
      id: 'evt_1',
      flow: 'deposit',
      attempt,
      reference,
      atMs: 1_795_399_100_000,
      outcome: { kind: 'succeeded', reference, amount },
    }),
    wrongAccount: (fact, signing) => signed(webhookBody(fact, 'approved', 'sandbox_b'), signing),
    unmapped: (fact, signing) => signed(webhookBody(fact, 'settling_elsewhere'), signing),
  },
}

adapterContract(sandboxA, fixtures)
