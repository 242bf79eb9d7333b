import { afterAll, beforeAll, expect, it } from 'vitest'
import { oauthEndpoints } from '../../src/api/routes/oauth.ts'
import { ISSUER, testAccess } from '../support/access.ts'
import { testApp } from '../support/app.ts'

type World = Awaited<ReturnType<typeof testAccess>>
let world: World
let app: ReturnType<typeof testApp>
beforeAll(async () => {
  world = await testAccess()
  app = testApp({ endpoints: oauthEndpoints(world.access, world.clients), authenticate: world.access.authenticate })
})
afterAll(() => world.close())

const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
  app.request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body: new URLSearchParams(form).toString(),
  })
const basic = (id: string, secret: string) => ({ authorization: `Basic ${btoa(`${id}:${secret}`)}` })

it('gives a token for client_secret_post and for client_secret_basic', async () => {
  const { clientId, clientSecret } = await world.client('opr_a', ['deposits:read', 'deposits:write'])
  const grant = { grant_type: 'client_credentials' }
  for (const answer of [
    await post('/oauth/token', { ...grant, client_id: clientId, client_secret: clientSecret }),
    await post('/oauth/token', grant, basic(clientId, clientSecret)),
  ]) {
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const body = await answer.json()
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 900, scope: 'deposits:read deposits:write' })
    const caller = await world.access.authenticate({ header: () => `Bearer ${body.access_token}` })
    expect(caller).toMatchObject({ operatorId: 'opr_a', clientId })
    expect([...caller.scopes]).toEqual(['deposits:read', 'deposits:write'])
  }
  expect(ISSUER).toBe(world.access.issuer)
})
