import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { DeclineCode } from '../../src/core/decline.ts'
import type { InstrumentSeen, Outcome } from '../../src/core/outcome.ts'
import { deposit } from '../../src/flows/deposit.ts'
import { payOut } from '../../src/flows/pay-out.ts'
import { knownCard, learnOfCard } from '../../src/flows/remember-card.ts'
import { withdraw } from '../../src/flows/withdraw.ts'
import { JOBS } from '../../src/jobs/table.ts'
import { depositOrder, eur, type FlowWorld, flowWorld, withdrawalOrder } from '../support/flows.ts'
import { settleById } from '../support/settle.ts'

const VISA = { fingerprint: 'print-1', brand: 'visa', funding: 'debit', country: 'MT' }
const says = (code: DeclineCode, instrument: InstrumentSeen | null = VISA): Outcome => ({
  kind: 'declined',
  decline: { code },
  ...(instrument && { instrument }),
})
const pay = (world: FlowWorld, amount: string, token = 'tok_1') =>
  deposit(world.deps, { ...depositOrder(world, amount), method: { type: 'card', token } })
const DAY_MS = 86_400_000
const left = (decision: unknown): string[] =>
  JSON.stringify(decision)
    .match(/scheme_retry_blocked/g)
    ?.map(String) ?? []

it('sends a Visa card twenty times for an amount, however many payments and processors that takes', async () => {
  const world = await flowWorld()
  world.answer(() => says('do_not_honor'))
  for (let n = 0; n < 9; n += 1) await pay(world, '10.00')
  // Another amount has a count of its own.
  await pay(world, '11.00')
  expect(world.calls).toHaveLength(20)
  await pay(world, '10.00')
  expect(world.calls).toHaveLength(22)

  const blocked = await pay(world, '10.00')
  expect(blocked).toMatchObject({ status: 'declined', decline: { code: 'scheme_retry_blocked' } })
  expect(left(blocked.decision)).toHaveLength(2)
  expect(world.calls).toHaveLength(22)
  expect((await pay(world, '11.00')).decline?.code).toBe('do_not_honor')
})

it('ends the cascade itself at the limit', async () => {
  const world = await flowWorld()
  world.answer(() => says('insufficient_funds'))
  for (let n = 0; n < 19; n += 1) await pay(world, '10.00')
  world.answer(() => says('do_not_honor'))
  const last = await pay(world, '10.00')
  expect(last).toMatchObject({ status: 'declined', decline: { code: 'do_not_honor' } })
  expect(world.calls).toHaveLength(20)
})

it('forgets declines after thirty days, and their rows soon after', async () => {
  const world = await flowWorld()
  world.answer(() => says('insufficient_funds'))
  for (let n = 0; n < 20; n += 1) await pay(world, '10.00')
  world.clock.pass(29 * DAY_MS)
  expect((await pay(world, '10.00')).decline?.code).toBe('scheme_retry_blocked')
  world.clock.pass(2 * DAY_MS)
  expect((await pay(world, '10.00')).decline?.code).toBe('insufficient_funds')

  const rows = () => world.database.admin`select declines from card_decline`
  expect(await rows()).toHaveLength(2)
  world.clock.pass(10 * DAY_MS)
  await JOBS.periodic.forget_routing_records?.run(world.deps)
  expect(await rows()).toHaveLength(1)
  world.clock.pass(500 * DAY_MS)
  await JOBS.periodic.forget_routing_records?.run(world.deps)
  expect(await world.database.admin`select id from card union all select name from card_name`).toHaveLength(0)
})

it('holds a Mastercard to ten a day of any amount, and lets it go on the next day', async () => {
  const world = await flowWorld()
  world.answer(() => says('insufficient_funds', { ...VISA, brand: 'mastercard' }))
  for (let n = 0; n < 10; n += 1) await pay(world, `1${n}.00`)
  expect((await pay(world, '30.00')).decline?.code).toBe('scheme_retry_blocked')
  world.clock.pass(DAY_MS)
  expect((await pay(world, '30.00')).decline?.code).toBe('insufficient_funds')
})

