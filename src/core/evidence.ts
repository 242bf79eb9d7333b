import type { DECLINES, Decline } from './decline.ts'
import type { Outcome } from './outcome.ts'

/** What an attempt learns from any word of its processor: the processor's own reference and the time of the fact. */
export function learnedFrom(
  outcome: Outcome,
  atMs: number | undefined,
): { processorReference?: string; factAtMs?: number } {
  const reference = 'reference' in outcome ? outcome.reference : undefined
  return {
    ...(reference !== undefined && { processorReference: reference }),
    ...(atMs !== undefined && { factAtMs: atMs }),
  }
}

/** True when this says more than is known of it already: a fact that is told again needs no writing. */
export const isNews = (
  known: { readonly processorReference: string | null; readonly factAtMs: bigint | null },
  learned: ReturnType<typeof learnedFrom>,
): boolean =>
  (known.processorReference === null && learned.processorReference !== undefined) ||
  (learned.factAtMs !== undefined && learned.factAtMs > (known.factAtMs ?? Number.NEGATIVE_INFINITY))

/** A try that never left is shown with its reason as a code of the same table as declines. */
const NOT_SENT_CODE = {
  connect_failed: 'connect_failed',
  tls_or_dns_failed: 'tls_or_dns_failed',
  circuit_open: 'circuit_open',
  overloaded: 'rate_limited',
  vouched_rejection: 'invalid_request',
} as const satisfies Record<Extract<Outcome, { kind: 'not_sent' }>['reason'], keyof typeof DECLINES>

/** The decline that an outcome shows, if any: a try that never left has its reason as one. */
export function declineOf(outcome: Outcome): Decline | undefined {
  if (outcome.kind === 'declined') return outcome.decline
  if (outcome.kind === 'not_sent') return { code: outcome.code ?? NOT_SENT_CODE[outcome.reason] }
  return undefined
}

/** How far the call got that ended so. What is unknown for another reason counts as written: the safe side. */
export const phaseOf = (outcome: Outcome): string =>
  outcome.kind === 'not_sent' ? 'not_connected' : outcome.kind === 'unknown' ? (outcome.phase ?? 'written') : 'body'

/** Why an attempt is where it is, as one word. */
export const reasonOf = (outcome: Outcome, why: string | undefined): string | undefined =>
  why ?? (outcome.kind === 'not_sent' || outcome.kind === 'unknown' ? outcome.reason : undefined)
