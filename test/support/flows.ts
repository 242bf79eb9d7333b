import type { Charge, Facts, Find, Modification, PayOut, Refund } from '../../src/adapters/contract.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { insertConnection } from '../../src/db/connections.ts'
import { directInbox } from '../../src/db/inbox.ts'
import { postgresLedger } from '../../src/db/ledger-port.ts'
import { insertOperator } from '../../src/db/operators.ts'
import { savePlayer } from '../../src/db/players.ts'
import { checkDestination } from '../../src/destinations/index.ts'
import type { Deps } from '../../src/flows/deps.ts'
import { createRoutingTable } from '../../src/router/active.ts'
import type { Breakers } from '../../src/router/breaker.ts'
import { newId, newUuid, type TestClock, testCipher, testClock } from './access.ts'
import { databaseForThisTest, type TestDatabase } from './database.ts'

/** What was asked of the model processor. */
export type Call =
  | { readonly verb: 'charge'; readonly connection: string; readonly request: Charge }
  | { readonly verb: 'payOut'; readonly connection: string; readonly request: PayOut }
  | { readonly verb: 'capture' | 'cancel'; readonly connection: string; readonly request: Modification }
  | { readonly verb: 'refund'; readonly connection: string; readonly request: Refund }
  | { readonly verb: 'find'; readonly connection: string; readonly request: Find }

/** Says what the processor behind a connection answers; absent: it does what it is asked. */
export type Answer = (call: Call) => Outcome | Promise<Outcome> | undefined

/** The flows of one operator on a real database, with model processors at `conA` and `conB` and a clock that a test moves. */
export type FlowWorld = {
  readonly deps: Deps
  readonly database: TestDatabase
  readonly clock: TestClock
  readonly operatorId: string
  readonly conA: string
  readonly conB: string
  readonly calls: Call[]
  answer(by: Answer): void
}

const FACTS: Omit<Facts, 'id' | 'title'> = {
  source: 'a model for tests',
  methods: Object.fromEntries(
    ['card', 'wallet', 'bank', 'crypto'].map((method) => [
      method,
      { deposit: true, withdraw: true, refund: true, currencies: 'all', countries: 'all' },
    ]),
  ),
  idempotency: { by: 'reference', windowHours: 24 },
  unknownResolvedBy: 'find',
  notFoundIsFinalAfterMs: 10_000,
  vouchedRejections: {},
  timeoutMs: 3_000,
}

/** A fresh operator `opr_test` with a verified player `p1` and two connections, gone with the test. */
export async function flowWorld(): Promise<FlowWorld> {
  const database = await databaseForThisTest()
  const clock = testClock()
  const operatorId = 'opr_test'
  const [conA, conB] = [newId('connection'), newId('connection')]
  const calls: Call[] = []
  let script: Answer = () => undefined
  const ask = async (call: Call): Promise<Outcome> => {
    calls.push(call)
    return (await script(call)) ?? obedient(call)
  }
  const facts = (id: string): Facts => ({ ...FACTS, id, title: id })
  const processors: Deps['processors'] = {
    all: () => [],
    facts,
    can: () => true,
    charge: ({ id }, request) => ask({ verb: 'charge', connection: id, request }),
    resume: async () => ({ kind: 'unknown', reason: 'timeout' }),
    find: ({ id }, request) => ask({ verb: 'find', connection: id, request }),
    capture: ({ id }, _method, request) => ask({ verb: 'capture', connection: id, request }),
    cancel: ({ id }, _method, request) => ask({ verb: 'cancel', connection: id, request }),
    refund: ({ id }, _method, request) => ask({ verb: 'refund', connection: id, request }),
    payOut: ({ id }, request) => ask({ verb: 'payOut', connection: id, request }),
    events: async () => ({ kind: 'refused', why: 'signature_missing' }),
  }
  const { db } = database
  const healthy: Breakers = {
    run: (_key, call) => call(),
    state: async () => 'closed',
    health: async () => ({ state: () => 'closed' }),
    refresh() {},
  }
  await db.global((tx) => insertOperator(tx, { id: operatorId, name: 'Test' }))
  await db.tx(operatorId, async (tx) => {
    for (const [id, processor] of [[conA, 'model_a'] as const, [conB, 'model_b'] as const]) {
      await insertConnection(tx, operatorId, { id, processor, label: processor })
    }
    await savePlayer(tx, operatorId, 'p1', { country: 'MT', name: 'Ada Example', kycStatus: 'verified' }, 'cli_test')
  })
  const cipher = await testCipher()
  const deps: Deps = {
    db,
    ledger: postgresLedger(db, { newUuid }),
    inbox: directInbox(db),
    clock,
    newId,
    newUuid,
    processors,
    routing: createRoutingTable({ db, clock, processors, breakers: healthy }),
    cipher: { ...cipher, blindIndex: async (value, scope) => `${scope}#${value}` },
    notices: {
      check: async (url) => ({ kind: 'safe', url }),
      post: async () => ({ kind: 'failed', why: 'connect_failed' }),
    },
    checkDestination,
    mayUseSecret: () => true,
    publicUrl: 'http://127.0.0.1:8787',
    log: { debug() {}, info() {}, warn() {}, error() {} },
    metrics: { count() {}, gauge() {}, observe() {} },
  }
  return { deps, database, clock, operatorId, conA, conB, calls, answer: (by) => (script = by) }
}

const obedient = ({ request, verb }: Call): Outcome =>
  verb === 'find'
    ? { kind: 'not_found' }
    : verb === 'capture' || verb === 'cancel'
      ? { kind: 'pending', reference: request.reference }
      : { kind: 'succeeded', reference: `ref_${request.attempt}`, amount: request.amount }

/** Euros in minor units. */
export const eur = (text: string) => ({ asset: 'EUR', minor: BigInt(text.replace('.', '')) })

let orders = 0

/** A card deposit of `p1`, each call with a reference and run of its own. */
export const depositOrder = (world: FlowWorld, amount: string) => {
  orders += 1
  return {
    operatorId: world.operatorId,
    requestedBy: 'cli_test',
    runId: `run-${orders}`,
    playerId: 'p1',
    amount: eur(amount),
    method: { type: 'card', token: 'tok_1' } as const,
    reference: `order-${orders}`,
    returnUrl: null,
    metadata: {},
    client: null,
  }
}

/** A bank withdrawal of `p1`, each call with a reference and run of its own. */
export const withdrawalOrder = (world: FlowWorld, amount: string) => {
  orders += 1
  return {
    operatorId: world.operatorId,
    requestedBy: 'cli_test',
    runId: `run-${orders}`,
    playerId: 'p1',
    amount: eur(amount),
    destination: { type: 'bank', iban: 'DE89370400440532013000', name: 'Ada Example' } as const,
    reference: `payout-${orders}`,
    metadata: {},
    client: null,
    mayWithdraw: true,
  }
}
