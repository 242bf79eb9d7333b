import { expect, it } from 'vitest'
import { isOwnSandboxSecret, isOwnSecret } from '../../src/core/secret-ref.ts'

const [mine, other] = ['opr_01kx0000000000000000000001', 'opr_01kx0000000000000000000002']

it.each([
  `file:${mine}/adyen.json`,
  `file:${mine}/all.json#adyen`,
  `sandbox:${mine}/sandbox_a`,
  `env:PAYCAGE_SECRET_${mine.toUpperCase()}_ADYEN`,
])('lets an operator name its own secret %s', (ref) => expect(isOwnSecret(ref, mine)).toBe(true))

it.each([
  `file:${other}/adyen.json`,
  `file:${mine}/../${other}/adyen.json`,
  'file:adyen.json',
  `file:x/${mine}/adyen.json`,
  `env:PAYCAGE_SECRET_${other.toUpperCase()}_ADYEN`,
  'env:PAYCAGE_SECRET_ADYEN',
  mine,
  '',
])('does not let it name %s', (ref) => expect(isOwnSecret(ref, mine)).toBe(false))

it('keeps the credentials that a sandbox made apart, and lets a developer name the rest freely', () => {
  expect(isOwnSandboxSecret(`sandbox:${other}/sandbox_a`, mine)).toBe(false)
  expect(isOwnSandboxSecret('env:PAYCAGE_SECRET_ADYEN', mine)).toBe(true)
})
