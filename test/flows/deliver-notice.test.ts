import { expect, it } from 'vitest'
import { listEvents } from '../../src/db/events.ts'
import { listDeliveries } from '../../src/db/webhooks.ts'
import { deliverNotice } from '../../src/flows/deliver-notice.ts'
import { deposit } from '../../src/flows/deposit.ts'
import type { Deps } from '../../src/flows/deps.ts'
import { fanOut } from '../../src/flows/fan-out.ts'
import { addEndpoint } from '../../src/flows/manage-endpoint.ts'
import { saveInstrument } from '../../src/flows/save-instrument.ts'
import { depositOrder, type FlowWorld, flowWorld } from '../support/flows.ts'

/** A world whose operator has an endpoint that takes everything, and one notice of a deposit on its way there. */
async function onItsWay() {
  const world = await flowWorld()
  const { operatorId } = world
  const posted: string[] = []
  const deps: Deps = {
    ...world.deps,
    notices: {
      check: async (url) => ({ kind: 'safe', url }),
      post: async ({ headers }) => {
        posted.push(headers['webhook-id'] ?? '')
        return { kind: 'answered', status: 204 }
      },
    },
  }
  await addEndpoint(deps, {
    operatorId,
    by: 'cli_test',
    url: 'https://pay.example/',
    description: null,
    events: ['*'],
    apiVersion: '2026-11-22',
  })
  await deposit(deps, depositOrder(world, '25.00'))
  const [event] = await deps.db.tx(operatorId, (tx) => listEvents(tx, operatorId, { limit: 1 }))
  if (event === undefined) throw new Error('a deposit without a notice')
  await fanOut(deps, operatorId, event.id)
  const deliveries = () => deps.db.tx(operatorId, (tx) => listDeliveries(tx, operatorId, { limit: 10 }))
  const [delivery] = await deliveries()
  if (delivery === undefined) throw new Error('a notice without a delivery')
  return { deps, operatorId, posted, event, delivery, deliveries }
}

/** A database that goes away when so many transactions have been made. */
const lostAfter = (db: FlowWorld['deps']['db'], transactions: number): FlowWorld['deps']['db'] => {
  let left = transactions
  return {
    ...db,
    tx: (operatorId, work) => {
      left -= 1
      return left < 0 ? Promise.reject(new Error('the database is gone')) : db.tx(operatorId, work)
    },
  }
}

it('posts again under the same id what was posted when the process died before writing it down', async () => {
  const { deps, operatorId, posted, event, delivery, deliveries } = await onItsWay()
  const dying = { ...deps, db: lostAfter(deps.db, 1) }
  await expect(deliverNotice(dying, operatorId, delivery.id)).rejects.toThrow('gone')
  expect((await deliveries())[0]).toMatchObject({ status: 'pending', tries: 0 })
  await deliverNotice(deps, operatorId, delivery.id)
  expect(posted).toEqual([event.id, event.id])
  expect((await deliveries())[0]).toMatchObject({ status: 'succeeded', tries: 1 })
})

it('posts nothing more once it is delivered, and forgets nothing when two workers had it at once', async () => {
  const { deps, operatorId, posted, delivery, deliveries } = await onItsWay()
  await Promise.all([deliverNotice(deps, operatorId, delivery.id), deliverNotice(deps, operatorId, delivery.id)])
  const before = posted.length
  await deliverNotice(deps, operatorId, delivery.id)
  expect(posted).toHaveLength(before)
  expect(await deliveries()).toMatchObject([{ status: 'succeeded', tries: before }])
})

it('keeps a success when a slower worker reports a failure after it', async () => {
  const { deps, operatorId, delivery, deliveries } = await onItsWay()
  const slow: Deps = {
    ...deps,
    notices: {
      ...deps.notices,
      post: async () => {
        await deliverNotice(deps, operatorId, delivery.id)
        return { kind: 'failed', why: 'reset' }
      },
    },
  }
  expect(await deliverNotice(slow, operatorId, delivery.id)).toEqual({})
  expect((await deliveries())[0]).toMatchObject({ status: 'succeeded', nextTryAt: null })
})

it('opens no instrument whose seal was taken from another one', async () => {
  const world = await flowWorld()
  const { deps, operatorId, database, calls } = world
  const save = async (iban: string) => {
    const instrument = { type: 'bank', iban, name: 'Ada Example' } as const
    const order = { operatorId, playerId: 'p1', by: 'cli_test', instrument, card: {}, verified: false }
    return (await saveInstrument(deps, order)).row
  }
  const [one, two] = [await save('DE89370400440532013000'), await save('FR1420041010050500013M02606')]
  await database.admin`update instrument set sealed = ${two.sealed} where id = ${one.id}`
  const method = { type: 'instrument', instrumentId: one.id } as const
  await expect(deposit(deps, { ...depositOrder(world, '10.00'), method })).rejects.toThrow()
  expect(calls).toEqual([])
  const fine = { ...method, instrumentId: two.id }
  expect(await deposit(deps, { ...depositOrder(world, '10.00'), method: fine })).toMatchObject({ status: 'succeeded' })
})
