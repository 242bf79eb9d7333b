import type { z } from 'zod'
import type { Caller, Scope } from '../auth/scopes.ts'
import type { Code } from '../core/errors.ts'
import type { Deps } from '../flows/deps.ts'

/** What a handler answers. Bodies are JSON values (amounts and counters as strings), or text and bytes under a media type. */
export type Answer = {
  readonly status: number
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** How an answer looks: a zod schema for JSON, a media type for anything else, or null for no body. */
export type AnswerShape = z.ZodType | `${string}/${string}` | null

/** The statuses that a handler may answer. Named one by one so that TypeScript keeps the literal that a handler writes. */
type Success = 200 | 201 | 202 | 204 | 302 | 303 | 304 | 503

/** Any JSON value. The empty string and zero make TypeScript keep literals inside it, which the shapes then check. */
type Literal =
  | ''
  | (string & {})
  | 0
  | (number & {})
  | boolean
  | null
  | undefined
  | object
  | readonly Literal[]
  | { readonly [member: string]: Literal }

type AnswerOf<Shapes> = { readonly status: Success; readonly body?: Literal } & {
  [Status in keyof Shapes & number]: {
    readonly status: Status
    readonly headers?: Readonly<Record<string, string>>
  } & (Shapes[Status] extends z.ZodType
    ? { readonly body: z.input<Shapes[Status]> }
    : Shapes[Status] extends string
      ? { readonly body: string | Uint8Array }
      : { readonly body?: undefined })
}[keyof Shapes & number]

/** What a handler is given: parsed, within its bounds, and from a caller who may do this. */
export type EndpointRequest<Params, Query, Body, Who> = {
  readonly caller: Who
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** Names this run of an idempotency key, the same when it is taken over after a crash; empty where the endpoint takes none. */
  readonly runId: string
  /** The body as it came, byte for byte: what a signature is checked over. */
  readonly bytes: Uint8Array
  /** A header of the request by its lower-case name. */
  readonly header: (name: string) => string | undefined
  /** All headers by their lower-case names: for signatures that others define. */
  readonly headers: Readonly<Record<string, string>>
  readonly requestId: string
  /** The socket's address, or the one that a trusted proxy named. */
  readonly ip: string
  /** The version of the API that this request speaks. */
  readonly apiVersion: string
}

/** How large a body may be. `strings` names members whose strings may be longer than `stringChars`. */
export type BodyBounds = {
  readonly bytes: number
  readonly depth: number
  readonly keys: number
  readonly stringChars: number
  readonly strings: Readonly<Record<string, number>>
}

type About = {
  readonly method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** With parameters in braces: `/v1/deposits/{id}`. */
  readonly path: `/${string}`
  readonly tag: string
  readonly summary: string
  readonly description?: string
  /** Name of the operation for client generators; made of method and path when absent. */
  readonly operationId?: string
  /** True when it moves money or may: the client must send an `Idempotency-Key`. */
  readonly idempotent?: boolean
  /** True when a player's own session may call it too. `player_id` in path or body must then be that player's. */
  readonly cashier?: boolean
  /** How the body comes; `json` unless said. `bytes` is not parsed at all: the handler gets it as it came. */
  readonly bodyType?: 'json' | 'form' | 'bytes'
  /** Bounds of the body, where the defaults don't fit: a file, a set of rules. */
  readonly bounds?: Partial<BodyBounds>
  /** `auth` counts against the stricter limit of log-ins and tokens; `none` is for probes. */
  readonly rate?: 'default' | 'auth' | 'none'
  /** Refusals that it may answer with, beside the ones that every endpoint has. */
  readonly faults?: readonly Code[]
  /** Shown in the document, and the request that the sweep test begins with. */
  readonly example?: { readonly params?: unknown; readonly query?: unknown; readonly body?: unknown }
}

type Spec<Params, Query, Body, Who extends Scope | 'public', Shapes> = About & {
  readonly scope: Who
  readonly params?: z.ZodType<Params>
  readonly query?: z.ZodType<Query>
  readonly body?: z.ZodType<Body>
  readonly answers: Shapes
  handle(
    deps: Deps,
    request: EndpointRequest<Params, Query, Body, Who extends 'public' ? undefined : Caller>,
  ): Promise<AnswerOf<Shapes>>
}

/** An endpoint as the app sees it, whatever its types: everything but `handle` is data. */
export type Endpoint = About & {
  readonly scope: Scope | 'public'
  readonly params?: z.ZodType
  readonly query?: z.ZodType
  readonly body?: z.ZodType
  readonly answers: Readonly<Record<number, AnswerShape>>
  // A method, so that TypeScript lets a handler of narrower types stand here; the app calls it only with what the schemas gave.
  handle(deps: Deps, request: EndpointRequest<unknown, unknown, unknown, Caller | undefined>): Promise<Answer>
}

/**
 * An HTTP endpoint as a value: what it takes, who may call it, what it answers, and the handler. `scope` is required, so
 * an open endpoint says `public`. Refusals are thrown as `Fault`.
 */
export function endpoint<
  Who extends Scope | 'public',
  const Shapes extends Readonly<Record<number, AnswerShape>>,
  Params = undefined,
  Query = undefined,
  Body = undefined,
>(spec: Spec<Params, Query, Body, Who, Shapes>): Endpoint {
  return spec
}

/** What the idempotency of an endpoint needs to know of a request. `body` is the parsed JSON. */
export type IdempotentRequest = {
  readonly operatorId: string
  readonly key: string
  readonly method: string
  /** The route's path with its braces, not the path that was called. */
  readonly route: string
  readonly params: unknown
  readonly body: unknown
  readonly apiVersion: string
  readonly requestId: string
}

/** Runs `run` once per key: a repeat gets the first answer again, with `replayed`. Throws `Fault` when the key is busy or was used for something else. */
export type Idempotent = (
  request: IdempotentRequest,
  run: (runId: string) => Promise<Answer>,
) => Promise<Answer & { readonly replayed?: boolean }>
