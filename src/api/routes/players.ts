import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import { LIMIT_METRICS, LIMIT_PERIODS } from '../../core/limits.ts'
import { formatAmount, presentMoney } from '../../core/money.ts'
import { playerWallet } from '../../db/ledger.ts'
import { type LimitRow, listLimits } from '../../db/limits.ts'
import { activeExclusion, type ExclusionRow, findPlayer, type PlayerChange, type PlayerRow } from '../../db/players.ts'
import { excludePlayer, liftExclusion } from '../../flows/exclude-player.ts'
import { play } from '../../flows/play.ts'
import { savePlayerOf } from '../../flows/save-player.ts'
import { setLimit } from '../../flows/set-limit.ts'
import { endpoint } from '../endpoint.ts'
import { MONEY, MONEY_SHOWN, moneyOf } from '../money.ts'
import { AmountShown, Currency, Page, PlayerId, Reference, Timestamp } from '../shapes.ts'

const PlayerParams = z.strictObject({ player_id: PlayerId })

const Player = z.strictObject({
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
  currency: Currency.optional(),
  name: z.string().min(1).max(140).optional(),
  date_of_birth: z.iso.date().optional(),
  kyc: z
    .strictObject({
      status: z.enum(['unverified', 'pending', 'verified', 'rejected']),
      level: z.number().int().min(0).max(9).optional(),
    })
    .optional(),
  risk: z
    .strictObject({
      aml_status: z.enum(['clear', 'flagged', 'frozen']).optional(),
      pep: z.boolean().optional(),
      sanctions_checked_at: z.iso.datetime({ offset: true }).optional(),
    })
    .optional(),
  segment: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,32}$/)
    .optional(),
  licence: z
    .string()
    .regex(/^[A-Z]{2}(-[A-Z]{2})?$/)
    .optional(),
})

const ExclusionShown = z
  .object({ type: z.string(), until: Timestamp.nullable(), source: z.string(), created_at: Timestamp })
  .openapi('Exclusion')

const PlayerShown = z
  .object({
    player_id: z.string(),
    country: z.string().nullable(),
    currency: z.string().nullable(),
    name: z.string().nullable(),
    date_of_birth: z.string().nullable(),
    kyc: z.object({ status: z.string(), level: z.number().int() }),
    risk: z.object({ aml_status: z.string(), pep: z.boolean(), sanctions_checked_at: Timestamp.nullable() }),
    segment: z.string().nullable(),
    licence: z.string().nullable(),
    exclusion: ExclusionShown.nullable(),
    created_at: Timestamp,
    updated_at: Timestamp,
  })
  .openapi('Player')

export const putPlayer = endpoint({
  method: 'put',
  path: '/v1/players/{player_id}',
  tag: 'players',
  summary: 'Make or change a player',
  description:
    'Members that are left out stay as they are. `If-Match` with the ETag of a read changes that version only.',
  scope: 'players:write',
  params: PlayerParams,
  body: Player,
  answers: { 200: PlayerShown, 201: PlayerShown },
  faults: ['precondition_failed'],
  example: {
    params: { player_id: 'player-42' },
    body: { country: 'MT', currency: 'EUR', name: 'Ada Example', kyc: { status: 'verified', level: 2 } },
  },
  handle: async (deps, { caller, params, body, header }) => {
    const { operatorId, clientId: editedBy } = caller
    const playerId = params.player_id
    const ifVersion = versionOf(header('if-match'))
    const saved = await savePlayerOf(deps, { operatorId, playerId, change: changeOf(body), editedBy, ifVersion })
    const shown = { body: showPlayer(saved.row), headers: { etag: etagOf(saved.row) } }
    return saved.created ? { status: 201, ...shown } : { status: 200, ...shown }
  },
})

export const getPlayer = endpoint({
  method: 'get',
  path: '/v1/players/{player_id}',
  tag: 'players',
  summary: 'Read a player',
  scope: 'players:read',
  params: PlayerParams,
  answers: { 200: PlayerShown },
  handle: async (deps, { caller, params }) => {
    const { row, exclusion } = await deps.db.tx(caller.operatorId, async (tx) => ({
      row: await findPlayer(tx, caller.operatorId, params.player_id),
      exclusion: await activeExclusion(tx, caller.operatorId, params.player_id, new Date(deps.clock.nowMs())),
    }))
    if (row === undefined) throw new Fault('not_found', 'There is no such resource.')
    return { status: 200, body: showPlayer(row, exclusion), headers: { etag: etagOf(row) } }
  },
})

