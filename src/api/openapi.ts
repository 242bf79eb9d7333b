import type { OpenAPIHono, RouteConfig } from '@hono/zod-openapi'
import { z } from 'zod'
import { SCOPES } from '../auth/scopes.ts'
import { CODES, type Code } from '../core/errors.ts'
import type { Edge } from './edge.ts'
import type { Endpoint } from './endpoint.ts'
import { PROBLEM_TYPE, PROBLEMS } from './problem.ts'

/** What a notice to operators looks like, by its type: the `webhooks` of the document. */
export type WebhookShapes = Readonly<Record<string, { readonly summary: string; readonly body: z.ZodType }>>

/** The refusal that every operation may answer with. */
const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.enum(CODES),
    request_id: z.string(),
    retryable: z.boolean(),
    errors: z.array(z.object({ pointer: z.string(), code: z.string(), detail: z.string() })).optional(),
  })
  .openapi('Problem')

const IdempotencyKey = z
  .string()
  .regex(/^[A-Za-z0-9._:-]{16,255}$/)
  .openapi({
    description: 'One key per intent. The same request with the same key gets the first answer again.',
    example: 'deposit-2026-11-22-0001',
  })

/** Enters an endpoint in the app's document. Serving it is the app's part. */
export function describe(app: OpenAPIHono<Edge>, endpoint: Endpoint): void {
  app.openAPIRegistry.registerPath({
    method: endpoint.method,
    path: endpoint.path,
    tags: [endpoint.tag],
    operationId: operationId(endpoint),
    summary: endpoint.summary,
    ...(endpoint.description !== undefined && { description: endpoint.description }),
    security: endpoint.scope === 'public' ? [] : [{ oauth2: securityScopes(endpoint) }],
    request: requestOf(endpoint),
    responses: { ...answersOf(endpoint), ...refusalsOf(endpoint) },
  })
}

/** Name of the operation: as given, else made of method and path (`postDepositsIdRefunds`). */
export const operationId = ({ operationId, method, path }: Endpoint): string =>
  operationId ??
  method +
    path
      .replace(/^\/v1\//, '/')
      .split(/[^A-Za-z0-9]+/)
      .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
      .join('')

/** The document of everything that was entered, OpenAPI 3.1. */
export function openApiDocument(
  app: OpenAPIHono<Edge>,
  { version, webhooks }: { version: string; webhooks: WebhookShapes },
) {
  const registry = app.openAPIRegistry
  registry.registerComponent('securitySchemes', 'oauth2', {
    type: 'oauth2',
    description: 'Access tokens live 15 minutes.',
    flows: {
      clientCredentials: {
        tokenUrl: '/oauth/token',
        scopes: Object.fromEntries(SCOPES.map((scope) => [scope, scopeText(scope)])),
      },
    },
  })
  for (const [type, { summary, body }] of Object.entries(webhooks))
    registry.registerWebhook({
      method: 'post',
      path: type,
      summary,
      request: { body: { required: true, content: { 'application/json': { schema: body } } } },
      responses: { 204: { description: 'Taken. Any 2xx will do.' } },
    })
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Paycage',
      version,
      description: 'Payment gateway for iGaming operators: deposits, withdrawals, routing and the ledger under them.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
  })
}

const securityScopes = (endpoint: Endpoint): string[] => [
  endpoint.scope,
  ...(endpoint.cashier === true ? ['cashier'] : []),
]

function scopeText(scope: string): string {
  const [noun = '', verb = ''] = scope.split(':')
  return scope === 'cashier' ? "One player's own session" : `${verb.charAt(0).toUpperCase()}${verb.slice(1)} ${noun}`
}

const MEDIA = {
  json: 'application/json',
  form: 'application/x-www-form-urlencoded',
  bytes: 'application/octet-stream',
} as const

function requestOf(endpoint: Endpoint): NonNullable<RouteConfig['request']> {
  const { params, query, body, bodyType = 'json', example } = endpoint
  const headers = endpoint.idempotent === true ? z.object({ 'Idempotency-Key': IdempotencyKey }) : undefined
  return {
    ...(params instanceof z.ZodObject && { params }),
    ...(query instanceof z.ZodObject && { query }),
    ...(headers !== undefined && { headers }),
    ...(body !== undefined && {
      body: {
        required: !body.safeParse(undefined).success,
        content: { [MEDIA[bodyType]]: { schema: body, ...(example?.body !== undefined && { example: example.body }) } },
      },
    }),
  }
}

function answersOf({ answers }: Endpoint): RouteConfig['responses'] {
  return Object.fromEntries(
    Object.entries(answers).map(([status, shape]) => {
      const description = DESCRIPTIONS[status] ?? 'Done.'
      if (shape === null) return [status, { description }]
      if (typeof shape === 'string') return [status, { description, content: { [shape]: { schema: z.string() } } }]
      return [status, { description, content: { 'application/json': { schema: shape } } }]
    }),
  )
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  200: 'Found or done.',
  201: 'Created.',
  202: 'Taken; work goes on.',
  204: 'Done.',
}

/** The refusals of an operation by status, each with the codes that it may carry. */
function refusalsOf(endpoint: Endpoint): RouteConfig['responses'] {
  const byStatus = new Map<number, Code[]>()
  for (const code of codesOf(endpoint)) {
    const { status } = PROBLEMS[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `\`${code}\``).join(', '),
        content: { [PROBLEM_TYPE]: { schema: Problem } },
      },
    ]),
  )
}

/** Every code that an operation may refuse with: what all have, what its parts bring, what it names itself. */
export function codesOf(endpoint: Endpoint): readonly Code[] {
  const takesBody = endpoint.method !== 'get'
  const codes: Code[] = [
    'malformed_request',
    'unsupported_version',
    'method_not_allowed',
    'pan_not_accepted',
    'internal',
  ]
  if (endpoint.rate !== 'none') codes.push('rate_limited')
  if (endpoint.scope !== 'public') codes.push('unauthenticated', 'insufficient_scope')
  if (endpoint.path.includes('{')) codes.push('not_found')
  if (takesBody) codes.push('payload_too_large', 'unsupported_media_type')
  if (takesBody && endpoint.bodyType !== 'bytes') codes.push('malformed_json', 'duplicate_key')
  if (endpoint.bodyType !== 'form') codes.push('validation_failed')
  if (endpoint.idempotent === true)
    codes.push('idempotency_key_missing', 'idempotency_key_invalid', 'idempotency_key_reused', 'request_in_progress')
  return [...new Set([...codes, ...(endpoint.faults ?? [])])]
}
