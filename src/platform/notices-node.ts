import { type LookupAddress, lookup as systemLookup } from 'node:dns'
import type { HttpPort } from '../adapters/http.ts'
import type { NoticeAnswer, UrlVerdict } from '../core/notice.ts'
import { nodeHttp, type Resolve } from './http-node.ts'
import { type NoticePost, postNotice } from './notice-post.ts'
import { type NoticeUrlRules, readNoticeUrl } from './notice-url.ts'
import { isLoopbackAddress, isPublicAddress } from './special-addresses.ts'

/** The way out to operators' receivers. */
export type NoticePort = {
  check(url: string): Promise<UrlVerdict>
  post(notice: NoticePost): Promise<NoticeAnswer>
  close(): Promise<void>
}

/** What the way out may reach. `lookup`: how names are resolved; the system's way unless said. */
export type NoticeSettings = NoticeUrlRules & { readonly lookup?: Resolve; readonly timeoutMs?: number }

/** Receivers whose connections are kept at once. */
const MAX_ORIGINS = 200
/** Of one receiver: enough for a busy operator, too few to hold all workers of ours when it hangs. The next ones come again later. */
const CONNECTIONS = 4

/**
 * Opens the way out. An operator's URL could name anything inside our network, so it must be https at a name (never an
 * address) that resolves to public addresses only; the checked address is the one connected to, checked again whenever a
 * connection is made; redirects are not followed.
 */
export function nodeNotices(settings: NoticeSettings): NoticePort {
  const { lookup = systemLookup, timeoutMs } = settings
  const lanes = new Map<string, HttpPort>()

  function laneTo(origin: string, loopback: boolean): HttpPort {
    const known = lanes.get(origin)
    lanes.delete(origin)
    const refuseAddress = loopback
      ? (address: string) => !isLoopbackAddress(address)
      : (address: string) => !isPublicAddress(address)
    const lane = known ?? nodeHttp({ connections: CONNECTIONS, queue: 0, refuseAddress, lookup })
    lanes.set(origin, lane)
    const [oldest] = lanes
    if (oldest !== undefined && lanes.size > MAX_ORIGINS) {
      lanes.delete(oldest[0])
      void oldest[1].close()
    }
    return lane
  }

  return {
    async check(text) {
      const read = readNoticeUrl(text, settings)
      if (read.kind === 'refused') return { kind: 'unsafe', detail: read.detail }
      const { url, loopback } = read
      if (loopback) return { kind: 'safe', url: url.href }
      const addresses = await addressesOf(lookup, url.hostname)
      // One sentence for both: what a name resolves to inside our network is nobody's business.
      if (addresses.length === 0 || !addresses.every(({ address }) => isPublicAddress(address)))
        return { kind: 'unsafe', detail: 'The host name has no public address.' }
      return { kind: 'safe', url: url.href }
    },
    async post(notice) {
      const read = readNoticeUrl(notice.url, settings)
      if (read.kind === 'refused') return { kind: 'failed', why: 'unsafe_url' }
      return postNotice(laneTo(read.url.origin, read.loopback), { ...notice, url: read.url.href }, timeoutMs)
    },
    async close() {
      await Promise.all([...lanes.values()].map((lane) => lane.close()))
      lanes.clear()
    },
  }
}

const addressesOf = (lookup: Resolve, hostname: string): Promise<LookupAddress[]> =>
  new Promise((done) => {
    lookup(hostname, { all: true }, (error, addresses) => done(error ? [] : addresses))
  })
