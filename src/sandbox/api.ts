import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Books } from './books.ts'
import type { SavedAnswer } from './journal.ts'
import { looksLikeCardNumber } from './magic.ts'
import { ChargeBody, type OperationKind, PayoutBody, present, RefundBody } from './operation.ts'
import { decisionPage, hostedFieldsPage } from './pages.ts'
import type { Done, Keep, Processor } from './processor.ts'
import { settlementFile } from './settlement.ts'
import { TEST_CARDS } from './test-cards.ts'
import { type Answer, parseJson, problem } from './web.ts'

/** A request of the API after its body was read. */
export type ApiRequest = {
  readonly method: string
  readonly url: URL
  readonly body: string
  readonly idempotencyKey: string | undefined
}

/** What a request is about, for the fault plan; `page` and `tokens` need no API key. */
export type Topic = 'charge' | 'payout' | 'refund' | 'find' | 'complete' | 'settlement' | 'page' | 'tokens' | 'none'

type Route = {
  readonly method: string
  readonly pattern: RegExp
  readonly topic: Topic
  readonly handle: (request: ApiRequest, id: string) => Answer
}

/** The API: says what a request is about, and does it. */
export type Api = { topicOf(request: Pick<ApiRequest, 'method' | 'url'>): Topic; handle(request: ApiRequest): Answer }

const COLLECTION = { charge: 'charges', payout: 'payouts', refund: 'refunds' } as const
const KINDS = ['charge', 'payout', 'refund'] as const satisfies readonly OperationKind[]
const TokenBody = z.strictObject({ selection: z.enum(['ok', '3ds', 'stolen', 'visa', 'mastercard']) })
const CompleteBody = z.strictObject({ params: z.record(z.string().max(100), z.string().max(4_000)) })
const IDEMPOTENCY_KEY = /^[A-Za-z0-9._:-]{1,255}$/
/** Members that are names or sums, and may by chance look like a card number. */
const NOT_CARDS = new Set(['our_ref', 'amount', 'player_ref', 'charge', 'webhook_url', 'return_url'])

/** Makes the API of a processor. */
export function makeApi(processor: Processor, books: Books): Api {
  const routes: readonly Route[] = [
    ...KINDS.flatMap((kind): Route[] => [
      {
        method: 'POST',
        pattern: new RegExp(`^/v1/${COLLECTION[kind]}$`),
        topic: kind,
        handle: (request) => create(kind, request, processor, books),
      },
      {
        method: 'GET',
        pattern: new RegExp(`^/v1/${COLLECTION[kind]}$`),
        topic: 'find',
        handle: ({ url }) => ({
          status: 200,
          json: { data: books.byOurRef(kind, url.searchParams.get('our_ref') ?? '').map(present) },
        }),
      },
      {
        method: 'GET',
        pattern: new RegExp(`^/v1/${COLLECTION[kind]}/([a-z0-9_]+)$`),
        topic: 'find',
        handle: (_request, id) => show(books, kind, id),
      },
    ]),
    {
      method: 'POST',
      pattern: /^\/v1\/charges\/([a-z0-9_]+)\/complete$/,
      topic: 'complete',
      handle: ({ body }, id) => complete(books, id, body),
    },
    {
      method: 'GET',
      pattern: /^\/v1\/settlement$/,
      topic: 'settlement',
      handle: () => ({ status: 200, csv: settlementFile(books.moved()) }),
    },
    { method: 'POST', pattern: /^\/v1\/tokens$/, topic: 'tokens', handle: ({ body }) => makeToken(body) },
    {
      method: 'GET',
      pattern: /^\/hosted-fields$/,
      topic: 'page',
      handle: ({ url }) => hostedFieldsPage(url.searchParams.get('parent')),
    },
    {
      method: 'GET',
      pattern: /^\/pages\/([a-z0-9_]+)$/,
      topic: 'page',
      handle({ url }, id) {
        const operation = processor.page(id, url.searchParams.get('key') ?? '')
        return operation ? decisionPage(operation) : NOT_FOUND
      },
    },
    {
      method: 'POST',
      pattern: /^\/pages\/([a-z0-9_]+)$/,
      topic: 'page',
      handle: ({ url, body }, id) => decide(processor, id, url.searchParams.get('key') ?? '', body),
    },
  ]
  const find = (method: string, pathname: string) =>
    routes.find((route) => route.method === method && route.pattern.test(pathname))
  return {
    topicOf: ({ method, url }) => find(method, url.pathname)?.topic ?? 'none',
    handle(request) {
      const route = find(request.method, request.url.pathname)
      return route?.handle(request, route.pattern.exec(request.url.pathname)?.[1] ?? '') ?? NOT_FOUND
    },
  }
}

