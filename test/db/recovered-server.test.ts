import postgres from 'postgres'
import { expect, it, onTestFinished } from 'vitest'
import { openDb } from '../../src/db/client.ts'
import { isOutcomeUnknown } from '../../src/db/errors.ts'
import { startGround } from '../sim/ground.ts'
import { cutProxy } from '../support/cut-proxy.ts'

const until = async (done: () => boolean) => {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 5))
}

it("doesn't take a stranger's COMMIT for its own when a crash of the server gave its id to another", async () => {
  // what isn't committed stays in memory for longer than this test takes
  const server = await startGround({ wal_writer_delay: '10s' })
  onTestFinished(() => server.stop())
  const { url } = server
  const admin = () => postgres(url, { max: 1, onnotice: () => {} })
  const before = admin()
  await before`create table book (who text)`
  await before.end()
  const proxy = await cutProxy(url)
  const db = openDb({ url: proxy.url, max: 2 })
  let xid: string | undefined
  const told = db.tx('opr_x', async (tx) => {
    await tx`insert into book values ('mine')`
    xid = (await tx<{ xid: string }[]>`select pg_current_xact_id()::text as xid`)[0]?.xid
    proxy.stopAt('commit')
    return 'committed'
  })
  // nothing of this transaction is on the disk yet: its COMMIT never came
  await until(proxy.stopped)
  await server.crash()
  const after = admin()
  const [stranger] =
    await after`with b as (insert into book values ('a stranger')) select pg_current_xact_id()::text as xid`
  expect(stranger).toEqual({ xid })
  proxy.stopAt(undefined)
  expect(isOutcomeUnknown(await told.catch((error: unknown) => error))).toBe(true)
  expect(await after`select who from book`).toEqual([{ who: 'a stranger' }])
  await after.end()
  await db.close()
})
