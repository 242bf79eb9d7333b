import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bonusConverted, bonusForfeited, bonusGranted } from '../../../src/core/ledger/bonuses.ts'
import { cash, debt, held, payable, receivable, SUSPENSE } from '../../../src/core/ledger/chart.ts'
import {
  debtCollected,
  depositReversed,
  depositSettled,
  duplicateCaptured,
  duplicateRefunded,
} from '../../../src/core/ledger/deposits.ts'
import { chargebackReceived, disputeLossUndone, disputeLost, disputeWon } from '../../../src/core/ledger/disputes.ts'
import { betPlaced, rolledBack, winPaid } from '../../../src/core/ledger/games.ts'
import { inverse, type Posting } from '../../../src/core/ledger/posting.ts'
import { refundReturned, refundSettled } from '../../../src/core/ledger/refunds.ts'
import {
  reserveReleased,
  settlementReceived,
  suspenseMatched,
  suspenseReceived,
} from '../../../src/core/ledger/settlements.ts'
import * as out from '../../../src/core/ledger/withdrawals.ts'
import { money } from '../../../src/core/money.ts'
import { books } from './books.ts'

const eur = (minor: bigint) => money('EUR', minor)
const [player, connection] = ['p1', 'con_1']
const ids = {
  deposit: 'd',
  withdrawal: 'w',
  attempt: 'a1',
  refund: 'r',
  dispute: 'x',
  settlement: 's',
  reference: 'g',
  bankAccount: 'main',
}
const amounts = fc.bigInt({ min: 1n, max: 10n ** 24n }).map(eur)
const fees = fc.option(fc.bigInt({ min: 0n, max: 10n ** 6n }).map(eur), { nil: undefined })
const anySum = fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n }).map(eur)
const with_ = (name: 'playerFee' | 'processorFee' | 'fee', fee: { asset: string; minor: bigint } | undefined) =>
  fee ? { [name]: fee } : {}

/** Any posting that we ever make. */
const anyPosting: fc.Arbitrary<Posting> = fc.oneof(
  fc
    .tuple(amounts, fees, fees)
    .map(([amount, a, b]) =>
      depositSettled({ ...ids, player, connection, amount, ...with_('playerFee', a), ...with_('processorFee', b) }),
    ),
  fc
    .tuple(amounts, anySum)
    .map(([amount, availableCash]) => depositReversed({ ...ids, player, connection, amount, availableCash })),
  amounts.map((amount) => debtCollected({ ...ids, player, amount })),
  amounts.map((amount) => out.withdrawalHeld({ ...ids, player, amount })),
  amounts.map((amount) => out.withdrawalReleased({ ...ids, player, amount })),
  amounts.map((amount) =>
    out.withdrawalSent({ ...ids, player, connection, amount: eur(amount.minor + 5n), playerFee: eur(5n) }),
  ),
  amounts.map((amount) =>
    out.withdrawalUnsent({ ...ids, player, connection, amount: eur(amount.minor + 5n), playerFee: eur(5n) }),
  ),
  fc
    .tuple(amounts, fees)
    .map(([amount, fee]) => out.withdrawalPaid({ ...ids, connection, amount, ...with_('processorFee', fee) })),
  fc
    .tuple(amounts, fc.boolean())
    .map(([amount, paid]) => out.withdrawalReturned({ ...ids, player, connection, amount, paid })),
  amounts.map((amount) => refundSettled({ ...ids, player, connection, amount })),
  amounts.map((amount) => refundReturned({ ...ids, player, connection, amount })),
  amounts.map((amount) => duplicateCaptured({ ...ids, connection, amount })),
  amounts.map((amount) => duplicateRefunded({ ...ids, connection, amount })),
  fc
    .tuple(amounts, anySum, fees)
    .map(([amount, availableCash, fee]) =>
      chargebackReceived({ ...ids, player, connection, amount, availableCash, ...with_('fee', fee) }),
    ),
  fc
    .tuple(amounts, anySum)
    .map(([amount, outstandingDebt]) => disputeWon({ ...ids, player, connection, amount, outstandingDebt })),
  amounts.map((amount) => disputeLost({ ...ids, player, amount })),
  amounts.map((amount) => disputeLossUndone({ ...ids, player, amount })),
  fc
    .tuple(anySum, anySum, anySum)
    .filter(([net]) => net.minor !== 0n)
    .map(([net, a, b]) => settlementReceived({ ...ids, connection, net, fees: a, reserved: b })),
  amounts.map((amount) => reserveReleased({ ...ids, connection, amount })),
  amounts.map((amount) => suspenseReceived({ ...ids, amount })),
  amounts.map((amount) => suspenseMatched({ ...ids, to: receivable(connection), amount })),
  fc.tuple(amounts, amounts).map(([a, b]) => betPlaced({ ...ids, player, cash: a, bonus: b })),
  amounts.map((amount) => winPaid({ ...ids, player, amount })),
  amounts.map((amount) => bonusGranted({ ...ids, player, amount })),
  amounts.map((amount) => bonusConverted({ ...ids, player, amount })),
  amounts.map((amount) => bonusForfeited({ ...ids, player, amount })),
)