export const putExclusion = endpoint({
  method: 'put',
  path: '/v1/players/{player_id}/exclusion',
  tag: 'players',
  summary: 'Exclude a player, or let the player take time out',
  scope: 'players:write',
  params: PlayerParams,
  body: z.strictObject({
    type: z.enum(['self_exclusion', 'time_out']),
    until: z.iso.datetime({ offset: true }).nullable().optional(),
    source: z.string().min(1).max(64).optional(),
  }),
  answers: { 200: ExclusionShown },
  example: {
    params: { player_id: 'player-42' },
    body: { type: 'time_out', until: '2030-01-01T00:00:00Z', source: 'player' },
  },
  handle: async (deps, { caller, params, body }) => {
    const { type, until, source = 'operator' } = body
    const order = { operatorId: caller.operatorId, playerId: params.player_id, type, source, by: caller.clientId }
    const row = await excludePlayer(deps, { ...order, until: until ? new Date(until) : null })
    return { status: 200, body: showExclusion(row) }
  },
})

export const deleteExclusion = endpoint({
  method: 'delete',
  path: '/v1/players/{player_id}/exclusion',
  tag: 'players',
  summary: 'Lift an exclusion',
  scope: 'players:write',
  params: PlayerParams,
  answers: { 204: null },
  faults: ['illegal_state'],
  handle: async (deps, { caller, params }) => {
    const { operatorId, clientId: by } = caller
    await liftExclusion(deps, { operatorId, playerId: params.player_id, by })
    return { status: 204 }
  },
})

const LimitShown = z
  .object({
    id: z.string(),
    metric: z.string(),
    window: z.string(),
    amount: AmountShown.nullable(),
    currency: z.string(),
    network: z.string().optional(),
    effective_at: Timestamp,
    created_at: Timestamp,
  })
  .openapi('PlayerLimit')

export const createLimit = endpoint({
  method: 'post',
  path: '/v1/players/{player_id}/limits',
  tag: 'players',
  summary: 'Set a responsible-gambling limit',
  description:
    "A tighter limit counts now; a looser one, or `amount: null` (none), when the licence's cool-off has passed.",
  scope: 'players:write',
  params: PlayerParams,
  body: z.strictObject({
    metric: z.enum(LIMIT_METRICS),
    window: z.enum(LIMIT_PERIODS),
    amount: MONEY.amount.nullable(),
    currency: MONEY.currency,
    network: MONEY.network,
  }),
  answers: { 201: LimitShown },
  faults: ['currency_unsupported', 'amount_invalid'],
  example: {
    params: { player_id: 'player-42' },
    body: { metric: 'deposit_gross', window: 'day', amount: '200.00', currency: 'EUR' },
  },
  handle: async (deps, { caller, params, body }) => {
    // Any amount names the asset; lifting a limit has none of its own.
    const { asset, minor } = moneyOf({ ...body, amount: body.amount ?? '1' })
    const order = {
      operatorId: caller.operatorId,
      playerId: params.player_id,
      metric: body.metric,
      period: body.window,
    }
    const row = await setLimit(deps, {
      ...order,
      asset,
      minor: body.amount === null ? null : minor,
      setBy: caller.clientId,
    })
    return { status: 201, body: showLimit(row) }
  },
})

export const getLimits = endpoint({
  method: 'get',
  path: '/v1/players/{player_id}/limits',
  tag: 'players',
  summary: 'The limits of a player, those to come included',
  scope: 'players:read',
  params: PlayerParams,
  answers: { 200: Page(LimitShown) },
  handle: async (deps, { caller, params }) => {
    const rows = await deps.db.tx(caller.operatorId, async (tx) => {
      const player = await findPlayer(tx, caller.operatorId, params.player_id)
      if (player === undefined) throw new Fault('not_found', 'There is no such resource.')
      return listLimits(tx, caller.operatorId, params.player_id, new Date(deps.clock.nowMs()))
    })
    return { status: 200, body: { data: rows.map(showLimit), has_more: false, next_cursor: null } }
  },
})

const WalletShown = z
  .object({
    player_id: z.string(),
    balances: z.array(
      z.object({
        currency: z.string(),
        network: z.string().optional(),
        cash: AmountShown,
        bonus: AmountShown,
        held: AmountShown,
        withdrawable: AmountShown,
      }),
    ),
  })
  .openapi('Wallet')

export const getWallet = endpoint({
  method: 'get',
  path: '/v1/players/{player_id}/wallet',
  tag: 'wallets',
  summary: 'What a player has; only cash can be withdrawn',
  scope: 'wallets:read',
  cashier: true,
  params: PlayerParams,
  answers: { 200: WalletShown },
  handle: async (deps, { caller, params }) => {
    const rows = await deps.db.tx(caller.operatorId, async (tx) => {
      const player = await findPlayer(tx, caller.operatorId, params.player_id)
      if (player === undefined) throw new Fault('not_found', 'There is no such resource.')
      return playerWallet(tx, caller.operatorId, params.player_id)
    })
    return { status: 200, body: { player_id: params.player_id, balances: rows.map(showBalance) } }
  },
})

