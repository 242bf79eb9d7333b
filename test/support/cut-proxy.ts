import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A TCP proxy before PostgreSQL that can cut a connection at a chosen word of the server's. */
export type CutProxy = { readonly url: string; cutAt(words: string | undefined): void; readonly cuts: () => number }

/** Starts one for the server of `url`. From `cutAt('COMMIT')` on, the answer with that word never reaches the client. */
export async function cutProxy(url: string): Promise<CutProxy> {
  const target = new URL(url)
  const open = new Set<Socket>()
  let words: string | undefined
  let cuts = 0
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => open.delete(socket))
    }
    client.on('data', (chunk) => upstream.write(chunk))
    upstream.on('data', (chunk) => {
      const at = words === undefined ? -1 : chunk.indexOf(words)
      if (at < 0) return client.write(chunk)
      cuts += 1
      // up to the message before: a message is a letter and four bytes of length, then its text
      client.end(chunk.subarray(0, Math.max(0, at - 5)))
      upstream.destroy()
    })
    client.on('end', () => upstream.end())
    upstream.on('end', () => client.end())
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (!address || typeof address === 'string') throw new Error('no port')
  const own = new URL(url)
  own.port = String(address.port)
  return {
    url: own.href,
    cutAt: (next) => {
      words = next
    },
    cuts: () => cuts,
  }
}
