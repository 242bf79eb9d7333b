/**
 * A table written by meaning, read by word: each meaning with the words that have it, with spaces between. The rows only
 * say how it is laid out. A word under two meanings has the later one, which a test of the table should forbid.
 */
export function words<T extends string>(
  ...rows: readonly Readonly<Partial<Record<T, string>>>[]
): Readonly<Record<string, T>> {
  // Without a prototype: `constructor` is no word of anybody's.
  const table: Record<string, T> = Object.create(null)
  for (const row of rows)
    for (const meaning in row) for (const word of row[meaning]?.split(' ') ?? []) table[word] = meaning
  return table
}
