import { describe, expect, it } from 'vitest'
import { adyen } from '../../src/adapters/adyen/index.ts'
import type { Events, ProcessorEvent } from '../../src/adapters/contract.ts'
import { ADYEN_CONFIG, signedItem as item, ORIGINAL, REFERENCE as PSP, signatureOf } from '../support/adyen.ts'

const [KEY] = ADYEN_CONFIG.webhook_secrets
const amount = { asset: 'EUR', minor: 1_000n }

type Change = Readonly<Record<string, unknown>>

const connect = (config: Change = {}) => adyen.connect({ ...ADYEN_CONFIG, ...config })

const hear = (items: readonly object[], config?: Change): Promise<Events> =>
  connect(config).events({
    body: Buffer.from(
      JSON.stringify({ notificationItems: items.map((NotificationRequestItem) => ({ NotificationRequestItem })) }),
    ),
    headers: {},
    secrets: [KEY],
    nowMs: 0,
  })

async function eventOf(change: Change, config?: Change): Promise<ProcessorEvent | undefined> {
  const heard = await hear([item(change)], config)
  if (heard.kind === 'refused') throw new Error(heard.why)
  return heard.events[0]
}

const kindOf = async (change: Change, config?: Change) => (await eventOf(change, config))?.outcome.kind

describe('what a body of several items says', () => {
  it('is told by all of them', async () => {
    const heard = await hear([item(), item({ eventCode: 'REFUND', pspReference: 'PSP_2' })])
    expect(heard.kind === 'verified' && heard.events.map(({ id }) => id)).toEqual([
      `${PSP}:CAPTURE:true`,
      'PSP_2:REFUND:true',
    ])
  })

  it.each([
    ['without a signature', { ...item(), additionalData: {} }, 'signature_missing'],
    ['without anything beside it', { ...item(), additionalData: undefined }, 'signature_missing'],
    ['under the signature of another', { ...item(), pspReference: 'PSP_2' }, 'signature_invalid'],
    ['of another merchant account', item({ merchantAccountCode: 'Other' }), 'wrong_account'],
  ])('is refused with one item %s, first or last', async (_name, bad, why) => {
    for (const items of [[bad], [item(), bad], [bad, item()]])
      expect(await hear(items)).toEqual({ kind: 'refused', why })
  })

  it('is refused when there is none, or more than six', async () => {
    for (const count of [0, 7])
      expect(await hear(Array.from({ length: count }, () => item()))).toEqual({ kind: 'refused', why: 'malformed' })
    expect((await hear(Array.from({ length: 6 }, () => item()))).kind).toBe('verified')
  })
})

it.each(['pspReference', 'originalReference', 'merchantReference', 'eventCode', 'success'])(
  'an item with a colon in its %s is believed and never acted on',
  async (field) => {
    expect(await hear([item({ [field]: 'a:b' })])).toEqual({ kind: 'verified', events: [] })
  },
)

describe('an item that says less', () => {
  it.each([
    ['no amount', {}],
    ['no currency', { value: 1_000 }],
    ['no value', { currency: 'EUR' }],
    ['null for both', { value: null, currency: null }],
  ])('with %s is not known to have moved money', async (_name, sparse) => {
    const event = await eventOf({ amount: sparse })
    expect(event?.outcome).toEqual({ kind: 'unknown', reason: 'unmapped', reference: ORIGINAL })
    expect(await eventOf({ amount: sparse, eventCode: 'CHARGEBACK' })).not.toHaveProperty('dispute')
  })

  it.each([undefined, null, ''])('with %j for the references is about its own, and about no attempt', async (none) => {
    expect(await eventOf({ originalReference: none, merchantReference: none })).toMatchObject({
      reference: PSP,
      attempt: undefined,
      outcome: { kind: 'succeeded', reference: PSP, amount },
    })
  })
})

