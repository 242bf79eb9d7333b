import { expect, it } from 'vitest'
import type { Events } from '../../src/adapters/contract.ts'
import { attemptId } from './account.ts'
import { type AccountOfTest, caseOf } from './case.ts'
import type { AdapterFixtures, Made, ToldFact } from './fixtures.ts'

const NOW_MS = 1_795_399_200_000
/** Every refusal says why: the counter of webhooks is read by it. */
const REASONS = /^(?:signature_missing|signature_invalid|stale|wrong_account|malformed)$/

/** Webhooks that are true, and every way of lying with one. */
export function webhookCases(fixtures: AdapterFixtures, account: AccountOfTest): void {
  const { webhook } = fixtures
  const [current, previous] = webhook.secrets
  const fact: ToldFact = {
    attempt: attemptId(1),
    reference: 'ref_1',
    amount: { asset: fixtures.assets[0] ?? 'EUR', minor: 1_250n },
  }
  const signing = { secret: current, nowMs: NOW_MS }
  const made = () => webhook.make(fact, signing)
  const hear = (given: Made, secrets: readonly string[] = [current], nowMs = NOW_MS): Promise<Events> =>
    account().connected.events({ body: Buffer.from(given.body), headers: given.headers, secrets, nowMs })
  const expectRefused = async (given: Made, secrets?: readonly string[], nowMs?: number) =>
    expect(await hear(given, secrets, nowMs)).toEqual({ kind: 'refused', why: expect.stringMatching(REASONS) })

  it('a true one is verified and tells its fact', async () => {
    const heard = await hear(made())
    expect(heard).toMatchObject({ kind: 'verified', events: [webhook.expect(fact)] })
  })
  it('the same one again is the same event id, so that it is applied once', async () => {
    const [first, again] = [await hear(made()), await hear(made())]
    expect(idsOf(first)).toHaveLength(1)
    expect(idsOf(again)).toEqual(idsOf(first))
  })
  it('both secrets are live during a rotation, in either order', async () => {
    for (const secret of webhook.secrets)
      for (const live of [webhook.secrets, webhook.secrets.toReversed()])
        expect((await hear(webhook.make(fact, { ...signing, secret }), live)).kind).toBe('verified')
  })
  it('the old secret is dead after the rotation', async () => {
    await expectRefused(webhook.make(fact, { ...signing, secret: previous }))
  })
  it("another account's secret is refused", async () => {
    await expectRefused(webhook.make(fact, { ...signing, secret: webhook.foreignSecret }), webhook.secrets)
  })
  it('no secret at all lets nothing in', async () => {
    await expectRefused(made(), [])
  })
  it('an empty body is refused', async () => {
    await expectRefused({ ...made(), body: '' })
  })
  it('a truncated body is refused', async () => {
    const { body, headers } = made()
    for (const length of [1, Math.floor(body.length / 2), body.length - 1])
      await expectRefused({ headers, body: body.slice(0, length) })
  })
  it('a body of another fact under this signature is refused', async () => {
    const other = webhook.make({ ...fact, attempt: attemptId(2), amount: { ...fact.amount, minor: 9_999n } }, signing)
    if (webhook.header !== undefined) await expectRefused({ body: other.body, headers: made().headers })
    for (const altered of Object.values(webhook.tampered?.(made()) ?? {})) await expectRefused(altered)
    expect(webhook.header !== undefined || webhook.tampered !== undefined).toBe(true)
  })

  headerCases(webhook.header, made, expectRefused)

  const { sign } = webhook
  if (sign) {
    it('any flipped bit of the body is refused', async () => {
      const { body, headers } = made()
      const bytes = Buffer.from(body)
      for (let at = 0; at < bytes.length; at += 1) {
        const flipped = Buffer.from(bytes)
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
        const heard = await account().connected.events({ body: flipped, headers, secrets: [current], nowMs: NOW_MS })
        expect(heard.kind).toBe('refused')
      }
    })
    it('a re-serialised body is refused: the bytes are signed, not their meaning', async () => {
      const { body, headers } = made()
      await expectRefused({ headers, body: JSON.stringify(JSON.parse(body), null, 1) })
    })
    it.each(['not json', '[]', 'null', '"x"', '{}', '{"id":', '\u0000'])(
      'a signed body of %j is refused, not a crash',
      async (body) => {
        await expectRefused({ body, headers: sign(body, signing) })
      },
    )
  }

  if (webhook.timestamped) {
    it('five minutes late or early is fresh, a second more is stale', async () => {
      for (const side of [-1, 1]) {
        expect((await hear(made(), [current], NOW_MS + side * 300_000)).kind).toBe('verified')
        expect(await hear(made(), [current], NOW_MS + side * 301_000)).toEqual({ kind: 'refused', why: 'stale' })
      }
    })
    it('a stale one can not be made fresh by writing another time over it', async () => {
      const { body, headers } = webhook.make(fact, { ...signing, nowMs: NOW_MS - 3_600_000 })
      const old = String(Math.floor((NOW_MS - 3_600_000) / 1_000))
      const now = String(Math.floor(NOW_MS / 1_000))
      const redated = Object.entries(headers).map(([name, value]) => [name, value.replaceAll(old, now)])
      await expectRefused({ body, headers: Object.fromEntries(redated) })
    })
  }

  const { wrongAccount, unmapped } = webhook
  caseOf(
    'webhook: wrong account',
    fixtures,
    wrongAccount &&
      (async () => {
        expect(await hear(wrongAccount(fact, signing))).toEqual({ kind: 'refused', why: 'wrong_account' })
      }),
  )
  caseOf(
    'webhook: unmapped state',
    fixtures,
    unmapped &&
      (async () => {
        const heard = await hear(unmapped(fact, signing))
        const kinds = heard.kind === 'verified' ? heard.events.map(({ outcome }) => outcome.kind) : []
        expect(kinds.filter((kind) => !['unknown', 'pending'].includes(kind))).toEqual([])
      }),
  )
}

const idsOf = (heard: Events): string[] => (heard.kind === 'verified' ? heard.events.map(({ id }) => id) : [])

function headerCases(
  header: string | undefined,
  made: () => Made,
  expectRefused: (given: Made) => Promise<void>,
): void {
  if (header === undefined) return
  const withHeader = (change: (value: string) => string): Made => {
    const { body, headers } = made()
    return { body, headers: { ...headers, [header]: change(headers[header] ?? '') } }
  }
  it('a missing signature is refused', async () => {
    const { [header]: _gone, ...headers } = made().headers
    await expectRefused({ body: made().body, headers })
  })
  const changes: Readonly<Record<string, (value: string) => string>> = {
    'an empty signature': () => '',
    'a shorter signature': (value) => value.slice(0, -2),
    'a longer signature': (value) => `${value}00`,
    'a signature with its last character changed': (value) => value.slice(0, -1) + (value.endsWith('0') ? '1' : '0'),
    'a signature that is none': () => 'hello',
    'a signature of zeros': (value) => value.replace(/[0-9A-Za-z+/]{40,}/g, (digest) => '0'.repeat(digest.length)),
    'a header of 100 kB': (value) => `${value},${'v1=00,'.repeat(20_000)}`,
    'two headers folded into one, the forged one first': (value) =>
      `hello, ${value.slice(0, 8)}, ${value.slice(0, -4)}`,
  }
  it.each(Object.keys(changes))('%s is refused', async (name) => {
    await expectRefused(withHeader(changes[name] ?? (() => '')))
  })
}
