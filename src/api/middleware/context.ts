import type { NewId } from '../../core/ids.ts'
import type { EdgeMiddleware } from '../edge.ts'

/** W3C Trace Context: version, trace id, parent id, flags. All-zero ids are invalid. Source: https://www.w3.org/TR/trace-context/ (read 2026-11-22). */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** Names every request: `Request-Id` in each answer, and the trace that the caller began or a new one. */
export const requestContext =
  (newId: NewId, newTraceId: () => string): EdgeMiddleware =>
  async (c, next) => {
    const requestId = newId('request')
    c.set('requestId', requestId)
    c.set('traceId', TRACEPARENT.exec(c.req.header('traceparent') ?? '')?.[1] ?? newTraceId())
    c.set('route', 'unmatched')
    c.set('headers', { 'request-id': requestId })
    await next()
  }
