import { mkdirSync, readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { lockFolder } from './lock.ts'
import { Operation, TruthLine } from './operation.ts'

/** An answer kept under its idempotency key. */
export const SavedAnswer = z.object({
  key: z.string(),
  fingerprint: z.string(),
  status: z.number(),
  body: z.unknown(),
  at: z.number(),
})
export type SavedAnswer = z.infer<typeof SavedAnswer>

/** A webhook to be delivered; its id and body are the same at every try. */
export const Notice = z.object({ id: z.string(), url: z.string(), operation: z.string(), body: z.string() })
export type Notice = z.infer<typeof Notice>

/** One line of the processor's own journal: everything that changes together is in one line, so a crash leaves all of it or nothing. */
const Entry = z.object({
  operation: Operation.optional(),
  truth: TruthLine.optional(),
  saved: SavedAnswer.optional(),
  notice: Notice.optional(),
  /** The id of a notice that was delivered or given up. */
  closed: z.string().optional(),
})
export type Entry = z.infer<typeof Entry>

/** The processor's memory on disk. `write` takes an entry at once and in order; `durable` resolves when all that was written so far is on disk. */
export type Journal = {
  readonly truthFile: string
  readonly entries: readonly Entry[]
  write(entry: Entry): void
  durable(): Promise<void>
  close(): Promise<void>
}

/**
 * Opens the journal of a data folder, and mends what a crash left: a half-written last line is cut off, and truth lines
 * that are in the journal but not yet in the truth file are appended. Entries of one moment share one `fdatasync`, the
 * journal's before the truth file's.
 */
export async function openJournal(dir: string): Promise<Journal> {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const unlock = await lockFolder(dir)
  const stateFile = join(dir, 'state.jsonl')
  const truthFile = join(dir, 'truth.jsonl')
  const state = await openLines(stateFile)
  const truth = await openLines(truthFile)
  const entries = state.lines.map((line) => Entry.parse(JSON.parse(line)))
  const told = entries.flatMap((entry) => (entry.truth ? [entry.truth] : []))
  await append(truth.file, told.slice(truth.lines.length))
  await syncFolder(dir)

  let waiting: Entry[] = []
  let running: Promise<void> | undefined

  async function flush() {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      await append(state.file, batch)
      await append(
        truth.file,
        batch.flatMap((entry) => (entry.truth ? [entry.truth] : [])),
      )
    }
    running = undefined
  }

  const durable = (): Promise<void> => {
    if (!running && waiting.length > 0) running = flush()
    return running ?? Promise.resolve()
  }

  return {
    truthFile,
    entries,
    write: (entry) => {
      waiting.push(entry)
    },
    durable,
    async close() {
      await durable()
      await state.file.close()
      await truth.file.close()
      await unlock()
    },
  }
}

async function openLines(path: string): Promise<{ file: FileHandle; lines: string[] }> {
  const file = await open(path, 'a+', 0o600)
  const text = readFileSync(path, 'utf8')
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  if (whole.length < text.length) await file.truncate(Buffer.byteLength(whole))
  return { file, lines: whole.split('\n').filter((line) => line !== '') }
}

async function append(file: FileHandle, values: readonly unknown[]): Promise<void> {
  if (values.length === 0) return
  await file.appendFile(values.map((value) => `${JSON.stringify(value)}\n`).join(''))
  await file.datasync()
}

/** New files survive a crash only when their folder is synced too. */
async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r')
  await folder.sync()
  await folder.close()
}
