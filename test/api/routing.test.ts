import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seedRecordedPayments } from '../../src/flows/seed-history.ts'
import { type World, world } from '../support/world.ts'

let gateway: World
let writer: string
let approver: string

beforeAll(async () => {
  gateway = await world()
  const { operator } = gateway
  const issue = async (clientId: string) => {
    const scopes = new Set([
      'routing:read',
      'routing:write',
      'routing:approve',
      'connections:read',
      'connections:write',
    ] as const)
    return (await gateway.gateway.access.issue({ operatorId: operator.id, clientId, scopes })).token
  }
  writer = await issue(operator.clientId)
  approver = await issue('cli_01kx0000000000000000000009')
})
afterAll(() => gateway.close())

const call = (method: string, path: string, body?: unknown, token = writer) =>
  gateway.request(method, path, { token, ...(body !== undefined && { body }) })

const payment = { direction: 'deposit', method: 'card', amount: '25.00', currency: 'EUR', player_country: 'FI' }
const firstOf = async (more = {}) => {
  const { body } = await call('POST', '/v1/routing/evaluate', { ...payment, ...more })
  return body.candidates?.find(({ status }: { status: string }) => status === 'chosen')?.processor
}
const rules = (label: string) => `
language 1

rule "cards" {
  when method == "card" && direction == "deposit"
  use ordered("${label}") then default
}

default {
  use ordered(*)
}
`
const labelOf = async (processor: string) => {
  const { body } = await call('GET', `/v1/connections?processor=${processor}`)
  return { id: body.data[0].id, label: body.data[0].label }
}

describe('rules over HTTP', () => {
  it('go from text to draft, check, simulation, approval and publication, and back by one call', async () => {
    await gateway.db.tx(gateway.operator.id, async (tx) => {
      const { candidates } = await gateway.gateway.deps.routing.stateOf(gateway.operator.id)
      await seedRecordedPayments(tx, gateway.operator.id, { candidates, nowMs: gateway.clock.nowMs(), count: 300 })
    })
    expect(await firstOf()).toBe('sandbox_a')
    const { label } = await labelOf('sandbox_b')
    const draft = await call('POST', '/v1/routing/rulesets', { name: 'b first', text: rules(label) })
    expect(draft).toMatchObject({ status: 201, body: { status: 'draft', version: 1, text: rules(label).trimStart() } })
    const path = `/v1/routing/rulesets/${draft.body.id}`
    expect((await call('POST', `${path}/check`)).body).toEqual({ ok: true, findings: [] })
    expect(await firstOf({ ruleset_id: draft.body.id })).toBe('sandbox_b')

    const simulated = await call('POST', `${path}/simulate`, { hours: 24 })
    expect(simulated).toMatchObject({ status: 200, body: { payments: 300, unroutable: { count: 0 } } })
    expect(simulated.body.changed).toBeGreaterThan(100)

    expect((await call('POST', `${path}/publish`, { reason: 'go' })).body.code).toBe('four_eyes_required')
    expect((await call('POST', `${path}/request_approval`, { reason: 'rates' })).status).toBe(200)
    expect((await call('POST', `${path}/approve`, { reason: 'me' })).body.code).toBe('four_eyes_required')
    expect((await call('POST', `${path}/approve`, { reason: 'read' }, approver)).body.status).toBe('approved')
    const published = await call('POST', `${path}/publish`, { reason: 'go' })
    expect(published).toMatchObject({
      status: 200,
      body: { version: { version: 1 }, active: { version: 1, previous_version: 0 } },
    })
    expect(await firstOf()).toBe('sandbox_b')

    const { differences } = (await call('GET', '/v1/routing/versions/1/diff')).body
    expect(differences).toMatchObject([{ rule: 'cards', kind: 'added', before: null }])
    expect((await call('GET', '/v1/routing/versions/1')).body.text).toBe(rules(label).trimStart())
    expect((await call('GET', '/v1/routing/versions')).body.data).toHaveLength(1)
    expect((await call('POST', '/v1/routing/rollback', { reason: 'back' })).body.version).toBe(0)
    expect(await firstOf()).toBe('sandbox_a')
    const active = (await call('GET', '/v1/routing/active')).body
    expect(active.publications.map(({ kind }: { kind: string }) => kind)).toEqual(['rollback', 'publish'])
  })

  it('say what is wrong, where, and what to do', async () => {
    const document = {
      language: 1,
      rules: [
        {
          id: 'a',
          when: { op: 'eq', field: 'currency', value: 'EURO' },
          use: { strategy: 'ordered', connections: '*' },
        },
      ],
      default: { strategy: 'ordered', connections: '*' },
    }
    const draft = await call('POST', '/v1/routing/rulesets', { name: 'bad', document })
    const { body } = await call('POST', `/v1/routing/rulesets/${draft.body.id}/check`)
    expect(body).toMatchObject({ ok: false, findings: [{ code: 'value_unknown', rule: 'a', fix: 'write "EUR"' }] })
    const refused = await call('POST', `/v1/routing/rulesets/${draft.body.id}/publish`, { reason: 'go' })
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'ruleset_invalid', errors: [{ pointer: '/document/rules/0/when/value' }] },
    })
    const text = await call('POST', '/v1/routing/rulesets', { name: 'bad', text: 'language 1 default { use fast(*) }' })
    expect(text).toMatchObject({
      status: 422,
      body: { code: 'ruleset_invalid', detail: expect.stringContaining('fast is no strategy') },
    })
  })

  it('refuse a save over a version that somebody else saved', async () => {
    const document = { language: 1, rules: [], default: { strategy: 'ordered', connections: '*' } }
    const { id } = (await call('POST', '/v1/routing/rulesets', { name: 'mine', document })).body
    const save = (expected: number, strategy: string) =>
      call('PUT', `/v1/routing/rulesets/${id}`, {
        expected_version: expected,
        document: { ...document, default: { strategy, connections: '*' } },
      })
    expect((await save(1, 'cheapest')).body.version).toBe(2)
    expect(await save(1, 'ordered')).toMatchObject({
      status: 409,
      body: { code: 'version_conflict', current_version: 2 },
    })
  })
})

