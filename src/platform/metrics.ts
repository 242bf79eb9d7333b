/**
 * Metrics in this process: counters, gauges and histograms, read as Prometheus text. No package and no timer, so it runs
 * on Node and on Workers alike.
 */

/** Labels of one series: bounded sets of words, never ids. */
export type Labels = Readonly<Record<string, string>>

/** The registry. Names are declared in `METRICS`, with their help and buckets; measuring never throws, because a payment must not fail for a number. */
export type MetricsRegistry = {
  count(name: string, labels?: Labels, by?: number): void
  gauge(name: string, value: number, labels?: Labels): void
  observe(name: string, value: number, labels?: Labels): void
  /** Everything measured so far, in the text format 0.0.4. */
  render(): string
}

type Kind = 'counter' | 'gauge' | 'histogram'
type Declared = readonly [kind: Kind, help: string, buckets?: readonly number[]]

/** OpenTelemetry's advice for HTTP durations, in seconds. Source: semantic conventions for HTTP metrics, 1.37, read 2026-11-22. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
/** A routing decision is arithmetic: 10 µs to 10 ms. */
const SHORT_SECONDS = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01]
/** A hold is looked at by people: a minute to a week. */
const LONG_SECONDS = [60, 300, 900, 3600, 14_400, 43_200, 86_400, 259_200, 604_800]
const DEPTHS = [1, 2, 3, 4, 5]

/** Every metric that there is. */
export const METRICS: Readonly<Record<string, Declared>> = {
  http_server_request_duration_seconds: ['histogram', 'Duration of requests to the API.', SECONDS],
  http_server_active_requests: ['gauge', 'Requests being worked on.'],
  http_client_request_duration_seconds: ['histogram', 'Duration of requests to processors.', SECONDS],
  paycage_payments_total: ['counter', 'Payments by how they ended.'],
  paycage_attempts_total: ['counter', 'Attempts at processors by outcome.'],
  paycage_attempt_duration_seconds: ['histogram', 'Duration of attempts at processors.', SECONDS],
  paycage_cascade_depth: ['histogram', 'Attempts that a payment took.', DEPTHS],
  paycage_routing_decisions_total: ['counter', 'Routing decisions by rule.'],
  paycage_routing_decision_duration_seconds: ['histogram', 'Time to decide a route.', SHORT_SECONDS],
  paycage_breaker_state: ['gauge', 'Breakers in each state, by processor.'],
  paycage_success_rate: ['gauge', 'Share of attempts that succeeded in the last hour, by processor and direction.'],
  paycage_breaker_transitions_total: ['counter', 'Changes of state of breakers.'],
  paycage_withdrawal_checks_total: ['counter', 'Withdrawal checks by result.'],
  paycage_withdrawals_held: ['gauge', 'Withdrawals waiting, by reason.'],
  paycage_withdrawal_hold_age_seconds: ['histogram', 'How long withdrawals were held.', LONG_SECONDS],
  paycage_webhooks_received_total: ['counter', 'Webhooks of processors by result.'],
  paycage_webhook_deliveries_total: ['counter', 'Deliveries of notices to operators by result.'],
  paycage_outbox_pending: ['gauge', 'Notices not yet delivered.'],
  paycage_outbox_oldest_age_seconds: ['gauge', 'Age of the oldest notice not yet delivered.'],
  paycage_job_runs_total: ['counter', 'Jobs by kind and result.'],
  paycage_job_loop_failures_total: ['counter', 'Failures of the job loop itself.'],
  paycage_job_duration_seconds: ['histogram', 'Duration of jobs.', SECONDS],
  paycage_unknown_outcomes_oldest_age_seconds: ['gauge', 'Age of the oldest of them, by flow.'],
  paycage_jobs_pending: ['gauge', 'Jobs that are due.'],
  paycage_jobs_oldest_age_seconds: ['gauge', 'How long the oldest due job has waited.'],
  paycage_idempotency_total: ['counter', 'Idempotency keys by what was found.'],
  paycage_ledger_imbalance: [
    'gauge',
    'Differences that the last verification of all books found; anything but 0 is an alarm.',
  ],
  paycage_reconciliation_breaks: ['gauge', 'Open differences to what processors say, by type.'],
  paycage_facts_quarantined_total: ['counter', 'Facts told by processors that need a person.'],
  paycage_look_ups_total: ['counter', 'Look-ups of unknown outcomes by what they found.'],
  paycage_authorizations_ended_total: ['counter', 'Captures and cancellations ordered, by what was answered.'],
  paycage_unknown_outcomes: ['gauge', 'Attempts of which nobody knows yet whether money moved.'],
  paycage_secret_age_seconds: ['gauge', 'Age of secrets.'],
  paycage_metrics_dropped_total: ['counter', 'Measurements dropped because a metric had too many series.'],
}

