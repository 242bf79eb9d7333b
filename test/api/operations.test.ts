import { expect, it } from 'vitest'
import type { Health } from '../../src/api/routes/operations.ts'
import { CODES } from '../../src/core/errors.ts'
import { metricsRegistry } from '../../src/platform/metrics.ts'
import { edgeDeps, testApp } from '../support/app.ts'

const nobody = async () => {
  throw new Error('nobody calls')
}
const appWith = (health: Partial<Health>, more: { ip?: string; metricsToken?: string } = {}) => {
  let now = 1_800_000_000_000
  const metrics = metricsRegistry()
  const app = testApp({
    endpoints: [],
    authenticate: nobody,
    ipOf: () => more.ip ?? '127.0.0.1',
    deps: { ...edgeDeps(), metrics, clock: { nowMs: () => now } },
    operations: {
      health: { state: () => 'running', checks: {}, ...health },
      renderMetrics: metrics.render,
      ...(more.metricsToken !== undefined && { metricsToken: more.metricsToken }),
    },
  })
  return {
    app,
    pass(ms: number) {
      now += ms
    },
  }
}

it('is ready when every check is, and names the one that is not', async () => {
  const checks = {
    database: async () => true as const,
    migrations: async () => 'behind',
    secrets: async () => {
      throw new Error('vault at https://secret')
    },
  }
  const good = await appWith({ checks: { database: checks.database } }).app.request('/readyz')
  expect([good.status, await good.json()]).toEqual([
    200,
    { status: 'ready', checks: { process: 'ok', database: 'ok' } },
  ])
  const bad = await appWith({ checks }).app.request('/readyz')
  expect([bad.status, await bad.json()]).toEqual([
    503,
    { status: 'not_ready', checks: { process: 'ok', database: 'ok', migrations: 'behind', secrets: 'failed' } },
  ])
})

it('is not ready while it starts and from the moment that it drains, but alive all the time', async () => {
  for (const [state, started] of [
    ['starting', 503],
    ['draining', 200],
  ] as const) {
    const { app } = appWith({ state: () => state })
    expect((await app.request('/readyz')).status).toBe(503)
    expect((await app.request('/livez')).status).toBe(200)
    expect((await app.request('/startupz')).status).toBe(started)
  }
})

it('looks once a second, however many ask', async () => {
  let looks = 0
  const { app, pass } = appWith({
    checks: {
      database: async () => {
        looks += 1
        return true
      },
    },
  })
  await Promise.all(Array.from({ length: 20 }, () => app.request('/readyz')))
  expect(looks).toBe(1)
  pass(1000)
  await app.request('/readyz')
  expect(looks).toBe(2)
})

it('takes a check that hangs for one that failed', async () => {
  const answer = await appWith({ checks: { database: () => new Promise(() => {}) } }).app.request('/readyz')
  expect(await answer.json()).toMatchObject({ checks: { database: 'timeout' } })
})

it('shows metrics to this machine, not through a proxy and not to others', async () => {
  const here = appWith({}).app
  await here.request('/livez')
  const answer = await here.request('/metrics')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  expect(await answer.text()).toContain(
    'http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",http_route="/livez"} 1',
  )
  for (const header of ['x-forwarded-for', 'forwarded', 'x-real-ip', 'cf-connecting-ip', 'via'])
    expect((await here.request('/metrics', { headers: { [header]: '127.0.0.1' } })).status).toBe(401)
  for (const ip of ['192.0.2.1', '10.0.0.1', '', '127.0.0.1.evil', '1127.0.0.1'])
    expect([ip, (await appWith({}, { ip }).app.request('/metrics')).status]).toEqual([ip, 401])
})

it('shows metrics only with the token, from everywhere, when one is configured', async () => {
  const { app } = appWith({}, { ip: '192.0.2.1', metricsToken: 'scrape-me' })
  const status = async (authorization?: string) =>
    (await app.request('/metrics', { headers: authorization === undefined ? {} : { authorization } })).status
  expect(await status('Bearer scrape-me')).toBe(200)
  for (const wrong of [
    undefined,
    '',
    'Bearer',
    'Bearer scrape-m',
    'Bearer scrape-me2',
    'scrape-me',
    'Bearer scrape-meBearer scrape-me',
  ])
    expect([wrong, await status(wrong)]).toEqual([wrong, 401])
})

it('measures paths that are not ours under one name', async () => {
  const { app } = appWith({})
  for (const path of ['/wp-admin', '/.env', '/v1/nowhere/1']) await app.request(path)
  const text = await (await app.request('/metrics')).text()
  expect(text).toContain('http_route="unmatched"} 3')
  expect(text).not.toContain('wp-admin')
})

it('serves the document, the browser without a line of inline script, and a page per code', async () => {
  const { app } = appWith({})
  const page = await app.request('/docs')
  const html = await page.text()
  expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self';/)
  expect(page.headers.get('content-security-policy')).not.toMatch(/unsafe|nonce|\*/)
  expect(html).not.toMatch(/<script>|<style|style=|onload=|javascript:|https?:\/\//)
  const files = [...html.matchAll(/(?:src|href)="(\/docs\/assets\/[^"]+)"/g)].map(([, file]) => file ?? '')
  expect(files).toHaveLength(5)
  for (const file of files) {
    const answer = await app.request(file)
    expect([file, answer.status, (await answer.arrayBuffer()).byteLength > 0]).toEqual([file, 200, true])
    expect(answer.headers.get('content-type')).toMatch(/^(text\/(javascript|css)|image\/png)/)
  }
  for (const code of CODES) expect([code, (await app.request(`/docs/errors/${code}`)).status]).toEqual([code, 200])
  for (const path of [
    '/docs/errors/nope',
    '/docs/assets/nope.js',
    '/docs/assets/..%2fpackage.json',
    '/docs/assets/package.json',
    '/docs/assets/constructor',
  ])
    expect([path, (await app.request(path)).status]).toEqual([path, 404])
  const document = await (await app.request('/openapi.json')).json()
  expect(document.openapi).toBe('3.1.0')
})

it('says what is running', async () => {
  expect(await (await appWith({}).app.request('/version')).json()).toEqual({
    name: 'paycage',
    version: '0.0.0-test',
    api_versions: ['2026-11-22'],
  })
})
