import { Fault } from '../core/errors.ts'
import { accountOf, type ChargeMethod, type Destination, maskedOf } from '../core/method.ts'
import type { InstrumentSeen } from '../core/outcome.ts'
import type { Tx } from '../db/client.ts'
import {
  findByFingerprint,
  findInstrument,
  type InstrumentRow,
  insertInstrument,
  lockInstrument,
  updateInstrument,
} from '../db/instruments.ts'
import type { PaymentRow } from '../db/payments.ts'
import type { Cipher, Deps } from './deps.ts'

/** A saved instrument named in a request. */
export type InstrumentRef = { readonly type: 'instrument'; readonly instrumentId: string }

const placeOf = (operatorId: string, id: string) => `${operatorId}|instrument|sealed|${id}`

/** The keyed index of an account: the same for a saved instrument and for a destination that is typed in. */
export const fingerprintOf = (cipher: Pick<Cipher, 'blindIndex'>, operatorId: string, account: string) =>
  cipher.blindIndex(account, `${operatorId}|destination`)

/** Seals an instrument for its row. */
export const sealInstrument = (
  cipher: Pick<Cipher, 'seal'>,
  operatorId: string,
  id: string,
  destination: Destination,
): Promise<string> => cipher.seal(new TextEncoder().encode(JSON.stringify(destination)), placeOf(operatorId, id))

/** What a row holds. Throws when it was tampered with: its seal names its place. */
export async function openInstrument(
  cipher: Pick<Cipher, 'open'>,
  { operatorId, id, sealed }: InstrumentRow,
): Promise<Destination> {
  const destination: Destination = JSON.parse(
    new TextDecoder().decode(await cipher.open(sealed, placeOf(operatorId, id))),
  )
  return destination
}

/** The instrument that a request names, opened. Another player's is as absent as one that was deleted. */
export async function resolveInstrument(
  tx: Tx,
  cipher: Pick<Cipher, 'open'>,
  operatorId: string,
  playerId: string,
  { instrumentId }: InstrumentRef,
): Promise<{ row: InstrumentRow; destination: Destination }> {
  const row = await findInstrument(tx, operatorId, playerId, instrumentId)
  if (row === undefined) throw new Fault('instrument_not_found', 'This player has no such instrument.')
  return { row, destination: await openInstrument(cipher, row) }
}

/** How a saved instrument pays in. A bank account names only its country: the player picks the account at the bank. */
export function chargeMethodOf(destination: Destination): ChargeMethod {
  switch (destination.type) {
    case 'card':
      return { type: 'card', token: destination.token }
    case 'wallet':
      return { type: 'wallet', wallet: destination.wallet }
    case 'bank':
      return { type: 'bank', country: destination.iban.slice(0, 2) }
    case 'crypto':
      return { type: 'crypto', asset: destination.asset, network: destination.network }
  }
}

/** A card to be saved if its deposit succeeds, sealed before the player's lock is taken. */
export type CardToSave = {
  readonly id: string
  readonly sealed: string
  readonly fingerprint: string
}

/** Seals the card of a deposit that shall save it. */
export async function prepareCard(
  { cipher, newId }: Pick<Deps, 'cipher' | 'newId'>,
  operatorId: string,
  token: string,
): Promise<CardToSave> {
  const id = newId('instrument')
  const card = { type: 'card', token } as const
  return {
    id,
    sealed: await sealInstrument(cipher, operatorId, id, card),
    fingerprint: await fingerprintOf(cipher, operatorId, accountOf(card)),
  }
}

/** Stores the card out of everybody's sight until its deposit succeeds; the player's own one of the same account is taken instead. Call with the player locked. */
export async function holdCard(
  tx: Tx,
  operatorId: string,
  playerId: string,
  { id, sealed, fingerprint }: CardToSave,
): Promise<string> {
  const known = await findByFingerprint(tx, operatorId, playerId, fingerprint)
  if (known !== undefined) return known.id
  const masked = { type: 'card' }
  const waiting = { verified: false, ownerMatch: 'unknown', activeAt: null } as const
  await insertInstrument(tx, operatorId, { id, playerId, type: 'card', sealed, masked, fingerprint, ...waiting })
  return id
}

/** The deposit succeeded: its instrument has paid in, and one that waited for that is the player's from now on, by the name that the processor gave it. */
export async function keepInstrument(
  tx: Tx,
  cipher: Cipher,
  payment: Pick<PaymentRow, 'operatorId' | 'playerId' | 'instrumentId'>,
  processor: string,
  seen: InstrumentSeen | undefined,
  now: Date,
): Promise<void> {
  const { operatorId, playerId, instrumentId } = payment
  if (instrumentId === null) return
  const row = await lockInstrument(tx, operatorId, instrumentId)
  if (row === undefined || row.deletedAt !== null) return
  if (row.activeAt !== null) {
    await updateInstrument(tx, operatorId, row.id, { usedForDeposit: true })
    return
  }
  const { token, fingerprint: card, ...shown } = seen ?? {}
  const account = card !== undefined && `card:${processor}:${card}`
  const fingerprint = account ? await fingerprintOf(cipher, operatorId, account) : row.fingerprint
  const twin = account ? await findByFingerprint(tx, operatorId, playerId, fingerprint) : undefined
  if (twin !== undefined && twin.id !== row.id && twin.activeAt !== null) {
    // The same card under another token: the player has it already.
    await updateInstrument(tx, operatorId, twin.id, { usedForDeposit: true })
    await updateInstrument(tx, operatorId, row.id, { deletedAt: now })
    return
  }
  const named =
    token === undefined ? undefined : await sealInstrument(cipher, operatorId, row.id, { type: 'card', token })
  await updateInstrument(tx, operatorId, row.id, {
    fingerprint,
    masked: maskedOf({ type: 'card', token: '' }, null, shown),
    usedForDeposit: true,
    activeAt: now,
    ...(named !== undefined && { sealed: named }),
  })
}
