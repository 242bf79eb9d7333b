import { SCOPES, type Scope } from '../../src/auth/scopes.ts'
import { isJson, type Json, list, part, sample } from './sample.ts'

/** The gateway that is swept, over HTTP or in process. */
export type Swept = {
  fetch(path: string, init: RequestInit): Promise<Response>
  /** A token of one operator with exactly these scopes. */
  token(scopes: readonly Scope[]): Promise<string>
  /** Requests that are right where the document's samples aren't, by operation. */
  readonly examples?: Readonly<Record<string, Partial<Sample>>>
  /** Operations whose path names something that they make: nothing is absent there. */
  readonly creates?: readonly string[]
  /** Path parameters of a thing that belongs to another operator, by how the path begins. */
  readonly foreign?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** A request that is right. */
export type Sample = {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly body: unknown
}

/** An operation of the document, with a request that is right. */
export type Operation = Sample & {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly scopes: readonly string[]
  readonly idempotent: boolean
  readonly media: string | undefined
  readonly schema: Json
  readonly statuses: readonly string[]
}

/** What is wrong with an operation, in words, or nothing. */
export type Check = (operation: Operation, swept: Swept, document: Json) => Promise<readonly string[]>

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const

/** Every operation that the gateway says it has. */
export async function operationsOf(swept: Swept): Promise<{ document: Json; operations: readonly Operation[] }> {
  const document: unknown = await (await swept.fetch('/openapi.json', {})).json()
  if (!isJson(document)) throw new Error('the document is no object')
  const operations = Object.entries(part(document, 'paths')).flatMap(([path, item]) =>
    METHODS.filter((method) => isJson(item) && isJson(item[method])).map((method) =>
      operationOf(document, path, method, part(item, method), swept.examples ?? {}),
    ),
  )
  return { document, operations }
}

function operationOf(
  document: Json,
  path: string,
  method: string,
  said: Json,
  examples: NonNullable<Swept['examples']>,
): Operation {
  const id = String(said.operationId)
  const parameters = list(said.parameters)
  const content = part(said, 'requestBody', 'content')
  const [media] = Object.keys(content)
  const { schema, example } = media === undefined ? {} : part(content, media)
  const valuesIn = (place: string) =>
    Object.fromEntries(
      parameters
        .filter((parameter) => parameter.in === place && (place === 'path' || parameter.required === true))
        .map((parameter) => [
          String(parameter.name),
          String(sample(part(parameter.schema), document, String(parameter.name))),
        ]),
    )
  const given = examples[id] ?? {}
  return {
    id,
    method: method.toUpperCase(),
    path,
    media,
    schema: part(schema),
    scopes: list(said.security).flatMap((each) => (Array.isArray(each.oauth2) ? each.oauth2.map(String) : [])),
    idempotent: parameters.some((parameter) => parameter.name === 'Idempotency-Key'),
    statuses: Object.keys(part(said.responses)),
    params: given.params ?? valuesIn('path'),
    query: given.query ?? valuesIn('query'),
    body: given.body ?? example ?? (media === undefined ? undefined : sample(part(schema), document, id)),
  }
}

type Change = {
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
  readonly text?: string
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly method?: string
}

/** Sends an operation's right request with one thing changed. */
export async function send(
  operation: Operation,
  swept: Swept,
  change: Change = {},
): Promise<{ status: number; body: Json; headers: Headers }> {
  const { token, headers = {}, method = operation.method } = change
  const body = 'body' in change ? change.body : operation.body
  const form = operation.media === 'application/x-www-form-urlencoded'
  const text =
    change.text ?? (body === undefined ? undefined : form && isJson(body) ? formText(body) : JSON.stringify(body))
  const path = operation.path.replaceAll(/\{([^}]+)\}/g, (_all, name: string) =>
    encodeURIComponent({ ...operation.params, ...change.params }[name] ?? 'x'),
  )
  const query = new URLSearchParams({ ...operation.query, ...change.query }).toString()
  const all = {
    ...(text !== undefined && { 'content-type': operation.media ?? 'application/json' }),
    ...(operation.idempotent && { 'idempotency-key': crypto.randomUUID() }),
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...headers,
  }
  const answer = await swept.fetch(query === '' ? path : `${path}?${query}`, {
    method,
    headers: Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ...(text !== undefined && !['GET', 'HEAD'].includes(method) && { body: text }),
  })
  const said = await answer.text()
  const parsed: unknown =
    (answer.headers.get('content-type') ?? '').includes('json') && said !== '' ? JSON.parse(said) : {}
  return { status: answer.status, body: isJson(parsed) ? parsed : {}, headers: answer.headers }
}

const formText = (body: Json) =>
  new URLSearchParams(Object.entries(body).map(([name, value]) => [name, String(value)])).toString()

