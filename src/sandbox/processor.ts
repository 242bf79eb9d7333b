import { createHash, randomBytes } from 'node:crypto'
import { assetOf } from '../core/currencies.ts'
import { formatAmount, type Money } from '../core/money.ts'
import type { Books } from './books.ts'
import type { Notice, SavedAnswer } from './journal.ts'
import { minorOf, type Script, scriptOf } from './magic.ts'
import {
  type ChargeBody,
  type Operation,
  type OperationKind,
  type PayoutBody,
  present,
  type RefundBody,
} from './operation.ts'
import { isTestToken } from './test-cards.ts'
import type { Courier } from './webhooks.ts'

/** How long things take by themselves: a pending payment until it is settled, a page until it expires. */
const SETTLES_AFTER_MS = 1_000
const EXPIRES_AFTER_MS = 30 * 60_000

/** What a request came to: an operation, a refusal before anything was done, or silence on the line. */
export type Done =
  | { readonly kind: 'operation'; readonly operation: Operation }
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  | { readonly kind: 'silence' }

/** What the processor knows of itself. `notifyAll`: webhooks also for what the answer already said. */
export type Self = {
  readonly id: string
  readonly books: Books
  readonly courier: Courier
  pageUrl(): string
  notifyAll(): boolean
}

/** Makes the answer to be kept under the request's key; it is written in one line with the operation, so that a crash can't part them. */
export type Keep = (operation: Operation) => SavedAnswer

/** The processor's business: three kinds of operation, a page, and time. */
export type Processor = {
  charge(body: ChargeBody, keep: Keep): Done
  payOut(body: PayoutBody, keep: Keep): Done
  refund(body: RefundBody, keep: Keep): Done
  /** The player's decision on the page of an operation. Undefined when the key doesn't open it. */
  decide(id: string, pageKey: string, approved: boolean): Operation | undefined
  page(id: string, pageKey: string): Operation | undefined
  stop(): void
}

