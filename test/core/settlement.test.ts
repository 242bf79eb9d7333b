import { describe, expect, it } from 'vitest'
import type { AttemptStatus } from '../../src/core/payment.ts'
import { type Effects, effectsOf, type Settling, TAKES_BACK } from '../../src/core/settlement.ts'

const eur = (minor: bigint) => ({ asset: 'EUR', minor })
const facts: Settling = {
  id: 'pay',
  attempt: 'a1',
  player: 'p1',
  connection: 'c1',
  amount: eur(1_000n),
  status: 'processing',
  from: 'pending',
  to: 'pending',
  goesOn: false,
  declinedBefore: false,
  cash: 400n,
  sent: false,
  otherLive: false,
  inSuspense: false,
}
type Flow = Parameters<typeof effectsOf>[0]
const settled = (flow: Flow, to: AttemptStatus, change: Partial<Settling> = {}) =>
  effectsOf(flow, { ...facts, to, ...change })

/** Effects in one line: status, notice, what becomes of the reservation or share, the postings, and `?code` with the number of people who must look. */
const line = ({ status, notice, postings, reservation, refundShare, review, ...others }: Effects): string => {
  expect(others).toEqual({})
  return [
    status ?? '-',
    notice ?? '-',
    reservation ?? refundShare ?? '',
    ...(postings ?? []).map(({ kind }) => kind),
    review ? `?${review.kind}/${review.code} ${review.approvals}` : '',
  ]
    .filter((word) => word !== '')
    .join(' ')
}
type Row = readonly [AttemptStatus, Partial<Settling>, string]
const table = (flow: Flow, rows: readonly Row[], shared: Partial<Settling> = {}) => {
  it.each(rows)('%s, %o: %s', (to, change, effects) => {
    expect(line(settled(flow, to, { ...shared, ...change }))).toBe(effects)
  })
}

describe('a deposit', () => {
  table('deposit', [
    ['sending', {}, 'processing -'],
    ['requires_action', {}, 'requires_action deposit.requires_action'],
    ['pending', {}, 'processing deposit.processing'],
    ['authorized', {}, 'processing deposit.processing'],
    ['unknown', {}, 'unknown deposit.unknown'],
    ['integrity_hold', {}, 'unknown deposit.unknown ?integrity/mismatch 2'],
    ['integrity_hold', { why: 'amount_mismatch' }, 'unknown deposit.unknown ?integrity/amount_mismatch 2'],
    ['succeeded', {}, 'succeeded deposit.succeeded committed deposit_settled'],
    ['late_success', {}, 'succeeded deposit.late_success committed deposit_settled ?late_success/late_success 1'],
    ['declined', {}, 'declined deposit.declined released'],
    ['declined', { goesOn: true }, '- -'],
    ['not_sent', {}, 'failed deposit.failed released'],
    ['not_sent', { goesOn: true }, '- -'],
    ['not_sent', { declinedBefore: true }, 'declined deposit.declined released'],
    ['not_sent', { goesOn: true, declinedBefore: true }, '- -'],
    ['voided', { why: 'expired' }, 'expired deposit.expired released'],
    ['voided', { why: 'cancelled' }, 'cancelled deposit.cancelled released'],
    // Never seen to succeed: nothing was credited, so nothing is taken back.
    ['returned', { from: 'pending' }, 'failed deposit.failed released'],
    ['returned', { from: 'unknown' }, 'failed deposit.failed released'],
    ['returned', { from: 'succeeded' }, '- deposit.reversed deposit_reversed ?integrity/deposit_reversed 1'],
    [
      'returned',
      { from: 'late_success', inSuspense: true },
      '- deposit.reversed duplicate_refunded ?integrity/deposit_reversed 1',
    ],
  ])
})