/** Complains unless the answer is this refusal, in the form that all refusals have. */
function refused(answer: Awaited<ReturnType<typeof send>>, status: number, code: string, what: string): string[] {
  const { body, headers } = answer
  const complaints: string[] = []
  if (answer.status !== status || body.code !== code)
    complaints.push(`${what}: wanted ${status} ${code}, got ${answer.status} ${String(body.code)}`)
  if (answer.status >= 400) {
    if (headers.get('content-type') !== 'application/problem+json') complaints.push(`${what}: no problem document`)
    for (const name of ['type', 'title', 'status', 'detail', 'instance', 'code', 'request_id', 'retryable'])
      if (!(name in body)) complaints.push(`${what}: the problem lacks ${name}`)
  }
  return complaints
}

const isSecured = ({ scopes }: Operation) => scopes.length > 0
const takesJson = ({ media }: Operation) => media === 'application/json'
const tokenFor = (operation: Operation, swept: Swept) =>
  isSecured(operation) ? swept.token(SCOPES.filter((scope) => scope === operation.scopes[0])) : undefined

/** Every path from the root of a body schema to a string member, with the member's name last. */
function stringsOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value === 'string') return [path]
  if (!isJson(value)) return []
  return Object.entries(value).flatMap(([name, member]) => stringsOf(member, [...path, name]))
}

function changed(value: unknown, [name, ...rest]: readonly string[], to: unknown): unknown {
  if (name === undefined) return to
  return isJson(value) ? { ...value, [name]: changed(value[name], rest, to) } : value
}

