/** A table written by meaning, read by word: each row is a meaning and the words that have it, with spaces between. A word in two rows has the later meaning, which a test of the table should forbid. */
export const words = <T>(rows: readonly (readonly [T, string])[]): Readonly<Record<string, T>> =>
  Object.fromEntries(rows.flatMap(([meaning, row]) => row.split(' ').map((word) => [word, meaning])))
