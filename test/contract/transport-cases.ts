import { expect, it } from 'vitest'
import type { Adapter, UnknownReason } from '../../src/adapters/contract.ts'
import type { MoneyVerb } from './account.ts'
import type { AccountOfTest } from './case.ts'
import type { Answers } from './fixtures.ts'
import type { Answer, SeenRequest } from './scripted-server.ts'

/** After these faults nobody knows whether money moved: the only true answer is `unknown`. */
const BROKEN: readonly {
  readonly name: string
  readonly answer: Answer
  readonly reasons: readonly UnknownReason[]
}[] = [
  { name: 'no answer in time', answer: { fault: 'silence' }, reasons: ['timeout'] },
  { name: 'reset after the request was written', answer: { fault: 'reset before an answer' }, reasons: ['reset'] },
  { name: 'reset after the headers', answer: { fault: 'reset after the headers' }, reasons: ['reset'] },
  { name: 'half a body', answer: { fault: 'half a body' }, reasons: ['reset'] },
  { name: 'an oversized answer', answer: { fault: 'an oversized answer' }, reasons: ['too_large'] },
  { name: 'a packed bomb', answer: { fault: 'a packed bomb' }, reasons: ['malformed', 'too_large'] },
  { name: 'an answer that is not HTTP', answer: { fault: 'no HTTP at all' }, reasons: ['malformed', 'reset'] },
  { name: '500', answer: { status: 500, json: { message: 'oops' } }, reasons: ['http_5xx'] },
  { name: '502 with a page', answer: { status: 502, text: '<html>Bad gateway</html>' }, reasons: ['http_5xx'] },
  { name: '504', answer: { status: 504, text: '' }, reasons: ['http_5xx'] },
  { name: '200 with a page', answer: { status: 200, text: '<html>Maintenance</html>' }, reasons: ['malformed'] },
  { name: '200 with nothing', answer: { status: 200, text: '' }, reasons: ['malformed'] },
  { name: '200 with half of a JSON text', answer: { status: 200, text: '{"id":"x","sta' }, reasons: ['malformed'] },
  { name: '200 with JSON of another shape', answer: { status: 200, json: [1, 'two', null] }, reasons: ['malformed'] },
  { name: '200 with bytes that are no UTF-8', answer: { fault: 'bytes that are no UTF-8' }, reasons: ['malformed'] },
  {
    name: 'a redirect, which is not followed',
    answer: { status: 307, text: '', headers: { location: '/elsewhere' } },
    reasons: ['malformed'],
  },
]

/** What faults on the line come to. The fault strikes the first request that can move money; look-ups before it are answered well. */
export function transportCases(verb: MoneyVerb, good: Answers, adapter: Adapter, account: AccountOfTest): void {
  for (const { name, answer, reasons } of BROKEN) {
    it(`${verb}: ${name} leaves the outcome unknown`, async () => {
      const deadlineMs = reasons.includes('timeout') ? 400 : 5_000
      const outcome = await account().move(verb, brokenAtWriting(good, answer), { deadlineMs })
      expect(outcome.kind).toBe('unknown')
      if (outcome.kind === 'unknown') expect(reasons).toContain(outcome.reason)
      const elsewhere = account().server.seen.filter(({ path }) => path === '/elsewhere')
      expect(elsewhere).toEqual([])
    })
  }
  it(`${verb}: a refused connection is proof that nothing was sent`, async () => {
    await account().server.close()
    const outcome = await account().move(verb, good)
    expect(outcome).toMatchObject({ kind: 'not_sent', reason: 'connect_failed' })
  })
  for (const [status, code] of Object.entries(adapter.facts.vouchedRejections)) {
    it(`${verb}: ${status} is vouched for as ${code}, nothing done`, async () => {
      const answer = { status: Number(status), json: { error: 'refused' } }
      const outcome = await account().move(verb, brokenAtWriting(good, answer))
      expect(outcome).toMatchObject({ kind: 'not_sent', reason: 'vouched_rejection', code })
    })
  }
}

/** Answers well until the first request that isn't a GET, which gets `answer`. */
function brokenAtWriting(good: Answers, answer: Answer): Answers {
  return (asked) => {
    const well = good(asked)
    let struck = false
    return (request: SeenRequest) => {
      if (request.method === 'GET' || struck) return well(request)
      struck = true
      return answer
    }
  }
}
