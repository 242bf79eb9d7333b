import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Adapter, Charge } from '../../src/adapters/contract.ts'
import type { HttpPort } from '../../src/adapters/http.ts'
import { ADAPTERS } from '../../src/adapters/index.ts'
import { type BoundProcessors, bindProcessors, type Guard, type ProcessorParts } from '../../src/entry/processors.ts'
import type { ConnectionRef } from '../../src/flows/deps.ts'
import { nodeHttp } from '../../src/platform/http-node.ts'
import { signatureHeader } from '../../src/sandbox/webhooks.ts'
import { type Sandbox, startSandbox } from '../support/sandbox.ts'

let sandbox: Sandbox
let secrets: Map<string, Record<string, unknown>>
let errors: unknown[]
let opened: { id: string; http: HttpPort; closed: boolean }[]
let bound: BoundProcessors[]

beforeEach(async () => {
  sandbox = await startSandbox({ id: 'sandbox_a' })
  const { api_key, webhook_secrets } = sandbox.connectionConfig
  secrets = new Map([['env:A', { api_key, webhook_secrets }]])
  errors = []
  opened = []
  bound = []
})
afterEach(async () => {
  for (const each of bound) await each.close()
  await sandbox.stop()
})

function bind(more: Partial<ProcessorParts> = {}): BoundProcessors {
  const processors = bindProcessors({
    adapters: ADAPTERS,
    httpFor({ id }) {
      const http = nodeHttp()
      const entry = { id, http, closed: false }
      opened.push(entry)
      return {
        start: (call) => http.start(call),
        close() {
          entry.closed = true
          return http.close()
        },
      }
    },
    secrets: {
      async get(ref) {
        const found = secrets.get(ref)
        if (!found) throw new Error(`secret ${ref} can't be had: canary`)
        return found
      },
    },
    clock: { nowMs: () => Date.now() },
    log: { error: (event, fields) => errors.push([event, fields]) },
    ...more,
  })
  bound.push(processors)
  return processors
}

const connection = (more: Partial<ConnectionRef> = {}): ConnectionRef => ({
  operatorId: 'opr_1',
  id: 'con_1',
  processor: 'sandbox_a',
  config: { base_url: sandbox.connectionConfig.base_url },
  secretRef: 'env:A',
  ...more,
})

const charge = (attempt = 'att_1', minor = 1_000n): Charge => ({
  attempt,
  payment: 'dep_1',
  amount: { asset: 'EUR', minor },
  method: { type: 'card', token: 'tok_sandbox_ok' },
  player: { id: 'player-1', country: 'SE' },
  returnUrl: 'http://127.0.0.1:9/',
  webhookUrl: 'http://127.0.0.1:9/',
})

const payOut = () => {
  const { attempt, payment, player, webhookUrl } = charge('att_p')
  const destination = { type: 'wallet', wallet: 'skrill', account: 'a@b.example' } as const
  return { attempt, payment, player, webhookUrl, destination, amount: { asset: 'EUR', minor: 1_000n } }
}

it('a connection speaks with its settings and its secret, all five verbs', async () => {
  const processors = bind()
  const taken = await processors.charge(connection(), charge())
  expect(taken).toMatchObject({ kind: 'succeeded' })
  const reference = taken.kind === 'succeeded' ? taken.reference : ''
  const amount = { asset: 'EUR', minor: 1_000n }
  const find = { attempt: 'att_1', flow: 'deposit', amount } as const
  expect(await processors.find(connection(), find)).toMatchObject({ kind: 'succeeded' })
  const resume = { attempt: 'att_1', reference, amount, params: {} }
  expect(await processors.resume(connection(), 'card', resume)).toMatchObject({ kind: 'succeeded' })
  const original = { attempt: 'att_1', reference, amount }
  const refund = { attempt: 'att_r', payment: 'dep_1', amount, original, webhookUrl: 'http://127.0.0.1:9/' }
  expect(await processors.refund(connection(), 'card', refund)).toMatchObject({ kind: 'succeeded' })
  expect(await processors.payOut(connection(), payOut())).toMatchObject({ kind: 'succeeded' })
  expect(processors.facts('sandbox_a')?.title).toBe('Sandbox A')
  expect(processors.all().map(({ facts }) => facts.id)).toEqual(ADAPTERS.map(({ facts }) => facts.id))
})

it('says which verbs an adapter has, and sends nothing for one that it lacks', async () => {
  const processors = bind()
  expect([processors.can('adyen', 'capture'), processors.can('sandbox_a', 'capture')]).toEqual([true, false])
  expect(processors.can('nobody', 'charge')).toBe(false)
  const modification = { attempt: 'att_1', payment: 'dep_1', amount: { asset: 'EUR', minor: 1n }, reference: 'r' }
  const outcome = await processors.capture(connection(), 'card', modification)
  expect(outcome).toEqual({ kind: 'not_sent', reason: 'vouched_rejection', code: 'unsupported_operation' })
  expect(await sandbox.truth()).toEqual([])
})

it('the guard stands around everything that moves money, and look-ups pass by it', async () => {
  const asked: unknown[] = []
  const guard: Guard = async (key) => {
    asked.push([key.operatorId, key.connectionId, key.operation, key.method])
    return { kind: 'not_sent', reason: 'circuit_open', code: 'circuit_open' }
  }
  const processors = bind({ guard })
  expect(await processors.charge(connection(), charge())).toMatchObject({ reason: 'circuit_open' })
  expect(await processors.payOut(connection(), payOut())).toMatchObject({ reason: 'circuit_open' })
  const modification = { attempt: 'att_1', payment: 'dep_1', amount: { asset: 'EUR', minor: 1n }, reference: 'r' }
  expect(await processors.capture(connection(), 'card', modification)).toMatchObject({ reason: 'circuit_open' })
  expect(await processors.cancel(connection(), 'card', modification)).toMatchObject({ reason: 'circuit_open' })
  const find = { attempt: 'att_1', flow: 'deposit', amount: { asset: 'EUR', minor: 1n } } as const
  expect(await processors.find(connection(), find)).toEqual({ kind: 'not_found' })
  expect(asked).toEqual([
    ['opr_1', 'con_1', 'charge', 'card'],
    ['opr_1', 'con_1', 'payOut', 'wallet'],
    ['opr_1', 'con_1', 'capture', 'card'],
    ['opr_1', 'con_1', 'cancel', 'card'],
  ])
  expect(await sandbox.truth()).toEqual([])
})

