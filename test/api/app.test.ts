import { expect, it } from 'vitest'
import { z } from 'zod'
import { endpoint } from '../../src/api/endpoint.ts'
import { PROBLEMS, problemBody } from '../../src/api/problem.ts'
import { CODES, Fault } from '../../src/core/errors.ts'
import { edgeDeps, testApp } from '../support/app.ts'
import { app, BODY, caller, code, endpoints, player, post } from '../support/specimens.ts'

it('answers what the handler gave, without what the schema does not know', async () => {
  const answer = await post(BODY)
  expect(answer.status).toBe(201)
  expect(await answer.json()).toEqual({ id: 'dep_1', amount: '12.50' })
})

it('puts a request id and the security headers on every answer, whatever it is', async () => {
  const secure = testApp({ endpoints, authenticate: async () => caller, behindTls: true })
  const answers = [
    await post(BODY, {}, secure),
    await post('{', {}, secure),
    await post({ ...BODY, note: 'break' }, {}, secure),
    await secure.request('/nowhere'),
    await secure.request('/v1/deposits', { method: 'DELETE' }),
    await secure.request('/docs'),
  ]
  expect(answers.map(({ status }) => status)).toEqual([201, 400, 500, 404, 405, 200])
  for (const { headers } of answers) {
    expect(headers.get('request-id')).toMatch(/^req_[0-9a-z]{26}$/)
    expect(headers.get('strict-transport-security')).toBe('max-age=63072000; includeSubDomains')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('access-control-allow-origin')).toBeNull()
  }
})

it('says nothing about HSTS where TLS does not end in front of it', async () => {
  expect((await post(BODY)).headers.get('strict-transport-security')).toBeNull()
})

it('answers 405 with the methods that a path takes, and 404 where there is no path', async () => {
  for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
    const answer = await app.request('/v1/deposits', { method })
    expect([method, ...(await code(answer))]).toEqual([method, 405, 'method_not_allowed'])
    expect(answer.headers.get('allow')).toBe('GET, HEAD, POST')
  }
  expect(await code(app.request('/v1/deposit'))).toEqual([404, 'not_found'])
  expect(await code(app.request('/v1/deposits/'))).toEqual([404, 'not_found'])
  expect(await code(app.request('/V1/deposits'))).toEqual([404, 'not_found'])
  expect((await app.request('/v1/deposits', { method: 'HEAD' })).status).toBe(200)
})

it('takes a fixed segment before a parameter, in whatever order they were given', async () => {
  expect(await (await app.request('/v1/deposits/summary')).json()).toEqual({ fixed: true })
  expect(await (await app.request('/v1/deposits/dep_1')).json()).toEqual({ id: 'dep_1' })
})

it('shows a mistake of ours as its request id and nothing more', async () => {
  const deps = edgeDeps()
  const answer = await post(
    { ...BODY, note: 'break' },
    {},
    testApp({ endpoints, authenticate: async () => caller, deps }),
  )
  const text = await answer.text()
  const body = JSON.parse(text)
  expect(body).toMatchObject({ status: 500, code: 'internal', request_id: answer.headers.get('request-id') })
  expect(text).not.toMatch(/4711|database|secret|at /)
  expect(deps.lines.find(({ event }) => event === 'unexpected_error')?.fields.request_id).toBe(body.request_id)
})

it('ends as a mistake of ours when an answer does not fit its schema, but never hides one about money in production', async () => {
  const wrong = endpoint({
    method: 'get',
    path: '/v1/wrong',
    tag: 'deposits',
    summary: 'Wrong',
    scope: 'deposits:read',
    answers: { 200: z.object({ limit: z.int() }) },
    handle: async () => ({ status: 200, body: { limit: Number.NaN } }),
  })
  const deps = edgeDeps()
  const options = { endpoints: [wrong], authenticate: async () => caller, deps }
  expect((await testApp(options).request('/v1/wrong')).status).toBe(500)
  expect((await testApp({ ...options, strictAnswers: false }).request('/v1/wrong')).status).toBe(200)
  expect(deps.lines.some(({ event }) => event === 'answer_mismatch')).toBe(true)
})

it('speaks the version that is asked for, else the one that the client is pinned to, and refuses one that never was', async () => {
  expect((await post(BODY)).headers.get('paycage-version')).toBe('2026-11-22')
  expect((await post(BODY, { 'paycage-version': '2026-11-22' })).status).toBe(201)
  for (const version of ['2020-01-01', 'latest', ''])
    expect(await code(post(BODY, { 'paycage-version': version }))).toEqual([400, 'unsupported_version'])
  const pinned = testApp({ endpoints, authenticate: async () => ({ ...caller, apiVersion: '2019-01-01' }) })
  expect(await code(post(BODY, {}, pinned))).toEqual([400, 'unsupported_version'])
})

it('lets a player do only what is open to the cashier, and only for that player', async () => {
  const cashier = testApp({ endpoints, authenticate: async () => player })
  expect((await post(BODY, {}, cashier)).status).toBe(201)
  expect(await code(post({ ...BODY, player_id: 'p-2' }, {}, cashier))).toEqual([404, 'not_found'])
  expect(await code(cashier.request('/v1/deposits'))).toEqual([403, 'insufficient_scope'])
})

it('names the scope that is missing', async () => {
  const reader = testApp({
    endpoints,
    authenticate: async () => ({ ...caller, scopes: new Set(['deposits:read'] as const) }),
  })
  const answer = await post(BODY, {}, reader)
  expect(await code(answer)).toEqual([403, 'insufficient_scope'])
  expect(answer.headers.get('www-authenticate')).toContain('scope="deposits:write"')
})

it('keeps the trace that the caller began, and no other text in its place', async () => {
  const deps = edgeDeps()
  const traced = testApp({ endpoints, authenticate: async () => caller, deps })
  await traced.request('/v1/deposits', {
    headers: { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
  })
  await traced.request('/v1/deposits', { headers: { traceparent: '00-xyz"}' } })
  const traces = deps.lines.filter(({ event }) => event === 'http_request').map(({ fields }) => fields.trace_id)
  expect(traces).toEqual(['4bf92f3577b34da6a3ce929d0e0e4736', '0af7651916cd43dd8448eb211c80319c'])
})

it('has a body of RFC 9457 for every code', () => {
  for (const each of CODES) {
    const body = problemBody(new Fault(each, 'Detail.'), 'req_x')
    expect(body).toMatchObject({
      type: `/docs/errors/${each}`,
      status: PROBLEMS[each].status,
      code: each,
      detail: 'Detail.',
      request_id: 'req_x',
    })
  }
})

it('lets no member of a fault stand over the standard ones', () => {
  const body = problemBody(
    new Fault('duplicate_reference', 'Used.', { members: { status: 200, code: 'ok', resource: 'dep_1' } }),
    'req_x',
  )
  expect(body).toMatchObject({ status: 409, code: 'duplicate_reference', resource: 'dep_1' })
})
