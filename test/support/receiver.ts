import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'

/** A notice as it came. */
export type Received = {
  readonly id: string
  readonly timestamp: string
  readonly signatures: readonly string[]
  readonly text: string
  readonly body: Awaited<ReturnType<Response['json']>>
}

/** What the receiver answers to its nth notice (0 is the first). `hang` answers never. */
export type Reply =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | 'hang'

/** An operator's own server: keeps what it gets, answers as it is told. */
export type Receiver = {
  readonly url: string
  readonly got: Received[]
  reply(by: (n: number) => Reply): void
  stop(): Promise<void>
}

/** Starts one on a port of its own. */
export async function startReceiver(): Promise<Receiver> {
  const got: Received[] = []
  let script: (n: number) => Reply = () => ({ status: 204 })
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8')
      const header = (name: string) => String(request.headers[name] ?? '')
      const reply = script(got.length)
      got.push({
        id: header('webhook-id'),
        timestamp: header('webhook-timestamp'),
        signatures: header('webhook-signature').split(' '),
        text,
        body: text === '' ? undefined : JSON.parse(text),
      })
      if (reply === 'hang') return
      response.writeHead(reply.status, reply.headers).end(reply.body)
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the receiver has no port')
  return {
    url: `http://127.0.0.1:${address.port}/notices`,
    got,
    reply: (by) => {
      script = by
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

/** The signature that a secret makes of a notice, by the specification and by nothing of ours. */
export const expectedSignature = (secret: string, { id, timestamp, text }: Received): string =>
  `v1,${createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
    .update(`${id}.${timestamp}.${text}`)
    .digest('base64')}`
