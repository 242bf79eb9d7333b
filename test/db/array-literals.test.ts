import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { plainArray, textArray } from '../../src/db/array-literals.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await testDatabase()
})
afterAll(() => database.close())

it('gives the database any text as it is, and what is missing as missing', async () => {
  const text = fc.oneof(
    fc.constantFrom('', 'null', 'NULL', '"', '\\', '{}', ',', ' ', "'", '\n'),
    fc.string({ unit: 'grapheme' }),
  )
  const storable = text.filter((value) => value.isWellFormed() && !value.includes('\0'))
  const property = fc.asyncProperty(fc.array(fc.option(storable)), async (values) => {
    const [row] = await database.admin`select to_jsonb(${textArray(values)}::text[]) as list`
    expect(row?.list).toEqual(values)
  })
  await fc.assert(property)
})
it('gives numbers beyond the safe integers as they are', async () => {
  const literal = plainArray([1, 10n ** 38n - 1n])
  const [row] = await database.admin`select (${literal}::numeric[])::text as list`
  expect(row?.list).toBe(`{1,${10n ** 38n - 1n}}`)
})
