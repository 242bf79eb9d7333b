import type { Facts, MethodFacts, MethodType } from '../../src/adapters/contract.ts'
import type { ConnectionLimits } from '../../src/core/connection.ts'
import type { Candidate, RouteFacts } from '../../src/router/plan.ts'

/** Everything that a processor can do with a method. */
export const ANYTHING: MethodFacts = {
  deposit: true,
  withdraw: true,
  refund: true,
  currencies: 'all',
  countries: 'all',
}

/** The facts of a made-up processor; by default it takes every method everywhere. */
export function processorFacts(
  id: string,
  methods: Partial<Record<MethodType, MethodFacts>> = {
    card: ANYTHING,
    wallet: ANYTHING,
    bank: ANYTHING,
    crypto: ANYTHING,
  },
): Facts {
  return {
    id,
    title: id,
    source: 'made up for tests',
    methods,
    idempotency: { by: 'header', header: 'Idempotency-Key', windowHours: 24 },
    unknownResolvedBy: 'find',
    notFoundIsFinalAfterMs: null,
    vouchedRejections: {},
    timeoutMs: 10_000,
  }
}

/** An account named after its label. */
export function candidate(
  label: string,
  {
    enabled = true,
    limits = {},
    methods,
  }: { enabled?: boolean; limits?: ConnectionLimits; methods?: Partial<Record<MethodType, MethodFacts>> } = {},
): Candidate {
  return {
    connection: { id: `con_${label}`, processor: `p_${label}`, label, enabled, limits },
    facts: processorFacts(`p_${label}`, methods),
  }
}

/** A card deposit of 100.00 EUR from Finland, with what the test changes. */
export const deposit = (changes: Partial<RouteFacts> = {}): RouteFacts => ({
  direction: 'deposit',
  method: 'card',
  amount: { asset: 'EUR', minor: 10_000n },
  playerId: 'p1',
  playerCountry: 'FI',
  atMs: Date.UTC(2026, 10, 23, 12, 0),
  ...changes,
})
