import type { Tx } from './client.ts'
import type { payment } from './schema/payments.ts'

/** A deposit or withdrawal as stored. */
export type PaymentRow = typeof payment.$inferSelect

/** A payment to be stored: what it is asked for, before anything has happened. */
export type NewPayment = Pick<
  PaymentRow,
  | 'id'
  | 'direction'
  | 'playerId'
  | 'asset'
  | 'amount'
  | 'status'
  | 'reference'
  | 'methodType'
  | 'method'
  | 'instrumentId'
  | 'saveInstrument'
  | 'destinationSealed'
  | 'destinationMasked'
  | 'destinationFingerprint'
  | 'checks'
  | 'returnUrl'
  | 'metadata'
  | 'client'
  | 'decline'
  | 'decision'
  | 'rulesetVersion'
  | 'ruleId'
  | 'runId'
  | 'requestedBy'
>

const json = (value: unknown): string | null => (value === null || value === undefined ? null : JSON.stringify(value))

/** Stores a payment, or says which one has its reference already. */
export async function insertPayment(
  tx: Tx,
  operatorId: string,
  row: NewPayment,
): Promise<{ kind: 'stored'; row: PaymentRow } | { kind: 'reference_taken'; id: string }> {
  // `text::jsonb`: with a bare jsonb parameter the driver would encode the JSON text once more, as a string.
  const [stored] = await tx<PaymentRow[]>`
    insert into payment (operator_id, id, direction, player_id, asset, amount, status, reference, method_type, method,
      instrument_id, save_instrument, destination_sealed, destination_masked, destination_fingerprint, checks, return_url, metadata, client, decline,
      decision, ruleset_version, rule_id, run_id, requested_by)
    values (${operatorId}, ${row.id}, ${row.direction}, ${row.playerId}, ${row.asset}, ${row.amount}, ${row.status},
      ${row.reference}, ${row.methodType}, ${json(row.method)}::text::jsonb, ${row.instrumentId}, ${row.saveInstrument},
      ${row.destinationSealed},
      ${json(row.destinationMasked)}::text::jsonb, ${row.destinationFingerprint}, ${json(row.checks)}::text::jsonb,
      ${row.returnUrl}, ${json(row.metadata)}::text::jsonb, ${json(row.client)}::text::jsonb,
      ${json(row.decline)}::text::jsonb, ${json(row.decision)}::text::jsonb, ${row.rulesetVersion}, ${row.ruleId},
      ${row.runId}, ${row.requestedBy})
    on conflict (operator_id, reference) where status <> 'rejected' do nothing
    returning *`
  if (stored !== undefined) return { kind: 'stored', row: stored }
  const [taken] = await tx<{ id: string }[]>`
    select id from payment where operator_id = ${operatorId} and reference = ${row.reference} and status <> 'rejected'`
  return { kind: 'reference_taken', id: taken?.id ?? '' }
}

/** The payment, or undefined. */
export async function findPayment(tx: Tx, operatorId: string, id: string): Promise<PaymentRow | undefined> {
  const [row] = await tx<PaymentRow[]>`select * from payment where operator_id = ${operatorId} and id = ${id}`
  return row
}

/** The payment with its row locked until the transaction ends: everything that moves it queues here. */
export async function lockPayment(tx: Tx, operatorId: string, id: string): Promise<PaymentRow | undefined> {
  const [row] = await tx<
    PaymentRow[]
  >`select * from payment where operator_id = ${operatorId} and id = ${id} for no key update`
  return row
}

/** The payment that a run of an idempotency key made, or undefined. */
export async function findPaymentByRun(tx: Tx, operatorId: string, key: string): Promise<PaymentRow | undefined> {
  const [row] = await tx<PaymentRow[]>`
    select * from payment where operator_id = ${operatorId} and run_id = ${key}`
  return row
}

/** What may change of a payment; an absent member stays. */
export type PaymentChange = {
  readonly status?: string
  readonly decline?: unknown
  readonly nextAction?: unknown
  readonly checks?: unknown
  readonly connectionId?: string
  readonly settled?: boolean
}

/** Changes a payment and gives the row as it is then. */
export async function updatePayment(
  tx: Tx,
  operatorId: string,
  id: string,
  change: PaymentChange,
): Promise<PaymentRow> {
  const [row] = await tx<PaymentRow[]>`
    update payment set updated_at = now()
      ${change.status === undefined ? tx`` : tx`, status = ${change.status}`}
      ${change.decline === undefined ? tx`` : tx`, decline = ${json(change.decline)}::text::jsonb`}
      ${change.nextAction === undefined ? tx`` : tx`, next_action = ${json(change.nextAction)}::text::jsonb`}
      ${change.checks === undefined ? tx`` : tx`, checks = ${json(change.checks)}::text::jsonb`}
      ${change.connectionId === undefined ? tx`` : tx`, connection_id = ${change.connectionId}`}
      ${change.settled === true ? tx`, settled_at = coalesce(settled_at, now())` : tx``}
    where operator_id = ${operatorId} and id = ${id} returning *`
  if (row === undefined) throw new Error('a payment vanished while it was changed')
  return row
}

