import type { Charge, Modification, PayOut, PlayerAtProcessor, Refund } from '../adapters/contract.ts'
import { assert } from '../core/errors.ts'
import { accountOf, type Destination } from '../core/method.ts'
import type { AttemptRow } from '../db/attempts.ts'
import type { PaymentRow } from '../db/payments.ts'
import type { PlayerRow } from '../db/players.ts'
import type { RefundRow } from '../db/refunds.ts'
import type { Cipher, Processors } from './deps.ts'
import { fingerprintOf } from './instruments.ts'

/**
 * What an adapter is asked, made of the rows that were committed before: the same rows give the same request, so a
 * look-up by replay sends what was sent the first time.
 */
type Urls = { readonly publicUrl: string; readonly processors: Pick<Processors, 'facts'> }

const webhookUrl = ({ publicUrl }: Urls, { processor, connectionId }: AttemptRow): string =>
  `${publicUrl}/webhooks/${processor}/${connectionId}`

/** An attempt's time begins with its commit, and its look-ups count from there: nothing of it is written after it. */
const timeOf = ({ processors }: Urls, { processor, startedAt }: AttemptRow): { sendBeforeMs: number } => ({
  sendBeforeMs: startedAt.getTime() + (processors.facts(processor)?.timeoutMs ?? 0),
})

const moneyOf = ({ asset, amount }: { asset: string; amount: bigint }) => ({ asset, minor: amount })

const playerAt = (player: PlayerRow): PlayerAtProcessor => ({
  id: player.id,
  // Processors want a country; an operator that hasn't told us one gets the code for "unknown" (ISO 3166 user-assigned).
  country: player.country ?? 'ZZ',
  ...(player.name !== null && { name: player.name }),
})

/** The charge of a deposit's attempt. */
export function chargeOf(urls: Urls, payment: PaymentRow, attempt: AttemptRow, player: PlayerRow): Charge {
  assert(payment.method !== null, 'a deposit has a method')
  const { ip, user_agent: userAgent } = payment.client ?? {}
  return {
    attempt: attempt.id,
    payment: payment.id,
    amount: moneyOf(attempt),
    method: payment.method,
    player: playerAt(player),
    returnUrl: `${urls.publicUrl}/return/${attempt.connectionId}/${payment.id}`,
    webhookUrl: webhookUrl(urls, attempt),
    ...(payment.client !== null && { client: { ...(ip && { ip }), ...(userAgent && { userAgent }) } }),
    ...(attempt.stepUp && { stepUp: true }),
    ...(payment.saveInstrument && { save: true }),
    ...timeOf(urls, attempt),
  }
}

/** The payout of a withdrawal's attempt; its destination comes out of the cipher here and goes nowhere else. */
export async function payOutOf(
  deps: Urls & { cipher: Cipher },
  payment: PaymentRow,
  attempt: AttemptRow,
  player: PlayerRow,
): Promise<PayOut> {
  return {
    attempt: attempt.id,
    payment: payment.id,
    amount: moneyOf(attempt),
    destination: await openDestination(deps.cipher, payment),
    player: playerAt(player),
    webhookUrl: webhookUrl(deps, attempt),
    ...timeOf(deps, attempt),
  }
}

/** The end of a deposit's authorization, whole: its capture or its cancellation. */
export function modificationOf(attempt: AttemptRow): Modification {
  assert(attempt.processorReference !== null, 'an authorized attempt has a reference')
  return {
    attempt: attempt.id,
    payment: attempt.subjectId,
    amount: moneyOf(attempt),
    reference: attempt.processorReference,
  }
}

/** The refund of a deposit at the connection that took it. */
export function refundOf(urls: Urls, refund: RefundRow, attempt: AttemptRow, original: AttemptRow): Refund {
  assert(original.processorReference !== null, 'a captured attempt has a reference')
  return {
    attempt: attempt.id,
    payment: refund.id,
    amount: moneyOf(attempt),
    original: { attempt: original.id, reference: original.processorReference, amount: moneyOf(original) },
    webhookUrl: webhookUrl(urls, attempt),
    ...timeOf(urls, attempt),
  }
}

/** The place of a withdrawal's destination, for the cipher. */
const destinationPlace = (operatorId: string, id: string) => `${operatorId}|payment|destination_sealed|${id}`

/** Seals a destination for its row, with the keyed index that recognises it again. */
export async function sealDestination(
  cipher: Cipher,
  operatorId: string,
  id: string,
  destination: Destination,
): Promise<{ sealed: string; fingerprint: string }> {
  const text = JSON.stringify(destination)
  return {
    sealed: await cipher.seal(new TextEncoder().encode(text), destinationPlace(operatorId, id)),
    fingerprint: await fingerprintOf(cipher, operatorId, accountOf(destination)),
  }
}

/** The destination of a stored withdrawal. Throws when the row was tampered with: its seal names its place. */
export async function openDestination(cipher: Cipher, payment: PaymentRow): Promise<Destination> {
  assert(payment.destinationSealed !== null, 'a withdrawal has a destination')
  const bytes = await cipher.open(payment.destinationSealed, destinationPlace(payment.operatorId, payment.id))
  const destination: Destination = JSON.parse(new TextDecoder().decode(bytes))
  return destination
}
