/** A text that must not leave: printing, logging or serializing it shows `[redacted]`; only `reveal` gives it. */
export type Secret = { reveal(): string; toJSON(): string; toString(): string }

const REDACTED = '[redacted]'

/** Wraps a text. Node's own inspection asks for the well-known symbol, so that an error dump doesn't show it either. */
export function secret(text: string): Secret {
  const redacted = () => REDACTED
  return Object.freeze({
    reveal: () => text,
    toJSON: redacted,
    toString: redacted,
    [Symbol.for('nodejs.util.inspect.custom')]: redacted,
  })
}
