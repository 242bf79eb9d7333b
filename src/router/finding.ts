/** One thing that the analyser has to say: where, what, and what to do about it. An error blocks publishing. */
export type Finding = {
  readonly severity: 'error' | 'warning'
  readonly code: string
  /** The rule's id, `default`, or null when it is about the whole. */
  readonly rule: string | null
  /** RFC 6901 pointer into the ruleset. */
  readonly pointer: string
  readonly message: string
  readonly fix: string
}

/** Writes findings about one place of a ruleset. `at` goes deeper. */
export type Reporter = {
  error(code: string, message: string, fix: string): void
  warning(code: string, message: string, fix: string): void
  at(...path: (string | number)[]): Reporter
}

/** Collects findings of one rule. `name` is how messages call it: `rule "cards"`. */
export function reporterOf(findings: Finding[], rule: string | null, path: readonly (string | number)[]): Reporter {
  const name = rule === null ? 'the ruleset' : rule === 'default' ? 'the default' : `rule "${rule}"`
  const add = (severity: Finding['severity'], code: string, message: string, fix: string): void => {
    findings.push({ severity, code, rule, pointer: pointerOf(path), message: `${name}: ${message}`, fix })
  }
  return {
    error: (code, message, fix) => add('error', code, message, fix),
    warning: (code, message, fix) => add('warning', code, message, fix),
    at: (...deeper) => reporterOf(findings, rule, [...path, ...deeper]),
  }
}

/** The RFC 6901 pointer of a path. */
export const pointerOf = (path: readonly (string | number)[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** Words further away than this are no slips of the finger. */
const MAX_SLIPS = 2

/** The option that a mistyped word most likely meant, or undefined. */
export function nearest(word: string, options: Iterable<string>): string | undefined {
  let best: { option: string; slips: number } | undefined
  for (const option of options) {
    if (Math.abs(option.length - word.length) > MAX_SLIPS) continue
    const slips = distance(word.toLowerCase(), option.toLowerCase())
    if (slips <= MAX_SLIPS && slips < option.length && (!best || slips < best.slips)) best = { option, slips }
  }
  return best?.option
}

/** Levenshtein's distance. Words are short here. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
