/** Arrays as PostgreSQL reads them from text: the driver doesn't know array types without a query per connection. */

/** An array literal of values that need no quotes: numbers, UUIDs, words of our own. */
export const plainArray = (values: readonly (string | number | bigint)[]): string => `{${values.join(',')}}`

const SPECIAL = /["\\]/

/** An array literal of any text, null as NULL. */
export function textArray(values: readonly (string | null)[]): string {
  // nearly all are text without anything to escape, and looking at all of it at once is three times as quick
  const isPlain = values.length > 0 && !values.includes(null) && !SPECIAL.test(values.join(''))
  return isPlain ? `{"${values.join('","')}"}` : `{${values.map(quoted).join(',')}}`
}

const quoted = (value: string | null) => (value === null ? 'null' : `"${value.replaceAll(/["\\]/g, '\\$&')}"`)
