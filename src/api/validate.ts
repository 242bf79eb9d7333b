import type { z } from 'zod'
import { Fault, type FieldError } from '../core/errors.ts'
import { pointer } from './json.ts'

/** What a schema found wrong, or the value. */
export type Validated<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly errors: readonly FieldError[] }

/** Codes that a schema names as its message, where zod's own code says too little. */
const NAMED: Readonly<Record<string, string>> = {
  amount_invalid: 'Must be a positive decimal string in major units, such as "12.50".',
  currency_invalid: 'Must be an upper-case currency code.',
  id_invalid: 'Must be an id of the right kind.',
}

/** No client reads more; a hostile body can make thousands. */
const MOST_ERRORS = 32

/** Holds a value against a schema. Errors say where and what in our words: nothing of zod and nothing of the input. */
export function validate<T>(schema: z.ZodType<T>, value: unknown, at: readonly string[] = []): Validated<T> {
  const result = schema.safeParse(value)
  if (result.success) return { ok: true, value: result.data }
  const errors = result.error.issues.flatMap((issue) => fieldErrors(issue, value, at))
  return { ok: false, errors: errors.slice(0, MOST_ERRORS) }
}

/** The refusal that carries these errors. */
export const validationFault = (errors: readonly FieldError[]): Fault =>
  new Fault('validation_failed', 'The request does not fit its schema.', { errors })

function fieldErrors(issue: z.core.$ZodIssue, value: unknown, at: readonly string[]): FieldError[] {
  const where = (more: readonly PropertyKey[] = []) => pointer([...at, ...issue.path, ...more])
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      pointer: where([key]),
      code: 'unknown_member',
      detail: 'This member is not known here.',
    }))
  const named = NAMED[issue.message]
  if (named !== undefined) return [{ pointer: where(), code: issue.message, detail: named }]
  if (issue.code === 'invalid_type' && valueAt(value, issue.path) === undefined)
    return [{ pointer: where(), code: 'required', detail: 'This member is required.' }]
  return [{ pointer: where(), ...explain(issue) }]
}

function explain(issue: z.core.$ZodIssue): { code: string; detail: string } {
  switch (issue.code) {
    case 'invalid_type':
      return { code: 'invalid_type', detail: `Must be of type ${issue.expected}.` }
    case 'too_big':
      return {
        code: issue.origin === 'string' ? 'too_long' : 'too_big',
        detail: `Must be at most ${bound(issue.maximum, issue.origin)}.`,
      }
    case 'too_small':
      return {
        code: issue.origin === 'string' ? 'too_short' : 'too_small',
        detail: `Must be at least ${bound(issue.minimum, issue.origin)}.`,
      }
    case 'invalid_value':
      return { code: 'invalid_value', detail: `Must be one of: ${issue.values.map(String).join(', ')}.` }
    case 'invalid_union':
      return { code: 'invalid_value', detail: 'Must be one of the forms that the documentation lists.' }
    case 'custom':
      return { code: 'invalid_value', detail: issue.message }
    default:
      return { code: 'invalid_format', detail: 'Must be of the documented form.' }
  }
}

const UNITS: Readonly<Record<string, string>> = { string: ' characters long', array: ' items', set: ' items' }

const bound = (limit: number | bigint, origin: string): string => `${limit}${UNITS[origin] ?? ''}`

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let here = value
  for (const part of path) {
    if (typeof here !== 'object' || here === null) return undefined
    here = Object.getOwnPropertyDescriptor(here, part)?.value
  }
  return here
}
