/** Longest path with query that we send; the longest of any adapter is under 300. */
const MAX_PATH = 2_048
/** What may stand in a path and a query after encoding: RFC 3986 `pchar`, `/` and `?`, minus `'` and `;`, which some servers read as syntax. */
const ALLOWED = /^\/(?:[A-Za-z0-9\-._~!$&()*+,=:@/?]|%[0-9A-F]{2})*$/

/** A path whose every interpolated part is percent-encoded: `` path`/v1/charges/${id}` ``. */
export function path(literals: TemplateStringsArray, ...parts: readonly string[]): string {
  // A lone surrogate would make encodeURIComponent throw.
  return literals.reduce(
    (text, literal, index) => text + encodeURIComponent((parts[index - 1] ?? '').toWellFormed()) + literal,
  )
}

/** True when a path can be sent as it is: encoded, no dot segments in any spelling, no empty segment, no control character. */
export function isSafePath(text: string): boolean {
  if (text.length > MAX_PATH || !ALLOWED.test(text)) return false
  const bare = text.split('?', 1)[0] ?? ''
  if (bare.includes('//')) return false
  const controls = /%(?:[01][0-9A-F]|7F)/
  return (
    !controls.test(text) &&
    bare.split('/').every((segment) => {
      const plain = segment.replaceAll('%2E', '.')
      return plain !== '.' && plain !== '..' && !segment.includes('%2F') && !segment.includes('%5C')
    })
  )
}
