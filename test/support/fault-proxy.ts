import { connect, createServer, type Socket } from 'node:net'

/** What a proxy does with the next connections. `swallow`: requests pass, answers don't. `black_hole`: nothing passes and nothing is said. */
export type LineFault =
  | { readonly kind: 'none' }
  | { readonly kind: 'latency'; readonly ms: number }
  | { readonly kind: 'reset_after'; readonly bytes: number }
  | { readonly kind: 'swallow' }
  | { readonly kind: 'half_close' }
  | { readonly kind: 'black_hole' }

/** Sees what passes on one connection; false withholds it. */
export type Watch = (chunk: Buffer, way: 'there' | 'back') => boolean

/** A TCP proxy that can hurt the line between two processes. */
export type FaultProxy = {
  readonly port: number
  set(fault: LineFault): void
  /** Connections that a fault has struck. */
  struck(): number
  close(): Promise<void>
}

/** Starts one. `target` is asked at each connection, so that it may move; `watching` gives each connection its watch. */
export async function faultProxy(
  target: () => number | undefined,
  watching: () => Watch = () => () => true,
): Promise<FaultProxy> {
  const open = new Set<Socket>()
  let fault: LineFault = { kind: 'none' }
  let struck = 0
  const server = createServer((client) => {
    const port = target()
    if (port === undefined) return void client.resetAndDestroy()
    const now = fault
    if (now.kind !== 'none') struck += 1
    const upstream = connect(port, '127.0.0.1')
    const passes = watching()
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    if (now.kind === 'black_hole') return undefined
    client.on('data', (chunk) => {
      if (passes(chunk, 'there')) later(now, () => upstream.write(chunk))
    })
    client.on('end', () => upstream.end())
    let back = 0
    upstream.on('data', (chunk) => {
      back += chunk.length
      if (!passes(chunk, 'back') || now.kind === 'swallow') return
      if (now.kind === 'half_close') return void client.end()
      if (now.kind === 'reset_after' && back >= now.bytes) {
        client.write(chunk.subarray(0, now.bytes), () => client.resetAndDestroy())
        return
      }
      later(now, () => client.write(chunk))
    })
    upstream.on('end', () => client.end())
    return undefined
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  if (!address || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    set: (next) => {
      fault = next
    },
    struck: () => struck,
    close: () =>
      new Promise((closed) => {
        for (const socket of open) socket.destroy()
        server.close(() => closed())
      }),
  }
}

const later = (fault: LineFault, work: () => void): void => {
  if (fault.kind === 'latency') setTimeout(work, fault.ms)
  else work()
}
