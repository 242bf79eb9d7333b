import { expect, it } from 'vitest'
import type { Account } from './account.ts'
import type { AdapterFixtures } from './fixtures.ts'

/** The account of the test that runs now. */
export type AccountOfTest = () => Account

/** Every case that fixtures may waive, in the test file that runs. */
const WAIVABLE = new Set<string>()

/** Runs a case, or shows why the processor can't have it. What is waived and given all the same is a stale excuse. */
export function caseOf(name: string, fixtures: AdapterFixtures, run: (() => Promise<void>) | undefined): void {
  WAIVABLE.add(name)
  const reason = fixtures.lacks?.[name]
  if (reason !== undefined) {
    it(`${name} can't be: ${reason}`, () => expect(run).toBeUndefined())
    return
  }
  it(name, async () => {
    expect(run, `fixtures lack "${name}": add the answer, or the reason under lacks`).toBeDefined()
    await run?.()
  })
}

/** Holds what is waived against the cases that there are; call it after them. */
export function waiverCases({ lacks = {} }: AdapterFixtures): void {
  it('waives only cases of this suite, each with a reason', () => {
    expect([...WAIVABLE]).toEqual(expect.arrayContaining(Object.keys(lacks)))
    for (const reason of Object.values(lacks)) expect(reason.split(' ').length).toBeGreaterThan(4)
  })
}
