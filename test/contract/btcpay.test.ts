import { createHmac } from 'node:crypto'
import { btcpay } from '../../src/adapters/btcpay/index.ts'
import { formatAmount } from '../../src/core/money.ts'
import { adapterContract } from './adapter-contract.ts'
import type { AdapterFixtures, Answers, Asked, Signing, ToldFact } from './fixtures.ts'
import type { SeenRequest } from './scripted-server.ts'

const API_KEY = 'canary_key_5f1d0c9be2aa'
const SECRETS = ['canary_secret_1_aaaa', 'canary_secret_2_bbbb'] as const
const FOREIGN = 'canary_secret_3_cccc'
const STORE = '9CiNzKoANXxmk5ayZngSXrHTiVvvgCrwrpFQd4m2K776'
const ADDRESS = 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'

type Change = Readonly<Record<string, unknown>>

const invoice = ({ attempt, amount }: Asked, change: Change = {}) => ({
  id: 'ref_1',
  storeId: STORE,
  amount: formatAmount(amount),
  paidAmount: '0',
  currency: amount.asset,
  checkoutLink: 'https://btcpay.example/i/ref_1',
  createdTime: 1_795_000_000,
  expirationTime: 1_795_003_600,
  status: 'New',
  additionalStatus: 'None',
  metadata: { orderId: attempt },
  ...change,
})
const rail = ({ amount }: Asked, change: Change = {}) => ({
  paymentMethodId: `${amount.asset}-CHAIN`,
  destination: ADDRESS,
  paymentLink: `bitcoin:${ADDRESS}`,
  due: formatAmount(amount),
  payments: [],
  ...change,
})
const payout = ({ attempt, amount }: Asked, change: Change = {}) => ({
  id: 'ref_1',
  revision: 0,
  destination: ADDRESS,
  originalCurrency: amount.asset,
  originalAmount: formatAmount(amount),
  payoutMethodId: `${amount.asset}-CHAIN`,
  state: 'AwaitingApproval',
  metadata: { source: 'paycage', attempt },
  ...change,
})
const pull = ({ attempt }: Asked, change: Change = {}) => ({
  id: 'ref_1',
  name: attempt,
  archived: false,
  viewLink: 'https://btcpay.example/pull-payments/ref_1',
  ...change,
})

const REFUSED_TO_READ = { status: 400, json: { code: 'overdraft', message: 'x' } } as const

/** A server with what is in `there`; `made` answers what is written. */
const server =
  (there: {
    invoices?: (asked: Asked) => readonly unknown[]
    rails?: (asked: Asked) => readonly unknown[]
    payouts?: (asked: Asked) => readonly unknown[]
    pulls?: (asked: Asked) => readonly unknown[]
    claims?: (asked: Asked) => readonly unknown[]
    made?: (asked: Asked, request: SeenRequest) => unknown
    status?: number
    refusesToRead?: string
  }): Answers =>
  (asked) => {
    let posted = false
    return (request) => {
      const { method, path } = request
      if (there.refusesToRead !== undefined && path.includes(there.refusesToRead)) return REFUSED_TO_READ
      const ok = (json: unknown) => ({ status: 200, json })
      if (method === 'POST') {
        posted = true
        return { status: there.status ?? 200, json: there.made?.(asked, request) ?? null }
      }
      if (path.includes('/payment-methods')) return ok(there.rails?.(asked) ?? [rail(asked)])
      if (path.includes('/invoices?')) return ok(there.invoices?.(asked) ?? [])
      if (path.includes('/pull-payments?')) return ok(there.pulls?.(asked) ?? [])
      if (path.includes('/pull-payments/')) return ok(there.claims?.(asked) ?? [])
      // What was created is listed the next time.
      return ok(there.payouts?.(asked) ?? (posted ? [payout(asked)] : []))
    }
  }

const found = (change: Change, rails?: (asked: Asked) => readonly unknown[]): Answers =>
  server({ invoices: (asked) => [invoice(asked, { ...change })], ...(rails && { rails }) })
const settled = (asked: Asked) => ({ status: 'Settled', paidAmount: formatAmount(asked.amount) })
const isSettled: Answers = server({ invoices: (asked) => [invoice(asked, settled(asked))] })
const arrived =
  (...values: readonly string[]) =>
  (asked: Asked) => [rail(asked, { payments: values.map((value) => ({ value, status: 'Settled' })) })]
const created = server({ made: (asked) => invoice(asked) })

