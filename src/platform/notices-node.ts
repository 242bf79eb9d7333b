import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { HttpEnd, HttpPort } from '../adapters/http.ts'
import type { NoticeAnswer, UrlVerdict } from '../core/notice.ts'
import { nodeHttp, type Resolve } from './http-node.ts'
import { isLoopbackAddress, isPublicAddress } from './special-addresses.ts'

/** The way out to operators' receivers. */
export type NoticePort = {
  check(url: string): Promise<UrlVerdict>
  post(call: {
    readonly url: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }): Promise<NoticeAnswer>
  close(): Promise<void>
}

/** What the way out may reach. */
export type NoticeSettings = {
  /** True in a sandbox only: a developer's own machine may receive, over plain HTTP too. */
  readonly allowLoopback: boolean
  /** How names are resolved; the system's way unless said. */
  readonly lookup?: Resolve
  readonly ports?: readonly number[]
  readonly timeoutMs?: number
}

/** The specification's lower bound: a receiver stores the notice and answers, and works on it afterwards. */
const TIMEOUT_MS = 15_000
/** The answer says nothing that we need; reading a little of it lets the connection be used again. */
const MAX_ANSWER_BYTES = 4_096
/** Receivers whose connections are kept at once. */
const MAX_ORIGINS = 200
/** Of one receiver: enough for a busy operator, too few to knock a small server over. */
const CONNECTIONS = 8
/** A call that was given up ends at once; should it not, we don't wait for it. */
const GRACE_MS = 1_000
const CUT_OFF: HttpEnd = { kind: 'failed', why: 'timeout', phase: 'written' }
const MAX_URL_CHARS = 1_024
const TLS_PORT = 443
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * Opens the way out. An operator's URL could name anything inside our network, so it must be https at a name (never an
 * address) that resolves to public addresses only; the checked address is the one connected to, checked again whenever a
 * connection is made; redirects are not followed.
 */
export function nodeNotices(settings: NoticeSettings): NoticePort {
  const { allowLoopback, lookup = systemLookup, ports = [TLS_PORT], timeoutMs = TIMEOUT_MS } = settings
  const lanes = new Map<string, HttpPort>()

  const allowed = (text: string): { url: URL; loopback: boolean } | string => {
    const url = text.length <= MAX_URL_CHARS ? URL.parse(text) : null
    if (url === null) return 'This is no URL.'
    if (url.username !== '' || url.password !== '') return 'A URL must not hold a user name or password.'
    if (url.hash !== '') return 'A URL must not hold a fragment.'
    if (allowLoopback && LOOPBACK_NAMES.has(url.hostname) && /^https?:$/.test(url.protocol))
      return { url, loopback: true }
    if (url.protocol !== 'https:') return 'Only https is taken.'
    if (isIP(url.hostname.replace(/^\[|\]$/g, '')) !== 0) return 'Use a host name, not an address.'
    if (!ports.includes(Number(url.port || TLS_PORT))) return `Use port ${ports.join(' or ')}.`
    return { url, loopback: false }
  }

  function laneTo(origin: string, loopback: boolean): HttpPort {
    const known = lanes.get(origin)
    lanes.delete(origin)
    const refuseAddress = loopback
      ? (address: string) => !isLoopbackAddress(address)
      : (address: string) => !isPublicAddress(address)
    const lane = known ?? nodeHttp({ connections: CONNECTIONS, refuseAddress, lookup })
    lanes.set(origin, lane)
    const [oldest] = lanes
    if (oldest !== undefined && lanes.size > MAX_ORIGINS) {
      lanes.delete(oldest[0])
      void oldest[1].close()
    }
    return lane
  }

  return {
    async check(text) {
      const seen = allowed(text)
      if (typeof seen === 'string') return { kind: 'unsafe', detail: seen }
      const { url, loopback } = seen
      if (loopback) return { kind: 'safe', url: url.href }
      const addresses = await resolve(lookup, url.hostname)
      // One sentence for both: what a name resolves to inside our network is nobody's business.
      if (addresses.length === 0 || !addresses.every(({ address }) => isPublicAddress(address)))
        return { kind: 'unsafe', detail: 'The host name has no public address.' }
      return { kind: 'safe', url: url.href }
    },
    async post({ url: text, headers, body }) {
      const seen = allowed(text)
      if (typeof seen === 'string') return { kind: 'failed', why: 'unsafe_url' }
      const { url, loopback } = seen
      const call = { method: 'POST', url: url.href, headers, body, maxBytes: MAX_ANSWER_BYTES }
      return answerOf(await within(timeoutMs, laneTo(url.origin, loopback).start(call)))
    },
    async close() {
      await Promise.all([...lanes.values()].map((lane) => lane.close()))
      lanes.clear()
    },
  }
}

type Exchange = ReturnType<HttpPort['start']>

async function within(timeoutMs: number, exchange: Exchange): Promise<HttpEnd> {
  let late = false
  const timer = setTimeout(() => {
    late = true
    exchange.cancel()
  }, timeoutMs)
  const end = await Promise.race([exchange.end, sleep(timeoutMs + GRACE_MS, CUT_OFF, { ref: false })])
  clearTimeout(timer)
  return late && end.kind === 'failed' ? { ...end, why: 'timeout' } : end
}

/** A receiver that talks too much has answered all the same: its status was read. */
function answerOf(end: HttpEnd): NoticeAnswer {
  if (end.kind === 'failed') {
    if (end.why === 'too_large' && end.status !== undefined) return { kind: 'answered', status: end.status }
    return { kind: 'failed', why: end.why }
  }
  const retryAfter = end.headers['retry-after']
  return { kind: 'answered', status: end.status, ...(retryAfter !== undefined && { retryAfter }) }
}

const resolve = (lookup: Resolve, hostname: string): Promise<LookupAddress[]> =>
  new Promise((done) => {
    lookup(hostname, { all: true }, (error, addresses) => done(error ? [] : addresses))
  })
