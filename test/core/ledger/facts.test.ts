import { describe, expect, it } from 'vitest'
import { bonusConverted, bonusForfeited, bonusGranted } from '../../../src/core/ledger/bonuses.ts'
import { accountSpec, fxClearing } from '../../../src/core/ledger/chart.ts'
import * as deposits from '../../../src/core/ledger/deposits.ts'
import * as disputes from '../../../src/core/ledger/disputes.ts'
import { betPlaced, rolledBack, winPaid } from '../../../src/core/ledger/games.ts'
import { inverse, MAX_TRANSFERS, type Posting, posting, transfer } from '../../../src/core/ledger/posting.ts'
import * as refunds from '../../../src/core/ledger/refunds.ts'
import * as settlements from '../../../src/core/ledger/settlements.ts'
import { upTo } from '../../../src/core/ledger/split.ts'
import * as withdrawals from '../../../src/core/ledger/withdrawals.ts'
import { money } from '../../../src/core/money.ts'

const eur = (minor: bigint) => money('EUR', minor)
const amount = eur(1_000n)
const [player, connection, attempt] = ['p1', 'c1', 'a1']
const [availableCash, playerFee, processorFee] = [eur(300n), eur(20n), eur(3n)]
const w = { withdrawal: 'w', attempt, player, connection, amount }
const d = { deposit: 'd', attempt, player, connection, amount }
const r = { refund: 'r', player, connection, amount }
const x = { dispute: 'x', player, connection, amount }
const s = { settlement: 's', connection, bankAccount: 'main' }
const g = { reference: 'g', player, amount }

const short: Readonly<Record<string, string>> = {
  'player:p1:cash': 'cash',
  'player:p1:bonus': 'bonus',
  'player:p1:held': 'held',
  'player:p1:receivable': 'debt',
  'connection:c1:receivable': 'captured',
  'connection:c1:payable': 'payable',
  'connection:c1:reserve': 'reserve',
  'bank:main': 'bank',
}
const moves = ({ transfers }: Posting) =>
  transfers
    .map(({ debit, credit, amount: { minor } }) => `${short[debit] ?? debit} > ${short[credit] ?? credit} ${minor}`)
    .join(', ')

