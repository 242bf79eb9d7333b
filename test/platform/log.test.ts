import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openLog } from '../../src/platform/log.ts'
import { jsonWriter } from '../../src/platform/log-json.ts'
import { pinoWriter } from '../../src/platform/log-pino.ts'

const pinoLog = () => {
  const lines: string[] = []
  return { lines, log: openLog(pinoWriter('debug', { write: (line) => void lines.push(line) })) }
}

/** What must never leave, by the ways in which it comes. */
const SECRETS = {
  card: '4111111111111111',
  'card in fours': '4111 1111 1111 1111',
  iban: 'FI2112345600000785',
  'iban in fours': 'DE89 3704 0044 0532 0130 00',
  email: 'jane.doe@example.com',
  token: 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJjbGlfMSJ9.c2lnbmF0dXJl',
  bearer: 'Bearer abcdefghijklmnop',
  basic: 'Basic Y2xpOnNlY3JldA==',
  'client secret': 'pcs_6YkR3mJx0qLw9sVb2TnZc8HdPf4GuEaXo1iKjQyWtBM',
  'webhook secret': 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  'processor key': 'sk_live_51Habcdefghijklmno',
  'private key': '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----',
  'database url': 'postgres://user:hunter2@db.internal/paycage',
  url: 'https://processor.example/pay?key=hunter2',
} as const

it('writes one JSON object per line, in UTC, with the level by name', () => {
  const { lines, log } = pinoLog()
  log.warn('webhook_refused', { processor: 'sandbox_a', count: 2, duration_ms: 1.5, kind: undefined })
  expect(lines).toHaveLength(1)
  const line = JSON.parse(lines[0] ?? '')
  expect(line).toMatchObject({
    level: 'warn',
    event: 'webhook_refused',
    processor: 'sandbox_a',
    count: 2,
    duration_ms: 1.5,
  })
  expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
})

it('writes the same line where there is no pino', () => {
  const lines: string[] = []
  const log = openLog(
    jsonWriter(
      'info',
      (line) => void lines.push(line),
      () => new Date(0),
    ),
  )
  log.debug('too_quiet')
  log.error('loud', { status: 'x', iban: SECRETS.iban })
  expect(lines).toEqual([
    '{"level":"error","time":"1970-01-01T00:00:00.000Z","event":"loud","status":"x","dropped_fields":1}',
  ])
})

it('lets no secret out, by whatever way it comes', () => {
  const { lines, log } = pinoLog()
  for (const secret of Object.values(SECRETS)) {
    for (const name of [
      'authorization',
      'cookie',
      'iban',
      'account',
      'pan',
      'cvv',
      'secret',
      'token',
      'email',
      'name',
      'body',
      'url',
      'player_id',
      'headers',
    ])
      log.info('event', { [name]: secret })
    for (const name of ['reason', 'status', 'code', 'host', 'operator_id', 'http.route']) {
      log.info('event', { [name]: secret })
      log.info('event', { [name]: `before ${secret} after` })
    }
    log.info('event', { reason: { deep: secret }, status: [secret], body: Buffer.from(secret) })
    log.info(`event ${secret}`)
    log.error('failed', { error: new Error(secret) })
    log.error('failed', { error: new TypeError(`bad ${secret}`, { cause: new Error(secret) }) })
    log.error('failed', {
      error: Object.assign(new Error('driver'), { code: secret, detail: secret, params: [secret], query: secret }),
    })
    log.error('failed', { error: new Error(`assertion failed: ${secret}`) })
    log.error('failed', { error: secret })
    log.error('failed', { error: { message: secret } })
  }
  const all = lines.join('')
  const leaked = Object.entries(SECRETS).filter(
    ([, secret]) => all.includes(secret) || all.includes(JSON.stringify(secret).slice(1, -1)),
  )
  expect(leaked).toEqual([])
  expect(all).not.toMatch(/hunter2|MIIEvQ|3704 0044|jane|c2lnbmF0/)
  expect(lines.length).toBeGreaterThan(400)
})

it('says of an error what it was and where, not what it said', () => {
  const { lines, log } = pinoLog()
  log.error('failed', { error: Object.assign(new RangeError('Jane Doe'), { code: '23505' }) })
  log.error('failed', { error: new Error("assertion failed: can't add EUR and SEK") })
  const [first, second] = lines.map((line) => JSON.parse(line))
  expect(first).toMatchObject({ 'error.type': 'RangeError', 'error.code': '23505' })
  expect(first['error.stack']).toMatch(/test\/platform\/log\.test\.ts/)
  expect(JSON.stringify(first)).not.toContain('Jane')
  expect(second['error.message']).toBe("assertion failed: can't add EUR and SEK")
})

it('keeps any text to one line that reads back as JSON', () => {
  const { lines, log } = pinoLog()
  const nasty = fc.string({
    unit: fc.constantFrom('\r', '\n', '\u001b', '\u2028', '\u2029', '"', '\\', '{', '}', 'a', '\u0000', '\ud800'),
  })
  fc.assert(
    fc.property(nasty, (text) => {
      lines.length = 0
      log.info('event', { reason: text })
      const line = lines[0] ?? ''
      expect(line.trimEnd()).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
      expect(JSON.parse(line).level).toBe('info')
    }),
    { numRuns: 1000 },
  )
})

it('cuts a value that is too long to be a word', () => {
  const { lines, log } = pinoLog()
  log.info('event', { reason: 'x'.repeat(10_000) })
  expect(lines.join('').length).toBeLessThan(400)
})

it.each(['process.exit(0)', "throw new Error('our bug')", 'undefined'])(
  'writes every line of a process whose last statement is %s',
  (end) => {
    const program = `
      const { pinoWriter } = await import(${JSON.stringify(new URL('../../src/platform/log-pino.ts', import.meta.url))})
      const write = pinoWriter('info')
      for (let n = 0; n < 300; n += 1) write('info', { event: 'line', count: n })
      ${end}`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' })
    const counts = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).count)
    expect(counts).toEqual(Array.from({ length: 300 }, (_, n) => n))
  },
)
