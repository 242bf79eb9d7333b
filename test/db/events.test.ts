import { expect, it } from 'vitest'
import { announce } from '../../src/db/events.ts'
import { insertEndpoint } from '../../src/db/webhooks.ts'
import { newId } from '../support/access.ts'
import { databaseForThisTest } from '../support/database.ts'
import { anOperator } from '../support/operators.ts'

it('numbers the notices of a resource, and makes a job of those that somebody listens to', async () => {
  const { db, admin } = await databaseForThisTest()
  const [operator, another] = [await anOperator(admin), await anOperator(admin)]
  const endpointOf = async (whose: string) => {
    const id = newId('webhookEndpoint')
    const row = { id, url: 'https://x.example', description: null, events: '*', apiVersion: '2026-12-01' }
    await db.tx(whose, (tx) => insertEndpoint(tx, whose, { ...row, secretSealed: 'sealed', createdBy: 'cli_1' }))
    return id
  }
  const notice = { newId, type: 'anything.happened', resourceId: 'thing_1', data: {}, at: new Date() }
  const announced = () => db.tx(operator, (tx) => announce(tx, operator, notice))
  const state = async () => {
    const events = await admin`select sequence from event order by sequence`
    const jobs = await admin`select 1 from job where kind = 'fan_out'`
    return { numbers: events.map(({ sequence }) => sequence), jobs: jobs.length }
  }

  await endpointOf(another)
  await announced()
  expect(await state()).toEqual({ numbers: [1], jobs: 0 })
  const id = await endpointOf(operator)
  await announced()
  expect(await state()).toEqual({ numbers: [1, 2], jobs: 1 })
  await admin`update webhook_endpoint set status = 'disabled' where id = ${id}`
  await announced()
  await admin`update webhook_endpoint set status = 'enabled', deleted_at = now() where id = ${id}`
  await announced()
  expect(await state()).toEqual({ numbers: [1, 2, 3, 4], jobs: 1 })
})
