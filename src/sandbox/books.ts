import type { Entry, Journal, Notice, SavedAnswer } from './journal.ts'
import { type Operation, type OperationKind, truthOf } from './operation.ts'

/** Answers are kept this long under their key. */
const KEY_WINDOW_MS = 24 * 3_600_000
/** A test processor that has done this much is to be started anew; it keeps all of it in memory. */
const MAX_OPERATIONS = 2_000_000

/** The processor's state in memory, rebuilt from its journal. */
export type Books = {
  get(id: string): Operation | undefined
  byOurRef(kind: OperationKind, ourRef: string): readonly Operation[]
  refundsOf(charge: string): readonly Operation[]
  saved(key: string, nowMs: number): SavedAnswer | undefined
  open(): readonly Operation[]
  undelivered(): readonly Notice[]
  /** Everything that moved money, in the order it was begun. */
  moved(): readonly Operation[]
  isFull(): boolean
  /** Takes a change: in memory now, on disk at the next `durable`. The truth line follows from the operation's state. */
  put(change: Omit<Entry, 'truth'>): void
}

/** Opens the books over a journal. */
export function openBooks(journal: Journal): Books {
  const operations = new Map<string, Operation>()
  const ids = new Map<string, string[]>()
  const refunds = new Map<string, string[]>()
  const answers = new Map<string, SavedAnswer>()
  const notices = new Map<string, Notice>()

  function take({ operation, saved, notice, closed }: Entry) {
    if (operation) {
      if (!operations.has(operation.id)) {
        push(ids, `${operation.kind}/${operation.our_ref}`, operation.id)
        if (operation.charge !== undefined) push(refunds, operation.charge, operation.id)
      }
      operations.set(operation.id, operation)
    }
    if (saved) answers.set(saved.key, saved)
    if (notice) notices.set(notice.id, notice)
    if (closed !== undefined) notices.delete(closed)
  }

  const all = (list: readonly string[] = []) => list.flatMap((id) => operations.get(id) ?? [])

  for (const entry of journal.entries) take(entry)
  return {
    get: (id) => operations.get(id),
    byOurRef: (kind, ourRef) => all(ids.get(`${kind}/${ourRef}`)),
    refundsOf: (charge) => all(refunds.get(charge)),
    saved(key, nowMs) {
      const answer = answers.get(key)
      if (answer && nowMs - answer.at > KEY_WINDOW_MS) answers.delete(key)
      return answers.get(key)
    },
    open: () => [...operations.values()].filter((operation) => operation.due_at !== undefined),
    undelivered: () => [...notices.values()],
    moved: () => [...operations.values()].filter(({ status }) => status === 'approved' || status === 'reversed'),
    isFull: () => operations.size >= MAX_OPERATIONS,
    put(change) {
      const before = change.operation && operations.get(change.operation.id)
      const truth = change.operation && change.operation.status !== before?.status && truthOf(change.operation)
      take(change)
      journal.write({ ...change, ...(truth && { truth }) })
    },
  }
}

function push(map: Map<string, string[]>, key: string, value: string) {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}
