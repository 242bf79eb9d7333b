import { createServer } from 'node:http'

/** A request that a double got. */
export type Got = {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** What it answers: `silence` leaves the line open, as a processor that has done its work and lost the way back. */
export type Gives =
  | { readonly status: number; readonly json?: unknown; readonly headers?: Readonly<Record<string, string>> }
  | 'silence'

/** One fact of what the processor really did: what a gateway's books are compared with. */
export type Truth = {
  readonly op: 'charge' | 'refund' | 'payout'
  readonly ourRef: string
  readonly theirRef: string
  readonly amount: string
  readonly currency: string
  readonly state: 'approved' | 'declined' | 'pending' | 'reversed'
}

/** A double of a processor: real HTTP, its own memory, signed webhooks. */
export type Double = {
  readonly origin: string
  /** What the adapter takes as the settings of an account here. */
  readonly connectionConfig: Readonly<Record<string, unknown>>
  readonly truth: readonly Truth[]
  /** Everything that was wrong with what it was asked or answered, by the official specification; empty is right. */
  readonly problems: readonly string[]
  /** Where its webhooks go. */
  webhooksTo(url: string): void
  close(): Promise<void>
}

/** Starts a server on the loopback. `PUT /double/webhooks` with a URL as its body says where the webhooks go. */
export async function serve(
  handle: (got: Got) => Gives | Promise<Gives>,
  { port = 0, mail }: { readonly port?: number | undefined; readonly mail: Pick<Postman, 'to'> },
): Promise<{ origin: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString('utf8')
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    const url = new URL(request.url ?? '/', 'http://double')
    if (url.pathname === '/double/webhooks' && request.method === 'PUT') {
      mail.to(text)
      response.writeHead(204).end()
      return
    }
    const gives = await handle({
      method: request.method ?? '',
      url,
      headers,
      body: text === '' ? null : JSON.parse(text),
    })
    if (gives === 'silence') return
    response.writeHead(gives.status, { 'content-type': 'application/json', ...gives.headers })
    response.end(gives.json === undefined ? '' : JSON.stringify(gives.json))
  })
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening))
  const address = server.address()
  return {
    origin: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}

/** How often a webhook is sent until it is taken, and how long after the last time. */
const TRIES_MS = [0, 200, 1_000, 5_000] as const

/** Who sends a double's webhooks. */
export type Postman = {
  to(url: string): void
  send(make: (attempt: number) => { body: string; headers: Readonly<Record<string, string>> }, afterMs?: number): void
  stop(): void
}

/** Sends webhooks until the gateway takes them. */
export function postman(): Postman {
  let target: string | undefined
  const timers = new Set<NodeJS.Timeout>()
  const later = (ms: number, run: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      run()
    }, ms)
    timers.add(timer)
  }
  const deliver = async (
    make: (attempt: number) => { body: string; headers: Readonly<Record<string, string>> },
    attempt: number,
  ): Promise<void> => {
    if (target === undefined) return
    const { body, headers } = make(attempt)
    const request = { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } }
    const taken = await fetch(target, request).then(
      (answer) => answer.ok,
      () => false,
    )
    const next = TRIES_MS[attempt + 1]
    if (!taken && next !== undefined) later(next, () => deliver(make, attempt + 1))
  }
  return {
    to: (url) => {
      target = url
    },
    send: (make, afterMs = 0) => later(afterMs, () => deliver(make, 0)),
    stop: () => {
      for (const timer of timers) clearTimeout(timer)
      timers.clear()
    },
  }
}

/** The members of a JSON object; none of anything else. */
export const membersOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {}