it('never sends a Visa card again after its issuer said so, and a card of unknown brand neither', async () => {
  for (const seen of [VISA, null]) {
    const world = await flowWorld()
    world.answer(() => says('stolen_card', seen))
    expect((await pay(world, '10.00')).decline?.code).toBe('stolen_card')
    world.clock.pass(100 * DAY_MS)
    expect((await pay(world, '99.00')).decline?.code).toBe('scheme_retry_blocked')
    expect(world.calls).toHaveLength(1)
    world.answer(() => undefined)
    expect((await pay(world, '10.00', 'tok_other')).status).toBe('succeeded')
  }
})

it('counts what the issuer refused and nothing else', async () => {
  const world = await flowWorld()
  for (const code of ['processor_risk_decline', 'authentication_failed', 'invalid_request'] as const) {
    world.answer(() => says(code))
    for (let n = 0; n < 21; n += 1) await pay(world, '10.00')
  }
  world.answer(() => ({ kind: 'not_sent', reason: 'connect_failed' }))
  for (let n = 0; n < 21; n += 1) await pay(world, '10.00')
  world.answer(() => undefined)
  expect((await pay(world, '10.00')).status).toBe('succeeded')
})

it('counts a decline once, however often it is told', async () => {
  const world = await flowWorld()
  world.answer(() => ({ kind: 'pending', reference: 'r1' }))
  const paid = await pay(world, '10.00')
  const [attempt] = await world.database.admin`select id from attempt where subject_id = ${paid.id}`
  const told = { operatorId: world.operatorId, attemptId: String(attempt?.id), source: 'webhook' } as const
  await Promise.all(
    Array.from({ length: 10 }, () => settleById(world.deps, { ...told, outcome: says('insufficient_funds') })),
  )
  expect(await world.database.admin`select declines from card_decline`).toEqual([{ declines: 1 }])
})

it('knows a card by its fingerprint, whatever token it comes under', async () => {
  const world = await flowWorld()
  world.answer(() => says('insufficient_funds'))
  for (let n = 0; n < 20; n += 1) await pay(world, '10.00', `tok_once_${n}`)
  // A token that nobody has seen can be any card; from its first answer on it is this one.
  expect((await pay(world, '10.00', 'tok_new')).decline?.code).toBe('insufficient_funds')
  expect((await pay(world, '10.00', 'tok_new')).decline?.code).toBe('scheme_retry_blocked')
  expect((await pay(world, '10.00', 'tok_once_7')).decline?.code).toBe('scheme_retry_blocked')
})

it('starts anew when the card behind a token is another one', async () => {
  const world = await flowWorld()
  world.answer(() => says('insufficient_funds'))
  for (let n = 0; n < 19; n += 1) await pay(world, '10.00')
  world.answer(() => says('insufficient_funds', { ...VISA, fingerprint: 'print-2' }))
  for (let n = 0; n < 2; n += 1) await pay(world, '10.00')
  expect(world.calls).toHaveLength(21)
})

it('keeps no token and no fingerprint', async () => {
  const world = await flowWorld()
  const { cipher } = world.deps
  const hidden = { ...cipher, blindIndex: async (value: string) => `h${value.length}` }
  world.answer(() => says('stolen_card'))
  await deposit({ ...world.deps, cipher: hidden }, { ...depositOrder(world, '10.00') })
  const rows = JSON.stringify([
    await world.database.admin`select * from card`,
    await world.database.admin`select * from card_name`,
    await world.database.admin`select * from card_decline`,
  ])
  expect(rows).toContain('"name":"h11"')
  expect(rows).not.toMatch(/tok_1|print-1/)
})