describe('connections over HTTP', () => {
  it('are added without secrets, changed, and left out when their limits say so', async () => {
    const made = await call('POST', '/v1/connections', {
      processor: 'sandbox_c',
      label: 'C for large cards',
      secret_ref: 'test:sandbox_c',
      limits: { amounts: [{ direction: 'deposit', currency: 'EUR', min: '1000.00' }] },
      fees: [
        { direction: 'deposit', method: 'card', percent: '1.25' },
        { direction: 'deposit', currency: 'EUR', fixed: '0.10' },
      ],
      floats: [{ amount: '5000.00', currency: 'EUR' }],
    })
    expect(made).toMatchObject({
      status: 201,
      body: {
        label: 'C for large cards',
        enabled: true,
        limits: { amounts: [{ currency: 'EUR', min: '1000.00' }] },
        fees: [
          { percent: '0', fixed: '0.10', currency: 'EUR' },
          { percent: '1.25', method: 'card' },
        ],
        floats: [{ amount: '5000.00', currency: 'EUR' }],
      },
    })
    const seen = async (amount: string) =>
      (await call('POST', '/v1/routing/evaluate', { ...payment, amount })).body.candidates.find(
        (one: { connection_id: string }) => one.connection_id === made.body.id,
      )
    expect(await seen('999.99')).toMatchObject({ status: 'skipped', code: 'below_minimum' })
    expect(await seen('1000.00')).toMatchObject({ status: 'chosen' })
    await call('PATCH', `/v1/connections/${made.body.id}`, { enabled: false })
    expect(await seen('1000.00')).toMatchObject({ status: 'skipped', code: 'disabled' })
    const again = await call('POST', '/v1/connections', { processor: 'sandbox_c', label: 'C for large cards' })
    expect(again).toMatchObject({ status: 409, body: { code: 'conflict' } })
    const secret = await call('POST', '/v1/connections', {
      processor: 'sandbox_c',
      label: 'x',
      config: { api_key: 'k' },
    })
    expect(secret).toMatchObject({ status: 422, body: { errors: [{ pointer: '/config', code: 'secret_refused' }] } })
    expect((await call('POST', '/v1/connections', { processor: 'nobody', label: 'x' })).status).toBe(422)
  })

  it('have breakers that people force with a reason and an end', async () => {
    const { id } = await labelOf('sandbox_a')
    const force = (body: object) => call('POST', `/v1/connections/${id}/breaker`, { reason: 'drill', ...body })
    expect((await force({ state: 'open' })).status).toBe(422)
    expect(
      (await force({ state: 'open', expires_at: new Date(gateway.clock.nowMs() + 8 * 86_400_000).toISOString() }))
        .status,
    ).toBe(422)
    const expires = new Date(gateway.clock.nowMs() + 600_000).toISOString()
    expect((await force({ state: 'open', expires_at: expires })).status).toBe(204)
    expect(await firstOf()).toBe('sandbox_b')
    const health = (await call('GET', `/v1/connections/${id}/health`)).body
    expect(health).toMatchObject({
      state: 'forced_open',
      breakers: [{ operation: '*', forced: { to: 'open', reason: 'drill' } }],
    })
    expect((await force({ state: 'auto' })).status).toBe(204)
    expect(await firstOf()).toBe('sandbox_a')
    const windowed = {
      starts_at: new Date(gateway.clock.nowMs() - 1_000).toISOString(),
      ends_at: expires,
      reason: 'their release',
    }
    expect((await call('POST', `/v1/connections/${id}/maintenance`, windowed)).status).toBe(204)
    expect(await firstOf()).toBe('sandbox_b')
    gateway.clock.pass(600_000)
    expect(await firstOf()).toBe('sandbox_a')
  })
})

describe('declines over HTTP', () => {
  it("take the operator's own word, except where it isn't theirs", async () => {
    const put = (code: string) =>
      call('PUT', `/v1/routing/declines/${code}`, { next: 'never', processor: 'sandbox_a', reason: 'costly' })
    expect((await put('do_not_honor')).status).toBe(204)
    expect((await put('lost_card')).status).toBe(403)
    expect((await put('no_such_code')).status).toBe(404)
    const { overrides, taxonomy } = (await call('GET', '/v1/routing/declines')).body
    expect(overrides).toMatchObject([{ code: 'do_not_honor', processor: 'sandbox_a', next: 'never', reason: 'costly' }])
    expect(taxonomy.length).toBeGreaterThan(50)
    expect((await call('DELETE', '/v1/routing/declines/do_not_honor?processor=sandbox_a')).status).toBe(204)
    expect((await call('GET', '/v1/routing/declines')).body.overrides).toEqual([])
    const { data } = (await gateway.request('GET', '/v1/audit_log?subject=decline:do_not_honor')).body
    expect(data).toMatchObject([
      { what: 'decline_override.dropped', before: { processor: 'sandbox_a', next: 'never' }, after: null },
      { what: 'decline_override.set', before: null, after: { next: 'never' }, reason: 'costly' },
    ])
  })
})
