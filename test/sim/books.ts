import { z } from 'zod'
import { connectionOf, FUNDS, type Ground } from './field.ts'
import type { Model, Operation } from './processor.ts'
import { LIES } from './processor.ts'
import type { Order } from './story.ts'

type Payment = {
  id: string
  direction: string
  status: string
  amount: bigint
  refunded: bigint
  runId: string
  reference: string
}
/** `duplicateOf`: the attempt whose capture was a second one. `byPeople`: a review's approval made it, no order of a player's. */
type Refund = {
  id: string
  depositId: string
  status: string
  amount: bigint
  duplicateOf: string | undefined
  byPeople: boolean
}
type Attempt = { id: string; subjectId: string; flow: string; status: string; connectionId: string; amount: bigint }

/** The gateway's own books at the end of a run. */
type Kept = {
  readonly payments: readonly Payment[]
  readonly refunds: readonly Refund[]
  readonly attempts: readonly Attempt[]
  readonly balances: ReadonlyMap<string, bigint>
  /** Debits less credits over everything, and over each account whose balance is not the sum of its entries. */
  readonly unbalanced: readonly string[]
  readonly notices: readonly { resourceId: string; type: string; n: number }[]
  readonly reviewed: ReadonlySet<string>
  readonly quarantined: number
}

/** What the gateway's books are held against. */
export type Against = {
  readonly seed: number
  readonly models: readonly Model[]
  readonly orders: readonly Order[]
  readonly counted: { payments: number; moved: number; lies: number }
  /** What the player began with. */
  readonly funds?: bigint
}

export type Books = { hold(against: Against): string[] }

const text = (value: unknown): string => String(value ?? '')
const whole = (value: unknown): bigint => BigInt(text(value) || '0')

/** What is read of an operator; as text, for JSON has no whole numbers of that size. */
const READ = {
  payments: `select id, direction, status, amount::text, refunded::text, run_id, reference from payment where operator_id = $1`,
  refunds: `select id, deposit_id, status, amount::text, duplicate_of, run_id from refund where operator_id = $1`,
  attempts: `select id, subject_id, flow, status, connection_id, amount::text from attempt where operator_id = $1 order by n`,
  balances: `select code, posted::text from ledger.account_balance where operator_id = $1`,
  unbalanced: `
    select a.code from ledger.account_balance a left join (
      select leg.account_id, sum(leg.debits) as debits from ledger.transfer
      cross join lateral (values (debit_account, amount), (credit_account, -amount)) leg (account_id, debits)
      where operator_id = $1 group by 1) x on x.account_id = a.id
    where a.operator_id = $1 and (coalesce(case when a.debit_normal then x.debits else -x.debits end, 0) <> a.posted
      or (a.overdraft = 0 and a.available < 0) or a.debit_held <> 0 or a.credit_held <> 0)
    union all
    select 'the whole' from ledger.balance where operator_id = $1 having coalesce(sum(debited - credited), 0) <> 0`,
  notices: `select resource_id, type, count(*)::int as n from event where operator_id = $1 group by 1, 2`,
  reviews: `select subject_id from review where operator_id = $1`,
  inbound: `select count(*)::int as n from inbound_webhook where operator_id = $1 and status = 'quarantined'`,
} as const
const READ_ALL = `select ${Object.entries(READ)
  .map(([name, rows]) => `(select coalesce(jsonb_agg(r), '[]') from (${rows}) r)::text as ${name}`)
  .join(', ')}`
const Rows = z.array(z.record(z.string(), z.unknown()))

