import { expect, it } from 'vitest'
import type { PlayType } from '../../src/core/play.ts'
import { playerWallet } from '../../src/db/ledger.ts'
import { deposit } from '../../src/flows/deposit.ts'
import { play } from '../../src/flows/play.ts'
import { setLimit } from '../../src/flows/set-limit.ts'
import { depositOrder, eur, type FlowWorld, flowWorld } from '../support/flows.ts'

async function funded() {
  const world = await flowWorld()
  await deposit(world.deps, depositOrder(world, '10.00'))
  const does = (type: PlayType, amount: string, reference: string, relatedReference: string | null = null) =>
    play(world.deps, {
      operatorId: world.operatorId,
      playerId: 'p1',
      type,
      amount: eur(amount),
      reference,
      relatedReference,
    })
  return { world, does }
}
const wallet = async ({ deps, operatorId }: FlowWorld) => {
  const [found] = await deps.db.tx(operatorId, (tx) => playerWallet(tx, operatorId, 'p1'))
  return { cash: found?.cash ?? 0n, bonus: found?.bonus ?? 0n }
}

it('takes a bet from cash first and the rest from bonus, and gives back just that', async () => {
  const { world, does } = await funded()
  await does('bonus_grant', '5.00', 'b1')
  await does('bet', '12.00', 'bet1')
  expect(await wallet(world)).toEqual({ cash: 0n, bonus: 300n })
  await does('rollback', '12.00', 'rb1', 'bet1')
  expect(await wallet(world)).toEqual({ cash: 1_000n, bonus: 500n })
  await does('rollback', '12.00', 'rb2', 'bet1')
  expect(await wallet(world)).toEqual({ cash: 1_000n, bonus: 500n })
})

it('posts a win once, however often it is told', async () => {
  const { world, does } = await funded()
  const told = await Promise.all(Array.from({ length: 10 }, () => does('win', '7.00', 'win1')))
  expect(told.filter(({ replayed }) => !replayed)).toHaveLength(1)
  expect(await wallet(world)).toEqual({ cash: 1_700n, bonus: 0n })
  await expect(does('win', '8.00', 'win1')).rejects.toMatchObject({ code: 'duplicate_reference' })
})

it('never lets two bets at once spend the same money', async () => {
  const { world, does } = await funded()
  const bets = await Promise.allSettled(Array.from({ length: 12 }, (_, n) => does('bet', '3.00', `bet${n}`)))
  expect(bets.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
  expect(await wallet(world)).toEqual({ cash: 100n, bonus: 0n })
})

it('refuses a bet whose rollback came first', async () => {
  const { world, does } = await funded()
  await does('rollback', '4.00', 'rb1', 'bet1')
  await expect(does('bet', '4.00', 'bet1')).rejects.toMatchObject({ code: 'rolled_back' })
  expect(await wallet(world)).toEqual({ cash: 1_000n, bonus: 0n })
})

it('rolls back a win that is still there, and refuses when it is spent', async () => {
  const { world, does } = await funded()
  await does('win', '5.00', 'w1')
  await does('bet', '15.00', 'bet1')
  await expect(does('rollback', '5.00', 'rb1', 'w1')).rejects.toMatchObject({ code: 'insufficient_funds' })
  expect(await wallet(world)).toEqual({ cash: 0n, bonus: 0n })
})

it('answers a bet that is sent again as before, whatever the wallet has become', async () => {
  const { world, does } = await funded()
  await does('bonus_grant', '5.00', 'b1')
  const first = await does('bet', '12.00', 'bet1')
  await does('win', '100.00', 'w1')
  expect(await does('bet', '12.00', 'bet1')).toMatchObject({ replayed: true, parts: first.parts })
  await expect(does('bet', '13.00', 'bet1')).rejects.toMatchObject({ code: 'duplicate_reference' })
  expect(await wallet(world)).toEqual({ cash: 10_000n, bonus: 300n })
})

it('counts what is lost against the loss limit, and not what was rolled back', async () => {
  const { world, does } = await funded()
  const { deps, operatorId } = world
  await setLimit(deps, {
    operatorId,
    playerId: 'p1',
    metric: 'loss',
    period: 'day',
    asset: 'EUR',
    minor: 600n,
    setBy: 'cli',
  })
  await does('bet', '4.00', 'bet1')
  await does('bet', '3.00', 'bet2')
  await does('rollback', '3.00', 'rb', 'bet2')
  await does('win', '1.00', 'w1')
  await expect(deposit(deps, depositOrder(world, '3.01'))).rejects.toMatchObject({ code: 'limit_exceeded' })
  expect((await deposit(deps, depositOrder(world, '3.00'))).status).toBe('succeeded')
})
