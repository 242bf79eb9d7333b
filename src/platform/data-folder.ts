import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Makes the folder; as root others may pass through it (the database runs under another uid), but not look into it. */
export function makeDataFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
    return realpathSync(path)
  } catch {
    throw new Error(`can't write to ${path}: choose another folder with PAYCAGE_DATA_DIR`)
  }
}

/** Writes a file that only its owner can read, whole or not at all, and durably. */
export function writePrivateFile(path: string, content: string): void {
  const draft = `${path}.new`
  rmSync(draft, { force: true })
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, content)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(draft, path)
  const folder = openSync(dirname(path), 'r')
  fsyncSync(folder)
  closeSync(folder)
}

/** The content of a private file, made by `make` the first time. */
export function keptFile(path: string, make: () => string): string {
  if (!existsSync(path)) writePrivateFile(path, make())
  return readFileSync(path, 'utf8').trimEnd()
}

/** 32 random bytes in base64, as the key settings take them. */
export const newKey = () => randomBytes(32).toString('base64')

/**
 * Takes the folder for this process, until it ends, however it ends. Answers undefined when another process has it.
 * The lock is a socket name: the kernel frees it with the process, where a pid file would have to be doubted.
 */
export async function lockDataFolder(path: string): Promise<{ release(): Promise<void> } | undefined> {
  const name = `paycage-${createHash('sha256').update(realpathSync(path)).digest('hex').slice(0, 24)}`
  // Linux has abstract names, which vanish with the process; elsewhere a socket file stays and must be tried.
  const address = process.platform === 'linux' ? `\0${name}` : join(tmpdir(), `${name}.sock`)
  const server = (await listens(address)) ?? (address.startsWith('\0') ? undefined : await takeOver(address))
  return server && { release: () => new Promise((closed) => server.close(() => closed())) }
}

function listens(address: string): Promise<Server | undefined> {
  return new Promise((done, failed) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', (error) => ('code' in error && error.code === 'EADDRINUSE' ? done(undefined) : failed(error)))
    server.listen(address, () => done(server.unref()))
  })
}

async function takeOver(address: string): Promise<Server | undefined> {
  const alive = await new Promise<boolean>((done) => {
    const socket = connect(address, () => {
      socket.destroy()
      done(true)
    })
    socket.once('error', () => done(false))
  })
  if (alive) return undefined
  rmSync(address, { force: true })
  return listens(address)
}
