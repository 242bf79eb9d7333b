import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Ajv from 'ajv'
import Ajv2020 from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

/**
 * The processors' official specifications, which this project doesn't keep: docs/contribute/specs.md tells where each is
 * published. They are looked for in `$PAYCAGE_SPECS`, or without it beside the checkout in `shared/specs`.
 */
const ROOT = new URL('../../', import.meta.url)
const PLACES =
  process.env.PAYCAGE_SPECS === undefined
    ? ['../shared/specs/', '../../shared/specs/'].map((place) => fileURLToPath(new URL(place, ROOT)))
    : [`${process.env.PAYCAGE_SPECS}/`]

/** The folder of the specifications, or undefined when they aren't on this machine. */
export const SPECS: string | undefined = PLACES.find((place) => existsSync(`${place}adyen`))

/** The name of a suite that needs them: says so, and where to get them, when it is skipped. */
export const needsSpecs = (name: string): string =>
  SPECS === undefined ? `${name} (skipped: no official specs here, see docs/contribute/specs.md)` : name

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** A specification as JSON. */
export function specFile(name: string): Json {
  return JSON.parse(readFileSync(`${SPECS ?? ''}${name}`, 'utf8'))
}

/** The value at a JSON pointer's parts. */
export function at(json: Json, ...parts: readonly string[]): Json {
  return parts.reduce<Json>((value, part) => {
    const found = isObject(value) ? value[part] : undefined
    if (found === undefined) throw new Error(`the specification has no ${parts.join('/')}: ${part}`)
    return found
  }, json)
}

const isObject = (value: Json): value is { readonly [name: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The members of an object; none of anything else. */
export const membersOf = (value: Json | undefined): { readonly [name: string]: Json } =>
  value !== undefined && isObject(value) ? value : {}

/** The items of an array; none of anything else. */
export const itemsOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : [])

/** The strings of an array. */
export const stringsOf = (value: Json | undefined): string[] =>
  itemsOf(value).flatMap((one) => (typeof one === 'string' ? [one] : []))

/** Checks a value against a schema of the specification; the answer lists what is wrong. */
export type Validator = (value: unknown, ...pointer: readonly string[]) => string[]

/** A validator over a whole specification, with the fix-ups that its dialect needs. Unknown formats (int64, decimal) are taken as notes. */
export function validator(file: string, dialect: '3.0' | '3.1'): Validator {
  const options = { strict: false, allErrors: true, validateFormats: false } as const
  const ajv = dialect === '3.1' ? new Ajv2020.default(options) : new Ajv.default(options)
  addFormats.default(ajv)
  const spec = fixUp(specFile(file))
  ajv.addSchema(isObject(spec) ? { ...spec, $id: file } : {})
  return (value, ...pointer) => {
    const ref = `${file}#/${pointer.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`
    const check = ajv.compile({ $ref: ref })
    return check(value) ? [] : (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  }
}

/**
 * What OpenAPI means and JSON Schema doesn't: `nullable` beside a reference, and closed objects inside `allOf`, which no
 * value could fit together. Examples are data, not schemas.
 */
function fixUp(value: Json, inAllOf = false): Json {
  if (Array.isArray(value)) return value.map((one) => fixUp(one, inAllOf))
  if (!isObject(value)) return value
  const entries = Object.entries(value).flatMap(([name, member]): [string, Json][] => {
    if (name === 'discriminator' || name === 'example' || name === 'nullable') return []
    if (name === 'additionalProperties' && member === false && inAllOf) return []
    if (name === 'properties' && isObject(member)) {
      return [[name, Object.fromEntries(Object.entries(member).map(([key, one]) => [key, fixUp(one)]))]]
    }
    if (name === '$ref' || name === 'examples') return [[name, member]]
    return [[name, fixUp(member, name === 'allOf')]]
  })
  const fixed = Object.fromEntries(entries)
  return value.nullable === true ? { anyOf: [{ type: 'null' }, fixed] } : fixed
}