it('each connection has sockets of its own, kept over calls and over a rotated secret', async () => {
  const processors = bind()
  await processors.charge(connection(), charge('att_1'))
  await processors.charge(connection({ id: 'con_2' }), charge('att_2'))
  const { api_key, webhook_secrets } = sandbox.connectionConfig
  secrets.set('env:A', { api_key, webhook_secrets: ['whsec_rotated_in_0000000000', ...webhook_secrets] })
  expect(await processors.charge(connection(), charge('att_3'))).toMatchObject({ kind: 'succeeded' })
  expect(opened.map(({ id }) => id)).toEqual(['con_1', 'con_2'])
})

it('a rotated API key is used from the next call on', async () => {
  const processors = bind()
  const good = secrets.get('env:A') ?? {}
  secrets.set('env:A', { ...good, api_key: 'key_that_is_not_known' })
  expect(await processors.charge(connection(), charge())).toMatchObject({
    kind: 'not_sent',
    code: 'invalid_credentials',
  })
  secrets.set('env:A', good)
  expect(await processors.charge(connection(), charge())).toMatchObject({ kind: 'succeeded' })
})

it('operators with the same connection id share nothing', async () => {
  const processors = bind()
  await processors.charge(connection(), charge())
  secrets.set('env:B', { ...secrets.get('env:A'), api_key: 'key_of_another_operator' })
  const other = connection({ operatorId: 'opr_2', secretRef: 'env:B' })
  expect(await processors.charge(other, charge('att_2'))).toMatchObject({ code: 'invalid_credentials' })
  expect(opened).toHaveLength(2)
})

it.each([
  ['a secret that can not be had', { secretRef: 'env:GONE' }],
  ['settings that do not fit', { config: { base_url: 'canary' } }],
  ['a processor that is not in the house', { processor: 'nordpay' }],
  ['no secret at all', { secretRef: null }],
])('%s: nothing is sent, and the log names the connection and no value', async (_name, more) => {
  const outcome = await bind().charge(connection(more), charge())
  expect(outcome).toMatchObject({ kind: 'not_sent', code: 'invalid_credentials' })
  expect(errors).toHaveLength(1)
  expect(JSON.stringify(errors)).toContain('con_1')
  expect(JSON.stringify(errors)).not.toContain('canary')
})

const [sandboxAdapter] = ADAPTERS

/** The sandbox's adapter with one verb changed. */
function altered(change: Partial<ReturnType<Adapter['connect']>>): Adapter[] {
  return sandboxAdapter
    ? [{ ...sandboxAdapter, connect: (config) => ({ ...sandboxAdapter.connect(config), ...change }) }]
    : []
}

it('an adapter that throws leaves the outcome unknown, since its request may have been written', async () => {
  const adapters = altered({
    charge: async () => {
      throw new TypeError('canary')
    },
  })
  expect(await bind({ adapters }).charge(connection(), charge())).toEqual({ kind: 'unknown', reason: 'interrupted' })
  expect(JSON.stringify(errors)).not.toContain('canary')
})

it('a verb that the processor lacks is not sent', async () => {
  const adapters = ADAPTERS.map((adapter) => ({
    ...adapter,
    connect(config: unknown) {
      const { payOut: _none, ...rest } = adapter.connect(config)
      return rest
    },
  }))
  expect(await bind({ adapters }).payOut(connection(), payOut())).toMatchObject({
    kind: 'not_sent',
    code: 'unsupported_operation',
  })
})

it('past the bound the longest unused connection is closed, after its calls', async () => {
  const processors = bind({ maxBound: 2 })
  for (const id of ['con_1', 'con_2', 'con_1', 'con_3'])
    await processors.charge(connection({ id }), charge(`att_${id}`))
  expect(opened.map(({ id, closed }) => [id, closed])).toEqual([
    ['con_1', false],
    ['con_2', true],
    ['con_3', false],
  ])
  expect(await processors.charge(connection({ id: 'con_2' }), charge('att_again'))).toMatchObject({ kind: 'succeeded' })
})

it('a webhook is verified with the secrets of its own connection', async () => {
  const processors = bind()
  const body = Buffer.from('{}')
  const header = signatureHeader(sandbox.connectionConfig.webhook_secrets, Math.floor(Date.now() / 1_000), '{}')
  const headers = { 'x-sandbox-signature': header }
  expect(await processors.events(connection(), { body, headers })).toEqual({ kind: 'refused', why: 'malformed' })
  secrets.set('env:B', { ...secrets.get('env:A'), webhook_secrets: ['whsec_of_another_account_00'] })
  const other = connection({ id: 'con_2', secretRef: 'env:B' })
  expect(await processors.events(other, { body, headers })).toEqual({ kind: 'refused', why: 'signature_invalid' })
})

it('a webhook whose secret can not be had is asked for again, not refused', async () => {
  const gone = connection({ secretRef: 'env:GONE' })
  await expect(bind().events(gone, { body: Buffer.from(''), headers: {} })).rejects.toMatchObject({
    code: 'unavailable',
  })
})
