import { z } from '@hono/zod-openapi'
import type { Connection, ConnectionLimits } from '../../core/connection.ts'
import { assetByCode, assetOf } from '../../core/currencies.ts'
import { assert, Fault } from '../../core/errors.ts'
import { formatAmount, presentMoney } from '../../core/money.ts'
import type { BreakerRow } from '../../db/breakers.ts'
import type { FloatRow } from '../../db/connections.ts'
import type { FeeRow } from '../../db/rates.ts'
import type { ConnectionWish } from '../../flows/manage-connection.ts'
import { MONEY, MONEY_SHOWN, moneyOf } from '../money.ts'
import { Amount, AmountShown, Currency, Timestamp } from '../shapes.ts'

const Direction = z.enum(['deposit', 'withdrawal'])
const Method = z.enum(['card', 'wallet', 'bank', 'crypto'])
const Country = z.string().regex(/^[A-Z]{2}$/)
const { network: Network } = MONEY

/** Bounds of the amount of one payment, in one currency. */
const AmountBound = z.strictObject({
  direction: Direction,
  currency: Currency,
  network: Network,
  min: Amount.optional(),
  max: Amount.optional(),
})

const Limits = z.strictObject({
  amounts: z.array(AmountBound).max(400).optional(),
  methods: z.array(Method).min(1).max(4).optional(),
  countries: z.array(Country).min(1).max(300).optional(),
  licences: z.array(z.string().min(1).max(64)).min(1).max(50).optional(),
  /** Payouts only to players whose money came in here. */
  closed_loop: z.boolean().optional(),
})

/** A processor's fee: a fixed part in one currency, and a share of the amount in percent. The narrowest one counts. */
const Fee = z.strictObject({
  direction: Direction,
  method: Method.optional(),
  currency: Currency.optional(),
  network: Network,
  fixed: Amount.optional(),
  /** Decimal with at most four places: `1.25`. */
  percent: z
    .string()
    .regex(/^(100|\d{1,2})(\.\d{1,4})?$/)
    .optional(),
})

/** What a caller may say of a connection. */
export const CONNECTION_BODY = {
  label: z
    .string()
    .trim()
    .min(1)
    .max(80)
    .regex(/^(?!con_)(?!\*$)[^\p{Cc}]+$/u)
    .openapi({ example: 'Main account' }),
  enabled: z.boolean(),
  config: z.record(z.string().max(64), z.unknown()),
  /** Where the secret is kept, never the secret. */
  secret_ref: z.string().min(1).max(300).nullable(),
  limits: Limits,
  fees: z.array(Fee).max(200),
  /** Prefunded balances for payouts. */
  floats: z.array(z.strictObject(MONEY)).max(200),
}

type Wished = Partial<{ [K in keyof typeof CONNECTION_BODY]: z.infer<(typeof CONNECTION_BODY)[K]> | undefined }>

/** What a body wishes for, in our terms. */
export function wishOf(body: Wished): ConnectionWish {
  return {
    ...(body.label !== undefined && { label: body.label }),
    ...(body.enabled !== undefined && { enabled: body.enabled }),
    ...(body.config !== undefined && { config: body.config }),
    ...(body.secret_ref !== undefined && { secretRef: body.secret_ref }),
    ...(body.limits !== undefined && { limits: limitsOf(body.limits) }),
    ...(body.fees !== undefined && { fees: body.fees.map(feeOf) }),
    ...(body.floats !== undefined && { floats: body.floats.map(moneyOf) }),
  }
}

function limitsOf({
  amounts,
  methods,
  countries,
  licences,
  closed_loop: closedLoop,
}: z.infer<typeof Limits>): ConnectionLimits {
  return {
    ...(amounts && { amounts: amounts.map(boundOf) }),
    ...(methods && { methods }),
    ...(countries && { countries }),
    ...(licences && { licences }),
    ...(closedLoop !== undefined && { closedLoop }),
  }
}

function boundOf({ direction, currency, network, min, max }: z.infer<typeof AmountBound>) {
  const minor = (amount: string) => moneyOf({ amount, currency, network }).minor
  const asset = assetNamed(currency, network)
  const bound = {
    direction,
    asset,
    ...(min !== undefined && { min: minor(min) }),
    ...(max !== undefined && { max: minor(max) }),
  }
  if (bound.min === undefined || bound.max === undefined || bound.min <= bound.max) return bound
  throw new Fault('validation_failed', 'A minimum lies above its maximum.', {
    errors: [{ pointer: '/limits/amounts', code: 'range_reversed', detail: 'min must not be more than max.' }],
  })
}

function assetNamed(currency: string, network: string | undefined): string {
  const asset = assetOf(currency, network)
  if (asset) return asset.code
  throw new Fault('currency_unsupported', 'This currency is not supported; a coin needs its network, fiat takes none.')
}