describe('an event code', () => {
  it.each([
    ['succeeded', 'AUTHORISATION CAPTURE REFUND REFUND_WITH_DATA'],
    ['voided', 'EXPIRE OFFER_CLOSED CANCELLATION TECHNICAL_CANCEL'],
    ['returned', 'CAPTURE_FAILED REFUND_FAILED REFUNDED_REVERSED'],
    ['unknown', 'AUTHORISATION_ADJUSTMENT CANCEL_OR_REFUND HANDLED_EXTERNALLY PAIDOUT_REVERSED VOID_PENDING_REFUND'],
    ['unknown', 'PAYOUT_DECLINE PAYOUT_EXPIRE PAYOUT_THIRDPARTY MOON_PHASE'],
    [undefined, 'AUTHENTICATION AUTORESCUE CANCEL_AUTORESCUE ISSUER_COMMENTS ISSUER_RESPONSE_TIMEFRAME_EXPIRED'],
    [undefined, 'MANUAL_REVIEW_ACCEPT MANUAL_REVIEW_REJECT NOTIFICATION_OF_FRAUD ORDER_CLOSED ORDER_OPENED'],
    [undefined, 'POSTPONED_REFUND RECURRING_CONTRACT REPORT_AVAILABLE'],
  ])('comes to %s: %s', async (kind, codes) => {
    for (const eventCode of codes.split(' '))
      expect([eventCode, await kindOf({ eventCode })]).toEqual([eventCode, kind])
  })

  it('of a failure is a decline for an authorization and a refund, and for nothing else', async () => {
    const failed = (eventCode: string) => kindOf({ eventCode, success: 'false' })
    for (const code of ['AUTHORISATION', 'REFUND', 'REFUND_WITH_DATA'])
      expect([code, await failed(code)]).toEqual([code, 'declined'])
    for (const code of [
      ...['CAPTURE', 'CANCELLATION', 'CANCEL_OR_REFUND', 'VOID_PENDING_REFUND', 'REFUND_FAILED', 'REFUNDED_REVERSED'],
      ...['AUTHORISATION_ADJUSTMENT', 'EXPIRE', 'CHARGEBACK'],
    ])
      expect([code, await failed(code)]).toEqual([code, 'unknown'])
  })

  it('of an authorization alone waits for a capture by hand', async () => {
    const byHand = { capture: 'manual' }
    expect(await kindOf({ eventCode: 'AUTHORISATION' }, byHand)).toBe('authorized')
    for (const eventCode of ['CAPTURE', 'REFUND']) expect(await kindOf({ eventCode }, byHand)).toBe('succeeded')
  })

  it.each([
    ['inquiry', 'opened', 'REQUEST_FOR_INFORMATION'],
    ['chargeback', 'evidence_due', 'NOTIFICATION_OF_CHARGEBACK'],
    ['chargeback', 'evidence_submitted', 'INFORMATION_SUPPLIED'],
    ['chargeback', 'opened', 'CHARGEBACK'],
    ['chargeback', 'won', 'CHARGEBACK_REVERSED'],
    ['chargeback', 'lost', 'SECOND_CHARGEBACK'],
    ['chargeback', 'expired', 'DISPUTE_DEFENSE_PERIOD_ENDED'],
    ['pre_arbitration', 'opened', 'PREARBITRATION_OPEN'],
    ['pre_arbitration', 'evidence_submitted', 'PREARBITRATION_DECLINED'],
    ['pre_arbitration', 'won', 'PREARBITRATION_WON'],
    ['pre_arbitration', 'lost', 'PREARBITRATION_LOST'],
    ['pre_arbitration', 'accepted', 'PREARBITRATION_ACCEPTED'],
    ['pre_arbitration', 'withdrawn', 'PREARBITRATION_ISSUER_WITHDRAWN'],
    ['arbitration', 'opened', 'SCHEME_ARBITRATION'],
    ['arbitration', 'won', 'SCHEME_ARBITRATION_WON'],
    ['arbitration', 'lost', 'SCHEME_ARBITRATION_LOST'],
  ])('of a dispute tells its stage and state and moves no payment: %s, %s by %s', async (stage, status, eventCode) => {
    const event = await eventOf({ eventCode })
    expect(event?.dispute).toEqual({ reference: PSP, stage, status, amount })
    expect(event?.outcome).toEqual({ kind: 'unknown', reason: 'unmapped', reference: ORIGINAL })
  })
})

describe('a webhook of the balance platform', () => {
  const transfer = {
    id: 'tr_1',
    status: 'booked',
    reference: 'att_1',
    amount: { currency: 'EUR', value: 1_000 },
    balanceAccount: { id: ADYEN_CONFIG.balance_account },
    direction: 'outgoing',
    sequenceNumber: 3,
  }
  const told = (change: Change = {}, type = 'balancePlatform.transfer.updated'): Promise<Events> => {
    const body = JSON.stringify({ type, data: 'data' in change ? change.data : { ...transfer, ...change } })
    return connect().events({
      body: Buffer.from(body),
      headers: { hmacsignature: signatureOf(body) },
      secrets: [KEY],
      nowMs: 0,
    })
  }

  it('tells a payout, whether it was created or updated', async () => {
    for (const type of ['balancePlatform.transfer.created', 'balancePlatform.transfer.updated'])
      expect(await told({}, type)).toEqual({
        kind: 'verified',
        events: [
          {
            ...{ id: 'tr_1:3:booked', flow: 'withdrawal', reference: 'tr_1', attempt: 'att_1' },
            outcome: { kind: 'succeeded', reference: 'tr_1', amount },
          },
        ],
      })
  })

  it.each([
    'balancePlatform.transfer.deleted',
    'x.balancePlatform.transfer.updated',
    'balancePlatform.transfer.updated.x',
    'balancePlatform-transfer-updated',
    'balancePlatform.accountHolder.updated',
  ])('of the type %s is believed and asks for nothing, whatever its data are', async (type) => {
    for (const change of [{}, { data: null }])
      expect(await told(change, type)).toEqual({ kind: 'verified', events: [] })
  })

  it('of money that comes in is no payout', async () => {
    expect(await told({ direction: 'incoming' })).toEqual({ kind: 'verified', events: [] })
  })

  it('without a transfer in it is malformed', async () => {
    for (const data of [null, 'x', { id: 'tr_1' }])
      expect(await told({ data })).toEqual({ kind: 'refused', why: 'malformed' })
  })

  it('of another balance account, or of none, is not ours', async () => {
    for (const balanceAccount of [undefined, {}, { id: 'BA2' }])
      expect(await told({ balanceAccount })).toEqual({ kind: 'refused', why: 'wrong_account' })
  })

  it('without a number or a reference has an id still, and is about no attempt', async () => {
    for (const reference of [undefined, '']) {
      const heard = await told({ sequenceNumber: undefined, reference })
      expect(heard).toMatchObject({ events: [{ id: 'tr_1::booked', attempt: undefined, reference: 'tr_1' }] })
    }
  })
})
