import { connect } from 'node:net'
import { createAdaptorServer, type ServerType } from '@hono/node-server'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { endpoint } from '../../src/api/endpoint.ts'
import { testApp } from '../support/app.ts'

let server: ServerType
let port = 0
let handled = 0

const pay = endpoint({
  method: 'post',
  path: '/v1/deposits',
  tag: 'deposits',
  summary: 'Pay',
  scope: 'deposits:write',
  body: z.strictObject({ note: z.string().optional() }),
  answers: { 201: z.object({ ok: z.boolean() }) },
  handle: async () => {
    handled += 1
    return { status: 201, body: { ok: true } }
  },
})

beforeAll(async () => {
  const app = testApp({
    endpoints: [pay],
    authenticate: async () => ({
      operatorId: 'opr_a',
      clientId: 'cli_a',
      scopes: new Set(['deposits:write'] as const),
      tokenId: 'key_a',
    }),
  })
  server = createAdaptorServer({ fetch: app.fetch })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const address = server.address()
  port = typeof address === 'object' && address !== null ? address.port : 0
})
afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())))

/** Sends bytes, waits until the other side closes or has been silent for a while, and gives all that came. */
const raw = (text: string) =>
  new Promise<string>((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text, 'latin1'))
    socket.setTimeout(700, () => socket.destroy())
    socket.on('data', (bytes) => {
      answer += bytes.toString('latin1')
    })
    // A peer that resets after its answer has said what it had to say.
    socket.on('error', (error) => (answer === '' ? reject(error) : resolve(answer)))
    socket.on('close', () => resolve(answer))
  })

const statuses = (answer: string) => [...answer.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status))
const HEAD = 'POST /v1/deposits HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n'
const SMUGGLED =
  'POST /v1/deposits HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'

it('answers an honest request', async () => {
  expect(statuses(await raw(`${HEAD}Content-Length: 2\r\nConnection: close\r\n\r\n{}`))).toEqual([201])
  expect(
    statuses(await raw(`${HEAD}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n`)),
  ).toEqual([201])
})

it.each([
  ['a length and chunks', `${HEAD}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
  ['chunks and a length', `${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n${SMUGGLED}`],
  ['two lengths', `${HEAD}Content-Length: 2\r\nContent-Length: 0\r\n\r\n{}${SMUGGLED}`],
  ['two equal lengths', `${HEAD}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}${SMUGGLED}`],
  ['a list of lengths', `${HEAD}Content-Length: 2, 0\r\n\r\n{}${SMUGGLED}`],
  ['a length with a plus', `${HEAD}Content-Length: +2\r\n\r\n{}`],
  ['a length with a minus', `${HEAD}Content-Length: -2\r\n\r\n{}`],
  ['a hexadecimal length', `${HEAD}Content-Length: 0x2\r\n\r\n{}`],
  ['a length with a space before the colon', `${HEAD}Content-Length : 2\r\n\r\n{}`],
  ['chunked in disguise', `${HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
  ['chunked before something else', `${HEAD}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${SMUGGLED}`],
  ['a chunk size that is no number', `${HEAD}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`],
  ['a folded header', `${HEAD}X-Fold: a\r\n b\r\nContent-Length: 2\r\n\r\n{}`],
  [
    'a line feed alone',
    'POST /v1/deposits HTTP/1.1\nHost: gateway\nContent-Type: application/json\nContent-Length: 2\n\n{}',
  ],
  ['a NUL in a header', `${HEAD}X-Nul: a\0b\r\nContent-Length: 2\r\n\r\n{}`],
  ['no host', 'POST /v1/deposits HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'],
  ['a space in the path', `POST /v1/dep osits HTTP/1.1\r\nHost: gateway\r\nContent-Length: 2\r\n\r\n{}`],
  ['another protocol', `POST /v1/deposits HTTP/3.0\r\nHost: gateway\r\nContent-Length: 2\r\n\r\n{}`],
])('closes the door on %s', async (_what, bytes) => {
  const before = handled
  const answer = await raw(bytes)
  // One refusal at most: nothing behind it may be read as a second request, and nothing may have been done.
  expect(statuses(answer)).toEqual([400])
  expect(handled).toBe(before)
})

it('refuses endless headers, and TRACE and CONNECT', async () => {
  expect(statuses(await raw(`${HEAD}X-Long: ${'x'.repeat(20_000)}\r\nContent-Length: 2\r\n\r\n{}`))).toEqual([431])
  const [trace] = statuses(await raw('TRACE /v1/deposits HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n'))
  expect(trace).toBeGreaterThanOrEqual(400)
  expect(statuses(await raw('CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: gateway\r\n\r\n'))).not.toContain(200)
})

it('refuses ten declared megabytes without waiting for them', async () => {
  const answer = await raw(`${HEAD}Content-Length: 10485760\r\n\r\n{"note":"`)
  expect(statuses(answer)).toEqual([413])
})

it('refuses ten megabytes in chunks before it has read them all', async () => {
  let sent = 0
  const answer = await new Promise<string>((resolve) => {
    let got = ''
    const chunk = `2000\r\n${' '.repeat(0x2000)}\r\n`
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`)
      const more = () => {
        if (sent >= 10_485_760 || socket.destroyed || got !== '') return
        sent += chunk.length
        socket.write(chunk, () => setImmediate(more))
      }
      more()
    })
    socket.setTimeout(2000, () => socket.destroy())
    socket.on('data', (bytes) => {
      got += bytes.toString('latin1')
    })
    socket.on('error', () => resolve(got))
    socket.on('close', () => resolve(got))
  })
  expect(statuses(answer)).toEqual([413])
  expect(sent).toBeLessThan(10_485_760)
})
