import type { HttpPort } from '../adapters/http.ts'
import type { NoticeAnswer, UrlVerdict } from '../core/notice.ts'
import { type NoticePost, postNotice } from './notice-post.ts'
import { readNoticeUrl } from './notice-url.ts'

const RULES = { allowLoopback: false }

/**
 * The way out of a Workers isolate. It stands in no network of ours and can't resolve names, so the form of the URL is
 * all that it checks: where it runs, `fetch` reaches the open internet only. Bind no private network to it.
 */
export function fetchNotices(port: HttpPort): {
  check(url: string): Promise<UrlVerdict>
  post(notice: NoticePost): Promise<NoticeAnswer>
} {
  return {
    async check(text) {
      const read = readNoticeUrl(text, RULES)
      return read.kind === 'refused' ? { kind: 'unsafe', detail: read.detail } : { kind: 'safe', url: read.url.href }
    },
    async post(notice) {
      if (readNoticeUrl(notice.url, RULES).kind === 'refused') return { kind: 'failed', why: 'unsafe_url' }
      return postNotice(port, notice)
    },
  }
}
