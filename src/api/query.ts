import { Fault } from '../core/errors.ts'
import { holdsPan, isCardDataName } from '../core/pan.ts'
import { panFault } from './json.ts'

/** Bounds of a query or a form. No list takes more filters, and a client assertion is the longest value. */
const MOST_FIELDS = 32

/** Headers that hold secrets, or random numbers that we take only in their exact form: neither searched nor logged. */
const UNREAD: ReadonlySet<string> = new Set([
  'authorization',
  'proxy-authorization',
  'cookie',
  'traceparent',
  'tracestate',
])

/** Reads a query string: each name once. Names that JavaScript gives a meaning of its own and card data are refused. */
export const readQuery = (url: string): Record<string, string> => {
  const at = url.indexOf('?')
  const end = url.indexOf('#', at)
  return at < 0 ? {} : readFields(url.slice(at + 1, end < 0 ? undefined : end), 'query')
}

/** Reads a form body (application/x-www-form-urlencoded) by the same rules. */
export const readForm = (text: string): Record<string, string> => readFields(text, 'body')

function readFields(text: string, where: string): Record<string, string> {
  const fields: Record<string, string> = {}
  let count = 0
  for (const [name, value] of new URLSearchParams(text)) {
    count += 1
    if (count > MOST_FIELDS)
      throw new Fault('malformed_request', `The ${where} has more than ${MOST_FIELDS} parameters.`)
    if (isCardDataName(name) || holdsPan(name) || holdsPan(value)) throw panFault(`/${where}`)
    if (Object.hasOwn(fields, name)) throw new Fault('duplicate_key', `The ${where} has a parameter twice.`)
    if (name === '__proto__' || `${name}${value}`.includes('\u0000'))
      throw new Fault('malformed_request', `The ${where} has a name or a character that is not accepted.`)
    fields[name] = value
  }
  return fields
}

/** Refuses card data in the path and in the headers, whatever their names. */
export function refuseCardData(path: string, headers: Headers): void {
  if (holdsPan(decodeLoosely(path))) throw panFault('/path')
  headers.forEach((value, name) => {
    if (!UNREAD.has(name) && (isCardDataName(name) || holdsPan(value))) throw panFault('/headers')
  })
}

/** Percent-decoding that can't fail: what is no UTF-8 becomes a replacement character. */
export const decodeLoosely = (text: string): string =>
  text.replace(/(?:%[0-9a-f]{2})+/gi, (escaped) =>
    new TextDecoder().decode(Uint8Array.from(escaped.slice(1).split('%'), (hex) => Number.parseInt(hex, 16))),
  )