describe('a deposit that is credited stays so', () => {
  table(
    'deposit',
    [
      ['sending', {}, '- -'],
      ['requires_action', {}, '- -'],
      ['pending', {}, '- -'],
      ['authorized', {}, '- -'],
      ['unknown', {}, '- -'],
      ['declined', {}, '- -'],
      ['not_sent', {}, '- -'],
      ['voided', {}, '- -'],
      ['returned', { from: 'pending' }, '- -'],
      ['integrity_hold', {}, '- - ?integrity/mismatch 2'],
      ['succeeded', {}, '- deposit.late_success duplicate_captured ?late_success/captured_twice 1'],
      ['late_success', {}, '- deposit.late_success duplicate_captured ?late_success/captured_twice 1'],
    ],
    { status: 'succeeded' },
  )
})

describe('a withdrawal', () => {
  table('withdrawal', [
    ['sending', {}, 'processing -'],
    ['requires_action', {}, 'processing -'],
    ['pending', {}, 'processing withdrawal.processing withdrawal_sent'],
    ['pending', { sent: true }, 'processing withdrawal.processing'],
    ['authorized', {}, 'processing - withdrawal_sent'],
    ['authorized', { sent: true }, 'processing -'],
    // The hold is kept, and nothing goes on.
    ['unknown', {}, 'unknown withdrawal.unknown'],
    ['integrity_hold', {}, 'unknown withdrawal.unknown ?integrity/mismatch 2'],
    ['succeeded', {}, 'paid withdrawal.paid withdrawal_sent withdrawal_paid'],
    ['succeeded', { sent: true }, 'paid withdrawal.paid withdrawal_paid'],
    ['declined', {}, 'failed withdrawal.failed withdrawal_released'],
    ['declined', { sent: true }, 'failed withdrawal.failed withdrawal_unsent withdrawal_released'],
    ['declined', { goesOn: true }, '- -'],
    ['declined', { goesOn: true, sent: true }, '- - withdrawal_unsent'],
    ['not_sent', {}, 'approved -'],
    ['not_sent', { sent: true }, 'approved - withdrawal_unsent'],
    ['not_sent', { goesOn: true }, '- -'],
    ['voided', {}, 'failed withdrawal.failed withdrawal_released'],
    ['voided', { sent: true }, 'failed withdrawal.failed withdrawal_unsent withdrawal_released'],
    ['returned', { from: 'pending' }, 'returned withdrawal.returned withdrawal_released'],
    ['returned', { from: 'pending', sent: true }, 'returned withdrawal.returned withdrawal_unsent withdrawal_released'],
    ['returned', { from: 'succeeded', status: 'paid' }, 'returned withdrawal.returned withdrawal_returned'],
  ])

  const late = 'paid withdrawal.late_success'
  const look = '?late_success/paid_after_release 2'
  table('withdrawal', [
    // Its money still stands on hold for another try …
    ['late_success', { status: 'approved' }, `${late} withdrawal_paid_from_held ${look}`],
    ['late_success', { status: 'processing' }, `${late} withdrawal_paid_from_held ${look}`],
    // … or that other try is on its way and needs it, or it was given back.
    ['late_success', { status: 'processing', otherLive: true }, `${late} withdrawal_paid_late ${look}`],
    ['late_success', { status: 'failed' }, `${late} withdrawal_paid_late ${look}`],
    ['late_success', { status: 'rejected' }, `${late} withdrawal_paid_late ${look}`],
    ['late_success', { status: 'cancelled' }, `${late} withdrawal_paid_late ${look}`],
    ['late_success', { status: 'returned' }, `${late} withdrawal_paid_late ${look}`],
    ['late_success', { status: 'paid' }, `${late} withdrawal_paid_late ${look}`],
  ])
})

describe('a withdrawal that is paid stays so, and only what another attempt holds is given back', () => {
  table(
    'withdrawal',
    [
      ['sending', {}, '- -'],
      ['requires_action', {}, '- -'],
      ['pending', {}, '- - withdrawal_sent'],
      ['authorized', { sent: true }, '- -'],
      ['unknown', {}, '- -'],
      ['integrity_hold', {}, '- - ?integrity/mismatch 2'],
      ['succeeded', {}, 'paid withdrawal.paid withdrawal_sent withdrawal_paid ?late_success/paid_twice 2'],
      ['declined', { sent: true }, '- - withdrawal_unsent withdrawal_released'],
      ['not_sent', {}, '- - withdrawal_released'],
      ['not_sent', { sent: true }, '- - withdrawal_unsent withdrawal_released'],
      ['voided', {}, '- - withdrawal_released'],
      ['returned', { from: 'pending', sent: true }, '- - withdrawal_unsent withdrawal_released'],
    ],
    { status: 'paid' },
  )
})

