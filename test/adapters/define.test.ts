import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Charge, Facts, Io, Outcome, Sent } from '../../src/adapters/contract.ts'
import { type AdapterDefinition, defineAdapter, refusalBy } from '../../src/adapters/define.ts'
import { outcomeAs, REFUSED, refused } from '../../src/adapters/outcomes.ts'
import { typeId, uuidV7 } from '../../src/core/ids.ts'

const NOW_MS = 1_795_000_000_000
const HOUR_MS = 3_600_000
const Answer = z.object({ id: z.string(), status: z.string() })
const Config = z.strictObject({ webhook_secrets: z.array(z.string()) })
type Config = z.infer<typeof Config>

const FACTS: Facts = {
  id: 'nordpay',
  title: 'Nordpay',
  source: 'none',
  methods: { card: { deposit: true, withdraw: false, refund: false, currencies: ['ISK'], countries: 'all' } },
  idempotency: { by: 'header', header: 'idempotency-key', windowHours: 24 },
  unknownResolvedBy: 'find',
  notFoundIsFinalAfterMs: null,
  vouchedRejections: {},
  timeoutMs: 1_000,
}

/** An account at a processor that is all facts: each verb asks one question and reads it in one way. */
function account(facts: Partial<Facts> = {}, more: Partial<AdapterDefinition<Config>> = {}) {
  const adapter = defineAdapter<Config>({
    facts: { ...FACTS, ...facts },
    config: Config,
    hosts: () => ({ api: 'http://127.0.0.1' }),
    headers: () => ({}),
    refusal: refusalBy(z.object({ code: z.string() }), () => REFUSED),
    charge: ({ attempt }, { ask }) =>
      ask(Answer, { path: '/charges', attempt, json: {} }, ({ id, status }) => outcomeAs(status, { reference: id })),
    resume: (_asked, { ask }) => ask(Answer, { path: '/return', json: {} }, () => REFUSED),
    find: (_asked, { ask }) => ask(Answer, { path: '/find' }, ({ id }) => ({ kind: 'pending', reference: id })),
    events: async () => refused('signature_missing'),
    ...more,
  })
  return { operations: adapter.operations, ...adapter.connect({ webhook_secrets: [] }) }
}

/** Attempt ids carry the time when they were made. */
const bornBefore = (ms: number) => typeId('attempt', uuidV7(Math.floor(NOW_MS - ms), new Uint8Array(10)))

const chargeOf = (attempt: string, minor = 1_000n, asset = 'ISK'): Charge => ({
  ...{ attempt, payment: 'dep_1', amount: { asset, minor }, player: { id: 'p', country: 'IS' } },
  ...{ method: { type: 'card', token: 't' }, returnUrl: 'https://x.example', webhookUrl: 'https://x.example' },
})

/** A way out on which everything is answered alike; `sent` counts what left. */
function line(answer: Sent<unknown>) {
  const sent: string[] = []
  const io: Io = {
    nowMs: NOW_MS,
    async send(schema, request) {
      sent.push(request.path)
      return answer.kind === 'answer' ? { ...answer, body: schema.parse(answer.body) } : answer
    },
  }
  return { io, sent }
}

const PENDING = { kind: 'answer', status: 200, body: { id: 'ref_1', status: 'pending' } } as const
const REFUSAL = { kind: 'refused', status: 422, body: { code: 'no' } } as const
const attempt = bornBefore(60_000)
const asked = { attempt, amount: { asset: 'ISK', minor: 1_000n }, flow: 'deposit' } as const

