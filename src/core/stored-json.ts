/**
 * JSON that keeps whole numbers of any size: a bigint is written as `{"$minor":"…"}`. For what is stored in the
 * database only; the API writes amounts as decimal strings.
 */
export const toStoredJson = (value: unknown): string =>
  JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'bigint' ? { $minor: member.toString() } : member,
  )

/** The value again, from what the database parsed. */
export function fromStored(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromStored)
  if (typeof value !== 'object' || value === null) return value
  if ('$minor' in value && typeof value.$minor === 'string') return BigInt(value.$minor)
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fromStored(member)]))
}
