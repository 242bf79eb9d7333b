import { createHash } from 'node:crypto'
import { realpathSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Gives the folder back. */
export type Unlock = () => Promise<void>

/**
 * Takes a data folder for this process alone, and throws when another one lives on it: two writers would tear the books.
 * A listening local socket is the lock, since it dies with its process, however that dies; a file would outlive a kill.
 */
export async function lockFolder(dir: string): Promise<Unlock> {
  const name = createHash('sha256').update(realpathSync(dir)).digest('hex').slice(0, 24)
  const path = process.platform === 'win32' ? `\\\\.\\pipe\\paycage-${name}` : join(tmpdir(), `paycage-${name}.sock`)
  const server = createServer((socket) => socket.destroy())
  server.unref()
  if (!(await listens(server, path))) {
    if (await isAlive(path)) throw new Error(`the data folder ${dir} is in use by another sandbox processor`)
    rmSync(path, { force: true })
    if (!(await listens(server, path))) throw new Error(`the data folder ${dir} can't be locked`)
  }
  return () => new Promise((unlocked) => server.close(() => unlocked()))
}

/** True when the socket is ours now, false when it exists already. */
const listens = (server: Server, path: string): Promise<boolean> =>
  new Promise((settled) => {
    server.once('error', () => settled(false))
    server.listen(path, () => settled(true))
  })

const isAlive = (path: string): Promise<boolean> =>
  new Promise((settled) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      settled(true)
    })
    socket.once('error', () => settled(false))
  })
