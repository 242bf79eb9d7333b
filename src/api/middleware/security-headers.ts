import type { EdgeMiddleware } from '../edge.ts'

/** Nothing of the API may be framed, sniffed, cached or run. A page that needs more sets its own policy. */
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'interest-cohort=()',
  'cache-control': 'no-store',
} as const

/** Two years with subdomains: what preload lists ask for. Said only behind TLS, because over plain HTTP it must be ignored (RFC 6797 section 8.1). */
const HSTS = 'max-age=63072000; includeSubDomains'

/** Puts the security headers on every answer, 404 and 500 too, where the answer doesn't bring its own. */
export const securityHeaders =
  (behindTls: boolean): EdgeMiddleware =>
  async (c, next) => {
    Object.assign(c.get('headers'), HEADERS, behindTls && { 'strict-transport-security': HSTS })
    await next()
  }