/** Reads the books in one statement, as they stand at one moment. */
export async function readBooks({ ask }: Ground, operatorId: string): Promise<Books> {
  const [row] = await ask(READ_ALL, [operatorId])
  const rowsOf = (name: keyof typeof READ) => Rows.parse(JSON.parse(text(row?.[name])))
  const [payments, refunds, attempts, balances] = [
    rowsOf('payments'),
    rowsOf('refunds'),
    rowsOf('attempts'),
    rowsOf('balances'),
  ]
  const [unbalanced, notices, reviews, inbound] = [
    rowsOf('unbalanced'),
    rowsOf('notices'),
    rowsOf('reviews'),
    rowsOf('inbound'),
  ]
  const kept: Kept = {
    payments: payments.map((row) => ({
      id: text(row.id),
      direction: text(row.direction),
      status: text(row.status),
      amount: whole(row.amount),
      refunded: whole(row.refunded),
      runId: text(row.run_id),
      reference: text(row.reference),
    })),
    refunds: refunds.map((row) => ({
      id: text(row.id),
      depositId: text(row.deposit_id),
      status: text(row.status),
      amount: whole(row.amount),
      duplicateOf: row.duplicate_of === null ? undefined : text(row.duplicate_of),
      byPeople: row.duplicate_of !== null || text(row.run_id).startsWith('review:'),
    })),
    attempts: attempts.map((row) => ({
      id: text(row.id),
      subjectId: text(row.subject_id),
      flow: text(row.flow),
      status: text(row.status),
      connectionId: text(row.connection_id),
      amount: whole(row.amount),
    })),
    balances: new Map(balances.map((row) => [text(row.code), whole(row.posted)])),
    unbalanced: unbalanced.map((row) => text(row.code)),
    notices: notices.map((row) => ({ resourceId: text(row.resource_id), type: text(row.type), n: Number(row.n) })),
    reviewed: new Set(reviews.map((row) => text(row.subject_id))),
    quarantined: Number(inbound[0]?.n ?? 0),
  }
  return { hold: (against) => hold(kept, against) }
}

/** Holds the gateway's ledger, the processors' truth and the players' wishes against each other. The numbers are those of the invariants. */
function hold(kept: Kept, against: Against): string[] {
  const truth = truthOf(kept, against)
  against.counted.payments += kept.payments.length + kept.refunds.length
  against.counted.moved += truth.filter(({ net }) => net !== 0n).length
  against.counted.lies += truth.filter(({ operation }) => LIES.has(operation.behaviour)).length
  return [
    ...kept.unbalanced.map((code) => `I1 ${code} does not balance`),
    ...ofConnections(kept, against, truth),
    ...ofPayments(kept, truth),
    ...ofPlayer(kept, truth, against.funds ?? FUNDS),
    ...ofOrders(kept, against),
    ...ofNotices(kept),
  ]
}

type True = {
  readonly operation: Operation
  readonly attempt: Attempt | undefined
  readonly net: bigint
  readonly model: string
  readonly noticed: boolean
}

const SIGN = { charge: 1n, payout: -1n, refund: -1n } as const
const minorOf = (amount: string): bigint => BigInt(amount.replace('.', ''))

function truthOf({ attempts, reviewed }: Kept, { models }: Against): True[] {
  const byId = new Map(attempts.map((attempt) => [attempt.id, attempt]))
  return models.flatMap(({ id, operations }) =>
    operations.map((operation) => {
      const attempt = byId.get(operation.ourRef)
      const net = operation.status === 'approved' ? SIGN[operation.kind] * minorOf(operation.amount) : 0n
      return { operation, attempt, net, model: id, noticed: attempt !== undefined && reviewed.has(attempt.subjectId) }
    }),
  )
}

/** The second of two operations made of one request is the processor's mistake: the gateway can't undo it, only see it. */
const known = (truth: readonly True[]): True[] => truth.filter(({ operation }) => !operation.twin)

