import { readFileSync } from 'node:fs'
import { createServer, type Server, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { getRequestListener } from '@hono/node-server'

/** The listening server. */
export type HttpServer = {
  readonly port: number
  /** Takes no new connections, lets the requests in flight finish for at most `withinMs` (or until `hurry`), then cuts what is left. */
  drain(withinMs: number, hurry: Promise<void>): Promise<void>
}

type Fetch = (request: Request, ...rest: unknown[]) => Response | Promise<Response>

const LIMITS: ServerOptions = {
  maxHeaderSize: 16 * 1024,
  // A request that drips in slowly holds a socket for nothing.
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 2_000,
  keepAliveTimeout: 65_000,
}

/** Listens. With `tls` (paths of PEM files) it speaks HTTPS itself, TLS 1.2 or newer. Throws when the port is taken. */
export async function listen(
  fetch: Fetch,
  { host, port, tls }: { host: string; port: number; tls: { cert: string; key: string } | undefined },
): Promise<HttpServer> {
  const handle = getRequestListener(fetch)
  let draining = false
  const listener: Parameters<typeof createServer>[1] = (request, response) => {
    // Whoever keeps a connection open must make its next one elsewhere.
    if (draining) response.setHeader('connection', 'close')
    void handle(request, response)
  }
  const server = tls
    ? createTlsServer(
        { ...LIMITS, minVersion: 'TLSv1.2', cert: readFileSync(tls.cert), key: readFileSync(tls.key) },
        listener,
      )
    : createServer(LIMITS, listener)
  return {
    port: await bind(server, host, port),
    async drain(withinMs, hurry) {
      draining = true
      const closed = new Promise<void>((done) => {
        server.close(() => done())
      })
      server.closeIdleConnections()
      const idle = setInterval(() => server.closeIdleConnections(), 50)
      const timer = setTimeout(() => server.closeAllConnections(), withinMs)
      void hurry.then(() => server.closeAllConnections())
      await closed
      clearInterval(idle)
      clearTimeout(timer)
    },
  }
}

/** A port that this host can listen on now: the one asked for, or any free one for 0. Throws with a sentence that names the setting. */
export async function freeListenPort(host: string, port: number): Promise<number> {
  const probe = createServer()
  const found = await bind(probe, host, port)
  await new Promise((closed) => probe.close(closed))
  return found
}

function bind(server: Server, host: string, port: number): Promise<number> {
  return new Promise((listening, failed) => {
    server.once('error', (error) => failed(new Error(bindProblem(error, host, port))))
    server.listen(port, host, () => {
      server.removeAllListeners('error')
      const address = server.address()
      listening(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

const BIND_PROBLEMS: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (host, port) => `port ${port} on ${host} is in use: choose another one with PORT`,
  EACCES: (_host, port) => `this user may not listen on port ${port}: choose another one with PORT`,
  EADDRNOTAVAIL: (host) => `this machine has no address ${host}: choose another one with HOST`,
  ENOTFOUND: (host) => `there is no host ${host}: choose another one with HOST`,
}

function bindProblem(error: Error, host: string, port: number): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return BIND_PROBLEMS[code]?.(host, port) ?? `can't listen on ${host}:${port}: ${error.message}`
}