/** Series of one metric. A label that turns out to be unbounded must not eat the memory. */
const MOST_SERIES = 2000

type Series = { readonly labels: string; value: number; readonly buckets: number[]; sum: number }

/** A registry, empty. `declared` adds metrics of one's own. */
export function metricsRegistry(declared: Readonly<Record<string, Declared>> = METRICS): MetricsRegistry {
  const all = new Map<string, Map<string, Series>>()
  const kinds = new Map<string, Kind>()
  const seriesOf = (name: string, kind: Kind, labels: Labels): Series | undefined => {
    const [declaredKind = kind, , bounds = SECONDS] = declared[name] ?? []
    if (declaredKind !== kind) return undefined
    kinds.set(name, kind)
    const series = all.get(name) ?? new Map<string, Series>()
    all.set(name, series)
    const text = labelText(labels)
    const found = series.get(text)
    if (found !== undefined) return found
    if (series.size >= MOST_SERIES) {
      if (name !== 'paycage_metrics_dropped_total') registry.count('paycage_metrics_dropped_total', { metric: name })
      return undefined
    }
    const fresh: Series = { labels: text, value: 0, buckets: bounds.map(() => 0), sum: 0 }
    series.set(text, fresh)
    return fresh
  }
  const registry: MetricsRegistry = {
    count(name, labels = {}, by = 1) {
      const series = seriesOf(name, 'counter', labels)
      if (series) series.value += by
    },
    gauge(name, value, labels = {}) {
      const series = seriesOf(name, 'gauge', labels)
      if (series) series.value = value
    },
    observe(name, value, labels = {}) {
      const series = seriesOf(name, 'histogram', labels)
      if (series === undefined) return
      const at = (declared[name]?.[2] ?? SECONDS).findIndex((bound) => value <= bound)
      if (at >= 0) series.buckets[at] = (series.buckets[at] ?? 0) + 1
      series.value += 1
      series.sum += value
    },
    render: () =>
      [...all]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([name, series]) =>
          block(name, declared[name] ?? [kinds.get(name) ?? 'gauge', ''], [...series.values()]),
        )
        .map((line) => `${line}\n`)
        .join(''),
  }
  return registry
}

function block(name: string, [kind, help, bounds = SECONDS]: Declared, series: readonly Series[]): string[] {
  const lines = series.flatMap(({ labels, value, buckets, sum }) => {
    if (kind !== 'histogram') return [`${name}${braced(labels)} ${value}`]
    let below = 0
    const counts = bounds.map((bound, index) => {
      below += buckets[index] ?? 0
      return `${name}_bucket${braced(labels, `le="${bound}"`)} ${below}`
    })
    return [
      ...counts,
      `${name}_bucket${braced(labels, 'le="+Inf"')} ${value}`,
      `${name}_sum${braced(labels)} ${sum}`,
      `${name}_count${braced(labels)} ${value}`,
    ]
  })
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...lines]
}

const braced = (...labels: readonly string[]): string => {
  const said = labels.filter((text) => text !== '')
  return said.length === 0 ? '' : `{${said.join(',')}}`
}

const labelText = (labels: Labels): string =>
  Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',')

const escaped = (value: string): string =>
  value.replace(/[\\"\n]/g, (letter) => (letter === '\n' ? '\\n' : `\\${letter}`))
