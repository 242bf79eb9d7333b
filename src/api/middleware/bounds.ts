import { Fault } from '../../core/errors.ts'
import type { EdgeMiddleware } from '../edge.ts'
import { decodeLoosely, refuseCardData } from '../query.ts'

/** The longest honest URL is a list with every filter and a cursor: under 1 KB. */
const URL_CHARS = 2048 + 256

/** Refuses what no honest request has, before anything looks at it: an endless URL, NUL, card data in path or headers. */
export const requestBounds: EdgeMiddleware = async (c, next) => {
  const { url, headers } = c.req.raw
  if (url.length > URL_CHARS) throw new Fault('malformed_request', 'The URL is too long.')
  if (url.includes('%00')) throw new Fault('malformed_request', 'The URL holds the character NUL.')
  if (headers.has('transfer-encoding') && headers.has('content-length'))
    throw new Fault('malformed_request', 'The request says its length in two ways.')
  refuseCardData(decodeLoosely(c.req.path), headers)
  await next()
}