/** Adds to (or, negative, gives back from) what is refunded of a deposit; the database refuses more than was captured. */
export async function addRefunded(tx: Tx, operatorId: string, id: string, minor: bigint): Promise<void> {
  await tx`
    update payment set refunded = greatest(0, refunded + ${minor}::numeric), updated_at = now()
    where operator_id = ${operatorId} and id = ${id}`
}

/** Adds a refund that happened without our leave: past what was captured there is nothing more to refuse. */
export async function addRefundedLate(tx: Tx, operatorId: string, id: string, minor: bigint): Promise<void> {
  await tx`
    update payment set refunded = least(amount, refunded + ${minor}::numeric), updated_at = now()
    where operator_id = ${operatorId} and id = ${id}`
}

/** Adds to (or, negative, gives back from) what chargebacks have taken of a deposit, up to what is left of it; gives what was counted. */
export async function addChargedBack(tx: Tx, operatorId: string, id: string, minor: bigint): Promise<bigint> {
  const [row] = await tx<{ counted: bigint }[]>`
    with before as (select charged_back from payment where operator_id = ${operatorId} and id = ${id})
    update payment set charged_back = charged_back + least(${minor}::numeric, amount - refunded - charged_back),
      updated_at = now()
    where operator_id = ${operatorId} and id = ${id}
    returning charged_back - (select charged_back from before) as counted`
  if (row === undefined) throw new Error('a payment vanished while it was changed')
  return row.counted
}

/** Filters of a list; `before` is the id after which the page begins, newest first. */
export type PaymentFilter = {
  readonly direction: 'deposit' | 'withdrawal'
  readonly status?: string | undefined
  readonly playerId?: string | undefined
  readonly reference?: string | undefined
  readonly connectionId?: string | undefined
  readonly processor?: string | undefined
  readonly createdFrom?: Date | undefined
  readonly createdBefore?: Date | undefined
  readonly before?: string | undefined
  readonly limit: number
}

/** A page of payments, newest first. */
export async function listPayments(tx: Tx, operatorId: string, filter: PaymentFilter): Promise<PaymentRow[]> {
  return tx<PaymentRow[]>`
    select * from payment p
    where operator_id = ${operatorId} and direction = ${filter.direction}
      ${filter.status === undefined ? tx`` : tx`and status = ${filter.status}`}
      ${filter.playerId === undefined ? tx`` : tx`and player_id = ${filter.playerId}`}
      ${filter.reference === undefined ? tx`` : tx`and reference = ${filter.reference}`}
      ${filter.connectionId === undefined ? tx`` : tx`and connection_id = ${filter.connectionId}`}
      ${
        filter.processor === undefined
          ? tx``
          : tx`and exists (select from attempt a where a.operator_id = p.operator_id and a.subject_id = p.id and a.processor = ${filter.processor})`
      }
      ${filter.createdFrom === undefined ? tx`` : tx`and created_at >= ${filter.createdFrom}`}
      ${filter.createdBefore === undefined ? tx`` : tx`and created_at < ${filter.createdBefore}`}
      ${filter.before === undefined ? tx`` : tx`and id < ${filter.before}`}
    order by id desc limit ${filter.limit}`
}

/** Whether the player was ever paid at this destination or paid in from it, or another player of the operator uses it. */
export async function destinationHistory(
  tx: Tx,
  operatorId: string,
  playerId: string,
  fingerprint: string,
): Promise<{ usedBefore: boolean; shared: boolean }> {
  const [row] = await tx<{ usedBefore: boolean; shared: boolean }[]>`
    select
      coalesce(bool_or(player_id = ${playerId} and used), false) as used_before,
      coalesce(bool_or(player_id <> ${playerId}), false) as shared
    from (
      select player_id, status = 'paid' as used from payment
      where operator_id = ${operatorId} and destination_fingerprint = ${fingerprint} and status <> 'rejected'
      union all
      select player_id, used_for_deposit from instrument
      where operator_id = ${operatorId} and fingerprint = ${fingerprint} and active_at is not null and deleted_at is null
    ) seen`
  return row ?? { usedBefore: false, shared: false }
}

/** How many deposits of the player have succeeded. */
export async function depositsSoFar(tx: Tx, operatorId: string, playerId: string): Promise<number> {
  const [row] = await tx<{ n: number }[]>`
    select count(*)::int as n from payment
    where operator_id = ${operatorId} and player_id = ${playerId} and direction = 'deposit' and status = 'succeeded'`
  return row?.n ?? 0
}

/** Keeps the plan that a payment goes by. */
export async function setDecision(
  tx: Tx,
  operatorId: string,
  id: string,
  plan: { readonly rulesetVersion: number; readonly ruleId: string },
): Promise<void> {
  await tx`
    update payment set decision = ${JSON.stringify(plan)}::text::jsonb, ruleset_version = ${plan.rulesetVersion},
      rule_id = ${plan.ruleId}
    where operator_id = ${operatorId} and id = ${id}`
}
