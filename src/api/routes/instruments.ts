import { z } from '@hono/zod-openapi'
import { Fault } from '../../core/errors.ts'
import type { CardSeen, Destination } from '../../core/method.ts'
import { type InstrumentRow, listInstruments } from '../../db/instruments.ts'
import { findPlayer } from '../../db/players.ts'
import { removeInstrument, saveInstrument } from '../../flows/save-instrument.ts'
import { endpoint } from '../endpoint.ts'
import { BANK_ACCOUNT, CRYPTO_ADDRESS, Page, PlayerId, Timestamp, WALLET_ACCOUNT } from '../shapes.ts'

const Verified = { verified: z.boolean().optional() }

/** An instrument as it is saved. A card is a token: there is no member for a number. */
const Taken = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('card'),
    token: z.string().regex(/^[\x21-\x7e]{1,1024}$/),
    brand: z
      .string()
      .regex(/^[a-z0-9_]{1,32}$/)
      .optional(),
    last4: z
      .string()
      .regex(/^\d{4}$/)
      .optional(),
    expiry: z
      .string()
      .regex(/^(0[1-9]|1[0-2])\/\d{2}$/)
      .optional(),
    ...Verified,
  }),
  z.strictObject({ type: z.literal('wallet'), ...WALLET_ACCOUNT, ...Verified }),
  z.strictObject({ type: z.literal('bank'), ...BANK_ACCOUNT, ...Verified }),
  z.strictObject({ type: z.literal('crypto'), ...CRYPTO_ADDRESS, ...Verified }),
])

/** An instrument as the API shows it: masked, whoever asks. */
export const InstrumentShown = z
  .object({
    id: z.string(),
    player_id: z.string(),
    type: z.string(),
    details: z.record(z.string(), z.unknown()),
    verified: z.boolean(),
    owner_match: z.enum(['match', 'mismatch', 'unknown']),
    used_for_deposit: z.boolean(),
    created_at: Timestamp,
  })
  .openapi('Instrument')

const PlayerParams = z.strictObject({ player_id: PlayerId })

export const postInstrument = endpoint({
  method: 'post',
  path: '/v1/players/{player_id}/instruments',
  tag: 'instruments',
  summary: 'Save an instrument of a player',
  description:
    'Account data is sealed and shown masked. The same account again answers 200 with the one that is there. `verified` is the operator’s word that the account is the player’s own.',
  scope: 'players:write',
  cashier: true,
  params: PlayerParams,
  body: Taken,
  answers: { 200: InstrumentShown, 201: InstrumentShown },
  faults: ['destination_invalid', 'conflict', 'forbidden'],
  example: {
    params: { player_id: 'player-42' },
    body: { type: 'bank', iban: 'DE89370400440532013000', name: 'Ada Example' },
  },
  handle: async (deps, { caller, params, body }) => {
    const { operatorId, clientId, playerId: session } = caller
    if (session !== undefined && body.verified !== undefined)
      throw new Fault('forbidden', 'A player does not verify an instrument.')
    const { row, created } = await saveInstrument(deps, {
      operatorId,
      playerId: params.player_id,
      by: session === undefined ? clientId : `player:${session}`,
      instrument: instrumentOf(body),
      card: cardOf(body),
      verified: body.verified ?? false,
    })
    return created ? { status: 201, body: showInstrument(row) } : { status: 200, body: showInstrument(row) }
  },
})

export const getInstruments = endpoint({
  method: 'get',
  path: '/v1/players/{player_id}/instruments',
  tag: 'instruments',
  summary: 'The saved instruments of a player, masked',
  scope: 'players:read',
  cashier: true,
  params: PlayerParams,
  answers: { 200: Page(InstrumentShown) },
  handle: async (deps, { caller, params }) => {
    const { operatorId } = caller
    const rows = await deps.db.tx(operatorId, async (tx) => {
      const player = await findPlayer(tx, operatorId, params.player_id)
      if (player === undefined) throw new Fault('not_found', 'There is no such resource.')
      return listInstruments(tx, operatorId, params.player_id)
    })
    return { status: 200, body: { data: rows.map(showInstrument), has_more: false, next_cursor: null } }
  },
})

export const deleteInstrument = endpoint({
  method: 'delete',
  path: '/v1/players/{player_id}/instruments/{id}',
  tag: 'instruments',
  summary: 'Forget an instrument',
  scope: 'players:write',
  cashier: true,
  params: z.strictObject({ player_id: PlayerId, id: z.string().max(64) }),
  answers: { 204: null },
  handle: async (deps, { caller, params }) => {
    await removeInstrument(deps, { operatorId: caller.operatorId, playerId: params.player_id, id: params.id })
    return { status: 204 }
  },
})

function instrumentOf(taken: z.output<typeof Taken>): Destination {
  switch (taken.type) {
    case 'card':
      return { type: 'card', token: taken.token }
    case 'wallet':
      return { type: 'wallet', wallet: taken.wallet, account: taken.account }
    case 'bank':
      return { type: 'bank', iban: taken.iban, name: taken.name }
    case 'crypto': {
      const { type, asset, network, address, tag } = taken
      return { type, asset, network, address, ...(tag !== undefined && { tag }) }
    }
  }
}

const cardOf = (taken: z.output<typeof Taken>): CardSeen =>
  taken.type === 'card' ? { brand: taken.brand, last4: taken.last4, expiry: taken.expiry } : {}

/** An instrument's row as the API shows it. */
export function showInstrument(row: InstrumentRow) {
  const { type: _type, ...details } = row.masked
  return {
    id: row.id,
    player_id: row.playerId,
    type: row.type,
    details,
    verified: row.verified,
    owner_match: row.ownerMatch,
    used_for_deposit: row.usedForDeposit,
    created_at: row.createdAt.toISOString(),
  }
}
