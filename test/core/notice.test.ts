import { expect, it } from 'vitest'
import {
  noticeBody,
  RETRY_DELAYS_MS,
  retryDelayMs,
  signedHeaders,
  TYPE_PATTERN,
  verdictOf,
  wants,
  webhookSecret,
} from '../../src/core/notice.ts'

const NOW = Date.parse('2026-11-22T10:00:00.000Z')

it('signs the vector of the specification', async () => {
  const headers = await signedHeaders(['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], {
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    body: '{"test": 2432232314}',
    nowMs: 1_614_265_330_000,
  })
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

it('signs with every live secret', async () => {
  const secrets = [webhookSecret(new Uint8Array(32).fill(1)), webhookSecret(new Uint8Array(32).fill(2))]
  const { 'webhook-signature': both } = await signedHeaders(secrets, { id: 'a', body: 'b', nowMs: NOW })
  expect(both?.split(' ')).toHaveLength(2)
  expect(new Set(both?.split(' ')).size).toBe(2)
})

it('waits as the specification says, 75 h 35 m 5 s in all, and a tenth more at most', () => {
  expect(RETRY_DELAYS_MS.reduce<number>((sum, wait) => sum + wait, 0)).toBe(((75 * 60 + 35) * 60 + 5) * 1000)
  expect([0, 1, 2, 9].map((tries) => retryDelayMs(tries, 0))).toEqual([0, 5_000, 300_000, 86_400_000])
  expect(retryDelayMs(1, 1)).toBe(5_500)
  expect(retryDelayMs(10, 0)).toBeUndefined()
})

it('takes only 2xx for a success', () => {
  const of = (status: number) => verdictOf({ kind: 'answered', status }, NOW)
  for (const status of [200, 201, 202, 204, 299]) expect(of(status)).toEqual({ kind: 'delivered' })
  expect(of(410)).toEqual({ kind: 'gone' })
  for (const status of [300, 301, 302, 307, 308, 304, 399])
    expect(of(status)).toEqual({ kind: 'again', result: 'redirected' })
  for (const status of [199, 400, 401, 404, 500, 503])
    expect(of(status)).toEqual({ kind: 'again', result: 'http_error' })
  expect(verdictOf({ kind: 'failed', why: 'reset' }, NOW)).toEqual({ kind: 'again', result: 'reset' })
})

it('rests as long as an overloaded receiver asks, an hour at most', () => {
  const rest = (retryAfter?: string, status = 429) => {
    const verdict = verdictOf({ kind: 'answered', status, ...(retryAfter !== undefined && { retryAfter }) }, NOW)
    return verdict.kind === 'again' ? verdict.restMs : undefined
  }
  expect(rest('120')).toBe(120_000)
  expect(rest('Sun, 22 Nov 2026 10:02:00 GMT', 502)).toBe(120_000)
  expect(rest('999999999', 504)).toBe(3_600_000)
  expect(rest('Sun, 22 Nov 2026 09:58:00 GMT')).toBe(0)
  for (const nonsense of [
    undefined,
    'soon',
    'soon GMT',
    'Sun, 22 Nov 2026 10:02:00 GMT+0100',
    '-5',
    '5s',
    '1e3',
    '1234567890',
    '',
    '2026-11-22T10:02:00Z',
  ])
    expect(rest(nonsense)).toBe(60_000)
  expect(rest('120', 500)).toBeUndefined()
})

it('lets a receiver rest that hangs, and counts no try where none was made', () => {
  expect(verdictOf({ kind: 'failed', why: 'timeout' }, NOW)).toEqual({
    kind: 'again',
    result: 'timeout',
    restMs: 60_000,
  })
  expect(verdictOf({ kind: 'failed', why: 'overloaded' }, NOW)).toEqual({ kind: 'busy' })
})

it('sends an endpoint what it asked for', () => {
  expect(wants(['*'], 'deposit.succeeded')).toBe(true)
  expect(wants(['deposit.*'], 'deposit.succeeded')).toBe(true)
  expect(wants(['refund.*', 'deposit.succeeded'], 'deposit.succeeded')).toBe(true)
  expect(wants(['deposit.*'], 'deposits.succeeded')).toBe(false)
  expect(wants(['deposit.paid'], 'deposit.pair')).toBe(false)
  expect(wants([], 'deposit.succeeded')).toBe(false)
  for (const right of ['*', 'deposit.*', 'deposit.late_success', `${'a'.repeat(32)}.${'b'.repeat(32)}`])
    expect(TYPE_PATTERN.test(right)).toBe(true)
  expect(wants(['withdrawal.paid', 'refund.*'], 'withdrawal.held')).toBe(false)
  for (const wrong of [
    '',
    'deposit',
    'deposit.',
    '.*',
    '*.*',
    'deposit.*.x',
    'DEPOSIT.*',
    'deposit. *',
    '-deposit.*',
    'deposit.paid-',
    '**',
  ])
    expect(TYPE_PATTERN.test(wrong)).toBe(false)
})

it('keeps a body under 20 kB by leaving out the metadata, and says so', () => {
  const notice = {
    id: 'evt_1',
    type: 'deposit.succeeded',
    sequence: 3,
    createdAt: new Date(NOW),
    data: { id: 'dep_1', metadata: { a: '\u{1F3B0}'.repeat(5_000) } },
  }
  const body = noticeBody(notice, '2026-11-22')
  expect(JSON.parse(body)).toEqual({
    id: 'evt_1',
    type: 'deposit.succeeded',
    timestamp: '2026-11-22T10:00:00.000Z',
    api_version: '2026-11-22',
    sequence: 3,
    data: { id: 'dep_1', metadata: {} },
    truncated: ['/data/metadata'],
  })
  const small = { ...notice, data: { id: 'dep_1', metadata: { a: 'b' } } }
  expect(JSON.parse(noticeBody(small, '2026-11-22'))).not.toHaveProperty('truncated')
})

it('leaves the metadata out from 20 kB on, counted in bytes, and not a byte before', () => {
  const notice = { id: 'evt_1', type: 'a.b', sequence: 1, createdAt: new Date(NOW) }
  const sized = (bytes: number) => {
    const bare = noticeBody({ ...notice, data: { metadata: { a: '\u00e9' } } }, 'v')
    const rest = bytes - new TextEncoder().encode(bare).length
    return noticeBody({ ...notice, data: { metadata: { a: `\u00e9${'x'.repeat(rest)}` } } }, 'v')
  }
  expect(new TextEncoder().encode(sized(19_999))).toHaveLength(19_999)
  expect(JSON.parse(sized(20_000))).toMatchObject({ data: { metadata: {} }, truncated: ['/data/metadata'] })
})

it('gives a secret out in the form of the specification', () =>
  expect(webhookSecret(new Uint8Array([0, 255, 16]))).toBe('whsec_AP8Q'))
