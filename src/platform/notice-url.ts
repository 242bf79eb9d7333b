/** What a URL that receives notices may look like. */
export type NoticeUrlRules = {
  /** True in a sandbox only: a developer's own machine may receive, over plain HTTP too. */
  readonly allowLoopback: boolean
  readonly ports?: readonly number[]
}

/** A URL that may be tried, or why not, in a sentence. What its name resolves to is another question. */
export type NoticeUrl =
  | { readonly kind: 'well_formed'; readonly url: URL; readonly loopback: boolean }
  | { readonly kind: 'refused'; readonly detail: string }

const MAX_CHARS = 1_024
const TLS_PORT = 443
const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])
/** The URL standard has written every spelling of an address (decimal, hex, octal, wide digits) in one of these forms by now. */
const ADDRESS = /^(?:\[.*\]|\d{1,3}(?:\.\d{1,3}){3})$/

const refused = (detail: string): NoticeUrl => ({ kind: 'refused', detail })

/** Reads a URL by the rules: https at a host name and the standard port; in a sandbox also this very machine. */
export function readNoticeUrl(text: string, { allowLoopback, ports = [TLS_PORT] }: NoticeUrlRules): NoticeUrl {
  const url = text.length <= MAX_CHARS ? URL.parse(text) : null
  if (url === null) return refused('This is no URL.')
  if (url.username !== '' || url.password !== '') return refused('A URL must not hold a user name or password.')
  if (url.hash !== '') return refused('A URL must not hold a fragment.')
  if (allowLoopback && LOOPBACK.has(url.hostname) && /^https?:$/.test(url.protocol))
    return { kind: 'well_formed', url, loopback: true }
  if (url.protocol !== 'https:') return refused('Only https is taken.')
  if (ADDRESS.test(url.hostname)) return refused('Use a host name, not an address.')
  if (!ports.includes(Number(url.port || TLS_PORT))) return refused(`Use port ${ports.join(' or ')}.`)
  return { kind: 'well_formed', url, loopback: false }
}
