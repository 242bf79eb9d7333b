import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Far above any real request; more is cut off with 413. */
const MAX_BODY_BYTES = 65_536
const MAX_DRAINED_BYTES = 1_048_576

/** What a handler answers with; `silence` leaves the line open until the caller gives up. */
export type Answer =
  | {
      readonly status: number
      readonly json?: unknown
      readonly html?: string
      readonly csv?: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | 'silence'

/** A refusal in the processor's own form. */
export const problem = (status: number, code: string, detail: string): Answer => ({
  status,
  json: { error: { code, detail } },
})

/** The whole body, or undefined when it is too large. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    // Read on without keeping it, or the caller would see a reset instead of the 413; past this the line is cut.
    if (bytes > MAX_DRAINED_BYTES) return undefined
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  return bytes > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks).toString('utf8')
}

/** Reads JSON; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** True when two secrets are the same, in a time that tells nothing. */
export function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}

/** The bytes and headers of an answer. */
export function encode(answer: Exclude<Answer, 'silence'>): { body: Buffer; headers: Record<string, string> } {
  const { html, csv, json } = answer
  const body = Buffer.from(html ?? csv ?? (json === undefined ? '' : JSON.stringify(json)))
  const type =
    html !== undefined ? 'text/html; charset=utf-8' : csv !== undefined ? 'text/csv; charset=utf-8' : 'application/json'
  return {
    body,
    headers: {
      'content-type': type,
      'content-length': String(body.length),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      ...answer.headers,
    },
  }
}

/** Answers a request. */
export function respond(response: ServerResponse, answer: Exclude<Answer, 'silence'>): void {
  const { body, headers } = encode(answer)
  response.writeHead(answer.status, headers)
  response.end(body)
}