/** A key is stored for ever and is what keeps a fact from being posted twice: a changed one would post it again. */
const FACTS: readonly (readonly [Posting, string, string, string])[] = [
  [
    deposits.depositSettled({ ...d, playerFee, processorFee }),
    'deposit:d:settled',
    'deposit_settled',
    'captured > cash 1000, captured > fees:player 20, fees:processor > captured 3',
  ],
  [deposits.duplicateCaptured(d), 'deposit:d:duplicate:a1', 'duplicate_captured', 'captured > suspense 1000'],
  [deposits.duplicateRefunded(d), 'deposit:d:duplicate:a1:refunded', 'duplicate_refunded', 'suspense > captured 1000'],
  [
    deposits.depositReversed({ ...d, availableCash }),
    'deposit:d:reversed:a1',
    'deposit_reversed',
    'cash > captured 300, debt > captured 700',
  ],
  [deposits.debtCollected(g), 'debt:g:collected', 'debt_collected', 'cash > debt 1000'],
  [withdrawals.withdrawalHeld(w), 'withdrawal:w:held', 'withdrawal_held', 'cash > held 1000'],
  [withdrawals.withdrawalReleased(w), 'withdrawal:w:released', 'withdrawal_released', 'held > cash 1000'],
  [
    withdrawals.withdrawalSent({ ...w, playerFee }),
    'withdrawal:w:sent:a1',
    'withdrawal_sent',
    'held > payable 980, held > fees:player 20',
  ],
  [
    withdrawals.withdrawalUnsent({ ...w, playerFee }),
    'withdrawal:w:unsent:a1',
    'withdrawal_unsent',
    'payable > held 980, fees:player > held 20',
  ],
  [
    withdrawals.withdrawalPaid({ ...w, playerFee, processorFee }),
    'withdrawal:w:paid',
    'withdrawal_paid',
    'payable > captured 980, fees:processor > captured 3',
  ],
  [
    withdrawals.withdrawalPaidLate({ ...w, availableCash }),
    'withdrawal:w:paid_late:a1',
    'withdrawal_paid_late',
    'cash > captured 300, debt > captured 700',
  ],
  // The same key: one payout is late once, wherever its money stood.
  [
    withdrawals.withdrawalPaidFromHeld(w),
    'withdrawal:w:paid_late:a1',
    'withdrawal_paid_from_held',
    'held > captured 1000',
  ],
  [
    withdrawals.withdrawalReturned({ ...w, playerFee, paid: true }),
    'withdrawal:w:returned:a1',
    'withdrawal_returned',
    'captured > cash 980, fees:player > cash 20',
  ],
  [
    withdrawals.withdrawalReturned({ ...w, paid: false }),
    'withdrawal:w:returned:a1',
    'withdrawal_returned',
    'payable > cash 1000',
  ],
  [refunds.refundHeld(r), 'refund:r:held', 'refund_held', 'cash > held 1000'],
  [refunds.refundSettled(r), 'refund:r:settled', 'refund_settled', 'held > captured 1000'],
  [refunds.refundReleased(r), 'refund:r:released', 'refund_released', 'held > cash 1000'],
  [refunds.refundReturned(r), 'refund:r:returned', 'refund_returned', 'captured > cash 1000'],
  [
    refunds.refundedLate({ ...r, availableCash }),
    'refund:r:late',
    'refunded_late',
    'cash > captured 300, debt > captured 700',
  ],
  [
    disputes.chargebackReceived({ ...x, availableCash, fee: eur(15n) }),
    'dispute:x:received',
    'chargeback_received',
    'cash > captured 300, debt > captured 700, chargeback:fee > captured 15',
  ],
  [
    disputes.disputeWon({ ...x, outstandingDebt: eur(700n), feeReturned: eur(15n) }),
    'dispute:x:won',
    'dispute_won',
    'captured > debt 700, captured > cash 300, captured > chargeback:fee 15',
  ],
  [disputes.disputeLossUndone(x), 'dispute:x:loss_undone', 'dispute_loss_undone', 'debt > chargeback:loss 1000'],
  [disputes.disputeLost(x), 'dispute:x:lost', 'dispute_lost', 'chargeback:loss > debt 1000'],
  [
    settlements.settlementReceived({ ...s, net: eur(900n), fees: eur(60n), reserved: eur(40n) }),
    'settlement:s:received',
    'settlement_received',
    'bank > captured 900, fees:processor > captured 60, reserve > captured 40',
  ],
  [
    settlements.settlementReceived({ ...s, net: eur(-900n), reserved: eur(-40n) }),
    'settlement:s:received',
    'settlement_received',
    'captured > bank 900, captured > reserve 40',
  ],
  [
    settlements.reserveReleased({ ...s, amount }),
    'settlement:s:reserve_released',
    'reserve_released',
    'bank > reserve 1000',
  ],
  [
    settlements.suspenseReceived({ reference: 'b', bankAccount: 'main', amount }),
    'suspense:b:received',
    'suspense_received',
    'bank > suspense 1000',
  ],
  [
    settlements.suspenseMatched({ reference: 'b', to: 'player:p1:cash', amount }),
    'suspense:b:matched',
    'suspense_matched',
    'suspense > cash 1000',
  ],
  [
    betPlaced({ reference: 'g', player, cash: eur(600n), bonus: eur(400n) }),
    'game:g',
    'bet_placed',
    'cash > gaming:revenue 600, bonus > gaming:revenue 400',
  ],
  [betPlaced({ reference: 'g', player, bonus: eur(400n) }), 'game:g', 'bet_placed', 'bonus > gaming:revenue 400'],
  [winPaid(g), 'game:g', 'win_paid', 'gaming:revenue > cash 1000'],
  [bonusGranted(g), 'game:g', 'bonus_granted', 'bonus:cost > bonus 1000'],
  [bonusConverted(g), 'game:g', 'bonus_converted', 'bonus > cash 1000'],
  [bonusForfeited(g), 'game:g', 'bonus_forfeited', 'bonus > bonus:cost 1000'],
]

describe('each fact keeps its key, its name and its accounts', () => {
  it.each(FACTS.map(([fact, key, kind, moved]) => [key, kind, moved, fact] as const))('%s, %s: %s', (...row) => {
    const [key, kind, moved, fact] = row
    expect([fact.key, fact.kind, moves(fact)]).toEqual([key, kind, moved])
    for (const { debit, credit } of fact.transfers) for (const code of [debit, credit]) accountSpec(code)
  })

  it('and a rollback that of what it undoes, the other way round, with its own reference as a fact', () => {
    const original = betPlaced({ reference: 'g', player, cash: eur(600n), bonus: eur(400n) })
    const undone = rolledBack({ reference: 'back', original })
    expect([undone.key, undone.kind, undone.facts]).toEqual([
      'game:g:rolled_back',
      'rolled_back',
      { reference: 'back' },
    ])
    expect(moves(undone)).toBe('gaming:revenue > bonus 400, gaming:revenue > cash 600')
  })
})