const invoiceCases = {
  approved: { answers: isSettled, expect: { kind: 'succeeded', reference: 'ref_1' } },
  overpaid: {
    answers: found({ status: 'Settled', additionalStatus: 'PaidOver', paidAmount: '0.5' }),
    expect: { kind: 'succeeded', amount: { asset: 'BTC', minor: 50_000_000n } },
  },
  'settled by hand, without money': {
    answers: found({ status: 'Settled', additionalStatus: 'Marked', paidAmount: '0.0' }),
    expect: { kind: 'succeeded', amount: { asset: 'BTC', minor: 0n } },
  },
  'underpaid when it expired': {
    answers: found({ status: 'Expired', additionalStatus: 'PaidPartial' }, arrived('0.000005', '0.000001')),
    expect: { kind: 'succeeded', amount: { asset: 'BTC', minor: 600n } },
  },
  'paid late and not yet confirmed': {
    answers: found({ status: 'Expired', additionalStatus: 'PaidLate' }, (asked) => [
      rail(asked, { payments: [{ value: '0.0000125', status: 'Processing' }] }),
    ]),
    expect: { kind: 'pending', reference: 'ref_1' },
  },
  'paid late': {
    answers: found({ status: 'Expired', additionalStatus: 'PaidLate' }, arrived('0.0000125')),
    expect: { kind: 'succeeded', amount: { asset: 'BTC', minor: 1_250n } },
  },
  'never confirmed': {
    answers: found({ status: 'Invalid', additionalStatus: 'Marked' }, (asked) => [
      rail(asked, { payments: [{ value: '0.0000125', status: 'Invalid' }] }),
    ]),
    expect: { kind: 'voided', why: 'expired' },
  },
  expired: { answers: found({ status: 'Expired' }), expect: { kind: 'voided', why: 'expired' } },
  pending: { answers: found({ status: 'Processing' }), expect: { kind: 'pending', reference: 'ref_1' } },
  'an address to pay to': {
    answers: found({}),
    expect: {
      kind: 'requires_action',
      reference: 'ref_1',
      action: {
        type: 'display_crypto',
        address: ADDRESS,
        network: 'bitcoin',
        amount: '0.00001250',
        uri: `bitcoin:${ADDRESS}`,
        expires_at: new Date(1_795_003_600_000).toISOString(),
      },
    },
  },
  "BTCPay's page where the address can't be read": {
    answers: found({}, () => []),
    expect: {
      kind: 'requires_action',
      action: { type: 'redirect', url: 'https://btcpay.example/i/ref_1', method: 'GET' },
    },
  },
  unmapped: { answers: found({ status: 'MoonPhase' }), expect: { kind: 'unknown', reason: 'unmapped' } },
  'two invoices, one of them paid': {
    answers: server({ invoices: (asked) => [invoice(asked, { id: 'ref_0' }), invoice(asked, settled(asked))] }),
    expect: { kind: 'succeeded', reference: 'ref_1' },
  },
  'two invoices, both paid': {
    answers: server({ invoices: (asked) => [invoice(asked, settled(asked)), invoice(asked, settled(asked))] }),
    expect: { kind: 'unknown', reason: 'duplicate_request' },
  },
} as const

const listed = (...changes: readonly Change[]): Answers =>
  server({
    payouts: (asked) => changes.map((change) => payout(asked, change)),
    made: (asked, { path }) => payout(asked, { state: 'AwaitingPayment', id: path.split('/').at(-1) }),
  })

const sign = (body: string, { secret }: Signing) => ({
  'btcpay-sig': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
})
function told({ attempt, reference }: ToldFact, signing: Signing, change: Change = {}) {
  const body = JSON.stringify({
    deliveryId: 'dlv_2',
    webhookId: 'hook_1',
    originalDeliveryId: 'dlv_1',
    isRedelivery: true,
    type: 'InvoiceSettled',
    timestamp: 1_795_399_100,
    storeId: STORE,
    invoiceId: reference,
    metadata: { orderId: attempt },
    overPaid: false,
    ...change,
  })
  return { body, headers: sign(body, signing) }
}

const claimed = (...states: readonly string[]): Answers =>
  server({
    pulls: (asked) => [pull(asked)],
    claims: (asked) => states.map((state) => payout(asked, { id: `claim_${state}`, state })),
  })

