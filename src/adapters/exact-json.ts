/** A JSON integer in plain spelling; `1.0`, `1e3` and `-0` are not. */
const PLAIN_INTEGER = /^(?:0|-?[1-9]\d*)$/

/** UTF-8, strictly: bytes that are none are no text. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Where a number may stand that isn't a safe integer in plain spelling. In a string it looks the same: then the text is read number by number for nothing. */
const MAYBE_INEXACT = /(?:^|[[:,\s])(?:-0|-?\d+[.eE]|-?\d{16})/

/**
 * Reads JSON without losing a digit: a number that is a safe integer in plain spelling stays a number, every other one
 * (`12.50`, `1e3`, `9007199254740993`) comes as the text that stood in the answer. Undefined when the bytes are no JSON.
 */
export function parseExactJson(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    const text = utf8.decode(bytes)
    return { value: MAYBE_INEXACT.test(text) ? JSON.parse(text, exactly) : JSON.parse(text) }
  } catch {
    return undefined
  }
}

// The third argument is newer than the type library: https://github.com/tc39/proposal-json-parse-with-source (stage 4).
function exactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number') return value
  const source = context?.source ?? String(value)
  return PLAIN_INTEGER.test(source) && Number.isSafeInteger(value) ? value : source
}