describe('a posting', () => {
  const [one, none] = [transfer('bank:main', 'suspense', eur(1n)), transfer('bank:main', 'suspense', eur(0n))]

  it('leaves out what moves nothing, and has no facts where there are none', () => {
    expect(posting('k', 'x', [none, one, none])).toStrictEqual({ key: 'k', kind: 'x', transfers: [one] })
    expect(posting('k', 'x', [one], { rate: '1' }).facts).toEqual({ rate: '1' })
  })

  it.each([
    ['of nothing', []],
    ['of zeros', [none]],
    ['with a negative amount', [transfer('bank:main', 'suspense', eur(-1n))]],
    ['from an account to itself', [transfer('suspense', 'suspense', eur(1n))]],
    ['of more transfers than any fact needs', Array.from({ length: MAX_TRANSFERS + 1 }, () => one)],
  ])('%s is a mistake of ours', (_what, transfers) =>
    expect(() => posting('k', 'x', transfers)).toThrow('assertion failed'),
  )

  it('may be as large as the bound', () => {
    const transfers = Array.from({ length: MAX_TRANSFERS }, () => one)
    expect(posting('k', 'x', transfers).transfers).toHaveLength(MAX_TRANSFERS)
  })

  it('is undone from its end', () => {
    const two = transfer('suspense', 'player:p1:cash', eur(2n))
    expect(inverse([one, two])).toEqual([
      transfer('player:p1:cash', 'suspense', eur(2n)),
      transfer('suspense', 'bank:main', eur(1n)),
    ])
  })
})

it.each([
  [1_000n, 300n, 300n, 700n],
  [1_000n, 1_000n, 1_000n, 0n],
  [1_000n, 2_000n, 1_000n, 0n],
  [1_000n, 0n, 0n, 1_000n],
  [1_000n, -5n, 0n, 1_000n],
])('of %d with %d there, takes %d and leaves %d', (asked, there, taken, left) => {
  expect(upTo(eur(asked), eur(there))).toEqual({ taken: eur(taken), left: eur(left) })
})

describe('the chart', () => {
  const bounded = { overdraft: 0n, stripes: 1 }
  const free = { overdraft: null, stripes: 1 }
  const hot = { overdraft: null, stripes: 8 }
  it.each([
    ['player:p1:cash', 'liability', 'credit', bounded],
    ['player:p:with:colons:cash', 'liability', 'credit', bounded],
    ['player:p1:bonus', 'liability', 'credit', bounded],
    ['player:p1:held', 'liability', 'credit', bounded],
    ['player:p1:receivable', 'asset', 'debit', bounded],
    ['connection:c1:receivable', 'asset', 'debit', hot],
    ['connection:c1:reserve', 'asset', 'debit', free],
    ['connection:c1:payable', 'liability', 'credit', bounded],
    ['bank:main', 'asset', 'debit', free],
    ['suspense', 'liability', 'credit', bounded],
    ['fees:processor', 'expense', 'debit', hot],
    ['fees:player', 'income', 'credit', hot],
    ['chargeback:loss', 'expense', 'debit', free],
    ['chargeback:fee', 'expense', 'debit', free],
    ['gaming:revenue', 'income', 'credit', hot],
    ['bonus:cost', 'expense', 'debit', hot],
    ['adjustments', 'equity', 'credit', free],
    ['fx:clearing:EUR-SEK', 'equity', 'credit', free],
    ['fx:result', 'income', 'credit', free],
  ] as const)('bounds what we owe and nothing that has happened outside: %s', (code, kind, normal, others) => {
    expect(accountSpec(code)).toEqual({ class: kind, normal, ...others })
  })

  it.each([
    '',
    'player:cash',
    'player::cash',
    'player:p1:cashx',
    'xplayer:p1:cash',
    'player:p1',
    'connection:c1:cash',
    'connection::payable',
    'bank:',
    'xbank:main',
    'suspenses',
    'a suspense',
    'fees:players',
    'my fees:player',
    'xfees:processor',
    'fees:processors',
    'xchargeback:loss',
    'chargeback:losses',
    'xchargeback:fee',
    'chargeback:fees',
    'xgaming:revenue',
    'gaming:revenues',
    'xbonus:cost',
    'bonus:costs',
    'xadjustments',
    'adjustments:x',
    'fx:clearing:',
    'xfx:clearing:EUR-SEK',
    'xfx:result',
    'fx:results',
    'xconnection:c1:receivable',
    'connection:c1:receivables',
    'xconnection:c1:reserve',
    'connection:c1:reserves',
    'xconnection:c1:payable',
    'connection:c1:payables',
    'xplayer:p1:bonus',
    'player:p1:bonuses',
    'xplayer:p1:held',
    'player:p1:helds',
    'xplayer:p1:receivable',
    'player:p1:receivables',
  ])('knows no account %j', (code) => expect(() => accountSpec(code)).toThrow('assertion failed'))

  it('has one clearing account for a pair, whichever way it goes', () => {
    expect(fxClearing('SEK', 'EUR')).toBe('fx:clearing:EUR-SEK')
    expect(fxClearing('EUR', 'SEK')).toBe('fx:clearing:EUR-SEK')
  })
})