function ofConnections(kept: Kept, { seed }: Against, truth: readonly True[]): string[] {
  const found: string[] = []
  for (const model of ['sandbox_a', 'sandbox_b', 'sandbox_c']) {
    const connection = connectionOf(seed, model)
    const ours = kept.balances.get(`connection:${connection}:receivable`) ?? 0n
    const theirs = known(truth)
      .filter((one) => one.model === model)
      .reduce((sum, { net }) => sum + net, 0n)
    if (ours !== theirs) found.push(`I12 ${model} settles ${theirs}, the ledger says ${ours}`)
    const payable = kept.balances.get(`connection:${connection}:payable`) ?? 0n
    if (payable !== 0n) found.push(`I6 ${payable} still payable at ${model}`)
  }
  for (const { operation, attempt } of truth) {
    if (!attempt) found.push(`I5 ${operation.id} was made of an attempt that is not stored`)
    else if (attempt.amount !== minorOf(operation.amount))
      found.push(`I3 ${operation.id} moved ${operation.amount}, asked was ${attempt.amount}`)
  }
  for (const { operation, noticed, attempt } of truth) {
    if (operation.twin && operation.status === 'approved' && !noticed && attempt?.status !== 'unknown') {
      found.push(`I3 nobody was told that ${operation.id} was made twice`)
    }
  }
  return found
}

const ENDED = {
  deposit: { moved: ['succeeded'], not: ['declined', 'failed', 'cancelled', 'expired'] },
  withdrawal: { moved: ['paid'], not: ['failed', 'rejected', 'cancelled'] },
  refund: { moved: ['succeeded'], not: ['declined', 'failed'] },
} as const

function ofPayments(kept: Kept, truth: readonly True[]): string[] {
  const found: string[] = []
  const subjects = [
    ...kept.payments.map(
      ({ id, direction, status }) =>
        ({ id, status, flow: direction === 'deposit' ? 'deposit' : 'withdrawal' }) as const,
    ),
    ...kept.refunds.map(({ id, status }) => ({ id, status, flow: 'refund' }) as const),
  ]
  for (const { id, status, flow } of subjects) {
    const of = known(truth).filter(({ attempt }) => attempt?.subjectId === id)
    const moved = of.filter(({ net }) => net !== 0n)
    const reversed = of.filter(({ operation }) => operation.status === 'reversed')
    const lied = of.some(({ operation }) => LIES.has(operation.behaviour))
    if (moved.length > 1 && !lied) found.push(`I4 ${id} was moved ${moved.length} times`)
    const right: readonly string[] = moved.length > 0 ? ENDED[flow].moved : ENDED[flow].not
    // A reversal may have been seen at once (nothing happened) or after the success.
    const fits =
      right.includes(status) ||
      (reversed.length > 0 && (status === 'returned' || [...ENDED[flow].moved].some((one) => one === status)))
    if (!fits)
      found.push(
        `${isFinal(flow, status) ? 'I3' : 'I10'} ${id} is ${status}; at the processors it was moved ${moved.length} times`,
      )
  }
  // What a player asked back and what was captured twice have no part in each other: each goes back once at most.
  const ways = [
    ...kept.payments.map(({ id, amount }) => ({
      ...{ id, amount },
      sent: kept.refunds.filter((one) => one.depositId === id && one.duplicateOf === undefined),
    })),
    ...kept.attempts.map(({ id, amount }) => ({
      ...{ id, amount },
      sent: kept.refunds.filter((one) => one.duplicateOf === id),
    })),
  ]
  for (const { id, amount, sent } of ways) {
    const back = known(truth).filter(
      ({ attempt, net }) => net !== 0n && sent.some((one) => one.id === attempt?.subjectId),
    )
    const sum = back.reduce((total, { net }) => total - net, 0n)
    if (sum > amount && !back.some(({ operation }) => LIES.has(operation.behaviour)))
      found.push(`I4 ${id} of ${amount} was refunded ${sum}`)
  }
  return found
}

const isFinal = (flow: keyof typeof ENDED, status: string): boolean =>
  [...ENDED[flow].moved, ...ENDED[flow].not, 'returned'].some((one) => one === status)

