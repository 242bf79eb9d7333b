import { readFile } from 'node:fs/promises'
import { type AppOptions, buildApp } from '../../src/api/app.ts'
import type { Idempotent } from '../../src/api/endpoint.ts'
import type { Deps } from '../../src/flows/deps.ts'
import { newId, newUuid } from './access.ts'

/** Lets every request run: for apps whose test isn't about idempotency. */
export const runAlways: Idempotent = (_request, run) => run('')

/** A log line as the code wrote it, before any allow-list. */
export type LogLine = {
  readonly level: string
  readonly event: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Dependencies for apps whose endpoints reach none of them: whatever is asked for that isn't here fails the test. */
export function edgeDeps(): Deps & { readonly lines: LogLine[] } {
  const lines: LogLine[] = []
  const write =
    (level: string) =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}) => {
      lines.push({ level, event, fields })
    }
  const absent = () => {
    throw new Error('this test has no such dependency')
  }
  return {
    lines,
    clock: { nowMs: () => Date.now() },
    newId,
    newUuid,
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    metrics: { count() {}, gauge() {}, observe() {} },
    ledger: {
      openAccount: absent,
      post: absent,
      postMany: absent,
      hold: absent,
      resolve: absent,
      balance: absent,
      entries: absent,
      verify: absent,
    },
    inbox: { connection: absent, store: absent, slow: () => false },
    routing: { planFor: absent, stateOf: absent, compiled: absent, refresh: absent },
    cipher: { seal: absent, open: absent, blindIndex: absent },
    notices: { check: absent, post: absent },
    checkDestination: absent,
    mayUseSecret: absent,
    publicUrl: 'http://127.0.0.1:8787',
    db: { tx: absent, global: absent, alone: absent, close: async () => {} },
    processors: {
      all: absent,
      facts: absent,
      can: absent,
      capture: absent,
      cancel: absent,
      charge: absent,
      resume: absent,
      find: absent,
      refund: absent,
      payOut: absent,
      events: absent,
    },
  }
}

/** The API browser's files, from its package. */
export const swaggerFiles = async (name: string): Promise<Uint8Array> =>
  readFile(new URL(`../../node_modules/swagger-ui-dist/${name}`, import.meta.url))

/** An app of these endpoints, strict about its own answers. */
export const testApp = (options: Pick<AppOptions, 'endpoints' | 'authenticate'> & Partial<AppOptions>) =>
  buildApp({
    deps: edgeDeps(),
    idempotent: runAlways,
    ipOf: () => '192.0.2.1',
    newTraceId: () => '0af7651916cd43dd8448eb211c80319c',
    version: '0.0.0-test',
    strictAnswers: true,
    operations: { health: { state: () => 'running', checks: {} }, renderMetrics: () => '' },
    assets: swaggerFiles,
    ...options,
  })
