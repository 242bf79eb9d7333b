import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { z } from 'zod'
import { oneMore } from './processor.ts'
import { type Answer, encode, respond } from './web.ts'

/** One line of the fault plan: which requests, when, and what goes wrong. */
export const FaultRule = z.strictObject({
  /** What the request does; any when absent. */
  on: z.enum(['charge', 'payout', 'refund', 'find', 'complete']).optional(),
  /** Only requests about this reference of the operator. */
  our_ref: z.string().optional(),
  /** `before`: nothing was done. `after`: it was done and is on disk, and then the answer suffers. */
  when: z.enum(['before', 'after']).default('after'),
  fault: z.enum([
    'reset',
    'drop_answer',
    'hang',
    'late_answer',
    'slow_drip',
    'answer_twice',
    'html',
    'empty',
    'http_500',
    'oversize',
    'gzip_bomb',
    'redirect',
    'wrong_amount',
    'wrong_currency',
    'wrong_reference',
    'unknown_status',
    'float_amount',
  ]),
  /** Of `drop_answer`: the line goes dead after this many bytes of the answer. */
  after_bytes: z.number().int().min(0).max(10_000).default(40),
  /** Of `late_answer`: how long it waits. With `notify: all` the webhook comes first. */
  delay_ms: z.number().int().min(0).max(60_000).default(500),
  /** The share of matching requests that are hit. */
  rate: z.number().min(0).max(1).default(1),
  /** How often it strikes before it is spent; without an end when absent. */
  times: z.number().int().min(1).optional(),
})
export type FaultRule = z.infer<typeof FaultRule>

/** The whole plan. The same seed strikes the same requests again. */
export const FaultPlan = z.strictObject({
  seed: z.number().int().min(0).max(0xff_ff_ff_ff).default(1),
  rules: z.array(FaultRule).max(100),
})

/** A plan at work: says which fault strikes, and remembers how often each did. */
export type Faults = {
  load(plan: z.infer<typeof FaultPlan>): void
  strike(when: FaultRule['when'], on: string, ourRef: string | undefined): FaultRule | undefined
  struck(): readonly { readonly rule: FaultRule; readonly times: number }[]
}

/** An empty plan. */
export function makeFaults(): Faults {
  let rules: { rule: FaultRule; times: number }[] = []
  let random = seeded(1)
  return {
    load({ seed, rules: given }) {
      rules = given.map((rule) => ({ rule, times: 0 }))
      random = seeded(seed)
    },
    strike(when, on, ourRef) {
      const hit = rules.find(
        ({ rule, times }) =>
          rule.when === when &&
          (rule.on ?? on) === on &&
          (rule.our_ref ?? ourRef) === ourRef &&
          times < (rule.times ?? Number.POSITIVE_INFINITY) &&
          random() < rule.rate,
      )
      if (hit) hit.times += 1
      return hit?.rule
    },
    struck: () => rules,
  }
}

/** mulberry32: 32 bits of state, enough to repeat a run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

type Spoil = (response: ServerResponse, answer: Exclude<Answer, 'silence'>, rule: FaultRule) => void

/** How each fault looks on the wire. */
const SPOIL: Readonly<Record<FaultRule['fault'], Spoil>> = {
  reset: (response) => response.socket?.resetAndDestroy(),
  drop_answer: (response, answer, { after_bytes }) => {
    const raw = rawAnswer(answer)
    response.socket?.write(raw.subarray(0, after_bytes), () => response.socket?.destroy())
  },
  hang: () => {},
  late_answer: (response, answer, { delay_ms }) => {
    setTimeout(() => respond(response, answer), delay_ms)
  },
  slow_drip: (response, answer) => drip(response, rawAnswer(answer)),
  answer_twice: (response, answer) => {
    const raw = rawAnswer(answer)
    response.socket?.end(Buffer.concat([raw, raw]))
  },
  html: (response) => respond(response, { status: 200, html: '<!doctype html><title>Maintenance</title>' }),
  empty: (response) => respond(response, { status: 200 }),
  http_500: (response) =>
    respond(response, { status: 500, json: { error: { code: 'internal', detail: 'fault plan' } } }),
  oversize: (response) => respond(response, { status: 200, json: { filler: 'x'.repeat(2_000_000) } }),
  gzip_bomb: (response) => {
    const body = gzipSync(Buffer.alloc(50_000_000))
    response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
    response.end(body)
  },
  redirect: (response) => respond(response, { status: 302, headers: { location: '/v1/elsewhere' } }),
  wrong_amount: altered((body) => ({
    ...body,
    amount: oneMore(text(body.amount), text(body.currency), network(body)),
  })),
  wrong_currency: altered((body) => ({ ...body, currency: body.currency === 'EUR' ? 'SEK' : 'EUR' })),
  wrong_reference: altered((body) => ({ ...body, our_ref: `${text(body.our_ref)}x` })),
  unknown_status: altered((body) => ({ ...body, status: 'settling_elsewhere' })),
  float_amount: altered((body) => ({ ...body, amount: Number(body.amount) })),
}

/** Sends the answer as the rule spoils it. */
export const spoil: Spoil = (response, answer, rule) => SPOIL[rule.fault](response, answer, rule)

const text = (value: unknown): string => (typeof value === 'string' ? value : '')
const network = (body: Record<string, unknown>): string | undefined =>
  typeof body.network === 'string' ? body.network : undefined

/** Lies about the operation in an answer, be it alone or in a list. */
function altered(change: (body: Record<string, unknown>) => Record<string, unknown>): Spoil {
  return (response, answer) => {
    const json = record(answer.json)
    const list = json && Array.isArray(json.data) ? json.data : undefined
    const changed = list
      ? { ...json, data: list.map((each) => change(record(each) ?? {})) }
      : json && 'our_ref' in json
        ? change(json)
        : answer.json
    respond(response, { ...answer, json: changed })
  }
}

function record(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? { ...value } : undefined
}

function rawAnswer(answer: Exclude<Answer, 'silence'>): Buffer {
  const { body, headers } = encode(answer)
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${answer.status} X\r\n${head.join('')}\r\n`), body])
}

/** A byte every 100 ms, until the caller has had enough. */
function drip(response: ServerResponse, raw: Buffer) {
  const { socket } = response
  let at = 0
  const timer = setInterval(() => {
    if (!socket || socket.destroyed || at >= raw.length) return clearInterval(timer)
    socket.write(raw.subarray(at, at + 1))
    at += 1
  }, 100)
}