const TransactionShown = z
  .object({
    reference: z.string(),
    player_id: z.string(),
    type: z.string(),
    ...MONEY_SHOWN,
    related_reference: z.string().nullable(),
    status: z.string(),
    cash: AmountShown,
    bonus: AmountShown,
    created_at: Timestamp,
  })
  .openapi('WalletTransaction')

export const createWalletTransaction = endpoint({
  method: 'post',
  path: '/v1/players/{player_id}/wallet/transactions',
  tag: 'wallets',
  summary: 'A bet, win, rollback or bonus move of the game side',
  description:
    'Idempotent by `reference`: the same again answers 200 with what was posted. A rollback that comes before its bet has the bet refused.',
  scope: 'wallets:write',
  params: PlayerParams,
  body: z.strictObject({
    type: z.enum(['bet', 'win', 'rollback', 'bonus_grant', 'bonus_convert', 'bonus_forfeit']),
    ...MONEY,
    reference: Reference,
    related_reference: Reference.optional(),
  }),
  answers: { 200: TransactionShown, 201: TransactionShown },
  faults: [
    'insufficient_funds',
    'duplicate_reference',
    'related_not_found',
    'rolled_back',
    'currency_mismatch',
    'conflict',
    'currency_unsupported',
  ],
  example: {
    params: { player_id: 'player-42' },
    body: { type: 'bonus_grant', amount: '10.00', currency: 'EUR', reference: 'bonus-1' },
  },
  handle: async (deps, { caller, params, body }) => {
    const { row, replayed } = await play(deps, {
      operatorId: caller.operatorId,
      playerId: params.player_id,
      type: body.type,
      amount: moneyOf(body),
      reference: body.reference,
      relatedReference: body.related_reference ?? null,
    })
    const part = (minor: string) => formatAmount({ asset: row.asset, minor: BigInt(minor) })
    const shown = {
      reference: row.reference,
      player_id: row.playerId,
      type: row.type,
      ...presentMoney({ asset: row.asset, minor: row.amount }),
      related_reference: row.relatedReference,
      status: row.status,
      cash: part(row.parts.cash),
      bonus: part(row.parts.bonus),
      created_at: row.createdAt.toISOString(),
    }
    return replayed ? { status: 200, body: shown } : { status: 201, body: shown }
  },
})

function changeOf(body: z.output<typeof Player>): PlayerChange {
  const { country, currency, name, date_of_birth, kyc, risk, segment, licence } = body
  const all = {
    country,
    currency,
    name,
    dateOfBirth: date_of_birth,
    kycStatus: kyc?.status,
    kycLevel: kyc?.level,
    amlStatus: risk?.aml_status,
    pep: risk?.pep,
    sanctionsCheckedAt: risk?.sanctions_checked_at === undefined ? undefined : new Date(risk.sanctions_checked_at),
    segment,
    licence,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

const etagOf = ({ version }: PlayerRow): string => `"${version}"`

function versionOf(ifMatch: string | undefined): number | null {
  if (ifMatch === undefined || ifMatch === '*') return null
  const version = /^(?:W\/)?"(\d{1,9})"$/.exec(ifMatch)?.[1]
  // A tag that we never gave matches no version.
  return version === undefined ? -1 : Number(version)
}

const showExclusion = (row: ExclusionRow) => ({
  type: row.type,
  until: row.until?.toISOString() ?? null,
  source: row.source,
  created_at: row.createdAt.toISOString(),
})

function showPlayer(row: PlayerRow, exclusion?: ExclusionRow) {
  return {
    player_id: row.id,
    country: row.country,
    currency: row.currency,
    name: row.name,
    date_of_birth: row.dateOfBirth,
    kyc: { status: row.kycStatus, level: row.kycLevel },
    risk: {
      aml_status: row.amlStatus,
      pep: row.pep,
      sanctions_checked_at: row.sanctionsCheckedAt?.toISOString() ?? null,
    },
    segment: row.segment,
    licence: row.licence,
    exclusion: exclusion === undefined ? null : showExclusion(exclusion),
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  }
}

function showLimit({ id, metric, period, asset, amount, effectiveAt, createdAt }: LimitRow) {
  const { amount: shown, ...money } = presentMoney({ asset, minor: amount ?? 0n })
  return {
    id,
    metric,
    window: period,
    amount: amount === null ? null : shown,
    ...money,
    effective_at: effectiveAt.toISOString(),
    created_at: createdAt.toISOString(),
  }
}

function showBalance({ asset, cash, bonus, held }: { asset: string; cash: bigint; bonus: bigint; held: bigint }) {
  const { amount, ...money } = presentMoney({ asset, minor: cash })
  return {
    ...money,
    cash: amount,
    bonus: formatAmount({ asset, minor: bonus }),
    held: formatAmount({ asset, minor: held }),
    withdrawable: amount,
  }
}
