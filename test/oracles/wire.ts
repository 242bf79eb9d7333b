import { onTestFinished } from 'vitest'
import type { Adapter, Connected, Io } from '../../src/adapters/contract.ts'
import { createSend } from '../../src/adapters/send.ts'
import { nodeHttp } from '../../src/platform/http-node.ts'
import { type Answer, type SeenRequest, scriptedServer } from '../contract/scripted-server.ts'

/** An adapter's account whose processor answers as the script says, and what went over the wire. Ends with the test. */
export async function onTheWire(
  adapter: Adapter,
  config: unknown,
  script: (request: SeenRequest) => Answer,
  nowMs = Date.now(),
): Promise<{ connected: Connected; io: Io; seen: readonly SeenRequest[]; realHosts: Connected['hosts'] }> {
  const server = await scriptedServer()
  server.answerWith(script)
  const http = nodeHttp()
  onTestFinished(async () => {
    await http.close()
    await server.close()
  })
  const real = adapter.connect(config)
  // Each host under a path of its own, so that what was seen tells which one was meant.
  const hosts = Object.fromEntries(Object.keys(real.hosts).map((name) => [name, `${server.origin}/${name}`]))
  const connected = { ...real, hosts }
  const send = createSend({ http, facts: adapter.facts, connected })
  return { connected, io: { send, nowMs }, seen: server.seen, realHosts: real.hosts }
}

/** What a request's body says, as JSON. */
export const bodyOf = (request: SeenRequest | undefined): unknown => JSON.parse(request?.body ?? 'null')
