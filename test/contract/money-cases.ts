import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Adapter } from '../../src/adapters/contract.ts'
import { attemptId, type MoneyVerb } from './account.ts'
import type { AccountOfTest } from './case.ts'
import type { AdapterFixtures, Answers } from './fixtures.ts'

/** Amounts that a careless codec breaks: one unit, digits that a float can't hold, a trailing zero, a plain sum. */
const MINORS = [1n, 7n, 1_250n, 100_000n, 123_456_789_012_345n] as const

/** Amounts to the last decimal. */
export function moneyCases(verb: MoneyVerb, good: Answers, fixtures: AdapterFixtures, account: AccountOfTest): void {
  it.each([...fixtures.assets])(`${verb}: %s goes out and comes back to the last decimal`, async (asset) => {
    for (const minor of MINORS) {
      account().server.seen.length = 0
      const amount = { asset, minor }
      const outcome = await account().move(verb, good, { amount })
      const writing = account().server.seen.filter(({ method }) => method !== 'GET')
      expect(writing.map(({ body }) => body).join('\n')).toContain(fixtures.amountOnWire(amount))
      if ('amount' in outcome) expect(outcome.amount).toEqual(amount)
    }
  })

  it(`${verb}: no amount loses a unit on its way`, async () => {
    const asset = fc.constantFrom(...fixtures.assets)
    const minor = fc.bigInt({ min: 1n, max: 10n ** 15n })
    await fc.assert(
      fc.asyncProperty(asset, minor, async (code, units) => {
        account().server.seen.length = 0
        const amount = { asset: code, minor: units }
        const outcome = await account().move(verb, good, { amount })
        const bodies = account().server.seen.map(({ body }) => body)
        expect(bodies.join('\n')).toContain(fixtures.amountOnWire(amount))
        if ('amount' in outcome) expect(outcome.amount).toEqual(amount)
      }),
      { numRuns: 40 },
    )
  })
}

/** One key per attempt, and a look before what has none. */
export function keyCases(
  verb: MoneyVerb,
  good: Answers,
  adapter: Adapter,
  fixtures: AdapterFixtures,
  account: AccountOfTest,
): void {
  it(`${verb}: the same attempt is the same request under the same key, another attempt another key`, async () => {
    const { by, header } = adapter.facts.idempotency
    const first = await writingOf(attemptId(1))
    const again = await writingOf(attemptId(1))
    const other = await writingOf(attemptId(2))
    expect(again.map(({ path, body }) => [path, body])).toEqual(first.map(({ path, body }) => [path, body]))
    const keyOf = (requests: typeof first) => requests.map(({ headers }) => headers[header ?? ''] ?? '')
    if (by === 'header') {
      expect(keyOf(first).every((key) => key !== '' && key.length <= 64)).toBe(true)
      expect(keyOf(again)).toEqual(keyOf(first))
      expect(keyOf(other)).not.toEqual(keyOf(first))
    }
    if (by === 'reference') expect(JSON.stringify(first)).toContain(attemptId(1))
  })

  it(`${verb}: every request asks for an answer that isn't packed, and has no key in its path`, async () => {
    await account().move(verb, good)
    expect(account().server.seen.length).toBeGreaterThan(0)
    for (const { headers, path } of account().server.seen) {
      expect(headers['accept-encoding']).toBe('identity')
      for (const canary of fixtures.canaries) expect(path).not.toContain(canary)
    }
  })

  if (adapter.facts.idempotency.by === 'none')
    it(`${verb}: looks for the attempt before it creates anything`, async () => {
      await account().move(verb, good)
      expect(account().server.seen[0]?.method).toBe('GET')
    })

  async function writingOf(attempt: string) {
    account().server.seen.length = 0
    await account().move(verb, good, { attempt })
    return account().server.seen.filter(({ method }) => method !== 'GET')
  }
}
