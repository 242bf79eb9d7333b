import { expect, it } from 'vitest'
import { torture } from './ledger-torture.ts'

it('keeps every acknowledged posting and whole books through 60 killed backends, 2 crashes of the server and 3 killed writers', async () => {
  const survived = await torture({ backendKills: 60, serverStops: 2, writerKills: 3 })
  expect(survived).toMatchObject({ backendsKilled: 60, missing: [], torn: 0, problems: [] })
  expect(survived.acknowledged).toBeGreaterThan(100)
  expect(Number(survived.journals)).toBeGreaterThanOrEqual(survived.acknowledged)
}, 120_000)
