import { createServer as createTls } from 'node:https'
import { createServer as createTcp, type Server, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import type { HttpCall, HttpEnd, HttpPort } from '../../src/adapters/http.ts'
import { nodeHttp } from '../../src/platform/http-node.ts'
import { SELF_SIGNED } from '../support/self-signed.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

const port = (settings?: Parameters<typeof nodeHttp>[0]): HttpPort => {
  const http = nodeHttp(settings)
  closing.push(() => http.close())
  return http
}

const call = (url: string, more: Partial<HttpCall> = {}): HttpCall => ({
  method: 'POST',
  url,
  headers: { 'content-type': 'application/json' },
  body: '{"amount":"1.00"}',
  maxBytes: 1_048_576,
  ...more,
})

/** A TCP server that does as it is told with what comes; `heard` is every byte that reached it. */
async function tcp(onData: (socket: Socket, text: string) => void) {
  const heard: string[] = []
  const sockets = new Set<Socket>()
  const server = createTcp((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      heard.push(chunk.toString())
      onData(socket, chunk.toString())
    })
  })
  const url = await listen(server)
  closing.push(() => closeAll(server, sockets))
  return { url: url.replace('tcp', 'http'), heard, connections: () => sockets.size }
}

const listen = (server: Server): Promise<string> =>
  new Promise((listening) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      listening(`tcp://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`)
    }),
  )

const closeAll = (server: Server, sockets: ReadonlySet<Socket>): Promise<void> =>
  new Promise((closed) => {
    for (const socket of sockets) socket.destroy()
    server.close(() => closed())
  })

const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}'

/** Gives a call up once `ready` is seen, as a deadline would. */
async function givenUp(http: HttpPort, url: string, ready: () => boolean): Promise<HttpEnd | string> {
  const exchange = http.start(call(url))
  await until(ready)
  return exchange.cancel()
}

async function until(ready: () => boolean) {
  while (!ready()) await new Promise((next) => setTimeout(next, 5))
}

it('an answer is whole, with its status, headers and bytes', async () => {
  const { url } = await tcp((socket) => socket.write(OK))
  const end = await port().start(call(`${url}/v1/x?y=1`)).end
  expect(end).toMatchObject({ kind: 'answered', status: 200, headers: { 'content-type': 'application/json' } })
  expect(end.kind === 'answered' && Buffer.from(end.body).toString()).toBe('{}')
})

it('a refused connection is told apart from everything after it', async () => {
  const { url } = await tcp(() => {})
  await closing.pop()?.()
  expect(await port().start(call(url)).end).toEqual({ kind: 'failed', why: 'connect_failed', phase: 'not_connected' })
})

it('a name that does not exist never connects', async () => {
  const end = await port().start(call('http://processor.invalid/')).end
  expect(end).toEqual({ kind: 'failed', why: 'dns_failed', phase: 'not_connected' })
})

it('a certificate that nobody vouches for ends before the request is written', async () => {
  const seen: string[] = []
  const server = createTls(SELF_SIGNED, (request, response) => {
    seen.push(request.url ?? '')
    response.end('{}')
  })
  const url = (await listen(server)).replace('tcp', 'https')
  closing.push(() => closeAll(server, new Set()))
  expect(await port().start(call(url)).end).toEqual({ kind: 'failed', why: 'tls_failed', phase: 'connected' })
  expect(seen).toEqual([])
  // The same server is reached once its authority is trusted, so it was the certificate that stopped us.
  const trusting = await port({ ca: SELF_SIGNED.cert }).start(call(url.replace('127.0.0.1', 'localhost'))).end
  expect(trusting).toMatchObject({ kind: 'answered', status: 200 })
})

it('TLS spoken to a plain port is a TLS failure, not an unknown outcome', async () => {
  const { url } = await tcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  const end = await port().start(call(url.replace('http:', 'https:'))).end
  expect(end).toMatchObject({ kind: 'failed', why: 'tls_failed' })
  expect(end).not.toMatchObject({ phase: 'written' })
})

it('a connection that is never made up is a failed connection, nothing written', async () => {
  // The TCP handshake is the kernel's; a server that never speaks TLS stalls the rest of it.
  const { url } = await tcp(() => {})
  const end = await port({ connectTimeoutMs: 200 }).start(call(url.replace('http:', 'https:'))).end
  expect(end).toEqual({ kind: 'failed', why: 'connect_failed', phase: 'not_connected' })
})

it('a processor that swallows the request and says nothing: given up after writing', async () => {
  const { url, heard } = await tcp(() => {})
  expect(await givenUp(port(), url, () => heard.length > 0)).toBe('written')
})

it('a reset before the answer is a reset after writing', async () => {
  const { url } = await tcp((socket) => socket.resetAndDestroy())
  expect(await port().start(call(url)).end).toEqual({ kind: 'failed', why: 'reset', phase: 'written' })
})

it.each([
  ['after the headers', 'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n'],
  ['in the middle of the body', 'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"id":"x","st'],
  ['in the middle of a chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\n{"id"'],
])('a line cut %s is never a whole answer', async (_name, bytes) => {
  const { url } = await tcp((socket) => socket.end(bytes))
  expect(await port().start(call(url)).end).toMatchObject({ kind: 'failed', phase: 'headers', status: 200 })
})

