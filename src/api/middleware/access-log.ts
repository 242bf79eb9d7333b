import type { Clock, Log, Metrics } from '../../flows/deps.ts'
import type { EdgeMiddleware } from '../edge.ts'

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** One line and one measurement per request. The route stands for the path, so no id, query or body can get into either. */
export const accessLog = ({ log, metrics, clock }: { log: Log; metrics: Metrics; clock: Clock }): EdgeMiddleware => {
  let active = 0
  return async (c, next) => {
    const startedMs = clock.nowMs()
    active += 1
    metrics.gauge('http_server_active_requests', active)
    await next()
    active -= 1
    metrics.gauge('http_server_active_requests', active)
    const durationMs = clock.nowMs() - startedMs
    const method = METHODS.has(c.req.method) ? c.req.method : '_OTHER'
    metrics.observe('http_server_request_duration_seconds', durationMs / 1000, {
      http_request_method: method,
      http_route: c.get('route'),
      http_response_status_code: String(c.res.status),
    })
    const caller = c.get('caller')
    log.info('http_request', {
      request_id: c.get('requestId'),
      trace_id: c.get('traceId'),
      'http.request.method': method,
      'http.route': c.get('route'),
      'http.response.status_code': c.res.status,
      duration_ms: durationMs,
      operator_id: caller?.operatorId,
      client_id: caller?.clientId,
    })
  }
}
