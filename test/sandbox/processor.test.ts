import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Outcome } from '../../src/adapters/contract.ts'
import { type Sandbox, startSandbox } from '../support/sandbox.ts'
import { eur, type SandboxAccount, sandboxAccount } from '../support/sandbox-account.ts'

let a: Sandbox
let b: Sandbox
let account: SandboxAccount
let elsewhere: SandboxAccount
let n = 0
/** A new attempt for each payment. */
const attempt = () => {
  n += 1
  return `att_${n}`
}

beforeAll(async () => {
  a = await startSandbox({ id: 'sandbox_a' })
  b = await startSandbox({ id: 'sandbox_b' })
  account = await sandboxAccount(a)
  elsewhere = await sandboxAccount(b)
})
afterAll(async () => {
  await account.close()
  await elsewhere.close()
  await a.stop()
  await b.stop()
})

const statesOf = async (sandbox: Sandbox, ref: string) =>
  (await sandbox.truth()).filter(({ our_ref }) => our_ref === ref).map(({ state }) => state)

/** The events of the first so many webhooks about an attempt, as the adapter verifies them. */
async function events(ref: string, count = 1) {
  const secrets = account.connected.webhookSecrets
  const heard = (await account.heard(ref, count)).map(({ body, headers }) =>
    account.connected.events({ body: Buffer.from(body), headers, secrets, nowMs: Date.now() }),
  )
  return (await Promise.all(heard)).flatMap((each) => (each.kind === 'verified' ? each.events : []))
}

const declinedWith = (code: string) => ({ kind: 'declined', decline: { code } })

describe('magic amounts of deposits', () => {
  it.each([
    ['10.00', { kind: 'succeeded' }, ['approved']],
    ['10.42', { kind: 'succeeded' }, ['approved']],
    ['10.05', declinedWith('do_not_honor'), ['declined']],
    ['10.51', declinedWith('insufficient_funds'), ['declined']],
    ['10.41', declinedWith('lost_card'), ['declined']],
    ['10.91', declinedWith('issuer_unavailable'), ['declined']],
    ['10.99', { kind: 'pending' }, ['pending']],
    ['10.68', { kind: 'unknown', reason: 'timeout' }, ['approved']],
    ['10.69', { kind: 'unknown', reason: 'timeout' }, []],
    ['10.03', { kind: 'requires_action', action: { type: 'three_ds' } }, []],
  ])('%s comes to %j, in truth %j', async (amount, outcome, truth) => {
    const ref = attempt()
    expect(await account.charge(ref, amount)).toMatchObject(outcome)
    expect(await statesOf(a, ref)).toEqual(truth)
  })

  it('.91 is approved at the next processor, .05 is declined there too', async () => {
    expect(await elsewhere.charge(attempt(), '10.91')).toMatchObject({ kind: 'succeeded' })
    expect(await elsewhere.charge(attempt(), '10.05')).toMatchObject(declinedWith('do_not_honor'))
  })

  it('.99 becomes a success by webhook, and the truth file tells both', async () => {
    const ref = attempt()
    await account.charge(ref, '10.99')
    expect(await events(ref)).toMatchObject([
      { attempt: ref, flow: 'deposit', outcome: { kind: 'succeeded', amount: eur('10.99') } },
    ])
    expect(await statesOf(a, ref)).toEqual(['pending', 'approved'])
  })

  it('.68 was taken and can be found; .69 was not', async () => {
    const [taken, nothing] = [attempt(), attempt()]
    await Promise.all([account.charge(taken, '10.68'), account.charge(nothing, '10.69')])
    expect(await account.find(taken)).toMatchObject({ kind: 'succeeded', amount: eur('10.68') })
    expect(await account.find(nothing)).toEqual({ kind: 'not_found' })
  })

  it.each([
    ['JPY', 1_005n, 'declined'],
    ['JPY', 1_000n, 'succeeded'],
    ['KWD', 10_005n, 'declined'],
    ['BTC', 100_000n, 'succeeded'],
    ['USDT-tron', 2_000_051n, 'declined'],
  ])('%s: the last two digits of %i smallest units decide', async (asset, minor, kind) => {
    const outcome = await account.charge(attempt(), '0.01', { amount: { asset, minor } })
    expect(outcome.kind).toBe(kind)
    if ('amount' in outcome) expect(outcome.amount).toEqual({ asset, minor })
  })

  it('the stolen card is declined whatever the amount; a token of nobody never reaches the processor', async () => {
    const method = (token: string) => ({ method: { type: 'card', token } as const })
    expect(await account.charge(attempt(), '10.00', method('tok_sandbox_stolen'))).toMatchObject(
      declinedWith('stolen_card'),
    )
    expect(await account.charge(attempt(), '10.00', method('tok_other'))).toMatchObject(
      declinedWith('token_invalid_or_expired'),
    )
    expect(await account.charge(attempt(), '10.00', method('tok_sandbox_gone'))).toMatchObject(
      declinedWith('token_invalid_or_expired'),
    )
  })
})