/** Percents have four places, and fees are kept in millionths of the amount. */
const MILLIONTHS_OF_PERCENT = 10_000

function feeOf({
  direction,
  method,
  currency,
  network,
  fixed,
  percent,
}: z.infer<typeof Fee>): Omit<FeeRow, 'connectionId'> {
  if (currency === undefined && fixed !== undefined) {
    throw new Fault('validation_failed', 'A fixed fee needs its currency.', {
      errors: [{ pointer: '/fees', code: 'required', detail: 'Give currency beside fixed.' }],
    })
  }
  return {
    direction,
    method: method ?? '*',
    asset: currency === undefined ? '*' : assetNamed(currency, network),
    fixed: currency === undefined || fixed === undefined ? 0n : moneyOf({ amount: fixed, currency, network }).minor,
    millionths: Math.round(Number(percent ?? '0') * MILLIONTHS_OF_PERCENT),
  }
}

const LimitsShown = Limits.extend({
  amounts: z.array(AmountBound.extend({ min: AmountShown.optional(), max: AmountShown.optional() })).optional(),
})

export const ConnectionShown = z
  .object({
    id: z.string(),
    processor: z.string(),
    label: z.string(),
    enabled: z.boolean(),
    config: z.record(z.string(), z.unknown()),
    secret_ref: z.string().nullable(),
    limits: LimitsShown,
    fees: z.array(Fee.extend({ fixed: AmountShown.optional() })),
    floats: z.array(z.object(MONEY_SHOWN)),
    created_at: Timestamp,
  })
  .openapi('Connection')

/** A connection with its fees and balances. */
export function showConnection(row: Connection, fees: readonly FeeRow[], floats: readonly FloatRow[]) {
  return {
    id: row.id,
    processor: row.processor,
    label: row.label,
    enabled: row.enabled,
    config: { ...row.config },
    secret_ref: row.secretRef,
    limits: showLimits(row.limits),
    fees: fees.filter(({ connectionId }) => connectionId === row.id).map(showFee),
    floats: floats.filter(({ connectionId }) => connectionId === row.id).map(presentMoney),
    created_at: row.createdAt.toISOString(),
  }
}

function namesOf(code: string): { currency: string; network?: string } {
  const asset = assetByCode(code)
  assert(asset, `unknown asset ${code}`)
  return { currency: asset.currency, ...(asset.network !== undefined && { network: asset.network }) }
}

function showLimits({
  amounts,
  methods,
  countries,
  licences,
  closedLoop,
}: ConnectionLimits): z.input<typeof LimitsShown> {
  return {
    ...(amounts && {
      amounts: amounts.map(({ direction, asset, min, max }) => ({
        direction,
        ...namesOf(asset),
        ...(min !== undefined && { min: formatAmount({ asset, minor: min }) }),
        ...(max !== undefined && { max: formatAmount({ asset, minor: max }) }),
      })),
    }),
    ...(methods && { methods: Method.array().parse(methods) }),
    ...(countries && { countries: [...countries] }),
    ...(licences && { licences: [...licences] }),
    ...(closedLoop !== undefined && { closed_loop: closedLoop }),
  }
}

function showFee({ direction, method, asset, fixed, millionths }: FeeRow): z.input<typeof Fee> {
  return {
    direction,
    ...(method !== '*' && { method: Method.parse(method) }),
    ...(asset !== '*' && namesOf(asset)),
    ...(fixed > 0n && { fixed: formatAmount({ asset, minor: fixed }) }),
    percent: String(millionths / MILLIONTHS_OF_PERCENT),
  }
}

const Force = z.object({
  to: z.enum(['open', 'closed']),
  reason: z.string(),
  by: z.string().nullable(),
  expires_at: Timestamp,
})

export const BreakerShown = z
  .object({
    operation: z.string(),
    method: z.string(),
    state: z.enum(['closed', 'half_open', 'open', 'forced_open', 'maintenance']),
    opened_at: Timestamp.nullable(),
    last_trips: z.array(Timestamp),
    forced: Force.nullable(),
  })
  .openapi('Breaker')

const iso = (ms: number): string => new Date(ms).toISOString()

/** A breaker's row with the state that plans see. */
export function showBreaker(row: BreakerRow, state: z.infer<typeof BreakerShown>['state'], nowMs: number) {
  const { forced, forcedReason, forcedUntilMs, forcedBy } = row
  const inForce = forced !== null && forcedUntilMs !== null && forcedUntilMs > nowMs
  return {
    operation: row.operation,
    method: row.method,
    state,
    opened_at: row.openedAtMs === null ? null : iso(row.openedAtMs),
    last_trips: row.trips.map(iso),
    forced: inForce ? { to: forced, reason: forcedReason ?? '', by: forcedBy, expires_at: iso(forcedUntilMs) } : null,
  }
}
