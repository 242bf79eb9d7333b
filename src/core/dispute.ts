/**
 * A dispute by the news of it. Each pair of stage and status comes once in a dispute's life, and their order is known;
 * so where it stands and where its money is follow from the set of what was told, in whatever order it came.
 */
export const STAGES = ['inquiry', 'chargeback', 'pre_arbitration', 'arbitration'] as const
/** The statuses of one stage, in the order of its life: a stage that was won can still be lost (a second chargeback). */
export const STATUSES = [
  'opened',
  'evidence_due',
  'evidence_submitted',
  'expired',
  'accepted',
  'withdrawn',
  'won',
  'lost',
] as const

/** One word of a processor on a dispute. */
export type DisputeWord = { readonly stage: (typeof STAGES)[number]; readonly status: (typeof STATUSES)[number] }

const rank = ({ stage, status }: DisputeWord): number =>
  STAGES.indexOf(stage) * STATUSES.length + STATUSES.indexOf(status)

const newest = <Word extends DisputeWord>(words: readonly Word[]): Word | undefined =>
  words.toSorted((a, b) => rank(b) - rank(a))[0]

/** Whether a word says where the money is. An inquiry moves none, nor does what leads up to a decision. */
const decides = ({ stage, status }: DisputeWord): boolean =>
  stage !== 'inquiry' && (status === 'won' || status === 'lost' || (stage === 'chargeback' && status === 'opened'))

/** The word that counts. Throws for no words: a dispute begins with one. */
export function standing<Word extends DisputeWord>(words: readonly Word[]): Word {
  const found = newest(words)
  if (found === undefined) throw new Error('a dispute without a word')
  return found
}

/** The word that says where the money is; undefined while none has moved. */
export const decidingWord = <Word extends DisputeWord>(words: readonly Word[]): Word | undefined =>
  newest(words.filter(decides))
