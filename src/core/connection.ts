import { assert } from './errors.ts'

/** What an operator allows at one of its accounts, beside what the processor can do. Absent members set no bound. */
export type ConnectionLimits = {
  /** Smallest and largest amount by direction and asset, minor units, both included. */
  readonly amounts?: readonly AmountLimit[]
  readonly methods?: readonly string[]
  /** ISO 3166-1 alpha-2. */
  readonly countries?: readonly string[]
  readonly licences?: readonly string[]
  /** Payouts only to players whose money came in here. */
  readonly closedLoop?: boolean
}

/** Bounds of the amount of one payment, minor units of `asset`. */
export type AmountLimit = {
  readonly direction: 'deposit' | 'withdrawal'
  readonly asset: string
  readonly min?: bigint
  readonly max?: bigint
}

/** An operator's account at a processor. `label` is the operator's own name for it, unique per operator; `config` has no secret in it. */
export type Connection = {
  readonly operatorId: string
  readonly id: string
  readonly processor: string
  readonly label: string
  readonly enabled: boolean
  readonly config: Readonly<Record<string, unknown>>
  readonly secretRef: string | null
  readonly limits: ConnectionLimits
  readonly createdAt: Date
}

/** Limits as they are stored: JSON has no bigint, so bounds are strings of minor units. */
export type StoredLimits = Omit<ConnectionLimits, 'amounts'> & {
  readonly amounts?: readonly (Pick<AmountLimit, 'direction' | 'asset'> & { min?: string; max?: string })[]
}

/** Limits ready to be stored. */
export function storeLimits({ amounts, ...others }: ConnectionLimits): StoredLimits {
  if (!amounts) return others
  return {
    ...others,
    amounts: amounts.map(({ direction, asset, min, max }) => ({
      direction,
      asset,
      ...(min !== undefined && { min: min.toString() }),
      ...(max !== undefined && { max: max.toString() }),
    })),
  }
}

/** Limits as they were stored. */
export function readLimits({ amounts, ...others }: StoredLimits): ConnectionLimits {
  if (!amounts) return others
  return {
    ...others,
    amounts: amounts.map(({ direction, asset, min, max }) => {
      assert(direction === 'deposit' || direction === 'withdrawal', 'a stored limit has a direction')
      return {
        direction,
        asset,
        ...(min !== undefined && { min: BigInt(min) }),
        ...(max !== undefined && { max: BigInt(max) }),
      }
    }),
  }
}
