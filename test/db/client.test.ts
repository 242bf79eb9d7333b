import { expect, it } from 'vitest'
import { databaseForThisTest } from '../support/database.ts'

it('works as the restricted role and knows the operator inside a transaction only', async () => {
  const { db } = await databaseForThisTest()
  const rows = await db.tx('opr_x', (tx) => tx`select current_user as who, current_setting('app.operator') as operator`)
  expect(rows).toEqual([{ who: 'paycage_app', operator: 'opr_x' }])
})
