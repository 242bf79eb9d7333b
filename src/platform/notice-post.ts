import type { HttpEnd, HttpPort } from '../adapters/http.ts'
import type { NoticeAnswer } from '../core/notice.ts'

/** A notice as it leaves. */
export type NoticePost = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The specification's lower bound: a receiver stores the notice and answers, and works on it afterwards. */
const TIMEOUT_MS = 15_000
/** A call that was given up ends at once; should it not, we don't wait for it. */
const GRACE_MS = 1_000
/** The answer says nothing that we need; reading a little of it lets the connection be used again. */
const MAX_ANSWER_BYTES = 4_096

/** Posts a notice and waits for the end of it, for as long as the time allows. Follows nothing; the answer's body goes no further. */
export async function postNotice(port: HttpPort, notice: NoticePost, timeoutMs = TIMEOUT_MS): Promise<NoticeAnswer> {
  const exchange = port.start({ ...notice, method: 'POST', maxBytes: MAX_ANSWER_BYTES })
  const { promise: cutOff, resolve } = Promise.withResolvers<HttpEnd>()
  let late = false
  const timer = setTimeout(() => {
    late = true
    const phase = exchange.cancel()
    setTimeout(() => resolve({ kind: 'failed', why: 'timeout', phase }), GRACE_MS)
  }, timeoutMs)
  const end = await Promise.race([exchange.end, cutOff])
  clearTimeout(timer)
  return answerOf(late && end.kind === 'failed' ? { ...end, why: 'timeout' } : end)
}

/** A receiver that talks too much has answered all the same: its status was read. */
function answerOf(end: HttpEnd): NoticeAnswer {
  if (end.kind === 'failed') {
    if (end.why === 'too_large' && end.status !== undefined) return { kind: 'answered', status: end.status }
    return { kind: 'failed', why: end.why }
  }
  const retryAfter = end.headers['retry-after']
  return { kind: 'answered', status: end.status, ...(retryAfter !== undefined && { retryAfter }) }
}
