import { connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A TCP proxy before PostgreSQL that can cut a connection at a chosen word of the server's or of the client's. */
export type CutProxy = {
  readonly url: string
  /** From `cutAt('COMMIT')` on, the answer with that word never reaches the client. */
  cutAt(words: string | undefined): void
  /** From `stopAt('commit')` on, the message with that word never reaches the server, and nobody gets through any more. */
  stopAt(words: string | undefined): void
  readonly stopped: () => boolean
  readonly cuts: () => number
}

/** Starts one for the server of `url`. */
export async function cutProxy(url: string): Promise<CutProxy> {
  const target = new URL(url)
  const open = new Set<Socket>()
  let words: string | undefined
  let lastWords: string | undefined
  let cuts = 0
  let stopped = false
  const server = createServer((client) => {
    if (stopped) return client.destroy()
    const upstream = connect(Number(target.port), target.hostname)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => open.delete(socket))
    }
    client.on('data', (chunk) => {
      if (stopped) return
      const at = lastWords === undefined ? -1 : chunk.indexOf(lastWords)
      if (at < 0) return upstream.write(chunk)
      stopped = true
      // half a message does nothing
      upstream.write(chunk.subarray(0, at))
    })
    upstream.on('data', (chunk) => {
      const at = words === undefined ? -1 : chunk.indexOf(words)
      if (at < 0) return client.write(chunk)
      cuts += 1
      // up to the message before: a message is a letter and four bytes of length, then its text
      client.end(chunk.subarray(0, Math.max(0, at - 5)))
      upstream.destroy()
    })
    client.on('end', () => upstream.end())
    upstream.on('close', () => client.end())
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
    stopAt: (next) => {
      lastWords = next
      stopped = false
    },
    stopped: () => stopped,
    cuts: () => cuts,
  }
}