describe('a 4xx answer', () => {
  it('to an order is what the adapter reads in it', async () => {
    expect(await account().charge?.(chargeOf(attempt), line(REFUSAL).io)).toEqual(REFUSED)
  })

  it('to a look-up or a return proves nothing, whatever the adapter reads in it', async () => {
    const nothing = { kind: 'unknown', reason: 'unmapped' }
    expect(await account().find?.(asked, line(REFUSAL).io)).toEqual(nothing)
    expect(await account().resume?.({ ...asked, reference: '', params: {} }, line(REFUSAL).io)).toEqual(nothing)
  })

  it('to a look-up inside an order proves nothing either', async () => {
    const looksFirst = account({}, { charge: (_charge, { ask }) => ask(Answer, { path: '/before' }, () => REFUSED) })
    expect(await looksFirst.charge?.(chargeOf(attempt), line(REFUSAL).io)).toMatchObject({ kind: 'unknown' })
  })

  it('of another shape than the documents show proves nothing', async () => {
    for (const body of [null, undefined, 'no', { error: 'no' }])
      expect(await account().charge?.(chargeOf(attempt), line({ ...REFUSAL, body }).io)).toEqual({
        kind: 'unknown',
        reason: 'malformed',
      })
  })
})

it('tells what never left and what nobody knows as they are', async () => {
  const never = { kind: 'not_sent', reason: 'connect_failed', code: 'connect_failed', phase: 'not_connected' } as const
  const lost = { kind: 'unknown', reason: 'timeout', phase: 'written' } as const
  const { phase: _phase, ...proof } = never
  expect(await account().charge?.(chargeOf(attempt), line(never).io)).toEqual(proof)
  expect(await account().charge?.(chargeOf(attempt), line(lost).io)).toEqual(lost)
})

describe('a look-up that is a replay', () => {
  const replayed = { unknownResolvedBy: 'replay', unknownResolvedByFlow: { withdrawal: 'find' } } as const

  it('is the first request again, for the flows that have no other', async () => {
    const { io, sent } = line(PENDING)
    const original = chargeOf(attempt)
    expect(await account(replayed).find?.({ ...asked, original }, io)).toEqual({ kind: 'pending', reference: 'ref_1' })
    await account(replayed).find?.({ ...asked, flow: 'withdrawal' }, io)
    expect(sent).toEqual(['/charges', '/find'])
  })

  it.each([
    ['a minute before the end of six sevenths of the window', bornBefore((24 * HOUR_MS * 6) / 7 - 60_000), 1],
    ['at their end, when the key may soon be forgotten', bornBefore((24 * HOUR_MS * 6) / 7), 0],
    ['a year later', bornBefore(365 * 24 * HOUR_MS), 0],
    ['under a name that tells no time', 'order-1', 0],
  ])('%s', async (_when, old, leaves) => {
    const { io, sent } = line(PENDING)
    await account(replayed).find?.({ ...asked, attempt: old, original: chargeOf(old) }, io)
    expect(sent).toHaveLength(leaves)
  })

  it('never sends the request of another attempt', async () => {
    const { io, sent } = line(PENDING)
    const unmapped: Outcome = { kind: 'unknown', reason: 'unmapped' }
    const original = chargeOf(bornBefore(1_000))
    expect(await account(replayed).find?.({ ...asked, original }, io)).toEqual(unmapped)
    expect(await account(replayed).find?.(asked, io)).toEqual(unmapped)
    expect(sent).toEqual([])
  })

  it('counts as the verb `find`, also where the adapter has none of its own', () => {
    expect(account(replayed).operations).toContain('find')
    expect(account().operations).toEqual(['charge', 'resume', 'find'])
  })
})

it('sends no amount that the units of the processor can not say', async () => {
  const { io, sent } = line(PENDING)
  const coarse = account({ minorUnits: { EUR: 0 } })
  expect(await coarse.charge?.(chargeOf(attempt, 1_050n, 'EUR'), io)).toEqual(REFUSED)
  expect(sent).toEqual([])
  await coarse.charge?.(chargeOf(attempt, 1_100n, 'EUR'), io)
  // One that takes decimals has no such bound.
  await account().charge?.(chargeOf(attempt, 10n ** 30n, 'EUR'), io)
  expect(sent).toHaveLength(2)
})
