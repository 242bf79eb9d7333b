import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Adapter, Charge } from '../../src/adapters/contract.ts'
import { DECLINES } from '../../src/core/decline.ts'
import { type Account, ENDING_VERBS, MONEY_VERBS, type MoneyVerb, openAccount } from './account.ts'
import { type AccountOfTest, caseOf, waiverCases } from './case.ts'
import type { AdapterFixtures, Answers, VerbFixture } from './fixtures.ts'
import { keyCases, moneyCases } from './money-cases.ts'
import { transportCases } from './transport-cases.ts'
import { webhookCases } from './webhook-cases.ts'

/**
 * The contract of every adapter, as tests: what each answer comes to, what each fault on the line comes to, amounts to
 * the last decimal, webhooks that lie. Call it at the top of `test/contract/<processor>.test.ts`; `fixtures.ts` says what
 * it takes. Everything goes over real HTTP on the loopback.
 */
export function adapterContract(adapter: Adapter, fixtures: AdapterFixtures): void {
  describe(`${adapter.facts.title} keeps the adapter contract`, () => {
    let account: Account
    let shown = ''
    beforeEach(async () => {
      account = await openAccount(adapter, fixtures)
    })
    afterEach(async () => {
      shown += JSON.stringify(
        [account.records, account.outcomes, account.server.seen.map(({ path }) => path)],
        (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
      )
      await account.close()
    })
    afterAll(() => {
      // Over the whole run: no record, outcome or URL of any case above shows a secret or a card.
      const method = fixtures.charge?.ask?.method
      const token = method?.type === 'card' ? [method.token] : []
      for (const canary of [...fixtures.canaries, ...token, CARD_NUMBER]) expect(shown).not.toContain(canary)
    })

    factCases(adapter, fixtures)
    for (const verb of MONEY_VERBS) {
      const fixture = fixtures[verb]
      if (!fixture) continue
      describe(verb, () => {
        answerCases(verb, fixture.cases, fixtures, (answers) => account.move(verb, answers), [
          'approved',
          'declined',
          'pending',
          'unmapped',
        ])
        lieCases(verb, fixture, fixtures, () => account)
        referenceCase(verb, fixture, fixtures, () => account)
        transportCases(verb, fixture.good, adapter, () => account)
        moneyCases(verb, fixture.good, fixtures, () => account)
        keyCases(verb, fixture.good, adapter, fixtures, () => account)
      })
    }
    for (const verb of ENDING_VERBS) {
      const fixture = fixtures[verb]
      if (!fixture) continue
      describe(verb, () => {
        const run = (answers: Answers) => account.move(verb, answers)
        answerCases(verb, fixture.cases, fixtures, run, ['approved', 'pending', 'unmapped'])
        referenceCase(verb, fixture, fixtures, () => account)
        transportCases(verb, fixture.good, adapter, () => account)
        if (verb === 'capture') moneyCases(verb, fixture.good, fixtures, () => account)
        keyCases(verb, fixture.good, adapter, fixtures, () => account)
      })
    }
    readCases(fixtures, () => account)
    rawCardCases(fixtures, () => account)
    for (const [name, webhook] of Object.entries({ webhooks: fixtures.webhook, ...fixtures.otherWebhooks }))
      describe(name, () => webhookCases({ ...fixtures, webhook }, () => account))
    waiverCases(fixtures)
  })
}

function factCases(adapter: Adapter, fixtures: AdapterFixtures) {
  describe('facts', () => {
    it('names where it was written from, with a date', () => {
      expect(adapter.facts.source).toMatch(/\d{4}-\d{2}-\d{2}/)
    })
    it('has a verb for everything that its methods promise', () => {
      const methods = Object.values(adapter.facts.methods)
      expect(methods.length).toBeGreaterThan(0)
      expect(adapter.operations.includes('charge')).toBe(methods.some(({ deposit }) => deposit))
      expect(adapter.operations.includes('payOut')).toBe(methods.some(({ withdraw }) => withdraw))
      expect(adapter.operations.includes('refund')).toBe(methods.some(({ refund }) => refund))
    })
    it('can find, or says how else an unknown outcome is resolved', () => {
      const { unknownResolvedBy } = adapter.facts
      expect(adapter.operations.includes('find')).toBe(unknownResolvedBy !== 'review')
    })
    it('is judged on every verb that it has', () => {
      const verbs: readonly MoneyVerb[] = [...MONEY_VERBS, ...ENDING_VERBS]
      const given = verbs.filter((verb) => fixtures[verb] !== undefined)
      expect(given).toEqual(verbs.filter((verb) => adapter.operations.includes(verb)))
      expect(fixtures.find !== undefined).toBe(adapter.operations.includes('find'))
      expect(fixtures.resume !== undefined).toBe(adapter.operations.includes('resume'))
    })
    it('vouches only for refusals, each with a code of the decline table', () => {
      for (const [status, code] of Object.entries(adapter.facts.vouchedRejections)) {
        expect(Number(status)).toBeGreaterThanOrEqual(400)
        expect([500, 502, 504]).not.toContain(Number(status))
        expect(Object.keys(DECLINES)).toContain(code)
      }
    })
    it('refuses settings that are none', () => {
      for (const wrong of [undefined, null, {}, [], 'x', { base_url: 'javascript:alert(1)' }])
        expect(() => adapter.connect(wrong)).toThrow()
    })
    it('has a deadline under 30 s', () => {
      expect(adapter.facts.timeoutMs).toBeGreaterThan(0)
      expect(adapter.facts.timeoutMs).toBeLessThanOrEqual(30_000)
    })
  })
}

function answerCases(
  verb: string,
  cases: VerbFixture['cases'],
  fixtures: AdapterFixtures,
  run: (answers: Answers) => Promise<unknown>,
  required: readonly string[],
) {
  for (const says of new Set([...required, ...Object.keys(cases)])) {
    const given = cases[says]
    caseOf(
      `${verb}: ${says}`,
      fixtures,
      given && (async () => expect(await run(given.answers)).toMatchObject(given.expect)),
    )
  }
  it(`${verb}: a state that no document names is never a success nor a decline`, async () => {
    const given = cases.unmapped
    if (given) expect(['unknown', 'pending']).toContain((await run(given.answers).then(kindOf)) ?? '')
  })
}

const kindOf = (outcome: unknown): string =>
  typeof outcome === 'object' && outcome !== null && 'kind' in outcome ? String(outcome.kind) : ''

function lieCases(
  verb: (typeof MONEY_VERBS)[number],
  fixture: VerbFixture,
  fixtures: AdapterFixtures,
  account: AccountOfTest,
) {
  const { amount, currency } = fixture.lies ?? {}
  const toldAsked = async (answers: Answers) => {
    const asked = { asset: fixtures.assets[0] ?? 'EUR', minor: 1_250n }
    const outcome = await account().move(verb, answers, { amount: asked })
    // Either the processor's own figure comes up for `settle` to compare, or nothing is claimed to be known.
    if ('amount' in outcome) expect(outcome.amount).not.toEqual(asked)
    else expect(outcome.kind).toBe('unknown')
  }
  caseOf(`${verb}: wrong amount`, fixtures, amount && (() => toldAsked(amount)))
  caseOf(`${verb}: wrong currency`, fixtures, currency && (() => toldAsked(currency)))
}

function referenceCase(verb: MoneyVerb, { lies }: VerbFixture, fixtures: AdapterFixtures, account: AccountOfTest) {
  const reference = lies?.reference
  caseOf(
    `${verb}: wrong reference`,
    fixtures,
    reference &&
      (async () => {
        expect((await account().move(verb, reference)).kind).toBe('unknown')
      }),
  )
}

function readCases(fixtures: AdapterFixtures, account: AccountOfTest) {
  const { find, resume } = fixtures
  if (find)
    describe('find', () => {
      answerCases('find', find.cases, fixtures, (answers) => account().find(answers), [
        'approved',
        'not_found',
        'unmapped',
      ])
      const faults = [
        'silence',
        'reset before an answer',
        'half a body',
        'an oversized answer',
        'no HTTP at all',
      ] as const
      it.each(faults)('find: %s changes no state', async (fault) => {
        const deadline = fault === 'silence' ? 300 : 5_000
        const outcome = await account().find(() => () => ({ fault }), { deadlineMs: deadline })
        expect(['unknown', 'not_sent']).toContain(outcome.kind)
      })
      it.each([500, 502, 503, 200, 302])('find: status %i with an HTML page changes no state', async (status) => {
        const outcome = await account().find(() => () => ({ status, text: '<html>', headers: { location: '/x' } }))
        expect(['unknown', 'not_sent']).toContain(outcome.kind)
      })
      it.each(WICKED)('find: the reference %j opens no other path', async (reference) => {
        const answers = find.cases.not_found?.answers ?? (() => () => ({ status: 404, json: {} }))
        await account().find(answers, { reference })
        expectOwnPaths(account())
      })
    })
  if (resume)
    describe('resume', () => {
      answerCases('resume', resume.cases, fixtures, (answers) => account().resume(answers), ['approved', 'declined'])
      it.each(WICKED)('resume: the reference %j opens no other path', async (reference) => {
        await account().resume(resume.cases.approved?.answers ?? (() => () => ({ status: 404, json: {} })), {
          reference,
        })
        expectOwnPaths(account())
      })
    })
}

/** References that a hostile processor could hand out, to be let loose on its other endpoints with our key. */
const WICKED = ['../../v1/admin', 'x?y=1', 'a/b', '..', 'a#b', 'ref\r\nx-evil: 1', '%2e%2e', '\ud800'] as const

function expectOwnPaths({ server }: Account) {
  for (const { path, headers } of server.seen) {
    expect(path).not.toMatch(/\.\.|#|\s|a\/b|v1\/admin|[?&]y=1/)
    expect(headers).not.toHaveProperty('x-evil')
  }
}

/** Our own test number of a scheme: it must not be found on the wire in any case. */
const CARD_NUMBER = '4111111111111111'

function rawCardCases(fixtures: AdapterFixtures, account: AccountOfTest) {
  const { charge } = fixtures
  if (!charge) return
  const spellings = [CARD_NUMBER, '4111 1111 1111 1111', '4111-1111-1111-1111']
  describe('raw card data', () => {
    it.each(spellings)('%s as a token leaves nothing on the wire', async (token) => {
      const outcome = await chargeWith({ type: 'card', token })
      expect(['declined', 'not_sent']).toContain(outcome.kind)
      expectNoCard()
    })
    it('fields smuggled in beside the token never leave', async () => {
      const smuggled = { number: CARD_NUMBER, cvc: '737', expiry_month: '03' }
      const method = fixtures.charge?.ask?.method ?? ({ type: 'card', token: 'tok_1' } as const)
      await chargeWith(Object.assign({}, method, smuggled))
      expectNoCard()
    })
  })
  function chargeWith(method: Charge['method']) {
    return account().move('charge', charge?.good ?? (() => () => ({ status: 500, json: null })), { charge: { method } })
  }
  function expectNoCard() {
    for (const { path, body, headers } of account().server.seen) {
      const digits = JSON.stringify([path, body, headers]).replace(/[\s-]/g, '')
      expect(digits).not.toContain(CARD_NUMBER)
      expect(body).not.toMatch(/"(?:cvc|cvv|number)"/i)
    }
  }
}
