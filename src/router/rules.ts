import { z } from 'zod'

/**
 * The routing language as data: a ruleset is an ordered list of rules, the first whose condition holds wins, and the
 * default stands last. This file says what a ruleset looks like; what its values may be is `fields.ts`, what makes one
 * wrong is `analyse.ts`, and how one runs is `compile.ts`. The text form of the same tree is `text.ts`.
 */

/** More rules than an operator can read; the planner's figures hold up to 200. */
export const MAX_RULES = 500
/** Tests in one rule: past this a rule should be two. */
export const MAX_CONDITIONS = 64
/** How deep conditions may nest: bounds every recursion over them. */
export const MAX_DEPTH = 8
/** Values in one list. All currencies (about 160) and all countries (about 250) fit. */
export const MAX_VALUES = 300
/** Connections in one rule. */
export const MAX_ROUTE = 40

/** What a fact is compared with: a word, a whole number, yes or no. Amounts are words such as `100.00 EUR`. */
export type Value = string | number | boolean

/** A test of a payment's facts. A fact that is absent fits no test but `ne` and `not_in`. */
export type Condition =
  | { readonly op: 'always' }
  | { readonly op: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly op: 'not'; readonly of: Condition }
  | { readonly op: 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte' | 'prefix'; readonly field: string; readonly value: Value }
  | { readonly op: 'in' | 'not_in'; readonly field: string; readonly values: readonly Value[] }
  /** Both ends belong to it. */
  | { readonly op: 'between'; readonly field: string; readonly low: Value; readonly high: Value }
  | { readonly op: 'exists'; readonly field: string }
  /** From `from` (in) to `to` (out) on the operator's clock, `HH:MM`; over midnight when `to` is the earlier. */
  | { readonly op: 'time'; readonly from: string; readonly to: string }
  /** A fixed share of players, by hash of player and `salt`: those whose point in 0–100 is at least `from` and below `to`. */
  | { readonly op: 'percent'; readonly salt: string; readonly from: number; readonly to: number }

/** Connections by label or id, in the rule's order; `*` is all of them in the order of their making. */
export type Connections = readonly string[] | '*'

/** What a rule does with a payment: a strategy over connections. `thenDefault` adds the default's connections behind them. */
export type Action =
  | { readonly strategy: 'ordered'; readonly connections: Connections; readonly then_default?: boolean }
  | { readonly strategy: 'weighted'; readonly split: readonly Share[]; readonly then_default?: boolean }
  | { readonly strategy: 'cheapest'; readonly connections: Connections; readonly then_default?: boolean }
  | {
      readonly strategy: 'best_rate'
      readonly connections: Connections
      /** Share of payments that try another connection first, so that its rate is known: 0–20. */
      readonly explore_percent: number
      readonly then_default?: boolean
    }
  | {
      readonly strategy: 'value'
      readonly connections: Connections
      /** What a deposit is worth to the operator, in percent of its amount, as a decimal: `12.5`. */
      readonly margin_percent: string
      readonly then_default?: boolean
    }
  | { readonly strategy: 'closest_float'; readonly connections: Connections; readonly then_default?: boolean }
  | { readonly strategy: 'closed_loop'; readonly connections: Connections; readonly then_default?: boolean }

/** One connection's part of a split, in percent. */
export type Share = { readonly connection: string; readonly percent: number }

/** One row of the table: a name that never changes (decisions keep it), a condition and what it does. */
export type Rule = { readonly id: string; readonly title?: string; readonly when: Condition; readonly use: Action }

/** What the rules must do with a payment like this one, kept beside them: simulation checks it before every publish. */
export type GoldenCase = {
  readonly name: string
  readonly facts: Readonly<Record<string, Value>>
  readonly expect: { readonly rule?: string; readonly first?: string; readonly not?: string }
}

/** All that is published together. */
export type Ruleset = {
  readonly language: 1
  /** IANA name of the clock that `hour`, `weekday` and `time` read; UTC when absent. */
  readonly time_zone?: string
  readonly rules: readonly Rule[]
  readonly default: Action
  readonly golden?: readonly GoldenCase[]
}

const word = z.string().max(200)
const value: z.ZodType<Value> = z.union([word, z.number(), z.boolean()])
const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is a time such as 22:00')

// Written as a function of its own schema, since a condition holds conditions.
const condition: z.ZodType<Condition> = z.lazy(() =>
  z.discriminatedUnion('op', [
    z.strictObject({ op: z.literal('always') }),
    z.strictObject({ op: z.enum(['and', 'or']), of: z.array(condition).min(2).max(MAX_CONDITIONS) }),
    z.strictObject({ op: z.literal('not'), of: condition }),
    z.strictObject({ op: z.enum(['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'prefix']), field: word, value }),
    z.strictObject({ op: z.enum(['in', 'not_in']), field: word, values: z.array(value).max(MAX_VALUES) }),
    z.strictObject({ op: z.literal('between'), field: word, low: value, high: value }),
    z.strictObject({ op: z.literal('exists'), field: word }),
    z.strictObject({ op: z.literal('time'), from: clock, to: clock }),
    z.strictObject({ op: z.literal('percent'), salt: word.min(1).max(64), from: z.number(), to: z.number() }),
  ]),
)

const connections = z.union([z.literal('*'), z.array(word.min(1)).max(MAX_ROUTE)])
const thenDefault = z.boolean().exactOptional()
const share = z.strictObject({ connection: word.min(1), percent: z.number() })

const action: z.ZodType<Action> = z.discriminatedUnion('strategy', [
  z.strictObject({ strategy: z.literal('ordered'), connections, then_default: thenDefault }),
  z.strictObject({ strategy: z.literal('weighted'), split: z.array(share).max(MAX_ROUTE), then_default: thenDefault }),
  z.strictObject({ strategy: z.literal('cheapest'), connections, then_default: thenDefault }),
  z.strictObject({
    strategy: z.literal('best_rate'),
    connections,
    explore_percent: z.number(),
    then_default: thenDefault,
  }),
  z.strictObject({ strategy: z.literal('value'), connections, margin_percent: word, then_default: thenDefault }),
  z.strictObject({ strategy: z.literal('closest_float'), connections, then_default: thenDefault }),
  z.strictObject({ strategy: z.literal('closed_loop'), connections, then_default: thenDefault }),
])

const rule = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'is 1–64 of a–z, 0–9, _ and -'),
  title: z.string().min(1).max(200).exactOptional(),
  when: condition,
  use: action,
})

const golden = z.strictObject({
  name: z.string().min(1).max(200),
  facts: z.record(word, value),
  expect: z.strictObject({
    rule: word.exactOptional(),
    first: word.exactOptional(),
    not: word.exactOptional(),
  }),
})

/** The schema of a ruleset: its structure only. Depth must be checked first, with `tooDeep`. */
export const Ruleset: z.ZodType<Ruleset> = z.strictObject({
  language: z.literal(1),
  time_zone: z.string().min(1).max(64).exactOptional(),
  rules: z.array(rule).max(MAX_RULES),
  default: action,
  golden: z.array(golden).max(MAX_RULES).exactOptional(),
})

/** Nesting that no ruleset needs: rules → rule → when → `of` lists, two levels for each condition. */
const MAX_JSON_DEPTH = 4 + MAX_DEPTH * 2

/** True when a value nests deeper than a ruleset may; walks with a list of its own, so that no input overflows the stack. */
export function tooDeep(input: unknown): boolean {
  let level: unknown[] = [input]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_JSON_DEPTH) return true
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
  return false
}

/** What stands wrong in a ruleset's structure: where (JSON pointer parts) and what. */
export type Misfit = { readonly path: readonly (string | number)[]; readonly message: string }

/** Reads a ruleset from JSON. Gives the misfits instead when the structure is not one. */
export function parseRuleset(input: unknown): { ok: true; ruleset: Ruleset } | { ok: false; misfits: Misfit[] } {
  if (tooDeep(input))
    return { ok: false, misfits: [{ path: [], message: `nests deeper than ${MAX_DEPTH} conditions` }] }
  const read = Ruleset.safeParse(input)
  if (read.success) return { ok: true, ruleset: read.data }
  return {
    ok: false,
    misfits: read.error.issues.map(({ path, message }) => ({
      path: path.filter((part) => typeof part !== 'symbol'),
      message,
    })),
  }
}

/** The rule that every operator has before the first publication: all connections, in the order of their making. */
export const BUILT_IN: Ruleset = { language: 1, rules: [], default: { strategy: 'ordered', connections: '*' } }

/** The connections that an action names, in its order; `*` names none. */
export function namedConnections(use: Action): readonly string[] {
  if (use.strategy === 'weighted') return use.split.map(({ connection }) => connection)
  return use.connections === '*' ? [] : use.connections
}
