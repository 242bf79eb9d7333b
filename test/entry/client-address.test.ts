import { Hono } from 'hono'
import { afterEach, expect, it } from 'vitest'
import type { Edge } from '../../src/api/edge.ts'
import { clientAddress } from '../../src/entry/client-address.ts'
import { freeListenPort, type HttpServer, listen } from '../../src/entry/server.ts'

let server: HttpServer | undefined
afterEach(() => server?.drain(0, Promise.resolve()))

/** The address that the app sees when the request comes from 127.0.0.1 with this header. */
async function seen(trusted: readonly string[], forwarded?: string): Promise<string> {
  const address = clientAddress(trusted)
  const app = new Hono<Edge>().get('/', (c) => c.text(address(c)))
  const port = await freeListenPort('127.0.0.1', 0)
  server = await listen((request, ...rest) => app.fetch(request, ...rest), { host: '127.0.0.1', port, tls: undefined })
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  return (await fetch(`http://127.0.0.1:${port}/`, { headers })).text()
}

it('takes the socket’s address when nothing is trusted, whatever the header says', async () => {
  expect(await seen([], '203.0.113.9')).toBe('127.0.0.1')
  await server?.drain(0, Promise.resolve())
  expect(await seen(['10.0.0.0/8'], '203.0.113.9')).toBe('127.0.0.1')
})

it.each([
  ['203.0.113.9', '203.0.113.9', 'the client behind one proxy'],
  ['198.51.100.1, 203.0.113.9', '203.0.113.9', 'not what the client wrote in front'],
  ['198.51.100.1, 203.0.113.9, 10.1.2.3', '203.0.113.9', 'the client behind two trusted proxies'],
  ['10.1.2.3', '10.1.2.3', 'the proxy itself when it asks for itself'],
  ['not-an-address', '127.0.0.1', 'the last thing that is an address'],
  ['203.0.113.9, ::ffff:10.1.2.3', '203.0.113.9', 'an IPv4 proxy written as IPv6'],
  ['', '127.0.0.1', 'the socket’s for an empty header'],
])('reads %j behind a trusted proxy as %s: %s', async (header, client, _why) => {
  expect(await seen(['127.0.0.1', '10.0.0.0/8'], header)).toBe(client)
})