it('a slow drip is given up in the middle, and its socket is destroyed', async () => {
  let closed = false
  const { url } = await tcp((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n')
    const timer = setInterval(() => socket.write('x'), 10)
    socket.on('close', () => {
      clearInterval(timer)
      closed = true
    })
  })
  const http = port()
  const exchange = http.start(call(url))
  await new Promise((next) => setTimeout(next, 100))
  expect(exchange.cancel()).toBe('headers')
  await until(() => closed)
})

it('an answer past the cap is cut off while it is read, declared or chunked', async () => {
  const big = 'x'.repeat(3_000)
  const heads = [
    `content-length: ${big.length}\r\n\r\n${big}`,
    `transfer-encoding: chunked\r\n\r\nbb8\r\n${big}\r\n0\r\n\r\n`,
  ]
  for (const head of heads) {
    const { url } = await tcp((socket) => socket.write(`HTTP/1.1 200 OK\r\n${head}`))
    const end = await port().start(call(url, { maxBytes: 2_000 })).end
    expect(end).toMatchObject({ kind: 'failed', why: 'too_large', phase: 'headers' })
  }
})

it('a packed answer is not unpacked: its bytes are counted as they came', async () => {
  const { gzipSync } = await import('node:zlib')
  const bomb = gzipSync(Buffer.alloc(50_000_000))
  const { url } = await tcp((socket) => {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`)
    socket.write(bomb)
  })
  const end = await port().start(call(url)).end
  expect(end.kind === 'answered' && end.body.length).toBe(bomb.length)
})

it('an answer that is not HTTP is malformed', async () => {
  const { url } = await tcp((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
  expect(await port().start(call(url)).end).toMatchObject({ kind: 'failed', why: 'malformed', phase: 'written' })
})

it('a redirect is an answer like any other', async () => {
  const { url, heard } = await tcp((socket) =>
    socket.write('HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n'),
  )
  expect(await port().start(call(url)).end).toMatchObject({ kind: 'answered', status: 302 })
  expect(heard).toHaveLength(1)
})

it('a call given up while it queued is never written, not even when the socket comes free', async () => {
  const answers: (() => void)[] = []
  const { url, heard } = await tcp((socket) => answers.push(() => socket.write(OK)))
  const http = port({ connections: 1 })
  const first = http.start(call(`${url}/first`))
  await until(() => heard.length === 1)
  const late = http.start(call(`${url}/late`))
  const third = http.start(call(`${url}/third`))
  expect(late.cancel()).toBe('not_connected')
  answers.shift()?.()
  expect(await first.end).toMatchObject({ kind: 'answered' })
  await until(() => heard.length === 2)
  answers.shift()?.()
  // The next one in the queue used the same socket: the given-up one was taken out, the line left whole.
  expect(await third.end).toMatchObject({ kind: 'answered' })
  expect(await late.end).toMatchObject({ kind: 'failed', phase: 'not_connected' })
  expect(heard.map((text) => text.split(' ')[1])).toEqual(['/first', '/third'])
})

it('a call given up while it was connecting is never written', async () => {
  const { url, heard, connections } = await tcp((socket) => socket.write(OK))
  const http = port()
  const exchange = http.start(call(url))
  expect(exchange.cancel()).toBe('not_connected')
  expect(await exchange.end).toMatchObject({ kind: 'failed', phase: 'not_connected' })
  await until(() => connections() > 0)
  // A later call on the same pool shows that the line works and that only it is heard.
  await http.start(call(`${url}/later`)).end
  expect(heard.map((text) => text.split(' ')[1])).toEqual(['/later'])
})

it('a full queue refuses at once, and one slow processor leaves another its sockets', async () => {
  const slow = await tcp(() => {})
  const quick = await tcp((socket) => socket.write(OK))
  const http = port({ connections: 2, queue: 1 })
  const held = [1, 2, 3].map(() => http.start(call(slow.url)))
  expect(await http.start(call(slow.url)).end).toEqual({ kind: 'failed', why: 'overloaded', phase: 'not_connected' })
  expect(await http.start(call(quick.url)).end).toMatchObject({ kind: 'answered' })
  for (const exchange of held) exchange.cancel()
})

it('a request into a kept socket that the other side has just closed is unknown, and is not written twice', async () => {
  let requests = 0
  const { url } = await tcp((socket) => {
    requests += 1
    if (requests === 1) socket.write(OK)
    else socket.destroy()
  })
  const http = port({ connections: 1 })
  expect(await http.start(call(url)).end).toMatchObject({ kind: 'answered' })
  expect(await http.start(call(url)).end).toMatchObject({ kind: 'failed', phase: 'written' })
  expect(requests).toBe(2)
})

it.each(['http://127.0.0.1:1/', 'http://[::1]:1/', 'http://localhost:1/', 'http://2130706433:1/', 'http://0x7f.1:1/'])(
  '%s is refused where the address guard says so',
  async (url) => {
    const refuseAddress = (address: string) => address.startsWith('127.') || address === '::1'
    expect(await port({ refuseAddress }).start(call(url)).end).toEqual({
      kind: 'failed',
      why: 'address_refused',
      phase: 'not_connected',
    })
  },
)

it('a header with a line break is never written', async () => {
  const { url, heard } = await tcp((socket) => socket.write(OK))
  const end = await port().start(call(url, { headers: { 'x-a': 'b\r\nx-evil: 1' } })).end
  expect(end).toMatchObject({ kind: 'failed', phase: 'not_connected' })
  expect(heard).toEqual([])
})
