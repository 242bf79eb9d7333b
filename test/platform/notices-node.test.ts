import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Resolve } from '../../src/platform/http-node.ts'
import { nodeNotices } from '../../src/platform/notices-node.ts'
import { isLoopbackAddress, isPublicAddress } from '../../src/platform/special-addresses.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'

let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver.stop())

/** A name server that gives these answers, one after the other, the last one for ever. */
function names(...answers: string[][]): Resolve & { asked: number } {
  const resolve = (...[, , callback]: Parameters<Resolve>) => {
    const addresses = answers[Math.min(resolve.asked, answers.length - 1)] ?? []
    resolve.asked += 1
    if (addresses.length === 0) return callback(new Error('ENOTFOUND'), [])
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  resolve.asked = 0
  return resolve
}

const PUBLIC = '93.184.215.14'
const BODY = { headers: { 'content-type': 'application/json' }, body: '{}' }

it('takes https at a public name and nothing else', async () => {
  const live = nodeNotices({ allowLoopback: false, lookup: names([PUBLIC, '2606:2800:21f:cb07:6820:80da:af6b:8b2c']) })
  expect(await live.check('https://Pay.Example/notices?a=b')).toEqual({
    kind: 'safe',
    url: 'https://pay.example/notices?a=b',
  })
  const refused = [
    'http://pay.example/',
    'ftp://pay.example/',
    'file:///etc/passwd',
    'https://user:secret@pay.example/',
    'https://user@pay.example/',
    'https://pay.example:8443/',
    'https://pay.example/#part',
    'https://127.0.0.1/',
    'https://2852039166/latest/meta-data',
    'https://0xa9fea9fe/',
    'https://0251.0376.0251.0376/',
    'https://169.254.169.254/latest/meta-data',
    'https://127.1/',
    'https://127.0.0.1./',
    'https://１２７.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:169.254.169.254]/',
    'https://8.8.8.8/',
    'https:///',
    'pay.example',
    `https://pay.example/${'a'.repeat(1_100)}`,
    'http://localhost:8787/',
  ]
  for (const url of refused) expect([url, (await live.check(url)).kind]).toEqual([url, 'unsafe'])
  await live.close()
})

it('refuses a name when a single one of its addresses is not public, or when it has none', async () => {
  for (const addresses of [['10.0.0.1'], [PUBLIC, '127.0.0.1'], [PUBLIC, '::1'], ['::ffff:10.0.0.1'], []]) {
    const live = nodeNotices({ allowLoopback: false, lookup: names(addresses) })
    expect(await live.check('https://pay.example/')).toEqual({
      kind: 'unsafe',
      detail: 'The host name has no public address.',
    })
    await live.close()
  }
})

it('checks again at delivery: a name that has turned to this machine since is not reached', async () => {
  const { port } = new URL(receiver.url)
  const lookup = names([PUBLIC], ['127.0.0.1'])
  const live = nodeNotices({ allowLoopback: false, lookup, ports: [Number(port)] })
  const url = `https://pay.example:${port}/`
  expect(await live.check(url)).toMatchObject({ kind: 'safe' })
  const before = receiver.got.length
  expect(await live.post({ url, ...BODY })).toEqual({ kind: 'failed', why: 'address_refused' })
  expect(receiver.got).toHaveLength(before)
  expect(lookup.asked).toBe(2)
  await live.close()
})

it('does not send to a stored URL that is no longer allowed', async () => {
  const live = nodeNotices({ allowLoopback: false })
  expect(await live.post({ url: receiver.url, ...BODY })).toEqual({ kind: 'failed', why: 'unsafe_url' })
  await live.close()
})

it('lets a sandbox receive on its own machine by its own names only', async () => {
  const lookup = names(['127.0.0.1'])
  const sandbox = nodeNotices({ allowLoopback: true, lookup })
  expect(await sandbox.check('http://localhost:9000/x')).toMatchObject({ kind: 'safe' })
  expect(await sandbox.check('http://[::1]:9000/x')).toMatchObject({ kind: 'safe' })
  expect(await sandbox.check('http://127.0.0.1/x')).toMatchObject({ kind: 'safe' })
  for (const url of ['https://evil.example/', 'http://evil.example/', 'http://10.0.0.1/', 'http://127.0.0.2/'])
    expect([url, (await sandbox.check(url)).kind]).toEqual([url, 'unsafe'])
  const stranger = nodeNotices({ allowLoopback: true, lookup: names(['10.0.0.1']) })
  expect(await stranger.post({ url: 'http://localhost:9/', ...BODY })).toEqual({
    kind: 'failed',
    why: 'address_refused',
  })
  await Promise.all([sandbox.close(), stranger.close()])
})

it('follows no redirect and reads no more than a little of an answer', async () => {
  const sandbox = nodeNotices({ allowLoopback: true })
  receiver.reply(() => ({ status: 302, headers: { location: receiver.url } }))
  const before = receiver.got.length
  expect(await sandbox.post({ url: receiver.url, ...BODY })).toEqual({ kind: 'answered', status: 302 })
  expect(receiver.got).toHaveLength(before + 1)
  receiver.reply(() => ({ status: 200, body: 'x'.repeat(1_000_000) }))
  expect(await sandbox.post({ url: receiver.url, ...BODY })).toEqual({ kind: 'answered', status: 200 })
  receiver.reply(() => ({ status: 429, headers: { 'retry-after': '7' } }))
  expect(await sandbox.post({ url: receiver.url, ...BODY })).toEqual({
    kind: 'answered',
    status: 429,
    retryAfter: '7',
  })
  await sandbox.close()
})

it('gives a receiver that says nothing up after its time', async () => {
  const sandbox = nodeNotices({ allowLoopback: true, timeoutMs: 100 })
  receiver.reply(() => 'hang')
  expect(await sandbox.post({ url: receiver.url, ...BODY })).toEqual({ kind: 'failed', why: 'timeout' })
  expect(await sandbox.post({ url: 'http://127.0.0.1:9/', ...BODY })).toEqual({
    kind: 'failed',
    why: 'connect_failed',
  })
  await sandbox.close()
})

it('lets a receiver that hangs hold four connections and no more', async () => {
  const sandbox = nodeNotices({ allowLoopback: true, timeoutMs: 200 })
  receiver.reply(() => 'hang')
  const before = receiver.got.length
  const ends = await Promise.all(Array.from({ length: 10 }, () => sandbox.post({ url: receiver.url, ...BODY })))
  const whys = ends.map((end) => (end.kind === 'failed' ? end.why : 'answered')).sort()
  expect(whys).toEqual([...Array(6).fill('overloaded'), ...Array(4).fill('timeout')])
  expect(receiver.got).toHaveLength(before + 4)
  await sandbox.close()
})

const octet = fc.integer({ min: 0, max: 255 })
const V4 = (first: number, second = octet, third = octet) =>
  fc.tuple(second, third, octet).map((rest) => [first, ...rest].join('.'))
const is = (value: number) => fc.constant(value)
const SPECIAL_4 = fc.oneof(
  ...[0, 10, 127, ...Array.from({ length: 32 }, (_, index) => 224 + index)].map((first) => V4(first)),
  V4(100, fc.integer({ min: 64, max: 127 })),
  V4(169, is(254)),
  V4(172, fc.integer({ min: 16, max: 31 })),
  V4(192, is(168)),
  V4(192, is(0), fc.constantFrom(0, 2)),
  V4(192, is(88), is(99)),
  V4(198, fc.constantFrom(18, 19)),
  V4(198, is(51), is(100)),
  V4(203, is(0), is(113)),
)

it('refuses every special IPv4 address, however it is spelt', () => {
  fc.assert(
    fc.property(SPECIAL_4, (address) => {
      const bytes = address.split('.').map(Number)
      const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('')
      const mapped = `${hex.slice(0, 4)}:${hex.slice(4)}`
      for (const spelling of [
        address,
        `::ffff:${address}`,
        `::ffff:${mapped}`,
        `64:ff9b::${mapped}`,
        `2002:${mapped}::`,
      ])
        expect([spelling, isPublicAddress(spelling)]).toEqual([spelling, false])
    }),
  )
})

it('refuses every special IPv6 address and what is no address, and takes the rest', () => {
  const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 6, maxLength: 6 })
  const heads = [
    'fc00:1',
    'fd12:3456',
    'fe80:0',
    'fec0:1',
    'ff02:0',
    '2001:db8',
    '2001:0',
    '3fff:1',
    '100:0',
    '5f00:1',
    '0:0',
  ]
  fc.assert(
    fc.property(fc.constantFrom(...heads), groups, (head, rest) => {
      expect(isPublicAddress([head, ...rest.map((group) => group.toString(16))].join(':'))).toBe(false)
    }),
  )
  for (const none of ['', 'localhost', '::', '::1', '1.2.3', '0x7f.1', 'fe80::1%eth0', '1.2.3.4/8'])
    expect([none, isPublicAddress(none)]).toEqual([none, false])
  for (const open of ['8.8.8.8', '1.1.1.1', '100.63.255.255', '172.32.0.1', '2606:4700:4700::1111', '2a00:1450::1'])
    expect([open, isPublicAddress(open)]).toEqual([open, true])
  expect(['127.0.0.1', '127.255.0.1', '::1', '128.0.0.1', '::ffff:127.0.0.1', ''].map(isLoopbackAddress)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
  ])
})
