import { Fault } from '../core/errors.ts'
import { SECRET_BYTES, webhookSecret } from '../core/notice.ts'
import { audit } from '../db/audit.ts'
import type { Tx } from '../db/client.ts'
import {
  type EndpointChange,
  type EndpointRow,
  insertEndpoint,
  lockEndpoint,
  MAX_ENDPOINTS,
  updateEndpoint,
} from '../db/webhooks.ts'
import type { Cipher, Deps } from './deps.ts'

/** Where an operator wants notices, and by whom it is asked. `events` are patterns of types. */
export type EndpointOrder = {
  readonly operatorId: string
  readonly by: string
  readonly url: string
  readonly description: string | null
  readonly events: readonly string[]
  readonly apiVersion: string
}

/** An endpoint with its secret, which is in this answer and nowhere else. */
export type WithSecret = { readonly endpoint: EndpointRow; readonly secret: string }

/** How long the secret before signs too: time to roll a change out, unless the operator says otherwise. */
export const OVERLAP_HOURS = 24
const HOUR_MS = 3_600_000

/** Enters an endpoint. Throws `unsafe_url` for a URL that notices must not go to. */
export async function addEndpoint(
  deps: Pick<Deps, 'db' | 'clock' | 'newId' | 'cipher' | 'notices'>,
  order: EndpointOrder,
): Promise<WithSecret> {
  const { operatorId, by, description, events, apiVersion } = order
  const url = await safeUrl(deps, order.url)
  const id = deps.newId('webhookEndpoint')
  const { secret, sealed } = await newSecret(deps.cipher, operatorId, id, 1)
  const endpoint = await deps.db.tx(operatorId, async (tx) => {
    const row = { id, url, description, events: wordsOf(events), apiVersion, secretSealed: sealed, createdBy: by }
    const stored = await insertEndpoint(tx, operatorId, row)
    if (stored === undefined) throw new Fault('conflict', `An operator has at most ${MAX_ENDPOINTS} endpoints.`)
    await note(tx, deps, by, 'webhook_endpoint.created', undefined, stored)
    return stored
  })
  return { endpoint, secret }
}

/** What may be changed of an endpoint. */
export type EndpointEdit = {
  readonly url?: string
  readonly description?: string | null
  readonly events?: readonly string[]
  readonly status?: 'enabled' | 'disabled'
}

/** Changes an endpoint. A URL is checked as at the beginning. */
export async function changeEndpoint(
  deps: Pick<Deps, 'db' | 'clock' | 'notices'>,
  { operatorId, id, by, edit }: { operatorId: string; id: string; by: string; edit: EndpointEdit },
): Promise<EndpointRow> {
  const url = edit.url === undefined ? undefined : await safeUrl(deps, edit.url)
  return deps.db.tx(operatorId, async (tx) => {
    const before = await locked(tx, operatorId, id)
    const change: EndpointChange = {
      ...(url !== undefined && { url, pausedUntil: null }),
      ...(edit.description !== undefined && { description: edit.description }),
      ...(edit.events !== undefined && { events: wordsOf(edit.events) }),
      ...(edit.status === 'enabled' && { status: 'enabled', disabledReason: null, pausedUntil: null }),
      ...(edit.status === 'disabled' && { status: 'disabled', disabledReason: 'by_operator' }),
    }
    if (Object.keys(change).length === 0) return before
    const after = await updateEndpoint(tx, operatorId, id, change)
    await note(tx, deps, by, 'webhook_endpoint.changed', before, after)
    return after
  })
}

/** Takes an endpoint away. What is on its way to it ends there; what was delivered stays on record. */
export async function removeEndpoint(
  deps: Pick<Deps, 'db' | 'clock'>,
  { operatorId, id, by }: { operatorId: string; id: string; by: string },
): Promise<void> {
  await deps.db.tx(operatorId, async (tx) => {
    const before = await locked(tx, operatorId, id)
    await updateEndpoint(tx, operatorId, id, { deletedAt: new Date(deps.clock.nowMs()) })
    await note(tx, deps, by, 'webhook_endpoint.deleted', before, undefined)
  })
}

/** Makes a new secret. The one before signs too for `overlapHours`; of three, the oldest stops at once. */
export async function rotateEndpointSecret(
  deps: Pick<Deps, 'db' | 'clock' | 'cipher'>,
  {
    operatorId,
    id,
    by,
    overlapHours = OVERLAP_HOURS,
  }: { operatorId: string; id: string; by: string; overlapHours?: number | undefined },
): Promise<WithSecret> {
  return deps.db.tx(operatorId, async (tx) => {
    const before = await locked(tx, operatorId, id)
    const secretN = before.secretN + 1
    const { secret, sealed } = await newSecret(deps.cipher, operatorId, id, secretN)
    const endpoint = await updateEndpoint(tx, operatorId, id, {
      secretSealed: sealed,
      secretN,
      previousSealed: before.secretSealed,
      previousUntil: new Date(deps.clock.nowMs() + overlapHours * HOUR_MS),
    })
    await note(tx, deps, by, 'webhook_endpoint.secret_rotated', before, endpoint)
    return { endpoint, secret }
  })
}

/** The secrets that sign now, newest first. Throws when a seal was tampered with or moved. */
export async function liveSecrets(
  cipher: Pick<Cipher, 'open'>,
  endpoint: EndpointRow,
  nowMs: number,
): Promise<string[]> {
  const { operatorId, id, secretN, secretSealed, previousSealed, previousUntil } = endpoint
  const open = async (sealed: string, n: number) =>
    new TextDecoder().decode(await cipher.open(sealed, placeOf(operatorId, id, n)))
  const newest = await open(secretSealed, secretN)
  const overlaps = previousSealed !== null && previousUntil !== null && previousUntil.getTime() > nowMs
  return overlaps ? [newest, await open(previousSealed, secretN - 1)] : [newest]
}

async function newSecret(cipher: Pick<Cipher, 'seal'>, operatorId: string, id: string, n: number) {
  const secret = webhookSecret(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)))
  return { secret, sealed: await cipher.seal(new TextEncoder().encode(secret), placeOf(operatorId, id, n)) }
}

const placeOf = (operatorId: string, id: string, n: number) => `${operatorId}|webhook_endpoint|secret|${id}|${n}`

async function safeUrl({ notices }: Pick<Deps, 'notices'>, given: string): Promise<string> {
  const verdict = await notices.check(given)
  if (verdict.kind === 'safe') return verdict.url
  throw new Fault('unsafe_url', verdict.detail, {
    errors: [{ pointer: '/url', code: 'unsafe_url', detail: verdict.detail }],
  })
}

async function locked(tx: Tx, operatorId: string, id: string): Promise<EndpointRow> {
  const row = await lockEndpoint(tx, operatorId, id)
  if (row === undefined) throw new Fault('not_found', 'There is no such resource.')
  return row
}

const wordsOf = (events: readonly string[]): string => [...new Set(events)].join(' ')

const shown = (row: EndpointRow | undefined) =>
  row === undefined ? null : { url: row.url, events: row.events, status: row.status, secret_number: row.secretN }

const note = (
  tx: Tx,
  { clock }: Pick<Deps, 'clock'>,
  by: string,
  action: string,
  before: EndpointRow | undefined,
  after: EndpointRow | undefined,
): Promise<void> => {
  const row = after ?? before
  if (row === undefined) return Promise.resolve()
  const at = new Date(clock.nowMs())
  return audit(tx, row.operatorId, {
    actor: by,
    action,
    subject: row.id,
    before: shown(before),
    after: shown(after),
    at,
  })
}
