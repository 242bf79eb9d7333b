import { createHmac } from 'node:crypto'
import type { Books } from './books.ts'
import type { Journal, Notice } from './journal.ts'

/** Waits between tries, ms; the last one repeats. In all about 12 minutes, so that a gateway may restart under test. */
const BACK_OFF_MS = [0, 250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 30_000] as const
const MAX_TRIES = 30
const ANSWER_TIMEOUT_MS = 5_000
/** Webhooks under way at once; more wait for the next round. */
const MAX_UNDER_WAY = 64

/** The value of `X-Sandbox-Signature`: the time and one `v1` per secret, over `time.body`. */
export function signatureHeader(secrets: readonly string[], unixSeconds: number, body: string): string {
  const digests = secrets.map((secret) => createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex'))
  return [`t=${unixSeconds}`, ...digests.map((digest) => `v1=${digest}`)].join(',')
}

/** Posts one webhook once; the status that came back, or 0 when none did. */
export async function post(url: string, body: string, headers: Readonly<Record<string, string>>): Promise<number> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'user-agent': 'paycage-sandbox', ...headers },
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    })
    await answer.body?.cancel()
    return answer.status
  } catch {
    return 0
  }
}

/** Delivers notices until each is answered with 2xx or its tries are used up. */
export type Courier = { send(notice: Notice): void; stop(): void }

/** Starts the courier, with what the last run left undelivered. */
export function startCourier(books: Books, journal: Journal, secrets: readonly string[]): Courier {
  const timers = new Set<NodeJS.Timeout>()
  const queue: { notice: Notice; tries: number }[] = []
  let underWay = 0
  let stopped = false

  async function tryOnce(notice: Notice, tries: number) {
    underWay += 1
    // The receiver may act on it at once, so it must be true on disk first.
    await journal.durable()
    const header = signatureHeader(secrets, Math.floor(Date.now() / 1_000), notice.body)
    const status = await post(notice.url, notice.body, { 'x-sandbox-signature': header })
    underWay -= 1
    if (stopped) return
    const done = status >= 200 && status < 300
    if (done || tries + 1 >= MAX_TRIES) {
      books.put({ closed: notice.id })
      await journal.durable()
    } else later(notice, tries + 1)
    next()
  }

  function next() {
    while (!stopped && underWay < MAX_UNDER_WAY) {
      const head = queue.shift()
      if (!head) return
      void tryOnce(head.notice, head.tries)
    }
  }

  function later(notice: Notice, tries: number) {
    const wait = BACK_OFF_MS[Math.min(tries, BACK_OFF_MS.length - 1)] ?? 0
    const timer = setTimeout(() => {
      timers.delete(timer)
      queue.push({ notice, tries })
      next()
    }, wait)
    timers.add(timer)
  }

  for (const notice of books.undelivered()) later(notice, 0)
  return {
    send: (notice) => later(notice, 0),
    stop() {
      stopped = true
      for (const timer of timers) clearTimeout(timer)
    },
  }
}
