import type { Charge, Connected, Io, Outcome } from '../../src/adapters/contract.ts'
import { sandboxA, sandboxB, sandboxC } from '../../src/adapters/sandbox/index.ts'
import { createSend } from '../../src/adapters/send.ts'
import type { Money } from '../../src/core/money.ts'
import { nodeHttp } from '../../src/platform/http-node.ts'
import { type ScriptedServer, type SeenRequest, scriptedServer } from '../contract/scripted-server.ts'
import type { Sandbox } from './sandbox.ts'

const ADAPTERS = { sandbox_a: sandboxA, sandbox_b: sandboxB, sandbox_c: sandboxC } as const

/** An operator's account at a running sandbox, with a real receiver for its webhooks. */
export type SandboxAccount = {
  readonly connected: Connected
  readonly io: Io
  /** Where webhooks arrive; 200 to each until told otherwise. */
  readonly hooks: ScriptedServer
  charge(attempt: string, amount: string, more?: Partial<Charge>): Promise<Outcome>
  payOut(attempt: string, amount: string, asset?: string): Promise<Outcome>
  refund(attempt: string, amount: string, original: string): Promise<Outcome>
  find(attempt: string, flow?: 'deposit' | 'withdrawal' | 'refund'): Promise<Outcome>
  /** The first so many webhooks about an attempt, in the order they came; waits for them. */
  heard(attempt: string, count?: number): Promise<readonly SeenRequest[]>
  close(): Promise<void>
}

/** `12.50` euro, or an amount of another two-decimal currency. */
export const eur = (amount: string, asset = 'EUR'): Money => ({ asset, minor: BigInt(amount.replace('.', '')) })

/** Opens an account with a deadline short enough for tests of silence. */
export async function sandboxAccount(sandbox: Sandbox, deadlineMs = 700): Promise<SandboxAccount> {
  const id = sandbox.id === 'sandbox_b' ? 'sandbox_b' : sandbox.id === 'sandbox_c' ? 'sandbox_c' : 'sandbox_a'
  const adapter = ADAPTERS[id]
  const hooks = await scriptedServer()
  hooks.answerWith(() => ({ status: 200, json: {} }))
  const http = nodeHttp()
  const connected = adapter.connect(sandbox.connectionConfig)
  const io: Io = { send: createSend({ http, facts: adapter.facts, connected, deadlineMs }), nowMs: Date.now() }
  const webhookUrl = `${hooks.origin}/webhooks/${id}/con_1`
  const player = { id: 'player-1', country: 'SE' }
  const given = <T>(verb: T | undefined): T => {
    if (verb === undefined) throw new Error('missing verb')
    return verb
  }
  return {
    connected,
    io,
    hooks,
    charge: (attempt, amount, more = {}) =>
      given(connected.charge)(
        {
          attempt,
          payment: 'dep_1',
          amount: eur(amount),
          method: { type: 'card', token: 'tok_sandbox_ok' },
          player,
          returnUrl: 'http://127.0.0.1:9/return?x=1',
          webhookUrl,
          ...more,
        },
        io,
      ),
    payOut: (attempt, amount, asset) =>
      given(connected.payOut)(
        {
          attempt,
          payment: 'wdr_1',
          amount: eur(amount, asset),
          destination: { type: 'bank', iban: 'DE89370400440532013000', name: 'Test Player' },
          player,
          webhookUrl,
        },
        io,
      ),
    refund: (attempt, amount, original) =>
      given(connected.refund)(
        {
          attempt,
          payment: 'dep_1',
          amount: eur(amount),
          original: { attempt: 'att_0', reference: original, amount: eur('100.00') },
          webhookUrl,
        },
        io,
      ),
    find: (attempt, flow = 'deposit') => given(connected.find)({ attempt, flow, amount: eur('1.00') }, io),
    async heard(attempt, count = 1) {
      const about = () => hooks.seen.filter(({ body }) => body.includes(`"${attempt}"`))
      while (about().length < count) await new Promise((next) => setTimeout(next, 10))
      return about()
    },
    async close() {
      await http.close()
      await hooks.close()
    },
  }
}
