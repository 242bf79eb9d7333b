import type {
  Adapter,
  Charge,
  Connected,
  Find,
  Io,
  Outcome,
  PayOut,
  Refund,
  Resume,
} from '../../src/adapters/contract.ts'
import { type CallRecord, createSend } from '../../src/adapters/send.ts'
import { typeId, uuidV7 } from '../../src/core/ids.ts'
import type { Money } from '../../src/core/money.ts'
import { nodeHttp } from '../../src/platform/http-node.ts'
import type { AdapterFixtures, Answers, Asked } from './fixtures.ts'
import { type ScriptedServer, scriptedServer } from './scripted-server.ts'

/** The verbs that move money, and those that end an authorization. */
export const MONEY_VERBS = ['charge', 'payOut', 'refund'] as const
export const ENDING_VERBS = ['capture', 'cancel'] as const
export type MoneyVerb = (typeof MONEY_VERBS)[number] | (typeof ENDING_VERBS)[number]

/** Our side in a contract test: an account at the scripted processor, and everything that was recorded of its calls. */
export type Account = {
  readonly server: ScriptedServer
  readonly connected: Connected
  readonly records: CallRecord[]
  readonly outcomes: Outcome[]
  /** Does a money verb; the answers are what the processor says meanwhile. */
  move(verb: MoneyVerb, answers: Answers, ways?: Ways): Promise<Outcome>
  find(answers: Answers, ways?: Ways): Promise<Outcome>
  resume(answers: Answers, asked?: Partial<Asked>): Promise<Outcome>
  close(): Promise<void>
}

/** What a call is to have other than usual. */
export type Ways = Partial<Asked> & { readonly deadlineMs?: number; readonly charge?: Partial<Charge> }

/** The time of every call of the suite. */
const NOW_MS = 1_795_000_000_000

/** An attempt id as the gateway makes them, a minute old. */
export const attemptId = (n: number): string => typeId('attempt', uuidV7(NOW_MS - 60_000, new Uint8Array(10).fill(n)))

const PLAYER = { id: 'player-1', country: 'SE', name: 'Test Player', email: 'player@example.com' } as const
const URLS = {
  webhookUrl: 'https://pay.example.com/webhooks/x/con_1',
  returnUrl: 'https://pay.example.com/return/att_1',
} as const

/** Long enough for the loopback; a silent processor costs each of its tests this much. */
const PATIENCE_MS = 5_000

/** Opens an account whose every host is a scripted local server. */
export async function openAccount(adapter: Adapter, fixtures: AdapterFixtures): Promise<Account> {
  const server = await scriptedServer()
  const real = adapter.connect(fixtures.config)
  const connected = { ...real, hosts: Object.fromEntries(Object.keys(real.hosts).map((name) => [name, server.origin])) }
  const http = nodeHttp()
  const records: CallRecord[] = []
  const outcomes: Outcome[] = []
  const io = (deadlineMs = PATIENCE_MS): Io => ({
    send: createSend({ http, facts: adapter.facts, connected, deadlineMs, onCall: (record) => records.push(record) }),
    nowMs: NOW_MS,
  })
  const ask = ({ attempt, amount, reference }: Partial<Asked> = {}): Asked => ({
    attempt: attempt ?? attemptId(1),
    amount: amount ?? { asset: fixtures.assets[0] ?? 'EUR', minor: 1_250n },
    ...(reference !== undefined && { reference }),
  })
  const kept = (outcome: Outcome): Outcome => {
    outcomes.push(outcome)
    return outcome
  }
  return {
    server,
    connected,
    records,
    outcomes,
    async move(verb, answers, ways) {
      const wanted = ask(ways)
      server.answerWith(answers(wanted))
      const given = ways?.charge ? { ...fixtures, charge: withAsk(fixtures, ways.charge) } : fixtures
      return kept(await moveMoney(connected, given, verb, wanted, io(ways?.deadlineMs)))
    },
    async find(answers, ways) {
      const wanted = ask(ways)
      server.answerWith(answers(wanted))
      const original = chargeOf(fixtures, wanted)
      const { attempt, amount, reference } = wanted
      const find: Find = { attempt, flow: 'deposit', amount, original, ...(reference !== undefined && { reference }) }
      return kept(await must(connected.find)(find, io(ways?.deadlineMs)))
    },
    async resume(answers, asked) {
      const wanted = ask({ reference: 'ref_1', ...asked })
      server.answerWith(answers(wanted))
      const resume: Resume = { params: {}, ...fixtures.resume?.ask, ...wanted, reference: wanted.reference ?? '' }
      return kept(await must(connected.resume)(resume, io()))
    },
    async close() {
      await http.close()
      await server.close()
    },
  }
}

function moveMoney(connected: Connected, fixtures: AdapterFixtures, verb: MoneyVerb, asked: Asked, io: Io) {
  if (verb === 'charge') return must(connected.charge)(chargeOf(fixtures, asked), io)
  if (verb === 'payOut') return must(connected.payOut)(payOutOf(fixtures, asked), io)
  if (verb !== 'refund') return must(connected[verb])({ payment: 'dep_1', reference: 'ref_1', ...asked }, io)
  return must(connected.refund)(refundOf(fixtures, asked), io)
}

/** The charge that the suite asks for. */
export function chargeOf(fixtures: AdapterFixtures, { attempt, amount }: Asked): Charge {
  return {
    payment: 'dep_1',
    method: { type: 'card', token: 'tok_1' },
    player: PLAYER,
    ...URLS,
    ...fixtures.charge?.ask,
    attempt,
    amount,
  }
}

function payOutOf(fixtures: AdapterFixtures, { attempt, amount }: Asked): PayOut {
  return {
    payment: 'wdr_1',
    destination: { type: 'bank', iban: 'DE89370400440532013000', name: 'Test Player' },
    player: PLAYER,
    webhookUrl: URLS.webhookUrl,
    ...fixtures.payOut?.ask,
    attempt,
    amount,
  }
}

function refundOf(fixtures: AdapterFixtures, { attempt, amount }: Asked): Refund {
  const whole: Money = { asset: amount.asset, minor: amount.minor * 2n }
  return {
    payment: 'dep_1',
    original: { attempt: attemptId(9), reference: 'ref_1', amount: whole },
    webhookUrl: URLS.webhookUrl,
    ...fixtures.refund?.ask,
    attempt,
    amount,
  }
}

function withAsk({ charge }: AdapterFixtures, ask: Partial<Charge>) {
  return { ...must(charge), ask: { ...charge?.ask, ...ask } }
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the adapter lacks a verb that its fixtures speak of')
  return value
}
