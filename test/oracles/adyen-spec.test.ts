import { describe, expect, it } from 'vitest'
import { adyen } from '../../src/adapters/adyen/index.ts'
import { RESULTS, TRANSFER_STATUSES } from '../../src/adapters/adyen/map.ts'
import { DISPUTES, EVENT_CODES } from '../../src/adapters/adyen/webhook.ts'
import { ADYEN_CONFIG, adyenCharge, adyenPayOut, adyenRefund, hostedFields } from '../support/adyen.ts'
import { at, itemsOf, membersOf, needsSpecs, SPECS, specFile, stringsOf, validator } from './specs.ts'
import { bodyOf, onTheWire } from './wire.ts'

const CHECKOUT = 'adyen/CheckoutService-v72.json'
const TRANSFERS = 'adyen/TransferService-v4.json'
const body = ['requestBody', 'content', 'application/json', 'schema'] as const

describe.skipIf(SPECS === undefined)(needsSpecs("Adyen's official specification"), () => {
  const ok = { status: 200, json: { resultCode: 'Authorised', pspReference: 'X', status: 'received' } } as const

  it.each([
    ['a first card', adyenCharge()],
    ['a card to keep, with strong authentication', adyenCharge({ save: true, stepUp: true })],
    ['a stored card', adyenCharge({ method: { type: 'card', token: 'M5N7TQ4TG5PFWR50' } })],
    ['a player of one letter', adyenCharge({ player: { id: 'x', country: 'FI' } })],
    ['yen', adyenCharge({ amount: { asset: 'JPY', minor: 1_000n } })],
  ])('takes our charge with %s', async (_name, charge) => {
    const { connected, io, seen } = await onTheWire(adyen, ADYEN_CONFIG, () => ok)
    await connected.charge?.(charge, io)
    expect(seen).toHaveLength(1)
    expect(validator(CHECKOUT, '3.1')(bodyOf(seen[0]), 'paths', '/payments', 'post', ...body)).toEqual([])
  })

  it('takes our details, refund, capture, cancel and reversal', async () => {
    const { connected, io, seen } = await onTheWire(adyen, { ...ADYEN_CONFIG, capture: 'manual' }, () => ok)
    const { attempt, payment, amount } = adyenCharge()
    const modification = { attempt, payment, amount, reference: 'PSP1' }
    await connected.resume?.({ attempt, reference: '', amount, params: { redirectResult: 'X6Xtf', noise: 'x' } }, io)
    await connected.refund?.(adyenRefund(), io)
    await connected.capture?.(modification, io)
    await connected.cancel?.(modification, io)
    const immediate = await onTheWire(adyen, ADYEN_CONFIG, () => ok)
    await immediate.connected.cancel?.(modification, immediate.io)
    const check = validator(CHECKOUT, '3.1')
    const paths = [
      '/payments/details',
      ...['refunds', 'captures', 'cancels', 'reversals'].map((what) => `/payments/{paymentPspReference}/${what}`),
    ]
    const requests = [...seen, ...immediate.seen]
    expect(requests).toHaveLength(paths.length)
    for (const [index, path] of paths.entries()) {
      expect([path, check(bodyOf(requests[index]), 'paths', path, 'post', ...body)]).toEqual([path, []])
    }
  })

  it('takes our payout and has each parameter of our look-up', async () => {
    const { connected, io, seen } = await onTheWire(adyen, ADYEN_CONFIG, () => ({ status: 200, json: { data: [] } }))
    await connected.payOut?.(adyenPayOut(), io)
    await connected.find?.({ attempt: adyenPayOut().attempt, flow: 'withdrawal', amount: adyenPayOut().amount }, io)
    expect(validator(TRANSFERS, '3.1')(bodyOf(seen[0]), 'paths', '/transfers', 'post', ...body)).toEqual([])
    const parameters = itemsOf(at(specFile(TRANSFERS), 'paths', '/transfers', 'get', 'parameters')).map(membersOf)
    const sent = [...new URL(seen[1]?.path ?? '', 'http://x').searchParams.keys()]
    expect(parameters.map(({ name }) => String(name))).toEqual(expect.arrayContaining(sent))
    const required = parameters.filter((one) => one.required === true).map(({ name }) => String(name))
    expect(sent).toEqual(expect.arrayContaining(required))
  })

  it('would take a raw card, which our adapter refuses', async () => {
    const raw = { type: 'scheme', number: '4111111111111111', expiryMonth: '03', expiryYear: '2030', cvc: '737' }
    const { connected, io, seen } = await onTheWire(adyen, ADYEN_CONFIG, () => ok)
    await connected.charge?.(adyenCharge(), io)
    const request = bodyOf(seen[0])
    const withRaw = Object.assign({}, request, { paymentMethod: raw })
    expect(validator(CHECKOUT, '3.1')(withRaw, 'paths', '/payments', 'post', ...body)).toEqual([])
    for (const token of [
      hostedFields(raw),
      hostedFields({ cvc: '737' }),
      Buffer.from(JSON.stringify(raw)).toString('base64url'),
    ]) {
      const charge = adyenCharge({ method: { type: 'card', token } })
      expect(await connected.charge?.(charge, io)).toEqual({
        kind: 'declined',
        decline: { code: 'token_invalid_or_expired' },
      })
    }
    expect(seen).toHaveLength(1)
  })

  it('names every result code, transfer status and event code that we map, and no other', () => {
    const schemas = at(specFile(CHECKOUT), 'components', 'schemas')
    const results = [at(schemas, 'PaymentResponse'), at(schemas, 'PaymentDetailsResponse')].flatMap((schema) =>
      stringsOf(at(schema, 'properties', 'resultCode', 'enum')),
    )
    expect(Object.keys(RESULTS).sort()).toEqual([...new Set(results)].sort())
    const statuses = stringsOf(
      at(specFile(TRANSFERS), 'components', 'schemas', 'Transfer', 'properties', 'status', 'enum'),
    )
    expect(Object.keys(TRANSFER_STATUSES).sort()).toEqual(statuses.sort())
    const hooks = specFile('adyen/Webhooks-v1.json')
    const named = Object.values(membersOf(at(hooks, 'components', 'schemas'))).flatMap((schema) =>
      stringsOf(membersOf(membersOf(membersOf(schema).properties).eventCode).enum),
    )
    // Two webhooks have no items and no event code: they are changes of direct debit accounts.
    const titled = Object.keys(membersOf(at(hooks, 'webhooks')))
      .map((name) => name.slice(1))
      .filter((name) => !/^(ACH|DIRECT)_/.test(name))
    const mapped = [...Object.keys(EVENT_CODES), ...Object.keys(DISPUTES)]
    expect(mapped.sort()).toEqual([...new Set([...named, ...titled])].sort())
  })

  const examples =
    SPECS === undefined ? [] : Object.entries(membersOf(at(specFile(CHECKOUT), 'components', 'examples')))
  const answers = examples.filter(([name]) =>
    /^post-payments-(card-|details-|paymentPspReference-(captures|cancels|refunds|reversals)-).*-20[01]$/.test(name),
  )
  it.each(answers)('gives an example answer that parses: %s', async (name, example) => {
    // The examples name another payment than ours.
    const ours = { ...membersOf(membersOf(example).value), merchantReference: undefined, reference: undefined }
    const { connected, io } = await onTheWire(adyen, ADYEN_CONFIG, () => ({ status: 200, json: ours }))
    const modification = { ...adyenCharge(), reference: 'PSP1' }
    const outcome = name.includes('paymentPspReference')
      ? await connected.cancel?.(modification, io)
      : await connected.charge?.(adyenCharge(), io)
    // Native authentication, which we never ask for, is the one answer that stays unknown.
    expect(outcome?.kind).toMatch(
      name.includes('3d-secure-2-web') ? /^unknown$/ : /^(succeeded|requires_action|pending)$/,
    )
  })

  it('gives transfers that parse, one by one and as a list', async () => {
    const all = Object.entries(membersOf(at(specFile(TRANSFERS), 'components', 'examples'))).filter(([name]) =>
      /^post-transfers-payout-.*-202$/.test(name),
    )
    expect(all.length).toBeGreaterThan(5)
    for (const [name, example] of all) {
      const json = { ...membersOf(at(example, 'value')), reference: undefined }
      const { connected, io } = await onTheWire(adyen, ADYEN_CONFIG, () => ({ status: 202, json }))
      expect([name, (await connected.payOut?.(adyenPayOut(), io))?.kind]).toEqual([name, 'pending'])
    }
    const list = at(specFile(TRANSFERS), 'components', 'examples', 'get-transfers-success-200', 'value')
    // The two transfers of the example have one reference, and ours is unique.
    const data = itemsOf(membersOf(list).data).slice(0, 1)
    const { connected, io } = await onTheWire(adyen, ADYEN_CONFIG, () => ({ status: 200, json: { data } }))
    const amount = { asset: 'EUR', minor: 5_400n }
    expect(await connected.find?.({ attempt: '312M2060T6S4UOIF', flow: 'withdrawal', amount }, io)).toEqual({
      kind: 'succeeded',
      reference: '1W1UG35QQEBJLHZ8',
      amount,
    })
  })
})
