import type { Operation } from './operation.ts'

const COLUMNS = ['type', 'our_ref', 'their_ref', 'amount', 'currency', 'network', 'state', 'at'] as const

/** The settlement file: a line for every operation that moved money, and another one for its way back. References and sums hold no comma or quote by their schemas. */
export function settlementFile(operations: readonly Operation[]): string {
  const lines = operations.flatMap((operation) => {
    const approved = line(operation, 'approved', operation.created_at)
    return operation.status === 'reversed' ? [approved, line(operation, 'reversed', operation.updated_at)] : [approved]
  })
  return [COLUMNS.join(','), ...lines, ''].join('\n')
}

function line({ kind, our_ref, id, amount, currency, network = '' }: Operation, state: string, atMs: number): string {
  return [kind, our_ref, id, amount, currency, network, state, new Date(atMs).toISOString()].join(',')
}
