import type { Adapter, Flow, MethodType, Operation, Resolution } from './contract.ts'

/** What one processor can do by one method, as the matrix shows it. */
export type MethodRow = {
  readonly method: MethodType
  readonly deposit: boolean
  readonly withdraw: boolean
  readonly refund: boolean
  readonly currencies: readonly string[] | 'all'
  readonly countries: readonly string[] | 'all'
  readonly brands: readonly string[]
}

/** One processor in the capability matrix: everything that its adapter declares, in the API's spelling. */
export type ProcessorRow = {
  readonly id: string
  readonly title: string
  readonly source: string
  readonly operations: readonly Operation[]
  readonly methods: readonly MethodRow[]
  readonly idempotency: { readonly by: 'header' | 'reference' | 'none'; readonly window_hours: number }
  /** How an unknown outcome of each flow is resolved. */
  readonly unknown_resolved_by: Readonly<Record<Flow, Resolution>>
  /** From this age on, in seconds, "not found" proves that nothing happened; null: it never does. */
  readonly not_found_is_final_after_seconds: number | null
  readonly timeout_ms: number
}

const METHODS = ['card', 'wallet', 'bank', 'crypto'] as const satisfies readonly MethodType[]

/** The capability matrix: one row a processor, made of what the adapters say of themselves. */
export function capabilityMatrix(adapters: readonly Pick<Adapter, 'facts' | 'operations'>[]): ProcessorRow[] {
  return adapters.map(({ facts, operations }) => {
    const { unknownResolvedBy: by, unknownResolvedByFlow, notFoundIsFinalAfterMs: finalMs } = facts
    return {
      id: facts.id,
      title: facts.title,
      source: facts.source,
      operations,
      methods: METHODS.flatMap((method) => {
        const known = facts.methods[method]
        return known ? [{ method, brands: [], ...known }] : []
      }),
      idempotency: { by: facts.idempotency.by, window_hours: facts.idempotency.windowHours },
      unknown_resolved_by: { deposit: by, withdrawal: by, refund: by, ...unknownResolvedByFlow },
      not_found_is_final_after_seconds: finalMs === null ? null : finalMs / 1_000,
      timeout_ms: facts.timeoutMs,
    }
  })
}

/** The matrix as a page of the documentation. */
export function matrixPage(rows: readonly ProcessorRow[]): string {
  const yes = (value: boolean) => (value ? 'yes' : '–')
  const list = (values: readonly string[] | 'all') => (values === 'all' ? 'all' : values.join(' '))
  const methods = rows.flatMap(({ title, methods: all }) =>
    all.map(({ method, deposit, withdraw, refund, currencies, countries }) => [
      ...[title, method, yes(deposit), yes(withdraw), yes(refund), list(currencies), list(countries)],
    ]),
  )
  const safety = rows.map(({ title, idempotency: { by, window_hours: hours }, ...row }) => {
    const { deposit, withdrawal, refund } = row.unknown_resolved_by
    const final = row.not_found_is_final_after_seconds
    const key = by === 'none' ? 'none: every write looks first' : `${by}, ${hours} h`
    return [
      title,
      key,
      deposit,
      withdrawal,
      refund,
      final === null ? 'never' : `after ${final} s`,
      `${row.timeout_ms} ms`,
    ]
  })
  const sources = rows.map(({ title, id, operations, source }) => [title, `\`${id}\``, operations.join(', '), source])
  return [
    '# Processors',
    'This page is made from the adapters by `npm run docs:processors`; a test fails when it is stale.',
    '## What each can do',
    table(['Processor', 'Method', 'Deposit', 'Withdraw', 'Refund', 'Currencies', 'Countries'], methods),
    '## How each is kept safe',
    'When an answer is lost, money may have moved. This is how the gateway learns what happened; it never guesses.',
    table(
      [
        'Processor',
        'Idempotency',
        'Lost deposit',
        'Lost withdrawal',
        'Lost refund',
        '"Not found" is proof',
        'Deadline',
      ],
      safety,
    ),
    '`find`: by a look-up under our own reference. `replay`: by the same request under the same key. `review`: by people.',
    '## Where each was written from',
    table(['Processor', 'Id', 'Verbs', 'Source'], sources),
  ].join('\n\n')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}
