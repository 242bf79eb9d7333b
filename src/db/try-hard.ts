import { isOutcomeUnknown, isRetriable } from './errors.ts'

/** Tries of a statement whose answer was lost or that lost a race; with their pauses they pass a restart of the server. */
const MAX_TRIES = 8
const RETRY_BASE_MS = 5
const MAX_PAUSE_MS = 1_000

/** Runs it again after a lost race or a lost answer: for work under keys of its own, which once done stays done. */
export async function tryHard<T>(work: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt)
    } catch (error) {
      const again = isRetriable(error) || isOutcomeUnknown(error)
      if (!again || attempt >= MAX_TRIES) throw error
      const longest = Math.min(MAX_PAUSE_MS, RETRY_BASE_MS * 2 ** attempt)
      await new Promise((resolve) => setTimeout(resolve, longest * Math.random()))
    }
  }
}
