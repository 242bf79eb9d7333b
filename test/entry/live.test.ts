import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect, it, onTestFinished, vi } from 'vitest'
import { freePort } from '../../src/platform/embedded-postgres.ts'
import { databaseForThisTest } from '../support/database.ts'
import { spawnGateway } from '../support/process.ts'
import { SELF_SIGNED } from '../support/self-signed.ts'

// Processes of their own start slowly on a machine that does other things too.
vi.setConfig({ testTimeout: 120_000 })

const key = (fill: number) => Buffer.alloc(32, fill).toString('base64')

/** A live gateway that speaks TLS itself, on a database of its own. */
async function liveGateway() {
  const { url, admin } = await databaseForThisTest()
  const folder = mkdtempSync(join(tmpdir(), 'paycage-live-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [cert, tlsKey, master] = ['cert.pem', 'key.pem', 'master'].map((name) => join(folder, name))
  if (!cert || !tlsKey || !master) throw new Error('no paths')
  writeFileSync(cert, SELF_SIGNED.cert)
  writeFileSync(tlsKey, SELF_SIGNED.key, { mode: 0o600 })
  writeFileSync(master, `${key(1)}\n`, { mode: 0o600 })
  const port = await freePort()
  const gateway = spawnGateway({
    PAYCAGE_ENV: 'live',
    PORT: String(port),
    DATABASE_URL: url,
    PAYCAGE_MASTER_KEY_FILE: master,
    PAYCAGE_INDEX_KEY: key(2),
    PAYCAGE_PUBLIC_URL: `https://localhost:${port}`,
    PAYCAGE_TLS_CERT_FILE: cert,
    PAYCAGE_TLS_KEY_FILE: tlsKey,
    PAYCAGE_DATA_DIR: join(folder, 'data'),
  })
  onTestFinished(() => void gateway.child.kill('SIGTERM'))
  await expect.poll(gateway.output, { timeout: 30_000 }).toContain('listens on https://')
  return { ...gateway, admin, folder, port }
}

const ask = (port: number, path: string, method = 'GET') =>
  new Promise<{ status: number | undefined; hsts: string | undefined }>((answered, failed) => {
    const options = { host: '127.0.0.1', port, path, method, ca: SELF_SIGNED.cert, servername: 'localhost' }
    request(options, (response) => {
      response.resume()
      answered({ status: response.statusCode, hsts: response.headers['strict-transport-security'] })
    })
      .once('error', failed)
      .end()
  })

it('goes live over TLS with nothing of the sandbox: no folder, no operator, no processor to steer', async () => {
  const { child, ended, output, admin, folder, port } = await liveGateway()
  expect(await ask(port, '/readyz')).toMatchObject({ status: 200, hsts: expect.stringContaining('max-age=') })
  expect(await ask(port, '/v1/sandbox/processors/sandbox_a', 'PUT')).toMatchObject({ status: 404 })
  expect(existsSync(join(folder, 'data'))).toBe(false)
  expect(await admin`select 1 from operator`).toHaveLength(0)
  expect(output()).not.toContain(key(1))
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})

it('speaks neither plain HTTP nor TLS 1.1', async () => {
  const { port } = await liveGateway()
  await expect(fetch(`http://127.0.0.1:${port}/livez`)).rejects.toThrow()
  const old = new Promise((_, failed) => {
    const options = {
      port,
      host: '127.0.0.1',
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
      ca: SELF_SIGNED.cert,
    } as const
    connect(options).once('error', failed)
  })
  await expect(old).rejects.toThrow()
})