describe('every posting', () => {
  it('balances in each asset and moves only amounts above zero', () => {
    fc.assert(
      fc.property(anyPosting, ({ transfers }) => {
        for (const { amount, debit, credit } of transfers) {
          expect(amount.minor).toBeGreaterThan(0n)
          expect(debit).not.toBe(credit)
        }
        const ledger = books()
        for (const step of transfers)
          ledger.post({ key: JSON.stringify(step, (_, v) => String(v)), kind: 'step', transfers: [step] })
        expect(ledger.imbalance()).toEqual([])
      }),
    )
  })
  it('is itself again when it is undone twice, and undone leaves nothing', () => {
    fc.assert(
      fc.property(anyPosting, (posting) => {
        expect(inverse(inverse(posting.transfers))).toEqual(posting.transfers)
        const undone = rolledBack({ reference: 'r', original: posting })
        const both = [...posting.transfers, ...undone.transfers]
        const net = new Map<string, bigint>()
        for (const { debit, credit, amount } of both) {
          net.set(debit, (net.get(debit) ?? 0n) + amount.minor)
          net.set(credit, (net.get(credit) ?? 0n) - amount.minor)
        }
        expect([...net.values()].every((sum) => sum === 0n)).toBe(true)
      }),
    )
  })
  it('posted in any order, as often as one likes, never leaves cash, bonus, held, payable or suspense below zero', () => {
    fc.assert(
      fc.property(fc.array(anyPosting, { maxLength: 30 }), (postings) => {
        const ledger = books()
        for (const [index, one] of postings.entries()) ledger.post({ ...one, key: `${one.key}:${index % 7}` })
        expect(ledger.imbalance()).toEqual([])
        for (const code of [cash(player), held(player), debt(player), payable(connection), SUSPENSE]) {
          expect(ledger.net(code, 'EUR')).toBeGreaterThanOrEqual(0n)
        }
      }),
    )
  })
})

describe('a deposit of 10.00 with 0.10 of the player and 0.03 of the processor', () => {
  const ledger = books()
  ledger.post(
    depositSettled({
      deposit: 'd1',
      player,
      connection,
      amount: eur(1000n),
      playerFee: eur(10n),
      processorFee: eur(3n),
    }),
  )
  it('gives the player 10.00 and leaves 10.07 at the processor', () => {
    expect(ledger.net(cash(player), 'EUR')).toBe(1000n)
    expect(ledger.net(receivable(connection), 'EUR')).toBe(1007n)
    expect(ledger.net('fees:player', 'EUR')).toBe(10n)
    expect(ledger.net('fees:processor', 'EUR')).toBe(3n)
  })
  it('taken back when 4.00 is left makes a debt of 6.00', () => {
    ledger.post(out.withdrawalHeld({ withdrawal: 'w', player, amount: eur(600n) }))
    ledger.post(
      depositReversed({
        deposit: 'd1',
        attempt: 'a1',
        player,
        connection,
        amount: eur(1000n),
        availableCash: eur(400n),
      }),
    )
    expect([ledger.net(cash(player), 'EUR'), ledger.net(debt(player), 'EUR')]).toEqual([0n, 600n])
  })
})