/** Opens the processor over its books, and takes up what was due while it was away. */
export function openProcessor(self: Self): Processor {
  const timers = new Map<string, NodeJS.Timeout>()

  /** Records a change, wakes up for what is due later, and tells the operator when `tell` is set. */
  function put(operation: Operation, tell: boolean, keep?: Keep): Operation {
    const notice = tell ? noticeOf(self.id, operation) : undefined
    self.books.put({ operation, ...(notice && { notice }), ...(keep && { saved: keep(operation) }) })
    if (notice) self.courier.send(notice)
    wakeFor(operation)
    return operation
  }

  function wakeFor({ id, due_at }: Operation) {
    clearTimeout(timers.get(id))
    timers.delete(id)
    if (due_at === undefined) return
    timers.set(
      id,
      setTimeout(() => whenDue(id), Math.max(0, due_at - Date.now())),
    )
  }

  function whenDue(id: string) {
    const operation = self.books.get(id)
    if (operation) put(afterWaiting(self.id, operation), true)
  }

  function begin(operation: Operation, script: Script, keep: Keep): Done {
    if (script.does === 'silence_nothing') return { kind: 'silence' }
    if (script.does === 'silence_taken') {
      put({ ...operation, status: 'approved' }, false, keep)
      return { kind: 'silence' }
    }
    const open = actionFor(operation, script, self.pageUrl())
    return { kind: 'operation', operation: put(open ?? finish(operation, script), self.notifyAll(), keep) }
  }

  for (const operation of self.books.open()) wakeFor(operation)
  return {
    charge(body, keep) {
      const minor = minorOf(body.amount, body.currency, body.network)
      if (minor === undefined) return BAD_AMOUNT
      const token = body.method.type === 'card' ? body.method.token : undefined
      const operation = fresh('charge', body, { method: body.method.type, return_url: body.return_url, token })
      if (token !== undefined && !isTestToken(token))
        return begin(operation, { does: 'decline', code: 'token_invalid' }, keep)
      if (token === 'tok_sandbox_stolen') return begin(operation, { does: 'decline', code: 'stolen_card' }, keep)
      const script = scriptOf(self.id, 'charge', minor)
      const silent = script.does === 'silence_taken' || script.does === 'silence_nothing'
      const challenge = body.step_up === true || token === 'tok_sandbox_3ds'
      return begin(operation, token !== undefined && challenge && !silent ? { does: 'three_ds' } : script, keep)
    },
    payOut(body, keep) {
      const minor = minorOf(body.amount, body.currency, body.network)
      if (minor === undefined) return BAD_AMOUNT
      return begin(fresh('payout', body, { method: body.destination.type }), scriptOf(self.id, 'payout', minor), keep)
    },
    refund(body, keep) {
      const minor = minorOf(body.amount, body.currency, body.network)
      const charge = self.books.get(body.charge)
      if (minor === undefined) return BAD_AMOUNT
      if (charge?.kind !== 'charge') return refused('charge_not_found', 'There is no such charge.')
      const operation = fresh('refund', { ...body, player_ref: charge.player_ref }, { charge: charge.id })
      const code = whyNotRefundable(charge, body, minor, self.books.refundsOf(charge.id))
      return begin(operation, code ? { does: 'decline', code } : scriptOf(self.id, 'refund', minor), keep)
    },
    page: (id, pageKey) => openedBy(self.books.get(id), pageKey),
    decide(id, pageKey, approved) {
      const operation = openedBy(self.books.get(id), pageKey)
      if (operation?.status !== 'requires_action') return operation
      return put(decided(self.id, operation, approved), true)
    },
    stop() {
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}

const refused = (code: string, detail: string): Done => ({ kind: 'refused', code, detail })
const BAD_AMOUNT = refused('amount_invalid', 'Not a positive amount of a currency known here.')
const newId = (prefix: string): string => `${prefix}_${randomBytes(12).toString('hex')}`
const PREFIX = { charge: 'ch', payout: 'po', refund: 're' } as const satisfies Record<OperationKind, string>

function fresh(
  kind: OperationKind,
  body: Pick<ChargeBody, 'our_ref' | 'amount' | 'currency' | 'network' | 'webhook_url' | 'player_ref'>,
  more: Partial<Record<'charge' | 'return_url' | 'token', string | undefined>> & Pick<Operation, 'method'>,
): Operation {
  const { our_ref, amount, currency, network, webhook_url, player_ref } = body
  const now = Date.now()
  const given = { ...more, network, player_ref }
  return {
    id: newId(PREFIX[kind]),
    kind,
    our_ref,
    amount,
    currency,
    webhook_url,
    status: 'pending',
    created_at: now,
    updated_at: now,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  }
}

/** The state that a script ends in. A payout that will be returned is paid first. */
function finish({ due_at: _due, action: _action, ...operation }: Operation, script: Script): Operation {
  const now = Date.now()
  const later = { updated_at: now, due_at: now + SETTLES_AFTER_MS }
  if (script.does === 'decline') return { ...operation, status: 'declined', decline_code: script.code, updated_at: now }
  if (script.does === 'pend') return { ...operation, status: 'pending', ...later }
  if (script.does === 'return') return { ...operation, status: 'approved', ...later }
  return { ...operation, status: 'approved', updated_at: now }
}

/** The operation waiting for the player, when its method or script needs him. */
function actionFor(operation: Operation, script: Script, pageUrl: string): Operation | undefined {
  if (operation.kind !== 'charge' || operation.method === undefined) return undefined
  if (operation.method === 'crypto') return waitingForCoins(operation)
  if (operation.method === 'card' && script.does !== 'three_ds') return undefined
  const page_key = randomBytes(16).toString('hex')
  const url = `${pageUrl}/pages/${operation.id}?key=${page_key}`
  const type = operation.method === 'card' ? ('three_ds' as const) : ('redirect' as const)
  return {
    ...operation,
    status: 'requires_action',
    page_key,
    action: { type, url },
    due_at: Date.now() + EXPIRES_AFTER_MS,
  }
}

/** A crypto charge shows an address, and the coins come by themselves a moment later. */
function waitingForCoins(operation: Operation): Operation {
  const address = `sandbox${randomBytes(16).toString('hex')}`
  const network = operation.network ?? 'sandbox'
  const { amount } = operation
  const expires_at = new Date(Date.now() + EXPIRES_AFTER_MS).toISOString()
  return {
    ...operation,
    status: 'requires_action',
    action: {
      type: 'display_crypto',
      address,
      network,
      amount,
      uri: `${network}:${address}?amount=${amount}`,
      expires_at,
    },
    due_at: Date.now() + SETTLES_AFTER_MS,
  }
}

/** What time does to an operation: pages expire, coins arrive, pending ones settle, payouts of `.77` bounce. */
function afterWaiting(id: string, operation: Operation): Operation {
  const { due_at: _due, ...rest } = operation
  const now = { updated_at: Date.now() }
  if (operation.status === 'approved') return { ...rest, status: 'reversed', ...now }
  if (operation.status === 'requires_action' && operation.method !== 'crypto')
    return { ...rest, status: 'expired', ...now }
  const script = ownScript(id, operation)
  // It was pending long enough: what is left of the script is its end.
  return finish(operation, script.does === 'decline' ? script : { does: 'approve' })
}

/** The player decided. A bank transfer then takes its time; an approved card or wallet does what its amount says. */
function decided(id: string, operation: Operation, approved: boolean): Operation {
  const refusal = operation.method === 'card' ? 'authentication_failed' : 'cancelled_by_payer'
  if (!approved) return finish(operation, { does: 'decline', code: refusal })
  const script = ownScript(id, operation)
  return finish(operation, operation.method === 'bank' ? { does: 'pend' } : script)
}

/** The script of an operation by its amount alone, past its challenge. */
function ownScript(id: string, { kind, amount, currency, network }: Operation): Script {
  const script = scriptOf(id, kind, minorOf(amount, currency, network) ?? 0n)
  return script.does === 'three_ds' ? { does: 'approve' } : script
}

const openedBy = (operation: Operation | undefined, pageKey: string): Operation | undefined =>
  operation?.page_key !== undefined && operation.page_key === pageKey ? operation : undefined

function whyNotRefundable(
  charge: Operation,
  body: RefundBody,
  minor: bigint,
  refunds: readonly Operation[],
): string | undefined {
  if (charge.status !== 'approved') return 'charge_not_captured'
  if (charge.currency !== body.currency || charge.network !== body.network) return 'currency_mismatch'
  const captured = minorOf(charge.amount, charge.currency, charge.network) ?? 0n
  const given = refunds
    .filter(({ status }) => status === 'approved' || status === 'pending')
    .reduce((sum, each) => sum + (minorOf(each.amount, each.currency, each.network) ?? 0n), 0n)
  return given + minor > captured ? 'refund_exceeds_captured' : undefined
}

/** The webhook that tells of an operation's state. Its id follows from operation and state, so that telling it again is the same event. */
export function noticeOf(processor: string, operation: Operation): Notice {
  const id = `evt_${createHash('sha256').update(`${operation.id}/${operation.status}`).digest('hex').slice(0, 24)}`
  const body = JSON.stringify({
    id,
    type: `${operation.kind}.${operation.status}`,
    processor,
    at: operation.updated_at,
    data: present(operation),
  })
  return { id, url: operation.webhook_url, operation: operation.id, body }
}

/** The amount one smallest unit higher, for answers that lie. */
export function oneMore(amount: string, currency: string, network: string | undefined): string {
  const asset = assetOf(currency, network)
  const value: Money | undefined = asset && {
    asset: asset.code,
    minor: (minorOf(amount, currency, network) ?? 0n) + 1n,
  }
  return value ? formatAmount(value) : amount
}
