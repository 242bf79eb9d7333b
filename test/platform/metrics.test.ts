import { expect, it } from 'vitest'
import { metricsRegistry } from '../../src/platform/metrics.ts'

it('renders counters, gauges and histograms as Prometheus text', () => {
  const metrics = metricsRegistry({
    a_total: ['counter', 'A.'],
    b: ['gauge', 'B.'],
    c_seconds: ['histogram', 'C.', [0.1, 1]],
  })
  metrics.count('a_total', { kind: 'x' })
  metrics.count('a_total', { kind: 'x' }, 2)
  metrics.gauge('b', 5)
  metrics.gauge('b', 3)
  for (const seconds of [0.05, 0.1, 0.5, 2]) metrics.observe('c_seconds', seconds, { route: '/a', method: 'GET' })
  expect(metrics.render()).toBe(`# HELP a_total A.
# TYPE a_total counter
a_total{kind="x"} 3
# HELP b B.
# TYPE b gauge
b 3
# HELP c_seconds C.
# TYPE c_seconds histogram
c_seconds_bucket{method="GET",route="/a",le="0.1"} 2
c_seconds_bucket{method="GET",route="/a",le="1"} 3
c_seconds_bucket{method="GET",route="/a",le="+Inf"} 4
c_seconds_sum{method="GET",route="/a"} 2.65
c_seconds_count{method="GET",route="/a"} 4
`)
})

it('takes labels in any order as one series and escapes their values', () => {
  const metrics = metricsRegistry({ a_total: ['counter', 'A.'] })
  metrics.count('a_total', { x: '1', y: 'q"\\\n' })
  metrics.count('a_total', { y: 'q"\\\n', x: '1' })
  expect(metrics.render()).toContain('a_total{x="1",y="q\\"\\\\\\n"} 2\n')
})

it('never throws: a metric that was not declared is shown, and one of another kind is left out', () => {
  const metrics = metricsRegistry({ a_total: ['counter', 'A.'] })
  metrics.gauge('a_total', 7)
  metrics.count('new_total')
  expect(metrics.render()).toBe('# HELP new_total \n# TYPE new_total counter\nnew_total 1\n')
})

it('stops at two thousand series of a metric and counts what it dropped', () => {
  const metrics = metricsRegistry()
  for (let index = 0; index < 2500; index += 1) metrics.count('paycage_payments_total', { id: String(index) })
  const lines = metrics.render().split('\n')
  expect(lines.filter((line) => line.startsWith('paycage_payments_total{'))).toHaveLength(2000)
  expect(lines).toContain('paycage_metrics_dropped_total{metric="paycage_payments_total"} 500')
})
