import type { DeclineCode } from '../core/decline.ts'
import { Fault } from '../core/errors.ts'
import { audit } from '../db/audit.ts'
import {
  type DeclineOverrideRow,
  dropDeclineOverride,
  listDeclineOverrides,
  setDeclineOverride,
} from '../db/declines.ts'
import { mayOverride } from '../router/cascade.ts'
import type { Deps } from './deps.ts'
import type { Actor } from './edit-rules.ts'

/** Which decline the word is on; `processor` is `*` for all. */
export type OverrideAt = { readonly code: DeclineCode; readonly processor: string }

type Override = Pick<Deps, 'db' | 'clock'>
type Word = Pick<DeclineOverrideRow, 'next' | 'reason'>

/** Sets the operator's own word on a decline; cascades go by it from the next decline on. Throws `forbidden` for rows that protect somebody else. */
export async function overrideDecline(deps: Override, actor: Actor, at: OverrideAt, word: Word): Promise<void> {
  if (!mayOverride(at.code))
    throw new Fault('forbidden', "A scheme's ban, a legal duty and unknown codes are not the operator's to loosen.")
  await change(deps, actor, at, word)
}

/** Takes the operator's word on a decline back. Throws `not_found` when there is none. */
export const dropOverride = (deps: Override, actor: Actor, at: OverrideAt): Promise<void> =>
  change(deps, actor, at, undefined)

async function change(
  { db, clock }: Override,
  { operatorId, by }: Actor,
  at: OverrideAt,
  word: Word | undefined,
): Promise<void> {
  const { code, processor } = at
  await db.tx(operatorId, async (tx) => {
    const rows = await listDeclineOverrides(tx, operatorId)
    const before = rows.find((row) => row.code === code && row.processor === processor)
    if (word) await setDeclineOverride(tx, operatorId, { ...at, ...word, setBy: by })
    else if (!(await dropDeclineOverride(tx, operatorId, at))) {
      throw new Fault('not_found', 'There is no such override.')
    }
    await audit(tx, operatorId, {
      actor: by,
      action: word ? 'decline_override.set' : 'decline_override.dropped',
      subject: `decline:${code}`,
      before: before ? { processor, next: before.next } : null,
      after: word ? { processor, next: word.next } : null,
      reason: word?.reason ?? null,
      at: new Date(clock.nowMs()),
    })
  })
}
