import { expect, it } from 'vitest'
import { JOBS, lanesOf } from '../../src/jobs/table.ts'

it('does all its work in one of two lanes, and nothing that waits for operators in the one of the money', () => {
  const { money, notices } = lanesOf(JOBS)
  expect([...Object.keys(money.handlers), ...Object.keys(notices.handlers)].sort()).toEqual(
    Object.keys(JOBS.handlers).sort(),
  )
  expect(Object.keys(notices.handlers).sort()).toEqual(['deliver_notice', 'fan_out', 'recover_notices'])
  expect(Object.keys(money.handlers)).toContain('pay_out')
  expect([money.periodic, notices.periodic]).toEqual([JOBS.periodic, {}])
})
