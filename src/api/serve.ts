import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { z } from 'zod'
import type { Caller } from '../auth/scopes.ts'
import { assert, Fault, type FieldError } from '../core/errors.ts'
import type { Deps } from '../flows/deps.ts'
import { readBody } from './body.ts'
import { answerTo, type EdgeContext } from './edge.ts'
import type { Answer, Endpoint, EndpointRequest, Idempotent } from './endpoint.ts'
import { readQuery } from './query.ts'
import { validate, validationFault } from './validate.ts'

/** What serving an endpoint needs. With `strictAnswers` an answer that doesn't fit its own schema is our mistake and ends as 500. */
export type Serving = {
  readonly deps: Deps
  readonly idempotent: Idempotent
  readonly ipOf: (c: EdgeContext) => string
  readonly strictAnswers: boolean
}

/** 16 to 255 characters, bare or as a structured-field string (draft-ietf-httpapi-idempotency-key-header-07). */
const KEY = /^(?:"([A-Za-z0-9._:-]{16,255})"|([A-Za-z0-9._:-]{16,255}))$/

/** One request to one endpoint: read, hold against the schemas, then run, once per idempotency key where the endpoint has one. */
export async function serve(c: EdgeContext, endpoint: Endpoint, serving: Serving): Promise<Response> {
  const key = endpoint.idempotent === true ? idempotencyKey(c.req.header('idempotency-key')) : undefined
  const request = await readRequest(c, endpoint, serving)
  const run = async (runId: string) =>
    fitted(await endpoint.handle(serving.deps, { ...request, runId }), endpoint, serving)
  const { caller } = request
  if (key === undefined || caller === undefined) return respond(c, await run(''))
  const { replayed, ...answer } = await serving.idempotent(
    {
      operatorId: caller.operatorId,
      key,
      method: c.req.method,
      route: endpoint.path,
      params: request.params,
      body: request.body,
      apiVersion: request.apiVersion,
      requestId: request.requestId,
    },
    run,
  )
  if (replayed === true) c.get('headers')['idempotent-replayed'] = 'true'
  return respond(c, answer)
}

function idempotencyKey(header: string | undefined): string {
  if (header === undefined) throw new Fault('idempotency_key_missing', 'Send an Idempotency-Key header.')
  const [, quoted, bare] = KEY.exec(header) ?? []
  const key = quoted ?? bare
  if (key === undefined)
    throw new Fault('idempotency_key_invalid', 'An Idempotency-Key is 16 to 255 of A-Z a-z 0-9 . _ : -.')
  return key
}

type Request = Omit<EndpointRequest<unknown, unknown, unknown, Caller | undefined>, 'runId'>

async function readRequest(c: EdgeContext, endpoint: Endpoint, { ipOf }: Serving): Promise<Request> {
  const { bytes, value } = await readBody(c, endpoint)
  const errors: FieldError[] = []
  const part = (schema: Endpoint['body'], given: unknown, at: readonly string[]): unknown => {
    if (schema === undefined) return undefined
    const checked = validate(schema, given, at)
    if (checked.ok) return checked.value
    errors.push(...checked.errors)
    return undefined
  }
  const params = part(endpoint.params, c.req.param(), ['path'])
  const query = part(endpoint.query, readQuery(c.req.url), ['query'])
  const body = part(endpoint.body, value, [])
  if (endpoint.query === undefined) errors.push(...unknownMembers(readQuery(c.req.url), ['query']))
  if (endpoint.body === undefined && value !== undefined) errors.push(...unknownMembers(value, []))
  if (errors.length > 0) throw validationFault(errors)
  const caller = c.get('caller')
  if (caller?.playerId !== undefined) refuseOtherPlayers(caller.playerId, [params, query, body])
  return {
    caller,
    params,
    query,
    body,
    bytes,
    header: (name) => c.req.header(name),
    headers: c.req.header(),
    requestId: c.get('requestId'),
    ip: ipOf(c),
    apiVersion: c.get('apiVersion'),
  }
}

/** An endpoint without a schema for a part takes nothing in it. */
const NOTHING = z.strictObject({})

function unknownMembers(value: unknown, at: readonly string[]): readonly FieldError[] {
  const checked = validate(NOTHING, value, at)
  return checked.ok ? [] : checked.errors
}

/** A player's session reaches that player only. Another one is as absent as another operator's. */
function refuseOtherPlayers(playerId: string, parts: readonly unknown[]): void {
  for (const part of parts)
    if (typeof part === 'object' && part !== null && 'player_id' in part && part.player_id !== playerId)
      throw new Fault('not_found', 'There is no such resource.')
}

/** Strips what the answer's schema doesn't know, so that no column reaches a client by being added to a row. */
function fitted(answer: Answer, endpoint: Endpoint, { deps, strictAnswers }: Serving): Answer {
  const shape = endpoint.answers[answer.status]
  if (typeof shape === 'string') return { ...answer, headers: { 'content-type': shape, ...answer.headers } }
  if (shape === null || shape === undefined) return answer
  const checked = validate(shape, answer.body)
  if (checked.ok) return { ...answer, body: checked.value }
  const where = checked.errors.map((error) => `${error.pointer} ${error.code}`).join(', ')
  if (strictAnswers) throw new Error(`${endpoint.method} ${endpoint.path} answered what its schema refuses: ${where}`)
  // Money may have moved: the caller gets the answer, and we get the alarm.
  deps.log.error('answer_mismatch', { 'http.route': endpoint.path, reason: where })
  return answer
}

function respond(c: EdgeContext, { status, body, headers }: Answer): Response {
  assert(isStatus(status), 'an answer has a final HTTP status')
  if (body === undefined || body === null) return answerTo(c, null, status, headers)
  if (body instanceof Uint8Array) return answerTo(c, new Uint8Array(body), status, headers)
  // Text that brings its own media type is text; anything else is a JSON value, a bare string too.
  if (typeof body === 'string' && headers?.['content-type'] !== undefined) return answerTo(c, body, status, headers)
  return answerTo(c, JSON.stringify(body), status, { ...headers, 'content-type': 'application/json' })
}

const isStatus = (status: number): status is ContentfulStatusCode =>
  Number.isInteger(status) && status >= 200 && status <= 599
