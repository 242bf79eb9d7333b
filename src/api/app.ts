import { OpenAPIHono } from '@hono/zod-openapi'
import { Fault } from '../core/errors.ts'
import type { Deps } from '../flows/deps.ts'
import { answerTo, type Edge, type EdgeContext } from './edge.ts'
import type { Endpoint, Idempotent } from './endpoint.ts'
import { accessLog } from './middleware/access-log.ts'
import { requestBounds } from './middleware/bounds.ts'
import { type Authenticate, callerWith } from './middleware/caller.ts'
import { requestContext } from './middleware/context.ts'
import {
  countStranger,
  DEFAULT_POLICIES,
  memoryRateStore,
  type RateLimits,
  type RatePolicies,
  type RateStore,
  rateLimit,
} from './middleware/rate-limit.ts'
import { securityHeaders } from './middleware/security-headers.ts'
import { API_VERSIONS, apiVersion } from './middleware/version.ts'
import { describe, openApiDocument, type WebhookShapes } from './openapi.ts'
import { internalFault, PROBLEMS, problemBody, problemHeaders } from './problem.ts'
import { type Assets, docsEndpoints } from './routes/docs.ts'
import { type OperationsOptions, operationsEndpoints } from './routes/operations.ts'
import { type Serving, serve } from './serve.ts'

/** What the app is built of. Nothing of the process is in it, so it runs on Node and on Workers alike. */
export type AppOptions = {
  readonly deps: Deps
  readonly authenticate: Authenticate
  readonly idempotent: Idempotent
  readonly endpoints: readonly Endpoint[]
  /** Where the request comes from: the socket's address, or what a trusted proxy named. Never a header by itself. */
  readonly ipOf: (c: EdgeContext) => string
  readonly newTraceId: () => string
  readonly version: string
  /** Health, metrics and who may see them. */
  readonly operations: Omit<OperationsOptions, 'version' | 'apiVersions' | 'clock'>
  /** Files of the API browser. */
  readonly assets: Assets
  readonly webhooks?: WebhookShapes
  /** True when TLS ends in front of us: then browsers are told to stay with it. */
  readonly behindTls?: boolean
  readonly ratePolicies?: Partial<RatePolicies>
  readonly rateStore?: RateStore
  /** True in tests and development: an answer that its schema refuses ends as 500 instead of being logged. */
  readonly strictAnswers?: boolean
}

/** Builds the gateway's HTTP app out of endpoints. Order of a request: name it, bound it, who, how often, which version, what. */
export function buildApp(options: AppOptions): OpenAPIHono<Edge> {
  const { deps, version, webhooks = {} } = options
  const app = new OpenAPIHono<Edge>()
  // Made once, when it is first asked for: by then everything is registered.
  let document: string | undefined
  const endpoints = [
    ...options.endpoints,
    ...operationsEndpoints({ ...options.operations, version, apiVersions: API_VERSIONS, clock: deps.clock }),
    ...docsEndpoints({
      assets: options.assets,
      document: () => {
        document ??= JSON.stringify(openApiDocument(app, { version, webhooks }))
        return document
      },
    }),
  ]
  const limits: RateLimits = {
    store: options.rateStore ?? memoryRateStore(),
    policies: { ...DEFAULT_POLICIES, ...options.ratePolicies },
    clock: deps.clock,
  }
  app.use(requestContext(deps.newId, options.newTraceId))
  app.use(accessLog(deps))
  app.use(securityHeaders(options.behindTls ?? false))
  app.use(requestBounds)
  const serving: Serving = {
    deps,
    idempotent: options.idempotent,
    ipOf: options.ipOf,
    strictAnswers: options.strictAnswers ?? false,
  }
  const ordered = [...endpoints].sort(bySpecificity)
  for (const endpoint of ordered) addEndpoint(app, endpoint, serving, options.authenticate, limits)
  for (const path of new Set(ordered.map((endpoint) => endpoint.path))) refuseOtherMethods(app, path, ordered)
  app.notFound((c) => refuse(c, new Fault('not_found', 'There is no such resource.')))
  app.onError((error, c) => {
    if (error instanceof Fault) return refuse(c, error)
    // The message may hold what the caller sent or what the database said: our log drops what it doesn't know to be safe.
    deps.log.error('unexpected_error', { request_id: c.get('requestId'), 'http.route': c.get('route'), error })
    return refuse(c, internalFault())
  })
  return app
}

function addEndpoint(
  app: OpenAPIHono<Edge>,
  endpoint: Endpoint,
  serving: Serving,
  authenticate: Authenticate,
  limits: RateLimits,
): void {
  describe(app, endpoint)
  app.on([endpoint.method.toUpperCase()], [honoPath(endpoint.path)], async (c, next) => {
    c.set('route', endpoint.path)
    await next()
  })
  const chain = [
    ...(endpoint.scope === 'public'
      ? []
      : [
          callerWith(authenticate, endpoint.scope, {
            cashier: endpoint.cashier ?? false,
            strangers: (c) => countStranger(limits, serving.ipOf(c)),
          }),
        ]),
    ...(endpoint.rate === 'none' ? [] : [rateLimit(limits, endpoint.rate ?? 'default', serving.ipOf)]),
    apiVersion,
  ]
  app.on([endpoint.method.toUpperCase()], [honoPath(endpoint.path)], ...chain, (c) => serve(c, endpoint, serving))
}

/** Hono would answer 404 to a method that a path doesn't take. */
function refuseOtherMethods(app: OpenAPIHono<Edge>, path: string, endpoints: readonly Endpoint[]): void {
  const methods = endpoints.filter((endpoint) => endpoint.path === path).map(({ method }) => method.toUpperCase())
  const allow = [...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))].sort()
  app.all(honoPath(path), (c) => {
    c.set('route', path)
    throw new Fault('method_not_allowed', `This path takes ${allow.join(', ')}.`, { members: { allow } })
  })
}

/** The one place where a fault becomes an answer. */
function refuse(c: EdgeContext, fault: Fault): Response {
  const body = JSON.stringify(problemBody(fault, c.get('requestId')))
  return answerTo(c, body, PROBLEMS[fault.code].status, problemHeaders(fault))
}

const honoPath = (path: string): string => path.replaceAll(/\{([^}]+)\}/g, ':$1')

/** A fixed segment goes before a parameter, so that `/versions/diff` isn't taken for a version called diff. */
function bySpecificity(a: Endpoint, b: Endpoint): number {
  const [left, right] = [a.path.replaceAll(/\{[^}]+\}/g, '~'), b.path.replaceAll(/\{[^}]+\}/g, '~')]
  return left < right ? -1 : left > right ? 1 : 0
}