/** What the player has, by what really happened: the funds, each deposit once however often it was captured, less all that went out. */
function ofPlayer(kept: Kept, truth: readonly True[], funds: bigint): string[] {
  let cash = funds
  let suspense = 0n
  for (const { id, direction, amount } of kept.payments) {
    const times = BigInt(known(truth).filter(({ attempt, net }) => attempt?.subjectId === id && net !== 0n).length)
    if (direction === 'withdrawal') cash -= amount * times
    else if (times > 0n) {
      cash += amount
      suspense += amount * (times - 1n)
    }
  }
  for (const { id, amount, duplicateOf } of kept.refunds) {
    const times = BigInt(known(truth).filter(({ attempt, net }) => attempt?.subjectId === id && net !== 0n).length)
    if (duplicateOf === undefined) cash -= amount * times
    else suspense -= amount * times
  }
  const at = (code: string) => kept.balances.get(code) ?? 0n
  const ours = at('player:p1:cash') - at('player:p1:receivable')
  // Captured twice, and the credited one was taken back: what waits in suspense is the player's, which people must say.
  const waiting = kept.payments
    .filter(({ id }) =>
      ['approved', 'reversed'].every((state) =>
        known(truth).some(({ attempt, operation }) => attempt?.subjectId === id && operation.status === state),
      ),
    )
    .reduce((sum, { amount }) => sum + amount, 0n)
  const more = at('suspense') - suspense
  return [
    ...(ours + more === cash ? [] : [`I3 the player should have ${cash} and has ${ours}`]),
    ...(at('player:p1:held') === 0n ? [] : [`I6 ${at('player:p1:held')} is still on hold`]),
    ...(more >= 0n && more <= waiting ? [] : [`I3 suspense should be ${suspense} and is ${at('suspense')}`]),
  ]
}

function ofOrders(kept: Kept, { orders, seed }: Against): string[] {
  const found: string[] = []
  for (const { key, answers, id, verb } of orders) {
    if (new Set(answers).size > 1)
      found.push(
        `I7 ${key} had ${new Set(answers).size} different answers: ${[...new Set(answers)].map((one) => one.slice(0, 160)).join(' | ')}`,
      )
    const stored =
      verb === 'refund' ? kept.refunds.some((one) => one.id === id) : kept.payments.some((one) => one.id === id)
    if (id !== undefined && !stored) found.push(`I5 ${id} was acknowledged and is not stored`)
    const made = kept.payments.filter(({ reference }) => reference.startsWith(`ref-${key}`))
    if (made.length > 1) found.push(`I4 seed ${seed}: ${key} made ${made.length} payments`)
  }
  const refunds = orders.filter(({ verb }) => verb === 'refund').length
  const made = kept.refunds.filter(({ byPeople }) => !byPeople).length
  if (made > refunds) found.push(`I4 ${refunds} refunds were asked for and ${made} were made`)
  return found
}

const NOTICE: Readonly<Record<string, readonly string[]>> = {
  'dep_ succeeded': ['deposit.succeeded', 'deposit.late_success'],
  'dep_ declined': ['deposit.declined'],
  'dep_ failed': ['deposit.failed'],
  'wdr_ paid': ['withdrawal.paid', 'withdrawal.late_success'],
  'wdr_ failed': ['withdrawal.failed'],
  'wdr_ returned': ['withdrawal.returned'],
  'rfd_ succeeded': ['refund.succeeded', 'refund.late_success'],
  'rfd_ declined': ['refund.declined'],
  'rfd_ failed': ['refund.failed'],
}
const ONCE = new Set([
  'deposit.succeeded',
  'withdrawal.paid',
  'refund.succeeded',
  'deposit.declined',
  'deposit.failed',
  'withdrawal.failed',
])

function ofNotices({ payments, refunds, notices }: Kept): string[] {
  const found = notices.flatMap(({ resourceId, type, n }) =>
    n > 1 && ONCE.has(type) ? [`I8 ${resourceId} had ${n} notices ${type}`] : [],
  )
  for (const { id, status } of [...payments, ...refunds]) {
    const wanted = NOTICE[`${id.slice(0, 4)} ${status}`]
    if (wanted && !notices.some(({ resourceId, type }) => resourceId === id && wanted.includes(type)))
      found.push(`I8 ${id} is ${status} and nobody was told`)
  }
  return found
}