const fixtures: AdapterFixtures = {
  config: {
    base_url: 'https://btcpay.example',
    store_id: STORE,
    api_key: API_KEY,
    webhook_secrets: [...SECRETS],
  },
  canaries: [API_KEY, ...SECRETS, FOREIGN],
  assets: ['BTC'],
  amountOnWire: (amount) => `mount":"${formatAmount(amount)}"`,
  charge: {
    ask: { method: { type: 'crypto', asset: 'BTC', network: 'bitcoin' } },
    cases: {
      ...invoiceCases,
      created: { answers: created, expect: { kind: 'requires_action', reference: 'ref_1' } },
      'a request that BTCPay finds wrong': {
        answers: server({ status: 400, made: () => [{ path: 'currency', message: 'not known' }] }),
        expect: { kind: 'not_sent', reason: 'vouched_rejection', code: 'invalid_request' },
      },
    },
    good: created,
    lies: {
      amount: server({ made: (asked) => invoice(asked, { amount: '99' }) }),
      currency: server({ made: (asked) => invoice(asked, { currency: 'LTC' }) }),
      reference: server({ made: (asked) => invoice(asked, { metadata: { orderId: 'att_other' } }) }),
    },
  },
  find: {
    cases: { ...invoiceCases, not_found: { answers: server({}), expect: { kind: 'not_found' } } },
  },
  refund: {
    cases: {
      approved: { answers: claimed('Completed'), expect: { kind: 'succeeded', reference: 'ref_1' } },
      declined: {
        answers: server({ status: 400, made: () => ({ code: 'overdraft', message: 'x' }) }),
        expect: { kind: 'declined', decline: { code: 'payout_float_insufficient', processorCode: 'overdraft' } },
      },
      pending: { answers: claimed('AwaitingPayment'), expect: { kind: 'pending', reference: 'ref_1' } },
      unmapped: { answers: claimed('MoonPhase'), expect: { kind: 'unknown', reason: 'unmapped' } },
      'a page where the player claims it': {
        answers: server({ made: (asked) => pull(asked) }),
        expect: {
          kind: 'requires_action',
          reference: 'ref_1',
          action: { type: 'redirect', url: 'https://btcpay.example/pull-payments/ref_1', method: 'GET' },
        },
      },
      'taken back': {
        answers: server({ pulls: (asked) => [pull(asked, { archived: true })] }),
        expect: { kind: 'voided', why: 'cancelled' },
      },
      'one whose claims can not be read': {
        answers: server({ pulls: (asked) => [pull(asked)], refusesToRead: '/pull-payments/ref_1/payouts' }),
        expect: { kind: 'unknown', reason: 'interrupted', reference: 'ref_1' },
      },
      'a store whose refunds can not be read': {
        answers: server({ refusesToRead: '/pull-payments?' }),
        expect: { kind: 'unknown', reason: 'unmapped' },
      },
      'two under our reference': {
        answers: server({ pulls: (asked) => [pull(asked), pull(asked, { id: 'ref_2' })] }),
        expect: { kind: 'unknown', reason: 'duplicate_request' },
      },
    },
    good: server({ made: (asked) => pull(asked) }),
    lies: { reference: server({ made: (asked) => pull(asked, { name: 'att_other' }) }) },
  },
  payOut: {
    ask: { destination: { type: 'crypto', asset: 'BTC', network: 'bitcoin', address: ADDRESS } },
    cases: {
      approved: { answers: listed({ state: 'Completed' }), expect: { kind: 'succeeded', reference: 'ref_1' } },
      declined: {
        answers: server({ status: 400, made: () => ({ code: 'duplicate-destination', message: 'x' }) }),
        expect: {
          kind: 'declined',
          decline: { code: 'payout_beneficiary_invalid', processorCode: 'duplicate-destination' },
        },
      },
      pending: { answers: listed({ state: 'InProgress' }), expect: { kind: 'pending', reference: 'ref_1' } },
      unmapped: { answers: listed({ state: 'MoonPhase' }), expect: { kind: 'unknown', reason: 'unmapped' } },
      cancelled: { answers: listed({ state: 'Cancelled' }), expect: { kind: 'voided', why: 'cancelled' } },
      'two unapproved ones, of which one is approved': {
        answers: listed({ id: 'b' }, { id: 'a' }),
        expect: { kind: 'pending', reference: 'a' },
      },
      'a store whose payouts can not be read': {
        answers: server({ refusesToRead: '/payouts?' }),
        expect: { kind: 'unknown', reason: 'unmapped' },
      },
      'two that went on': {
        answers: listed({ id: 'a', state: 'InProgress' }, { id: 'b', state: 'AwaitingPayment' }),
        expect: { kind: 'unknown', reason: 'duplicate_request' },
      },
      'one to another address, which is not approved': {
        answers: listed({ destination: '1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2' }),
        expect: { kind: 'unknown', reason: 'unmapped' },
      },
    },
    good: server({ made: (asked, { path }) => payout(asked, path.endsWith('/payouts') ? {} : { state: 'Completed' }) }),
    lies: {
      amount: listed({ originalAmount: '99', state: 'Completed' }),
      currency: listed({ originalCurrency: 'LTC', state: 'Completed' }),
      reference: server({
        payouts: () => [],
        made: (asked) => payout(asked, { metadata: { attempt: 'att_other' } }),
      }),
    },
  },
  webhook: {
    secrets: SECRETS,
    foreignSecret: FOREIGN,
    header: 'btcpay-sig',
    timestamped: false,
    sign,
    make: (fact, signing) => told(fact, signing),
    expect: ({ attempt, reference }) => ({
      id: 'dlv_1',
      flow: 'deposit',
      attempt,
      reference,
      atMs: 1_795_399_100_000,
      lookUp: true,
      outcome: { kind: 'unknown', reason: 'unmapped', reference },
    }),
    wrongAccount: (fact, signing) => told(fact, signing, { storeId: 'AnotherStore' }),
    unmapped: (fact, signing) => told(fact, signing, { type: 'InvoiceMoonPhase' }),
  },
  lacks: {
    'charge: declined': 'an invoice is made or not; nobody is asked',
    'refund: wrong amount': 'a pull payment is claimed later; what its payouts say is compared then',
    'refund: wrong currency': 'a pull payment is claimed later; what its payouts say is compared then',
  },
}

adapterContract(btcpay, fixtures)
