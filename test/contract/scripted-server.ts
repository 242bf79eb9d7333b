import { createServer, type ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'

/** A request as the processor's side got it. */
export type SeenRequest = {
  readonly method: string
  /** Path with query, as it came. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What the processor's side does: an answer, or a fault on the line. */
export type Answer =
  | { readonly status: number; readonly json: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly status: number; readonly text: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly fault: Fault }

/** Ways in which a line or an answer breaks. */
export type Fault = keyof typeof FAULTS

/** A real HTTP server on the loopback that answers as it is told, and keeps what it saw. */
export type ScriptedServer = {
  readonly origin: string
  readonly seen: SeenRequest[]
  answerWith(script: (request: SeenRequest) => Answer): void
  close(): Promise<void>
}

const HALF = '{"half":"of an answer'

const FAULTS = {
  silence: () => {},
  'reset before an answer': (response) => response.socket?.resetAndDestroy(),
  'reset after the headers': (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' })
    response.write('{', () => response.socket?.resetAndDestroy())
  },
  'half a body': (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' })
    response.write(HALF, () => response.socket?.destroy())
  },
  'an oversized answer': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(`{"filler":"${'x'.repeat(1_200_000)}"}`)
  },
  'a packed bomb': (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
    response.end(gzipSync(Buffer.alloc(20_000_000, 32)))
  },
  'bytes that are no UTF-8': (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(Buffer.from([0x22, 0xff, 0xfe, 0x22]))
  },
  'no HTTP at all': (response) => {
    response.socket?.end('SSH-2.0-OpenSSH_9.2\r\n')
  },
} as const satisfies Record<string, (response: ServerResponse) => void>

/** Starts a scripted server. */
export async function scriptedServer(): Promise<ScriptedServer> {
  let script: (request: SeenRequest) => Answer = () => ({ fault: 'reset before an answer' })
  const seen: SeenRequest[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)])
    const came = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: Object.fromEntries(headers),
      body: Buffer.concat(chunks).toString('utf8'),
    }
    seen.push(came)
    play(script(came), response)
  })
  const port = await new Promise<number>((listening) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      listening(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
  return {
    origin: `http://127.0.0.1:${port}`,
    seen,
    answerWith: (next) => {
      script = next
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}

function play(answer: Answer, response: ServerResponse) {
  if ('fault' in answer) return FAULTS[answer.fault](response)
  const body = 'text' in answer ? answer.text : JSON.stringify(answer.json)
  response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
  response.end(body)
}
