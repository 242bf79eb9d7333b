/** One statement as it is run: its text, and the message that runs it with its parameters. */
export type Run = { readonly text: string; readonly message: string }

/** Length of a message's own length field. */
const LENGTH = 4

/**
 * Reads what one client says to PostgreSQL, chunk by chunk, and gives the statements that are run.
 * Source: https://www.postgresql.org/docs/18/protocol-message-formats.html, read 2026-11-25.
 */
export function statements(): (chunk: Buffer) => Run[] {
  const prepared = new Map<string, string>()
  let rest = Buffer.alloc(0)
  // The first message alone has no type.
  let typeBytes = 0

  return (chunk) => {
    const runs: Run[] = []
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= typeBytes + LENGTH) {
      const end = typeBytes + rest.readUInt32BE(typeBytes)
      if (rest.length < end) break
      const type = typeBytes === 0 ? '' : String.fromCharCode(rest[0] ?? 0)
      const message = rest.toString('latin1', typeBytes + LENGTH, end)
      rest = rest.subarray(end)
      typeBytes = 1
      const [first = '', second = ''] = message.split('\0', 2)
      if (type === 'P') prepared.set(first, second)
      if (type === 'B') runs.push({ text: prepared.get(second) ?? '', message })
      if (type === 'Q') runs.push({ text: first, message })
    }
    return runs
  }
}