/** All that every operation must do, whoever wrote it. */
export const CHECKS: Readonly<Record<string, Check>> = {
  'refuses a caller without a token': async (operation, swept) =>
    isSecured(operation)
      ? [
          ...refused(await send(operation, swept), 401, 'unauthenticated', 'no token'),
          ...refused(await send(operation, swept, { token: 'nonsense' }), 401, 'unauthenticated', 'a false token'),
          ...((await send(operation, swept)).headers.has('www-authenticate') ? [] : ['no challenge']),
        ]
      : [],
  'refuses every scope but its own': async (operation, swept) => {
    if (!isSecured(operation)) return []
    const others = SCOPES.filter((scope) => scope !== 'cashier' && !operation.scopes.includes(scope))
    const one = await Promise.all(
      others.map(async (scope) =>
        refused(await send(operation, swept, { token: await swept.token([scope]) }), 403, 'insufficient_scope', scope),
      ),
    )
    const all = refused(
      await send(operation, swept, { token: await swept.token(others) }),
      403,
      'insufficient_scope',
      'all others',
    )
    return [...one.flat(), ...all]
  },
  'answers an absent thing and one of another operator alike': async (operation, swept) => {
    const names = Object.keys(operation.params)
    if (!isSecured(operation) || names.length === 0 || swept.creates?.includes(operation.id)) return []
    const token = await tokenFor(operation, swept)
    const absent = Object.fromEntries(names.map((name) => [name, absentLike(operation.params[name] ?? '')]))
    const first = await send(operation, swept, { token, params: absent })
    const [, foreign] = Object.entries(swept.foreign ?? {}).find(([path]) => operation.path.startsWith(path)) ?? []
    const second = await send(operation, swept, {
      token,
      params: foreign ?? Object.fromEntries(names.map((name) => [name, 'absent-2'])),
    })
    const known = ({ request_id: _id, instance: _instance, ...rest }: Json) => JSON.stringify(rest)
    return [
      ...refused(first, 404, 'not_found', 'absent'),
      ...refused(second, 404, 'not_found', foreign === undefined ? 'no id' : "another operator's"),
      ...(known(first.body) === known(second.body) ? [] : ['the two answers differ']),
    ]
  },
  'refuses a negative amount': async (operation, swept, document) => {
    const token = await tokenFor(operation, swept)
    const amounts = takesJson(operation) ? amountsOf(operation.schema, document) : []
    const complaints = await Promise.all(
      amounts.flatMap((path) =>
        ['-100.00', -100, '0.00', '1e3'].map(async (amount) =>
          refused(
            await send(operation, swept, { token, body: changed(operation.body, path, amount) }),
            422,
            'validation_failed',
            `${path.join('.')} = ${amount}`,
          ),
        ),
      ),
    )
    return complaints.flat()
  },
  'wants an idempotency key where it has one': async (operation, swept) => {
    if (!operation.idempotent) return []
    const token = await tokenFor(operation, swept)
    const without = await send(operation, swept, { token, headers: { 'idempotency-key': undefined } })
    const wrong = await send(operation, swept, { token, headers: { 'idempotency-key': 'short' } })
    return [
      ...refused(without, 400, 'idempotency_key_missing', 'no key'),
      ...refused(wrong, 400, 'idempotency_key_invalid', 'a short key'),
    ]
  },
  'refuses members that it does not know': async (operation, swept) => {
    const token = await tokenFor(operation, swept)
    const inQuery = isSecured(operation)
      ? refused(
          await send(operation, swept, { token, query: { operator_id: 'opr_b' } }),
          422,
          'validation_failed',
          'query',
        )
      : []
    if (!takesJson(operation)) return inQuery
    const names = ['operator_id', 'tenant_id', 'status', 'balance', 'created_at', 'id']
    const known = Object.keys(part(operation.schema, 'properties'))
    const inBody = await Promise.all(
      names
        .filter((name) => !known.includes(name))
        .map(async (name) =>
          refused(
            await send(operation, swept, { token, body: { ...part(operation.body), [name]: 'x' } }),
            422,
            'validation_failed',
            name,
          ),
        ),
    )
    return [...inQuery, ...inBody.flat()]
  },
  'refuses a body of another type, encoding or size': async (operation, swept) => {
    if (operation.media === undefined || operation.media === 'application/octet-stream') return []
    const token = await tokenFor(operation, swept)
    const type = await send(operation, swept, { token, headers: { 'content-type': 'text/plain' } })
    const encoded = await send(operation, swept, { token, headers: { 'content-encoding': 'gzip' } })
    const large = await send(operation, swept, { token, headers: { 'content-length': '999999999' } })
    return [
      ...refused(type, 415, 'unsupported_media_type', 'text/plain'),
      ...refused(encoded, 415, 'unsupported_media_type', 'gzip'),
      ...refused(large, 413, 'payload_too_large', '1 GB'),
    ]
  },
  'reads JSON strictly': async (operation, swept) => {
    if (!takesJson(operation)) return []
    const token = await tokenFor(operation, swept)
    const text = (raw: string) => send(operation, swept, { token, text: raw })
    return [
      ...refused(await text('{"a":1,"a":2}'), 400, 'duplicate_key', 'a member twice'),
      ...refused(await text('{'), 400, 'malformed_json', 'half an object'),
      ...refused(await text('\ufeff{}'), 400, 'malformed_json', 'a byte-order mark'),
      ...refused(await text('{"__proto__":{"x":1}}'), 422, 'validation_failed', '__proto__'),
      ...refused(await text('['.repeat(10_000)), 400, 'malformed_request', 'depth'),
      ...refused(await text('[]'), 422, 'validation_failed', 'a list'),
    ]
  },
  'refuses a card number in every string': async (operation, swept) => {
    const token = await tokenFor(operation, swept)
    const inBody = takesJson(operation)
      ? await Promise.all(
          [...stringsOf(operation.body), ['anything']].map(async (path) =>
            refused(
              await send(operation, swept, { token, body: changed(operation.body, path, '4111 1111 1111 1111') }),
              422,
              'pan_not_accepted',
              path.join('.'),
            ),
          ),
        )
      : []
    const inPath = await Promise.all(
      Object.keys(operation.params).map(async (name) =>
        refused(
          await send(operation, swept, { token, params: { [name]: '4111111111111111' } }),
          422,
          'pan_not_accepted',
          name,
        ),
      ),
    )
    return [...inBody.flat(), ...inPath.flat()]
  },
  'answers 405 to methods that its path does not take': async (operation, swept) => {
    const answer = await send(operation, swept, { method: 'OPTIONS', body: undefined })
    const allow = answer.headers.get('allow') ?? ''
    return [
      ...refused(answer, 405, 'method_not_allowed', 'OPTIONS'),
      ...(allow.split(', ').includes(operation.method) ? [] : [`Allow lacks ${operation.method}`]),
    ]
  },
  'documents what it may answer': async ({ statuses, scopes, media, idempotent }) => {
    const wanted = [
      ...(scopes.length > 0 ? ['401', '403'] : []),
      ...(media === undefined ? [] : ['413', '415']),
      ...(media === 'application/json' ? ['422'] : []),
      ...(idempotent ? ['409'] : []),
      '400',
      '405',
      '500',
    ]
    return wanted.filter((status) => !statuses.includes(status)).map((status) => `${status} is not documented`)
  },
}

/** An id of the same kind that nobody has. */
const absentLike = (id: string): string =>
  /^[a-z]{2,4}_[0-9a-z]{26}$/.test(id) ? `${id.slice(0, 4)}01aaaaaaaaaaaaaaaaaaaaaaaa` : 'absent-1'

/** Where a body has amounts, by their name. */
function amountsOf(schema: Json, document: Json, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof schema.$ref === 'string')
    return amountsOf(part(document, ...schema.$ref.replace('#/', '').split('/')), document, path)
  return Object.entries(part(schema, 'properties')).flatMap(([name, member]) =>
    /(^|_)amount$/.test(name) ? [[...path, name]] : amountsOf(part(member), document, [...path, name]),
  )
}

/** Every complaint about every operation, as lines that say which. */
export async function sweep(
  swept: Swept,
): Promise<{ readonly operations: number; readonly complaints: readonly string[] }> {
  const { document, operations } = await operationsOf(swept)
  const complaints: string[] = []
  for (const operation of operations)
    for (const [name, check] of Object.entries(CHECKS))
      for (const complaint of await check(operation, swept, document))
        complaints.push(`${operation.id} ${name}: ${complaint}`)
  return { operations: operations.length, complaints }
}
