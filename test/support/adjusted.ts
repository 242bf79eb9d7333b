import { ADJUSTMENTS, cash } from '../../src/core/ledger/chart.ts'
import { type Posting, posting, transfer } from '../../src/core/ledger/posting.ts'
import type { Money } from '../../src/core/money.ts'

/** Money for a player out of nowhere, for tests that need some. */
export const adjusted = (player: string, amount: Money): Posting =>
  posting(`opening:${player}`, 'adjustment', [transfer(ADJUSTMENTS, cash(player), amount)])