describe('a refund', () => {
  table('refund', [
    ['sending', {}, 'processing -'],
    ['requires_action', {}, 'processing -'],
    ['pending', {}, 'processing -'],
    ['authorized', {}, 'processing -'],
    ['unknown', {}, 'unknown refund.unknown'],
    ['integrity_hold', {}, 'unknown refund.unknown ?integrity/mismatch 2'],
    ['succeeded', {}, 'succeeded refund.succeeded refund_settled'],
    ['late_success', {}, 'succeeded refund.late_success taken refunded_late ?late_success/refunded_after_release 2'],
    ['declined', {}, 'declined refund.declined freed refund_released'],
    ['not_sent', {}, 'failed refund.failed freed refund_released'],
    ['voided', {}, 'failed refund.failed freed refund_released'],
    ['returned', { from: 'pending' }, 'failed refund.failed freed refund_released'],
    ['returned', { from: 'succeeded' }, 'failed refund.failed freed refund_returned'],
  ])
})

describe('a second capture on its way back', () => {
  table(
    'refund',
    [
      ['pending', {}, 'processing -'],
      ['integrity_hold', {}, 'unknown refund.unknown ?integrity/mismatch 2'],
      ['succeeded', {}, 'succeeded refund.succeeded duplicate_refunded'],
      ['late_success', {}, '- refund.late_success duplicate_refunded ?late_success/refunded_after_release 2'],
      ['declined', {}, 'declined refund.declined ?late_success/captured_twice 1'],
      ['not_sent', {}, 'failed refund.failed ?late_success/captured_twice 1'],
      ['voided', {}, 'failed refund.failed ?late_success/captured_twice 1'],
      ['returned', { from: 'pending' }, 'failed refund.failed ?late_success/captured_twice 1'],
      ['returned', { from: 'succeeded' }, 'unknown refund.unknown ?integrity/refund_returned 2'],
      ['returned', { from: 'late_success' }, 'unknown refund.unknown ?integrity/refund_returned 2'],
    ],
    { duplicateOf: { deposit: 'dep', attempt: 'a9' } },
  )
})

/** Where money goes: `debit > credit minor`, with the key that makes it one fact. */
const moves = (flow: Flow, to: AttemptStatus, change: Partial<Settling> = {}) =>
  (settled(flow, to, change).postings ?? []).map(({ key, transfers }) => [
    key,
    ...transfers.map(({ debit, credit, amount: { asset, minor } }) => `${debit} > ${credit} ${minor} ${asset}`),
  ])
const [cash, debt, captured] = ['player:p1:cash', 'player:p1:receivable', 'connection:c1:receivable']

