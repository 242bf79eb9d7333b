import { type Access, type AccessDeps, openAccess } from '../../src/auth/access.ts'
import { type ClientDeps, createClient } from '../../src/auth/clients.ts'
import { type Cipher, openKeyring } from '../../src/auth/keys.ts'
import { SCOPES, type Scope } from '../../src/auth/scopes.ts'
import { type NewId, type NewUuid, typeId, uuidText, uuidV7 } from '../../src/core/ids.ts'
import { testDatabase } from './database.ts'

/** A clock that a test moves. */
export type TestClock = { nowMs(): number; pass(ms: number): void }

/** Starts now, so that it agrees with the database, and then stands still. */
export function testClock(): TestClock {
  let now = Date.now()
  return {
    nowMs: () => now,
    pass(ms) {
      now += ms
    },
  }
}

/** Real ids at real times. */
export const newId: NewId = (kind) => typeId(kind, uuidV7(Date.now(), crypto.getRandomValues(new Uint8Array(10))))

/** UUIDv7 at real times. */
export const newUuid: NewUuid = () => uuidText(uuidV7(Date.now(), crypto.getRandomValues(new Uint8Array(10))))

/** AES-256-GCM under a key of this test run. */
export async function testCipher(): Promise<Cipher> {
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
  const options = (iv: Uint8Array<ArrayBuffer>, aad: string) => ({
    name: 'AES-GCM',
    iv,
    additionalData: new TextEncoder().encode(aad),
  })
  return {
    async seal(plaintext, aad) {
      const iv = crypto.getRandomValues(new Uint8Array(12))
      const sealed = await crypto.subtle.encrypt(options(iv, aad), key, new Uint8Array(plaintext))
      return Buffer.concat([iv, new Uint8Array(sealed)]).toString('base64')
    },
    async open(sealed, aad) {
      const bytes = new Uint8Array(Buffer.from(sealed, 'base64'))
      return new Uint8Array(await crypto.subtle.decrypt(options(bytes.slice(0, 12), aad), key, bytes.slice(12)))
    },
  }
}

export const ISSUER = 'https://gateway.test'
export const AUDIENCE = 'https://gateway.test/api'

/** Access over a database of its own, and what it was opened with. */
export async function testAccess(more: Partial<AccessDeps> = {}) {
  const database = await testDatabase()
  const clock = testClock()
  const cipher = await testCipher()
  const keys = { db: database.db, cipher, clock }
  const keyring = await openKeyring(keys)
  const deps: AccessDeps = { db: database.db, clock, newId, keyring, issuer: ISSUER, audience: AUDIENCE, ...more }
  const access: Access = openAccess(deps)
  const clients: ClientDeps = { db: database.db, newId, clock }
  return {
    database,
    clock,
    cipher,
    keys,
    keyring,
    deps,
    access,
    clients,
    /** A client of an operator with these scopes, all of them unless said. */
    client: (operatorId: string, scopes: readonly Scope[] = SCOPES) =>
      createClient(clients, { operatorId, name: 'test', scopes }),
    /** A token for an operator with these scopes. */
    async token(operatorId: string, scopes: readonly Scope[] = SCOPES) {
      const issued = await access.issue({ operatorId, clientId: newId('client'), scopes: new Set(scopes) })
      return issued.token
    },
    close: () => database.close(),
  }
}
