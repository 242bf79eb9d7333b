import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import { activeExclusion, type ExclusionRow, findPlayer, type PlayerChange, type PlayerRow } from '../../db/players.ts'
import { excludePlayer, liftExclusion } from '../../flows/exclude-player.ts'
import { savePlayerOf } from '../../flows/save-player.ts'
import { endpoint } from '../endpoint.ts'
import { Currency, PlayerParams, Timestamp } from '../shapes.ts'

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
