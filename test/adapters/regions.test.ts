import { getCountrySpecifications, isSEPACountry } from 'ibantools'
import { expect, it } from 'vitest'
import { SEPA } from '../../src/adapters/regions.ts'

it('the countries of SEPA are those that ibantools knows', () => {
  expect(SEPA).toEqual(Object.keys(getCountrySpecifications()).filter(isSEPACountry).sort())
})
