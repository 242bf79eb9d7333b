import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { type Dispatcher, Pool } from 'undici'
import type { Phase } from '../adapters/contract.ts'
import type { HttpCall, HttpEnd, HttpExchange, HttpFailure, HttpPort } from '../adapters/http.ts'

/** All addresses of a name, as `dns.lookup` gives them. */
export type Resolve = (
  hostname: string,
  options: { readonly all: true; readonly family?: number | 'IPv4' | 'IPv6' },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

/** How the way out of a Node process is set. */
export type NodeHttpSettings = {
  /** Sockets per origin: what one processor can hold of us. */
  readonly connections?: number
  /** Calls waiting for a socket per origin; one more is refused as `overloaded`. */
  readonly queue?: number
  /** True for an address that must not be reached (loopback, link-local, private ranges). Checked on every address a name resolves to, and the checked address is the one connected to. */
  readonly refuseAddress?: (address: string) => boolean
  /** How names are resolved where `refuseAddress` is set; the system's way unless said. */
  readonly lookup?: Resolve
  /** For TCP and TLS together. */
  readonly connectTimeoutMs?: number
  /** PEM of an authority to trust beside the usual ones. */
  readonly ca?: string
}

const CONNECT_TIMEOUT_MS = 3_000
/** Under the 5 s after which Node servers close an idle socket: a request written into a dying socket is an unknown outcome. */
const KEEP_ALIVE_MS = 4_000
/** Only a belt: our own deadline is shorter. */
const READ_TIMEOUT_MS = 60_000
/** One origin per host of an account: more than 32 in one port means that somebody feeds us hosts. */
const MAX_ORIGINS = 32

/** The port of a Node process: one pool per origin, so that one slow host can't take the sockets of another. Make one port per connection (bulkhead). */
export function nodeHttp(settings: NodeHttpSettings = {}): HttpPort {
  const { connections = 32, queue = 256 } = settings
  const pools = new Map<string, { readonly pool: Pool; open: number }>()

  function poolOf(origin: string) {
    const known = pools.get(origin)
    if (known || pools.size >= MAX_ORIGINS) return known
    const made = { pool: openPool(origin, connections, settings), open: 0 }
    pools.set(origin, made)
    return made
  }

  return {
    start(call) {
      const url = URL.parse(call.url)
      const refused = !url || refusedLiteral(url, settings.refuseAddress)
      const lane = refused ? undefined : poolOf(url.origin)
      if (!url || refused) return failedAlready('address_refused')
      if (!lane || lane.open >= connections + queue) return failedAlready('overloaded')
      lane.open += 1
      return exchange(lane.pool, url, call, () => {
        lane.open -= 1
      })
    },
    async close() {
      await Promise.all([...pools.values()].map(({ pool }) => pool.close()))
      pools.clear()
    },
  }
}

function openPool(origin: string, connections: number, settings: NodeHttpSettings): Pool {
  const { refuseAddress, ca, lookup = systemLookup, connectTimeoutMs = CONNECT_TIMEOUT_MS } = settings
  return new Pool(origin, {
    connections,
    pipelining: 1,
    // HTTP/2 would put many payments on one socket, and one reset would make all of them unknown.
    allowH2: false,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: 60_000,
    headersTimeout: READ_TIMEOUT_MS,
    bodyTimeout: READ_TIMEOUT_MS,
    connect: {
      timeout: connectTimeoutMs,
      minVersion: 'TLSv1.2',
      ...(ca !== undefined && { ca }),
      ...(refuseAddress && { lookup: guardedLookup(refuseAddress, lookup) }),
    },
  })
}

function exchange(pool: Pool, url: URL, call: HttpCall, done: () => void): HttpExchange {
  let phase: Phase = 'not_connected'
  let cancelled = false
  let status: number | undefined
  let control: Dispatcher.DispatchController | undefined
  const { promise: end, resolve } = Promise.withResolvers<HttpEnd>()
  const finish = (result: HttpEnd) => {
    resolve(result)
    done()
    done = () => {}
  }
  const chunks: Uint8Array[] = []
  let bytes = 0
  let headers: Readonly<Record<string, string>> = {}
  let tooLarge = false

  pool.dispatch(
    { method: call.method, path: url.pathname + url.search, headers: { ...call.headers }, body: call.body ?? null },
    {
      // Runs just before the first byte is written. Throwing takes the request out of the queue and leaves the socket
      // whole; that also stops a request given up while it was queued, and a second writing of the same request.
      onRequestStart(controller) {
        if (cancelled || phase !== 'not_connected') throw new Error('given up before it was written')
        phase = 'written'
        control = controller
      },
      onResponseStart(_controller, code, received) {
        phase = 'headers'
        status = code
        headers = flat(received)
      },
      onResponseData(controller, chunk) {
        bytes += chunk.length
        if (bytes > call.maxBytes) {
          tooLarge = true
          controller.abort(new Error('answer too large'))
        } else chunks.push(chunk)
      },
      onResponseEnd() {
        phase = 'body'
        finish({ kind: 'answered', status: status ?? 0, headers, body: Buffer.concat(chunks) })
      },
      onResponseError(_controller, error) {
        const why = tooLarge ? 'too_large' : reasonOf(error, phase)
        const reached: Phase = phase === 'not_connected' && why === 'tls_failed' ? 'connected' : phase
        finish({ kind: 'failed', why, phase: reached, ...(status !== undefined && { status }) })
      },
    },
  )
  return {
    end,
    cancel() {
      cancelled = true
      control?.abort(new Error('deadline'))
      return phase
    },
  }
}

const NAME_FAILED = /^(?:ENOTFOUND|EAI_)/
const CONNECT_FAILED =
  /^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|EADDRNOTAVAIL|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/
const TLS_FAILED = /CERT|^ERR_TLS|^ERR_SSL|^DEPTH_|^SELF_SIGNED|^UNABLE_TO|^EPROTO$|HOSTNAME_MISMATCH/
const TOO_SLOW = /^UND_ERR_(?:HEADERS|BODY)_TIMEOUT$/
const NOT_HTTP = /^(?:UND_ERR_RES_CONTENT_LENGTH|UND_ERR_RESPONSE)/

function reasonOf(error: Error, phase: Phase): HttpFailure {
  const code = codeOf(error)
  if (phase === 'not_connected') {
    if (code === ADDRESS_REFUSED) return 'address_refused'
    if (NAME_FAILED.test(code)) return 'dns_failed'
    if (CONNECT_FAILED.test(code)) return 'connect_failed'
    return TLS_FAILED.test(code) ? 'tls_failed' : 'connect_failed'
  }
  if (TOO_SLOW.test(code)) return 'timeout'
  if (code === 'UND_ERR_HEADERS_OVERFLOW') return 'too_large'
  return error.name === 'HTTPParserError' || NOT_HTTP.test(code) ? 'malformed' : 'reset'
}

const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : '')

function flat(received: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(received).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), Array.isArray(value) ? value.join(', ') : value]],
    ),
  )
}

function failedAlready(why: HttpFailure): HttpExchange {
  return {
    end: Promise.resolve({ kind: 'failed', why, phase: 'not_connected' }),
    cancel: () => 'not_connected',
  }
}

const ADDRESS_REFUSED = 'ERR_ADDRESS_REFUSED'

function refusedLiteral({ hostname }: URL, refuse: NodeHttpSettings['refuseAddress']): boolean {
  const literal = hostname.replace(/^\[|\]$/g, '')
  return refuse !== undefined && isIP(literal) !== 0 && refuse(literal)
}

/** Resolves once and hands on only what was checked: one refused address among several refuses the name. */
function guardedLookup(refuse: (address: string) => boolean, lookup: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { family: options.family ?? 0, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0)
      const [first] = addresses
      if (!first || addresses.some(({ address }) => refuse(address)))
        return callback(Object.assign(new Error('address refused'), { code: ADDRESS_REFUSED }), '', 0)
      return options.all ? callback(null, addresses) : callback(null, first.address, first.family)
    })
  }
}
