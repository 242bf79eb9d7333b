import { assetByCode } from './currencies.ts'
import { parseAmount } from './money.ts'

/** An operator's policies with their defaults filled in. Amounts are decimal strings by ledger asset, `*` for the rest. */
export type Settings = {
  readonly withdrawal: {
    readonly minimum: Readonly<Record<string, string>>
    /** Above this people look; two of them. */
    readonly large: Readonly<Record<string, string>>
    /** What self-exclusion does to a withdrawal. Regulators call keeping a player's own money a breach, so paying it back is the default. */
    readonly excluded: 'allow_own_funds' | 'hold_for_review' | 'block'
    /** What people must look at: one account that several players are paid at. Test data knows few accounts, so sandboxes allow it. */
    readonly sharedDestination: 'review' | 'allow'
    /** Licences (the player's `licence`) that forbid taking a requested withdrawal back, such as GB (RTS 14B). */
    readonly noReversal: readonly string[]
  }
  readonly idempotencyHours: number
}

/** The policy of one withdrawal, in minor units of its asset. */
export type WithdrawalPolicy = {
  readonly minimum: bigint
  readonly large: bigint
  readonly excluded: Settings['withdrawal']['excluded']
  readonly sharedDestination: Settings['withdrawal']['sharedDestination']
  readonly cancellable: boolean
}

/** Defaults. `large` is about 5,000 EUR in each currency (default A13 of our risk rules); the minimum keeps dust from costing more than it moves. */
export const DEFAULT_SETTINGS: Settings = {
  withdrawal: {
    minimum: { '*': '1', JPY: '100', KRW: '1000', HUF: '300', BTC: '0.0001', LTC: '0.01', ETH: '0.001', KWD: '1' },
    large: {
      '*': '5000',
      SEK: '55000',
      NOK: '58000',
      DKK: '37000',
      CZK: '125000',
      HUF: '2000000',
      PLN: '21000',
      JPY: '800000',
      KRW: '7500000',
      INR: '450000',
      KWD: '1600',
      BTC: '0.05',
      LTC: '50',
      ETH: '1.5',
      TRX: '15000',
      XRP: '2000',
    },
    excluded: 'allow_own_funds',
    sharedDestination: 'review',
    noReversal: ['GB'],
  },
  // A payment's key is kept longer than any processor keeps ours (24 h), and over a weekend.
  idempotencyHours: 72,
}

/** The policy of a withdrawal of `asset` by a player of `licence`. An unknown asset has no minimum and is always large: people look. */
export function withdrawalPolicy(settings: Settings, asset: string, licence: string | null): WithdrawalPolicy {
  const { withdrawal } = settings
  return {
    minimum: minorOf(withdrawal.minimum, asset) ?? 0n,
    large: minorOf(withdrawal.large, asset) ?? 0n,
    excluded: withdrawal.excluded,
    sharedDestination: withdrawal.sharedDestination,
    cancellable: licence === null || !withdrawal.noReversal.includes(licence),
  }
}

function minorOf(table: Readonly<Record<string, string>>, asset: string): bigint | undefined {
  const known = assetByCode(asset)
  const text = table[asset] ?? table['*']
  if (known === undefined || text === undefined) return undefined
  const parsed = parseAmount(text, known)
  return typeof parsed === 'string' ? undefined : parsed.minor
}
