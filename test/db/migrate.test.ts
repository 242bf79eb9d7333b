import postgres from 'postgres'
import { expect, inject, it, onTestFinished } from 'vitest'
import { openDb } from '../../src/db/client.ts'
import { APP_ROLE, migrate, pendingMigrations, pendingMigrationsOf } from '../../src/db/migrate.ts'

/** An empty database with logins of no special rights: `owner` owns it, `gateway` may only connect. */
async function emptyDatabase() {
  const server = inject('postgresUrl')
  const name = `migrate_${crypto.randomUUID().slice(0, 8)}`
  const root = postgres(server, { max: 1, onnotice: () => {} })
  await root.unsafe(`create role ${name}_owner login password 'a-test-only'`)
  await root.unsafe(`create role ${name}_gateway login password 'a-test-only'`)
  await root.unsafe(`create database ${name} owner ${name}_owner`)
  onTestFinished(async () => {
    await root.unsafe(`drop database ${name} with (force)`)
    await root.unsafe(`drop role ${name}_owner`)
    await root.unsafe(`drop role ${name}_gateway`)
    await root.end()
  })
  const urlAs = (username: string) =>
    Object.assign(new URL(server.replace(/\/[^/]+$/, `/${name}`)), { username, password: 'a-test-only' }).href
  return { root, owner: urlAs(`${name}_owner`), gateway: urlAs(`${name}_gateway`), name }
}

it('is done by an owner without special rights, where the administrator let both logins into the role', async () => {
  const { root, owner, gateway, name } = await emptyDatabase()
  // The role is there: the template of these tests made it.
  await root.unsafe(`grant ${APP_ROLE} to ${name}_gateway`)
  expect(await pendingMigrationsOf(owner)).toBeGreaterThan(5)
  await migrate(owner, `${name}_gateway`)
  expect(await pendingMigrationsOf(owner)).toBe(0)
  const db = openDb({ url: gateway, role: APP_ROLE })
  onTestFinished(() => db.close())
  expect(await db.global(pendingMigrations)).toBe(0)
  await expect(db.global((tx) => tx`create table mine (n int)`)).rejects.toThrow()
  await expect(db.global((tx) => tx`delete from drizzle.__drizzle_migrations`)).rejects.toThrow()
})

it('may be run by several at once and again, and changes nothing the second time', async () => {
  const { root, name } = await emptyDatabase()
  const url = inject('postgresUrl').replace(/\/[^/]+$/, `/${name}`)
  await Promise.all([migrate(url), migrate(url), migrate(url)])
  await migrate(url)
  expect(await pendingMigrationsOf(url)).toBe(0)
  await root`select 1`
})

it('lets a login into the role that was not in it', async () => {
  const { gateway, name } = await emptyDatabase()
  await migrate(inject('postgresUrl').replace(/\/[^/]+$/, `/${name}`), `${name}_gateway`)
  const db = openDb({ url: gateway, role: APP_ROLE })
  onTestFinished(() => db.close())
  expect(await db.global((tx) => tx`select current_user as who`)).toEqual([{ who: APP_ROLE }])
})