describe('magic amounts of payouts and refunds', () => {
  it('a payout is paid, declined, unknown or pending by its amount', async () => {
    expect(await account.payOut(attempt(), '10.00')).toMatchObject({ kind: 'succeeded' })
    expect(await account.payOut(attempt(), '10.05')).toMatchObject(declinedWith('do_not_honor'))
    expect(await account.payOut(attempt(), '10.68')).toMatchObject({ kind: 'unknown' })
    expect(await account.payOut(attempt(), '10.69')).toMatchObject({ kind: 'unknown' })
    expect(await account.payOut(attempt(), '10.99')).toMatchObject({ kind: 'pending' })
  })

  it('.52 has no float at sandbox_a, and is paid at sandbox_b', async () => {
    expect(await account.payOut(attempt(), '10.52')).toMatchObject(declinedWith('payout_float_insufficient'))
    expect(await elsewhere.payOut(attempt(), '10.52')).toMatchObject({ kind: 'succeeded' })
  })

  it('.77 is paid, then comes back', async () => {
    const ref = attempt()
    expect(await account.payOut(ref, '10.77')).toMatchObject({ kind: 'succeeded' })
    expect(await events(ref)).toMatchObject([
      { flow: 'withdrawal', outcome: { kind: 'returned', amount: eur('10.77') } },
    ])
    expect(await statesOf(a, ref)).toEqual(['approved', 'reversed'])
  })

  it('refunds of one charge never sum up to more than it, at once or one by one', async () => {
    const charge = await account.charge(attempt(), '10.00')
    const reference = charge.kind === 'succeeded' ? charge.reference : ''
    const many = await Promise.all(Array.from({ length: 5 }, () => account.refund(attempt(), '4.00', reference)))
    expect(many.filter(({ kind }) => kind === 'succeeded')).toHaveLength(2)
    expect(await account.refund(attempt(), '2.01', reference)).toMatchObject({ kind: 'declined' })
    expect(await account.refund(attempt(), '2.00', reference)).toMatchObject({ kind: 'succeeded' })
  })

  it('a refund of .68 was made in silence, of .69 not, of .99 later', async () => {
    const charge = await account.charge(attempt(), '100.00')
    const reference = charge.kind === 'succeeded' ? charge.reference : ''
    const [made, not, later] = [attempt(), attempt(), attempt()]
    const sent = [account.refund(made, '1.68', reference), account.refund(not, '1.69', reference)]
    expect((await Promise.all(sent)).map(({ kind }) => kind)).toEqual(['unknown', 'unknown'])
    expect(await account.find(made, 'refund')).toMatchObject({ kind: 'succeeded' })
    expect(await account.find(not, 'refund')).toEqual({ kind: 'not_found' })
    expect(await account.refund(later, '1.99', reference)).toMatchObject({ kind: 'pending' })
    expect(await events(later)).toMatchObject([{ flow: 'refund', attempt: later, outcome: { kind: 'succeeded' } }])
  })

  it('a refund of a declined charge is declined', async () => {
    const charge = await account.charge(attempt(), '10.05')
    const reference = charge.kind === 'declined' ? (charge.reference ?? '') : ''
    expect(await account.refund(attempt(), '1.00', reference)).toMatchObject({ kind: 'declined' })
  })
})

/** The page that an outcome sends the player to. */
const pageOf = (outcome: Outcome): string =>
  outcome.kind === 'requires_action' && 'url' in outcome.action ? outcome.action.url : 'no page'

const decide = (page: string, result: string) =>
  fetch(page, { method: 'POST', body: new URLSearchParams({ result }), redirect: 'manual' })