describe('the money', () => {
  it('of a deposit is the player’s, and the processor’s fee the house’s', () => {
    expect(moves('deposit', 'succeeded', { processorFee: eur(7n) })).toEqual([
      ['deposit:pay:settled', `${captured} > ${cash} 1000 EUR`, `fees:processor > ${captured} 7 EUR`],
    ])
  })

  it('of a deposit taken back comes out of cash as far as that goes, then is owed', () => {
    expect(moves('deposit', 'returned', { from: 'succeeded' })).toEqual([
      ['deposit:pay:reversed:a1', `${cash} > ${captured} 400 EUR`, `${debt} > ${captured} 600 EUR`],
    ])
  })

  it('of a second capture waits in suspense, under its attempt, and goes back from there', () => {
    expect(moves('deposit', 'succeeded', { status: 'succeeded' })).toEqual([
      ['deposit:pay:duplicate:a1', `${captured} > suspense 1000 EUR`],
    ])
    expect(moves('deposit', 'returned', { from: 'succeeded', inSuspense: true })).toEqual([
      ['deposit:pay:duplicate:a1:refunded', `suspense > ${captured} 1000 EUR`],
    ])
    expect(moves('refund', 'succeeded', { duplicateOf: { deposit: 'dep', attempt: 'a9' } })).toEqual([
      ['deposit:dep:duplicate:a9:refunded', `suspense > ${captured} 1000 EUR`],
    ])
  })

  it('of a payout leaves the hold when it is sent, and the connection when it is paid', () => {
    expect(moves('withdrawal', 'succeeded', { processorFee: eur(7n) })).toEqual([
      ['withdrawal:pay:sent:a1', 'player:p1:held > connection:c1:payable 1000 EUR'],
      ['withdrawal:pay:paid', `connection:c1:payable > ${captured} 1000 EUR`, `fees:processor > ${captured} 7 EUR`],
    ])
  })

  it('of a payout that failed goes back the same way', () => {
    expect(moves('withdrawal', 'declined', { sent: true })).toEqual([
      ['withdrawal:pay:unsent:a1', 'connection:c1:payable > player:p1:held 1000 EUR'],
      ['withdrawal:pay:released', `player:p1:held > ${cash} 1000 EUR`],
    ])
    expect(moves('withdrawal', 'returned', { from: 'succeeded', status: 'paid' })).toEqual([
      ['withdrawal:pay:returned:a1', `${captured} > ${cash} 1000 EUR`],
    ])
  })

  it('of a payout that was given up and paid comes out of the hold, or out of cash and debt', () => {
    expect(moves('withdrawal', 'late_success', { status: 'approved' })).toEqual([
      ['withdrawal:pay:paid_late:a1', `player:p1:held > ${captured} 1000 EUR`],
    ])
    expect(moves('withdrawal', 'late_success', { status: 'failed' })).toEqual([
      ['withdrawal:pay:paid_late:a1', `${cash} > ${captured} 400 EUR`, `${debt} > ${captured} 600 EUR`],
    ])
  })

  it('of a refund leaves the hold, or comes back to the player', () => {
    expect(moves('refund', 'succeeded')).toEqual([['refund:pay:settled', `player:p1:held > ${captured} 1000 EUR`]])
    expect(moves('refund', 'declined')).toEqual([['refund:pay:released', `player:p1:held > ${cash} 1000 EUR`]])
    expect(moves('refund', 'returned', { from: 'succeeded' })).toEqual([
      ['refund:pay:returned', `${captured} > ${cash} 1000 EUR`],
    ])
    expect(moves('refund', 'late_success')).toEqual([
      ['refund:pay:late', `${cash} > ${captured} 400 EUR`, `${debt} > ${captured} 600 EUR`],
    ])
  })
})

describe('what the player has and where the money went', () => {
  it('is asked by the moves that take back, and by no other', () => {
    const states: readonly AttemptStatus[] = [
      ...(['sending', 'requires_action', 'pending', 'authorized', 'succeeded', 'unknown', 'integrity_hold'] as const),
      ...(['not_sent', 'declined', 'voided', 'returned', 'late_success'] as const),
    ]
    const statuses = ['processing', 'succeeded', 'failed', 'approved', 'paid', 'returned']
    const asking = new Set<AttemptStatus>()
    for (const flow of ['deposit', 'withdrawal', 'refund'] as const) {
      for (const to of states) {
        for (const from of states) {
          for (const status of statuses) {
            const about = { from, status }
            const poor = settled(flow, to, { ...about, cash: 0n, ...(flow === 'deposit' && { inSuspense: false }) })
            const rich = settled(flow, to, { ...about, cash: 9_999n, ...(flow === 'deposit' && { inSuspense: true }) })
            const text = (effects: Effects) =>
              JSON.stringify(effects, (_, v) => (typeof v === 'bigint' ? String(v) : v))
            if (text(poor) !== text(rich)) asking.add(to)
          }
        }
      }
    }
    expect(asking).toEqual(TAKES_BACK)
  })
})
