import type { Context, MiddlewareHandler } from 'hono'
import type { Caller } from '../auth/scopes.ts'

/** What the edge knows of a request while it passes through. */
export type Edge = {
  Variables: {
    requestId: string
    /** The answer's headers by their lower-case names, gathered on the way: see `answerTo`. */
    headers: Record<string, string>
    /** From `traceparent` when the caller sent a valid one, else made here. */
    traceId: string
    /** The route's path with its braces, for logs and metrics: never the path that was called. */
    route: string
    apiVersion: string
    caller: Caller | undefined
  }
}

/** One request inside the app. */
export type EdgeContext = Context<Edge>

/** A step of the chain in front of the handlers. */
export type EdgeMiddleware = MiddlewareHandler<Edge>

/** The answer, with the headers gathered on the way and its own, which win. As a plain object they reach the socket as they are; `Headers` would check and sort them again on each answer. */
export const answerTo = (
  c: EdgeContext,
  body: string | Uint8Array<ArrayBuffer> | null,
  status: number,
  headers?: Readonly<Record<string, string>>,
): Response => new Response(body, { status, headers: { ...c.get('headers'), ...headers } })
