/** A JSON object of which nothing is known but that it is one. */
export type Json = Readonly<Record<string, unknown>>

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A member of an object that is an object itself, or an empty one. */
export const part = (value: unknown, ...path: readonly string[]): Json => {
  let here: unknown = value
  for (const name of path) here = isJson(here) ? here[name] : undefined
  return isJson(here) ? here : {}
}

/** A member that is a list of objects, or an empty one. */
export const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isJson) : [])

/** Texts that most patterns of ours take; the first that fits is the sample. */
const TEXTS = [
  'sample-1',
  'EUR',
  'FI',
  '12.50',
  'sample',
  '1',
  'a',
  '2026-11-22',
  '2026-11-22T10:00:00.000Z',
  'https://operator.example/hook',
  'sample-0123456789abcdef',
  '192.0.2.1',
  'FI2112345600000785',
]

/** The smallest value that fits a JSON schema of our document: required members only. Throws when it can't find one: then the endpoint needs an `example`. */
export function sample(schema: Json, document: Json, name = 'value'): unknown {
  const { $ref, allOf, oneOf, anyOf } = schema
  if (typeof $ref === 'string') return sample(part(document, ...$ref.replace('#/', '').split('/')), document, name)
  if ('const' in schema) return schema.const
  if ('example' in schema) return schema.example
  if (Array.isArray(schema.examples)) return schema.examples[0]
  if (Array.isArray(schema.enum)) return schema.enum[0]
  if ('default' in schema) return schema.default
  const first = list(oneOf)[0] ?? list(anyOf)[0]
  if (first !== undefined) return sample(first, document, name)
  if (list(allOf).length > 0) return Object.assign({}, ...list(allOf).map((each) => sample(each, document, name)))
  return OF_TYPE[typeOf(schema)]?.(schema, document, name)
}

const typeOf = ({ type }: Json): string => String(Array.isArray(type) ? type[0] : (type ?? 'object'))

const OF_TYPE: Readonly<Record<string, (schema: Json, document: Json, name: string) => unknown>> = {
  object: ({ properties, required }, document) =>
    Object.fromEntries(
      Object.entries(part(properties))
        .filter(([name]) => Array.isArray(required) && required.includes(name))
        .map(([name, schema]) => [name, sample(part(schema), document, name)]),
    ),
  array: ({ items, minItems }, document, name) =>
    Array.from({ length: Number(minItems ?? 0) }, () => sample(part(items), document, name)),
  integer: ({ minimum }) => Number(minimum ?? 1),
  number: ({ minimum }) => Number(minimum ?? 1),
  boolean: () => true,
  null: () => null,
  string: ({ pattern, minLength, maxLength, format }, _document, name) => {
    const fits = new RegExp(typeof pattern === 'string' ? pattern : '')
    const shortest = Number(minLength ?? 0)
    const longest = Number(maxLength ?? Number.POSITIVE_INFINITY)
    const text = [...(format === 'date-time' ? ['2026-11-22T10:00:00.000Z'] : []), ...TEXTS, 'x'.repeat(shortest)].find(
      (each) => fits.test(each) && each.length >= shortest && each.length <= longest,
    )
    if (text === undefined) throw new Error(`no sample fits ${name}: give its schema an example`)
    return text
  },
}
