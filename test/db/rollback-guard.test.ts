import { expect, it } from 'vitest'
import { type ActiveRow, lockActive, moveActive } from '../../src/db/rulesets.ts'
import { askApproval, decideRules, draftRules } from '../../src/flows/edit-rules.ts'
import { publishRules } from '../../src/flows/publish-rules.ts'
import { type FlowWorld, flowWorld } from '../support/flows.ts'

/** Publishes as many versions as are named, each with a second person's approval. */
async function published({ deps, operatorId }: FlowWorld, ...orders: readonly (readonly string[])[]): Promise<void> {
  const [ann, bob] = [
    { operatorId, by: 'cli_ann' },
    { operatorId, by: 'cli_bob' },
  ]
  for (const connections of orders) {
    const document = { language: 1, rules: [], default: { strategy: 'ordered', connections } }
    const { id } = await draftRules(deps, ann, { name: 'rules', document })
    await askApproval(deps, ann, { id, reason: 'x' })
    await decideRules(deps, bob, { id, decision: 'approved', reason: 'x' })
    await publishRules(deps, ann, { id, reason: 'x', rollout: { kind: 'now' } })
  }
}

it('the database lets a program put back the version before and no older one, whatever it calls it', async () => {
  const world = await flowWorld()
  const { deps, operatorId, conA, conB } = world
  await published(world, [conA], [conB], [conA, conB])
  const to = async (version: number, more: Partial<ActiveRow> = {}) => {
    const [moved] = await Promise.allSettled([
      deps.db.tx(operatorId, async (tx) => {
        const record = { kind: 'rollback', version, percent: 100, byActor: 'x', reason: 'x' } as const
        await moveActive(tx, operatorId, await lockActive(tx, operatorId), { version, ...more }, record)
      }),
    ])
    return moved.status === 'fulfilled' ? 'done' : (/PC\d{3}/.exec(String(moved.reason))?.[0] ?? String(moved.reason))
  }
  expect([await to(1), await to(0)]).toEqual(['PC002', 'PC002'])
  expect(await to(3, { previousVersion: 1 })).toBe('PC002')
  expect(await to(3, { candidate: 1, percent: 50 })).toBe('PC002')
  expect(await to(3, { scheduledVersion: 1, scheduledAt: new Date(deps.clock.nowMs()) })).toBe('PC002')
  expect(await to(2)).toBe('done')

  await world.database.admin`update operator set settings = '{"routing_single_person": true}'`
  expect(await to(1)).toBe('done')
})
