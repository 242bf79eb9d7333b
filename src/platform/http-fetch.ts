import type { Phase } from '../adapters/contract.ts'
import type { HttpCall, HttpEnd, HttpPort } from '../adapters/http.ts'

/**
 * The port of a Workers isolate. `fetch` doesn't tell whether a failed call was written, so every failure after the
 * start counts as written: a refused connection is an unknown outcome here, and money waits for a look-up.
 */
export function fetchHttp(send: typeof fetch = fetch): HttpPort {
  return {
    start(call) {
      const abort = new AbortController()
      const progress: Progress = { phase: 'written' }
      return {
        end: run(send, call, abort.signal, progress),
        cancel() {
          abort.abort()
          return progress.phase
        },
      }
    },
    close: async () => {},
  }
}

type Progress = { phase: Phase; status?: number }

async function run(send: typeof fetch, call: HttpCall, signal: AbortSignal, progress: Progress): Promise<HttpEnd> {
  try {
    const answer = await send(call.url, {
      method: call.method,
      headers: { ...call.headers },
      body: call.body ?? null,
      redirect: 'manual',
      signal,
    })
    progress.phase = 'headers'
    progress.status = answer.status
    const body = await readCapped(answer, call.maxBytes)
    if (!body) return { kind: 'failed', why: 'too_large', phase: 'headers', status: answer.status }
    return { kind: 'answered', status: answer.status, headers: Object.fromEntries(answer.headers), body }
  } catch {
    const { phase, status } = progress
    return { kind: 'failed', why: 'reset', phase, ...(status !== undefined && { status }) }
  }
}

/** Reads the whole body, or gives it up and says undefined when it passes the cap. Counted after unpacking: `fetch` unpacks by itself. */
async function readCapped(answer: Response, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  if (answer.body) {
    for await (const chunk of answer.body) {
      bytes += chunk.length
      // Leaving the loop cancels the body, and with it the connection.
      if (bytes > maxBytes) return undefined
      chunks.push(chunk)
    }
  }
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}