describe('a withdrawal', () => {
  const fund = () => {
    const ledger = books()
    ledger.post(depositSettled({ deposit: 'd', player, connection, amount: eur(1000n) }))
    return { ledger, before: ledger.snapshot() }
  }
  const w = { withdrawal: 'w', player, connection, amount: eur(800n), playerFee: eur(20n) }
  it('of more than there is, is refused', () => {
    expect(fund().ledger.post(out.withdrawalHeld({ ...w, amount: eur(1001n) }))).toBe('insufficient_funds')
  })
  it('that fails at one processor and certainly never left, is released to the cent', () => {
    const { ledger, before } = fund()
    for (const step of [
      out.withdrawalHeld(w),
      out.withdrawalSent({ ...w, attempt: 'a1' }),
      out.withdrawalUnsent({ ...w, attempt: 'a1' }),
      out.withdrawalReleased(w),
    ])
      expect(ledger.post(step)).toBe('posted')
    expect(ledger.snapshot()).toEqual(before)
  })
  it.each([true, false])('that bounces (paid: %s) gives the player all of it back, our fee too', (paid) => {
    const { ledger, before } = fund()
    ledger.post(out.withdrawalHeld(w))
    ledger.post(out.withdrawalSent({ ...w, attempt: 'a1' }))
    if (paid) ledger.post(out.withdrawalPaid(w))
    expect(ledger.post(out.withdrawalReturned({ ...w, attempt: 'a1', paid }))).toBe('posted')
    expect(ledger.snapshot()).toEqual(before)
  })
  it('is confirmed once: another confirmation under another key finds nothing to pay', () => {
    const { ledger } = fund()
    ledger.post(out.withdrawalHeld(w))
    ledger.post(out.withdrawalSent({ ...w, attempt: 'a1' }))
    expect(ledger.post(out.withdrawalPaid(w))).toBe('posted')
    expect(ledger.post(out.withdrawalPaid(w))).toBe('exists')
    expect(ledger.post({ ...out.withdrawalPaid(w), key: 'a bug' })).toBe('insufficient_funds')
    expect(ledger.net(receivable(connection), 'EUR')).toBe(220n)
    expect(ledger.net('fees:player', 'EUR')).toBe(20n)
  })
})

describe('a chargeback of 10.00 when 3.00 is left', () => {
  const start = () => {
    const ledger = books()
    ledger.post(depositSettled({ deposit: 'd', player, connection, amount: eur(1000n) }))
    ledger.post(betPlaced({ reference: 'b', player, cash: eur(700n) }))
    const before = ledger.snapshot()
    ledger.post(chargebackReceived({ dispute: 'x', player, connection, amount: eur(1000n), availableCash: eur(300n) }))
    return { ledger, before }
  }
  it('takes the 3.00, makes a debt of 7.00, and is undone to the cent when the dispute is won', () => {
    const { ledger, before } = start()
    expect([ledger.net(cash(player), 'EUR'), ledger.net(debt(player), 'EUR')]).toEqual([0n, 700n])
    ledger.post(disputeWon({ dispute: 'x', player, connection, amount: eur(1000n), outstandingDebt: eur(700n) }))
    expect(ledger.snapshot()).toEqual(before)
  })
  it('gives back in cash what the player had paid of the debt meanwhile', () => {
    const { ledger } = start()
    ledger.post(winPaid({ reference: 'win', player, amount: eur(500n) }))
    ledger.post(debtCollected({ reference: 'win', player, amount: eur(500n) }))
    ledger.post(disputeWon({ dispute: 'x', player, connection, amount: eur(1000n), outstandingDebt: eur(200n) }))
    expect([ledger.net(cash(player), 'EUR'), ledger.net(debt(player), 'EUR')]).toEqual([800n, 0n])
  })
  it('becomes the house loss when it can not be collected', () => {
    const { ledger } = start()
    ledger.post(disputeLost({ dispute: 'x', player, amount: eur(700n) }))
    expect([ledger.net(debt(player), 'EUR'), ledger.net('chargeback:loss', 'EUR')]).toEqual([0n, 700n])
  })
})

describe('a rollback', () => {
  it('undoes one bet once, whatever reference it comes under', () => {
    const ledger = books()
    ledger.post(depositSettled({ deposit: 'd', player, connection, amount: eur(1000n) }))
    const original = betPlaced({ reference: 'b', player, cash: eur(700n) })
    ledger.post(original)
    expect(ledger.post(rolledBack({ reference: 'first', original }))).toBe('posted')
    expect(ledger.post(rolledBack({ reference: 'second', original }))).toBe('exists')
    expect(ledger.net(cash(player), 'EUR')).toBe(1000n)
  })
})