describe('pages', () => {
  it('3-D Secure approved: back to the gateway, a webhook, and the completion tells it', async () => {
    const ref = attempt()
    const outcome = await account.charge(ref, '10.03')
    const page = pageOf(outcome)
    const shown = await fetch(page)
    expect(shown.headers.get('content-security-policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
    expect(await shown.text()).toContain('10.03 EUR')
    const back = await decide(page, 'approve')
    expect(back.status).toBe(303)
    const reference = 'reference' in outcome ? (outcome.reference ?? '') : ''
    expect(back.headers.get('location')).toBe(`http://127.0.0.1:9/return?x=1&sandbox_charge=${reference}`)
    expect(await events(ref)).toMatchObject([{ attempt: ref, outcome: { kind: 'succeeded' } }])
    const resume = { attempt: ref, reference, amount: eur('10.03'), params: { sandbox_charge: reference } }
    expect(await account.connected.resume?.(resume, account.io)).toMatchObject({ kind: 'succeeded' })
    const mixedUp = { ...resume, params: { sandbox_charge: 'ch_other' } }
    expect(await account.connected.resume?.(mixedUp, account.io)).toMatchObject({ kind: 'not_sent' })
  })

  it('3-D Secure declined is a failed authentication, and a second decision changes nothing', async () => {
    const ref = attempt()
    const page = pageOf(await account.charge(ref, '10.03'))
    await decide(page, 'decline')
    await decide(page, 'approve')
    expect(await account.find(ref)).toMatchObject(declinedWith('authentication_failed'))
    expect(await statesOf(a, ref)).toEqual(['declined'])
  })

  it('after the challenge the amount still decides, and a step-up asks for one outright', async () => {
    const ref = attempt()
    const method = { type: 'card', token: 'tok_sandbox_3ds' } as const
    await decide(pageOf(await account.charge(ref, '10.51', { method })), 'approve')
    expect(await account.find(ref)).toMatchObject(declinedWith('insufficient_funds'))
    expect(await account.charge(attempt(), '10.00', { stepUp: true })).toMatchObject({ kind: 'requires_action' })
  })

  it('a page opens with its own key only', async () => {
    const page = pageOf(await account.charge(attempt(), '10.03'))
    expect((await fetch(page.replace(/key=.*/, 'key='))).status).toBe(404)
    expect((await decide(page.replace(/key=.*/, `key=${'0'.repeat(32)}`), 'approve')).status).toBe(404)
  })

  it('a wallet is approved or declined on its page', async () => {
    const [yes, no] = [attempt(), attempt()]
    const method = { type: 'wallet', wallet: 'skrill' } as const
    await decide(pageOf(await account.charge(yes, '10.00', { method })), 'approve')
    await decide(pageOf(await account.charge(no, '10.00', { method })), 'decline')
    expect(await account.find(yes)).toMatchObject({ kind: 'succeeded' })
    expect(await account.find(no)).toMatchObject(declinedWith('cancelled_by_player'))
  })

  it('a bank transfer is pending after its consent, then succeeds by webhook', async () => {
    const ref = attempt()
    const page = pageOf(await account.charge(ref, '10.00', { method: { type: 'bank', country: 'SE' } }))
    await decide(page, 'approve')
    expect(await account.find(ref)).toMatchObject({ kind: 'pending' })
    await account.heard(ref, 2)
    expect(await statesOf(a, ref)).toEqual(['pending', 'approved'])
  })

  it('crypto shows an address with the exact sum, and the coins arrive by webhook', async () => {
    const ref = attempt()
    const amount = { asset: 'BTC', minor: 123_400n }
    const method = { type: 'crypto', asset: 'BTC', network: 'bitcoin' } as const
    expect(await account.charge(ref, '0', { amount, method })).toMatchObject({
      kind: 'requires_action',
      action: { type: 'display_crypto', network: 'bitcoin', amount: '0.00123400' },
    })
    expect(await events(ref)).toMatchObject([{ outcome: { kind: 'succeeded', amount } }])
  })

  it('the hosted fields hand out test tokens, to the parent that was named, and take no number', async () => {
    const { base_url } = a.connectionConfig
    const page = await fetch(`${base_url}/hosted-fields?parent=https://casino.example/x`)
    expect(page.headers.get('content-security-policy')).toContain(
      'frame-ancestors https://casino.example;'.slice(0, -1),
    )
    expect(await page.text()).not.toMatch(/type="(?:text|tel|number)"/)
    const evil = await fetch(`${base_url}/hosted-fields?parent=javascript:alert(1)`)
    expect(evil.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    const token = (body: unknown) => fetch(`${base_url}/v1/tokens`, { method: 'POST', body: JSON.stringify(body) })
    expect(await (await token({ selection: '3ds' })).json()).toMatchObject({ token: 'tok_sandbox_3ds' })
    for (const body of [{ number: '4111111111111111' }, { selection: '4111 1111 1111 1111' }, { selection: 'x' }, null])
      expect((await token(body)).status).toBe(422)
  })
})
