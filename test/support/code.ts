/** A piece of a source file: code, or what stands in quotes, slashes or comments. */
type Mode = 'code' | 'line' | 'block' | "'" | '"' | '`' | 'regex'

/** A slash after one of these begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};>~+*%\n]|\breturn|\btypeof)\s*$/

/** The code of a TypeScript source without comments and without what stands in strings, templates and regular expressions. Lines stay where they are. */
export function codeOf(source: string): string {
  let out = ''
  let mode: Mode = 'code'
  let inClass = false
  // How deep the braces are inside each `${` that is open.
  const holes: number[] = []
  for (let at = 0; at < source.length; at += 1) {
    const letter = source[at] ?? ''
    const pair = letter + (source[at + 1] ?? '')
    if (letter === '\n') {
      out += letter
      if (mode === 'line' || mode === 'regex') mode = 'code'
    } else if (mode === 'code') {
      const opened = pair === '//' ? 'line' : pair === '/*' ? 'block' : quoteOf(letter, out)
      const depth = holes.at(-1)
      if (opened !== undefined) {
        mode = opened
        inClass = false
        out += opened === 'line' || opened === 'block' ? '' : letter
      } else if (letter === '}' && depth === 0) {
        holes.pop()
        mode = '`'
      } else {
        if (depth !== undefined && letter === '{') holes[holes.length - 1] = depth + 1
        if (depth !== undefined && letter === '}') holes[holes.length - 1] = depth - 1
        out += letter
      }
    } else if (mode === 'block') {
      if (pair === '*/') {
        at += 1
        mode = 'code'
      }
    } else if (letter === '\\' && mode !== 'line') at += 1
    else if (mode === '`' && pair === '${') {
      holes.push(0)
      at += 1
      mode = 'code'
    } else if (mode === 'regex') {
      inClass = letter === '[' || (inClass && letter !== ']')
      if (letter === '/' && !inClass) {
        out += letter
        mode = 'code'
      }
    } else if (letter === mode) {
      out += letter
      mode = 'code'
    }
  }
  return out
}

function quoteOf(letter: string, before: string): Mode | undefined {
  if (letter === "'" || letter === '"' || letter === '`') return letter
  return letter === '/' && BEFORE_REGEX.test(before.slice(-40)) ? 'regex' : undefined
}
