/** A JSON integer in plain spelling; `1.0`, `1e3` and `-0` are not. */
const PLAIN_INTEGER = /^(?:0|-?[1-9]\d*)$/

/**
 * Reads JSON without losing a digit: a number that is a safe integer in plain spelling stays a number, every other one
 * (`12.50`, `1e3`, `9007199254740993`) comes as the text that stood in the answer. Undefined when the bytes are no JSON.
 */
export function parseExactJson(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return { value: JSON.parse(text, exactly) }
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
