import { expect, it } from 'vitest'
import { DECLINES, presentDecline } from '../../src/core/decline.ts'

it('shows a decline in our words, with the processor’s own code for support', () => {
  expect(presentDecline({ code: 'do_not_honor', processorCode: '05' })).toStrictEqual({
    code: 'do_not_honor',
    category: 'issuer_soft',
    retryable: true,
    advice: 'once',
    processor_code: '05',
  })
  expect(presentDecline({ code: 'lost_card' })).toStrictEqual({
    code: 'lost_card',
    category: 'instrument_hard',
    retryable: false,
    advice: 'never',
    processor_code: null,
  })
})

it('never tries a card again that a scheme has banned', () => {
  const banned = Object.values(DECLINES).filter((row) => 'scheme' in row)
  expect(banned).toHaveLength(5)
  for (const row of banned) expect(row).toMatchObject({ scheme: 'visa_category_1', next: 'never' })
})

it('never goes on from a duty, from fraud that a processor saw, or from what no table knows', () => {
  for (const code of ['sanctions_hit', 'aml_hold', 'self_excluded', 'rg_limit', 'underage', 'unmapped'] as const)
    expect(DECLINES[code].next).toBe('never')
  for (const code of ['processor_risk_decline', 'operator_blocklist', 'gambling_blocked_by_issuer'] as const)
    expect(DECLINES[code].next).toBe('never')
})