const NOT_FOUND = problem(404, 'not_found', 'There is nothing here.')

/** Creates an operation once per key: the same request again gets the stored answer, another one under the same key is refused. */
function create(kind: OperationKind, request: ApiRequest, processor: Processor, books: Books): Answer {
  const key = request.idempotencyKey
  if (key === undefined || !IDEMPOTENCY_KEY.test(key))
    return problem(400, 'idempotency_key_missing', 'Send an Idempotency-Key of 1 to 255 letters, digits and ._:-')
  const fingerprint = createHash('sha256').update(`${kind}\n${request.body}`).digest('hex')
  const before = books.saved(key, Date.now())
  if (before) return replay(before, fingerprint)
  if (books.isFull()) return problem(503, 'full', 'This sandbox is full: start it with a new data folder.')
  const keep: Keep = (operation) => ({ key, fingerprint, status: 201, body: present(operation), at: Date.now() })
  const done = perform(kind, parseJson(request.body), processor, keep)
  if (done === 'card_number') return problem(422, 'card_number_refused', 'Card numbers are never taken here.')
  if (done === 'malformed') return problem(422, 'invalid_request', 'The body does not fit this operation.')
  if (done.kind === 'silence') return 'silence'
  if (done.kind === 'refused') return problem(422, done.code, done.detail)
  return { status: 201, json: present(done.operation) }
}

const replay = (saved: SavedAnswer, fingerprint: string): Answer =>
  saved.fingerprint === fingerprint
    ? { status: saved.status, json: saved.body, headers: { 'idempotent-replayed': 'true' } }
    : problem(409, 'idempotency_key_reused', 'This key was used for another request.')

function perform(
  kind: OperationKind,
  body: unknown,
  processor: Processor,
  keep: Keep,
): Done | 'card_number' | 'malformed' {
  if (hasCardNumber(body)) return 'card_number'
  if (kind === 'charge') {
    const charge = ChargeBody.safeParse(body)
    return charge.success ? processor.charge(charge.data, keep) : 'malformed'
  }
  if (kind === 'payout') {
    const payout = PayoutBody.safeParse(body)
    return payout.success ? processor.payOut(payout.data, keep) : 'malformed'
  }
  const refund = RefundBody.safeParse(body)
  return refund.success ? processor.refund(refund.data, keep) : 'malformed'
}

function hasCardNumber(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return looksLikeCardNumber(value)
  if (typeof value === 'number') return looksLikeCardNumber(String(value))
  if (typeof value !== 'object' || value === null || depth > 8) return false
  return Object.entries(value).some(([name, each]) => !NOT_CARDS.has(name) && hasCardNumber(each, depth + 1))
}

function show(books: Books, kind: OperationKind, id: string): Answer {
  const operation = books.get(id)
  return operation?.kind === kind ? { status: 200, json: present(operation) } : NOT_FOUND
}

/** The end of a redirect: tells the state; refused when the page that the player came back from was another charge's. */
function complete(books: Books, id: string, body: string): Answer {
  const parsed = CompleteBody.safeParse(parseJson(body))
  if (!parsed.success) return problem(422, 'invalid_request', 'The body does not fit this operation.')
  const returned = parsed.data.params.sandbox_charge
  if (returned !== undefined && returned !== id)
    return problem(422, 'wrong_return', 'The player came back from the page of another charge.')
  return show(books, 'charge', id)
}

function makeToken(body: string): Answer {
  const json = parseJson(body)
  if (hasCardNumber(json)) return problem(422, 'card_number_refused', 'Card numbers are never taken here.')
  const parsed = TokenBody.safeParse(json)
  const found = Object.entries(TEST_CARDS).find(([, card]) => card.selection === parsed.data?.selection)
  if (!found) return problem(422, 'invalid_request', 'Choose ok, 3ds, stolen, visa or mastercard.')
  const [token, { brand, last4 }] = found
  return { status: 201, json: { token, brand, last4 } }
}

function decide(processor: Processor, id: string, key: string, body: string): Answer {
  const result = new URLSearchParams(body).get('result')
  if (result !== 'approve' && result !== 'decline')
    return problem(422, 'invalid_request', 'Answer with approve or decline.')
  const operation = processor.decide(id, key, result === 'approve')
  const back = operation?.return_url === undefined ? null : URL.parse(operation.return_url)
  if (!back) return NOT_FOUND
  back.searchParams.set('sandbox_charge', id)
  return { status: 303, headers: { location: back.href } }
}