it("lets rules use what a processor told of the card, from the next deposit on, over the operator's own word", async () => {
  const world = await flowWorld()
  world.answer(({ request, verb }) =>
    verb === 'charge' ? { kind: 'succeeded', reference: 'r', amount: request.amount, instrument: VISA } : undefined,
  )
  const hint = { brand: 'amex', country: 'FI' }
  const order = () => ({ ...depositOrder(world, '10.00'), method: { type: 'card', token: 'tok_1', hint } as const })
  await deposit(world.deps, order())
  await deposit(world.deps, order())
  const facts = await world.database.admin`
    select facts ->> 'brand' as brand, facts ->> 'funding' as funding, facts ->> 'binCountry' as country
    from route_decision order by at, id`
  expect(facts).toEqual([
    { brand: 'amex', funding: null, country: 'FI' },
    { brand: 'visa', funding: 'debit', country: 'MT' },
  ])
})

it('knows a saved card under the name that the processor keeps it by, for deposits and for payouts', async () => {
  const world = await flowWorld()
  const { deps, operatorId } = world
  world.answer(({ request, verb }) =>
    verb === 'charge'
      ? { kind: 'succeeded', reference: 'r', amount: request.amount, instrument: { ...VISA, token: 'kept_1' } }
      : undefined,
  )
  const { instrumentId } = await deposit(deps, { ...depositOrder(world, '30.00'), save: true })
  const byInstrument = { type: 'instrument', instrumentId: instrumentId ?? '' } as const
  await deposit(deps, { ...depositOrder(world, '30.00'), method: byInstrument })
  expect(world.calls.at(-1)?.request).toMatchObject({ method: { token: 'kept_1' } })
  const order = { ...withdrawalOrder(world, '10.00'), destination: byInstrument }
  const { id } = await withdraw(deps, order)
  await payOut(deps, operatorId, id)
  const facts = await world.database.admin`
    select facts ->> 'direction' as direction, facts ->> 'brand' as brand from route_decision
    where facts ? 'brand' order by at, id`
  expect(facts).toEqual([
    { direction: 'deposit', brand: 'visa' },
    { direction: 'withdrawal', brand: 'visa' },
  ])
})

it('counts one card together under all its names, in whatever order they come up', async () => {
  const world = await flowWorld()
  const { deps, operatorId } = world
  const attempt = fc.record({
    card: fc.constantFrom('x', 'y'),
    token: fc.constantFrom('1', '2', '3'),
    processor: fc.constantFrom('model_a', 'model_b', 'without_prints'),
  })
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(attempt, { minLength: 1, maxLength: 14 }), async (attempts) => {
      round += 1
      const amount = eur('10.00')
      // The cards as anybody could tell them apart who saw all of it: names that came together belong together.
      let groups: { names: Set<string>; declines: number }[] = []
      for (const { card, token, processor } of attempts) {
        const name = `${round}-${card}-${token}`
        const print = processor === 'without_prints' ? undefined : `${round}-${card}`
        const names = [name, ...(print === undefined ? [] : [`${processor}:${print}`])]
        const [mine, others] = [true, false].map((wanted) =>
          groups.filter((group) => names.some((one) => group.names.has(one)) === wanted),
        )
        const declines = (mine ?? []).reduce((sum, group) => sum + group.declines, 1)
        groups = [
          ...(others ?? []),
          { names: new Set([...names, ...(mine ?? []).flatMap((g) => [...g.names])]), declines },
        ]
        const outcome = says('do_not_honor', print === undefined ? null : { fingerprint: print })
        await deps.db.tx(operatorId, (tx) =>
          learnOfCard(
            tx,
            deps,
            { attempt: { operatorId, processor, asset: amount.asset, amount: amount.minor }, outcome, to: 'declined' },
            { type: 'card', token: name },
          ),
        )
      }
      for (const { names, declines } of groups) {
        for (const token of [...names].filter((one) => !one.includes(':'))) {
          const order = { operatorId, amount, method: { type: 'card', token } }
          const known = await deps.db.tx(operatorId, (tx) => knownCard(tx, deps.cipher, order, deps.clock.nowMs()))
          expect(known?.declines).toEqual({ sameAmount30Days: declines, today: declines })
        }
      }
    }),
    { numRuns: 30 },
  )
})
